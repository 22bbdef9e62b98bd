//! Worker processes that are killed, stopped and restarted under load: nothing is lost and nothing happens twice.

use std::process::Command;

use sandbox::partner::{RunningSandbox, Sandbox, SandboxOptions};
use tokio::runtime::Runtime;

use crate::cluster::{Deployment, Process, SESSION_MS, send, until};

/// Payers slow enough that many calls are outstanding at once.
struct Payers {
    runtime: Runtime,
    sandbox: RunningSandbox,
}

impl Payers {
    fn open(seed: u64) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let mut options = SandboxOptions::standard(seed);
        options.scale = 1.0;
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("payers");
        Self { runtime, sandbox }
    }

    fn url(&self) -> String {
        format!("http://{}", self.sandbox.address())
    }

    fn close(self) {
        self.runtime.block_on(self.sandbox.shutdown());
    }
}

fn arguments<'a>(seed: &'a str, url: &'a str) -> [&'a str; 9] {
    ["demo", "--dir", "demo", "--seed", seed, "--requests", "600", "--payers", url]
}

/// The demo's accounts balance although a worker ended at this point of a turn.
fn survives(failpoint: &str, seed: &str) {
    let mut deployment = Deployment::new();
    let payers = Payers::open(seed.parse().expect("a number"));
    deployment.set("FAILPOINT", failpoint);
    let url = payers.url();
    let output = deployment.waybill(&arguments(seed, &url));
    let told = crate::cluster::told(&output);
    assert!(output.status.success(), "{failpoint}: {told}");
    assert!(told.contains("a process has ended; it is started again"), "{failpoint} was not reached: {told}");
    assert!(told.contains("balance: every submission"), "{told}");
    payers.close();
}

#[test]
fn dispatch_is_killed_before_a_commit() {
    survives("dispatch:before-commit:100", "21");
}

#[test]
fn dispatch_is_killed_between_commit_and_call() {
    survives("dispatch:before-calls:100", "22");
}

#[test]
fn dispatch_is_killed_in_mid_call() {
    survives("dispatch:after-calls:100", "23");
}

#[test]
fn dispatch_is_killed_between_answer_and_commit() {
    survives("dispatch:before-answers-commit:100", "24");
}

#[test]
fn intake_is_killed() {
    survives("intake:before-commit", "25");
}

#[test]
fn identity_is_killed() {
    survives("identity:before-commit", "26");
}

#[test]
fn reconciliation_is_killed() {
    survives("reconciliation:before-commit", "27");
}

#[test]
fn triage_is_killed() {
    survives("triage:before-commit", "28");
}

/// The process of a role among the children of a demo.
fn child(demo: &Process, role: &str) -> Option<u32> {
    let found = Command::new("pgrep").args(["-P", &demo.0.id().to_string(), "-f", &format!("run {role}")]).output();
    String::from_utf8(found.expect("pgrep runs").stdout).ok()?.lines().next()?.parse().ok()
}

/// A worker that stands still longer than its session lasts loses its partitions to another process. When it wakes, what it had in hand
/// is refused, and it goes on as a member among others.
#[test]
fn a_zombie_that_wakes_does_nothing_twice() {
    let deployment = Deployment::new();
    let payers = Payers::open(31);
    let url = payers.url();
    let mut demo = deployment.start("demo", &arguments("31", &url));
    let zombie = until("dispatch to begin", || child(&demo, "dispatch"));
    until("the first calls", || {
        let log = std::fs::read_to_string(deployment.folder().join("demo/dispatch.log")).ok()?;
        log.contains("running").then_some(())
    });
    let second = deployment.start_beside_demo("second", &["run", "dispatch", "--process", "second"]);
    until("the second to run", || deployment.logged("second").contains("running").then_some(()));
    send(zombie, "STOP");
    std::thread::sleep(std::time::Duration::from_millis(2 * SESSION_MS));
    send(zombie, "CONT");
    assert!(demo.ends(), "{}", deployment.logged("demo"));
    assert!(deployment.logged("demo").contains("balance: every submission"), "{}", deployment.logged("demo"));
    drop(second);
    payers.close();
}

/// Each worker is told to end while there is work, one after the other, and its successor takes over.
#[test]
fn a_rolling_restart_loses_nothing() {
    let deployment = Deployment::new();
    let payers = Payers::open(32);
    let url = payers.url();
    let mut demo = deployment.start("demo", &arguments("32", &url));
    for role in ["intake", "identity", "dispatch", "reconciliation", "triage"] {
        let before = until("a process", || child(&demo, role));
        send(before, "TERM");
        until("its successor", || child(&demo, role).filter(|after| *after != before));
    }
    assert!(demo.ends(), "{}", deployment.logged("demo"));
    let told = deployment.logged("demo");
    assert!(told.contains("balance: every submission"), "{told}");
    assert_eq!(told.matches("it is started again").count(), 5, "{told}");
    payers.close();
}
