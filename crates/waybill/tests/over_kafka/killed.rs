//! Worker processes that are killed, stopped and restarted under load: nothing is lost and nothing happens twice.

use std::process::Command;

use sandbox::partner::{RunningSandbox, Sandbox, SandboxOptions};
use tokio::runtime::Runtime;

use crate::cluster::{Deployment, Groups, Process, send, until};

/// How long payers take for an answer: so long that a hundred calls are outstanding at once, half of what the demo waits for.
const LATENCY_MS: u64 = 250;

/// Payers slow enough that many calls are outstanding at once.
struct Payers {
    runtime: Runtime,
    sandbox: RunningSandbox,
}

impl Payers {
    fn open(seed: u64) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let mut options = SandboxOptions::standard(seed);
        options.payers.iter_mut().for_each(|payer| payer.latency.typical_ms = LATENCY_MS);
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

/// A process that stands still.
fn stopped(process: u32) -> Option<u32> {
    let state = Command::new("ps").args(["-o", "state=", "-p", &process.to_string()]).output().expect("ps runs").stdout;
    state.starts_with(b"T").then_some(process)
}

/// The process of a role among the children of a demo.
fn child(demo: &Process, role: &str) -> Option<u32> {
    let found = Command::new("pgrep").args(["-P", &demo.0.id().to_string(), "-f", &format!("run {role}")]).output();
    String::from_utf8(found.expect("pgrep runs").stdout).ok()?.lines().next()?.parse().ok()
}

/// Workers stand still at these points for longer than their sessions last, and lose their partitions to other processes. When they
/// wake, what they had in hand is refused, calls included, and they go on as members among others.
fn wakes(roles: &[&str], point: &str, seed: &str) {
    let mut deployment = Deployment::new();
    let payers = Payers::open(seed.parse().expect("a number"));
    let failpoints: Vec<String> = roles.iter().map(|role| format!("{role}:{point}:stop")).collect();
    deployment.set("FAILPOINT", &failpoints.join(","));
    let url = payers.url();
    let mut demo = deployment.start("demo", &arguments(seed, &url));
    // The next one may have nothing to do before the successor of the one before it works.
    let stands_still = |role: &&str| {
        let zombie = until("a zombie", || stopped(child(&demo, role)?));
        (zombie, deployment.start_beside_demo(role, &["run", role, "--process", "second"]))
    };
    let (zombies, successors): (Vec<u32>, Vec<Process>) = roles.iter().map(stands_still).unzip();
    let groups = Groups::of(&deployment);
    for role in roles {
        until("the group to go on without it", || groups.has_only(role, "second").then_some(()));
    }
    zombies.iter().for_each(|zombie| send(*zombie, "CONT"));
    assert!(demo.ends(), "{}", deployment.logged("demo"));
    let told = deployment.logged("demo");
    assert!(told.contains("balance: every submission"), "{told}");
    assert!(!told.contains("it is started again"), "a zombie goes on, it does not end: {told}");
    drop(successors);
    payers.close();
}

#[test]
fn a_zombie_that_had_not_committed_wakes() {
    wakes(&["dispatch"], "before-commit:100", "31");
}

#[test]
fn a_zombie_that_had_calls_to_make_wakes() {
    wakes(&["dispatch"], "before-calls:100", "33");
}

#[test]
fn a_zombie_whose_calls_were_under_way_wakes() {
    wakes(&["dispatch"], "after-calls:100", "34");
}

#[test]
fn a_zombie_that_had_answers_wakes() {
    wakes(&["dispatch"], "before-answers-commit:100", "35");
}

#[test]
fn zombies_of_every_other_worker_wake() {
    wakes(&["intake", "identity", "reconciliation", "triage"], "before-commit:0", "36");
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
