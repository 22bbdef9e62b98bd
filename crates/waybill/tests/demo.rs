//! The demo as a process: what it tells, and that the commands it ends with run; killed at every named point of a turn with many
//! calls outstanding, resumed, and balanced; and spoiled on purpose, to see that its accounts can fail.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use sandbox::partner::{RunningSandbox, Sandbox, SandboxOptions};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};

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
    let arguments = ["--requests", "1000", "--payers", &url];
    let killed = demo(&dir, seed, &arguments, Some(failpoint));
    assert_eq!(killed.status.signal(), Some(SIGKILL), "{failpoint} was not reached: {killed:?}");
    let resumed = demo(&dir, seed, &[&arguments[..], &["--resume"]].concat(), None);
    let told = String::from_utf8_lossy(&resumed.stdout).into_owned() + &String::from_utf8_lossy(&resumed.stderr);
    assert!(resumed.status.success(), "after {failpoint}: {:?}\n{told}", resumed.status);
    runtime.block_on(payers.shutdown());
}

/// The JSON that a command prints, run by a shell as a reader would paste it.
fn pasted(command: &str) -> Value {
    let command = command.replacen(" --config", " --json --config", 1);
    let output = Command::new("sh").args(["-c", &command]).output().expect("a shell");
    assert!(output.status.success(), "{command}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// The rows of the last hint's SQL, through a client of our own: a machine need not have the one that is named.
fn rows(command: &str) -> usize {
    let (file, sql) = command.split_once(" \"").expect("a quoted query");
    let file = file.split_once("-box ").expect("a file").1.replace("'\\''", "\n").replace('\'', "").replace('\n', "'");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let mut database = options.connect().await.expect("a database");
        let rows = sqlx::query(AssertSqlSafe(sql.trim_end_matches('"').to_owned())).fetch_all(&mut database).await;
        rows.expect("an answer").len()
    })
}

#[test]
fn it_ends_with_commands_that_work() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path().join("a demo's");
    let output = demo(&dir, 9, &["--requests", "200", "--json"], None);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let arrivals = &report["figures"]["arrivals"];
    let all = ["accepted", "refused", "duplicates_suppressed", "conflicts_refused", "dead_letters"];
    assert_eq!(all.iter().filter_map(|name| arrivals[*name].as_u64()).sum::<u64>(), 200, "{arrivals}");
    assert_eq!(arrivals["dead_letters"], 1, "one of them was garbled");
    assert_eq!(report["imbalances"], Value::Array(Vec::new()));

    let commands = report["commands"].as_array().expect("commands");
    let commands: Vec<&str> = commands.iter().filter_map(|hint| hint["command"].as_str()).collect();
    let [status, owned, trace, letters, letter, rebuild, sql] = commands[..] else { panic!("{commands:?}") };
    let status = pasted(status);
    assert_eq!((&status["requests"], &status["letters_waiting"]), (&arrivals["accepted"], &Value::from(1)));
    assert_eq!(pasted(owned).as_array().map(|owned| owned.len() as u64), status["exceptions"].as_u64());
    assert_eq!(pasted(trace), report["timeline"], "the same story");
    let letters = pasted(letters);
    let letter = pasted(letter);
    assert_eq!(letters[0]["letter_id"], letter["letter_id"]);
    assert_eq!((&letter["stage"], &letter["standing"]), (&"intake".into(), &"waiting".into()));
    assert_eq!(letter["signature"], report["letter_groups"][0]["signature"]);
    assert!(letter["place"].is_string() && letter["hint"].is_string(), "{letter}");
    let (waybill, id) = trace.rsplit_once(" trace ").expect("a command");
    assert_eq!(report["timeline"]["request_id"], id);
    let outcomes = pasted(&format!("{waybill} outcomes --source enrolment --limit 1000"));
    let outcomes = outcomes.as_array().expect("outcomes");
    let repeated = outcomes.iter().find(|outcome| outcome["status"] == "duplicate").expect("a duplicate");
    let submission = repeated["submission_id"].as_str().expect("an id");
    let first = pasted(&format!("{waybill} trace {submission}"));
    assert_eq!(first["request_id"], repeated["request_id"], "a repeated submission has the story of the first");
    let id = letters[0]["letter_id"].as_str().expect("an id");
    let discard = format!("{waybill} letters discard {id} --reason 'a test' --operator sam");
    assert_eq!(pasted(&discard)["letter_id"], letter["letter_id"], "a command about a letter finds its way");
    assert!(pasted(rebuild)["records"].as_u64().is_some());
    assert_eq!(rows(sql), 8, "one row for each payer");
}

#[test]
fn people_are_told_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path().join("demo");
    let output = demo(&dir, 9, &["--requests", "200"], None);
    let told = String::from_utf8_lossy(&output.stdout);
    for part in [
        "200 submissions made",
        "How they ended",
        "Why, where there is something to explain",
        "duplicates suppressed",
        "retries at partners",
        "Dead letters by cause",
        "p99",
        "partner-dispatched",
        "balance: every submission",
        "To look further",
        "waybill.toml trace ",
        "sqlite3 -readonly",
    ] {
        assert!(told.contains(part), "{part} is missing in\n{told}");
    }
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
    for sabotage in ["double-effect", "lost-submission", "lost-outcome", "lost-row"] {
        let dir = tempfile::tempdir().expect("a directory");
        let dir = dir.path().join("demo");
        let spoiled = demo(&dir, 5, &["--requests", "150", "--sabotage", sabotage], None);
        assert_eq!(spoiled.status.code(), Some(ACCOUNTS), "{sabotage}: {spoiled:?}");
        let told = String::from_utf8_lossy(&spoiled.stdout);
        assert!(told.contains("WRONG"), "{sabotage} ended early: {spoiled:?}");
    }
}

#[test]
fn a_directory_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().expect("a directory");
    let dir = folder.path().join("deployment");
    std::fs::create_dir(&dir).expect("a directory");
    std::fs::write(dir.join("keys.toml"), "keys that matter").expect("a file");
    for arguments in [&["--requests", "20"][..], &["--requests", "20", "--resume"]] {
        let refused = demo(&dir, 3, arguments, None);
        assert_eq!(refused.status.code(), Some(65), "{refused:?}");
    }
    assert_eq!(std::fs::read_to_string(dir.join("keys.toml")).expect("still there"), "keys that matter");

    let dir = folder.path().join("demo");
    assert!(demo(&dir, 3, &["--requests", "20"], None).status.success());
    for (seed, requests) in [(4, "20"), (3, "10")] {
        let refused = demo(&dir, seed, &["--requests", requests, "--resume"], None);
        assert_eq!(refused.status.code(), Some(65), "{refused:?}");
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains("--seed 3 --requests 20"), "{told}");
    }
}
