//! The demo as a process: killed at every named point of a turn with many calls outstanding, resumed, and balanced; and spoiled on
//! purpose, to see that its accounts can fail.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use sandbox::partner::{RunningSandbox, Sandbox, SandboxOptions};

const WAYBILL: &str = env!("CARGO_BIN_EXE_waybill");
const SIGKILL: i32 = 9;
/// The exit code of accounts that don't balance.
const ACCOUNTS: i32 = 3;

/// Payers that outlive the process under test, slow enough that many calls are outstanding at once.
async fn payers(seed: u64) -> RunningSandbox {
    let mut options = SandboxOptions::standard(seed);
    options.scale = 1.0;
    Sandbox::start(options).await.expect("payers")
}

fn demo(dir: &Path, seed: u64, arguments: &[&str], failpoint: Option<&str>) -> Output {
    let mut command = Command::new(WAYBILL);
    command.arg("demo").arg("--dir").arg(dir).args(["--seed", &seed.to_string()]).args(arguments);
    command.env_remove("WAYBILL_FAILPOINT").env("WAYBILL_LOGS_FILTER", "warn");
    if let Some(failpoint) = failpoint {
        command.env("WAYBILL_FAILPOINT", failpoint);
    }
    command.output().expect("the binary runs")
}

/// Nothing is lost and nothing happens twice, wherever the process ends with a hundred calls outstanding.
fn survives(failpoint: &str, seed: u64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let payers = runtime.block_on(payers(seed));
    let url = format!("http://{}", payers.address());
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path().join("demo");
    let arguments = ["--requests", "500", "--payers", &url];
    let killed = demo(&dir, seed, &arguments, Some(failpoint));
    assert_eq!(killed.status.signal(), Some(SIGKILL), "{failpoint} was not reached: {killed:?}");
    let resumed = demo(&dir, seed, &[&arguments[..], &["--resume"]].concat(), None);
    let told = String::from_utf8_lossy(&resumed.stdout).into_owned() + &String::from_utf8_lossy(&resumed.stderr);
    assert!(resumed.status.success(), "after {failpoint}: {:?}\n{told}", resumed.status);
    runtime.block_on(payers.shutdown());
}

#[test]
fn survives_the_end_before_a_commit() {
    survives("dispatch:before-commit:100", 11);
}

#[test]
fn survives_the_end_between_commit_and_call() {
    survives("dispatch:before-calls:100", 12);
}

#[test]
fn survives_the_end_in_mid_call() {
    survives("dispatch:after-calls:100", 13);
}

#[test]
fn survives_the_end_between_answer_and_commit() {
    survives("dispatch:before-answers-commit:100", 14);
}

#[test]
fn spoiled_accounts_are_noticed() {
    for sabotage in ["double-effect", "lost-submission", "lost-outcome"] {
        let dir = tempfile::tempdir().expect("a directory");
        let dir = dir.path().join("demo");
        let spoiled = demo(&dir, 5, &["--requests", "150", "--sabotage", sabotage], None);
        assert_eq!(spoiled.status.code(), Some(ACCOUNTS), "{sabotage}: {spoiled:?}");
    }
}
