//! What operators and newcomers do, and what they are told of it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::deployment::{Deployment, Process, ROOT, request, told};

const NOWHERE: &str = "0f8fad5b-d9cb-869f-a165-70867728950e";
const BY: [&str; 4] = ["--reason", "a test", "--operator", "sam"];

#[test]
fn a_command_tells_what_came_of_it() {
    let deployment = Deployment::new();
    let process = deployment.run();
    let id = deployment.accepted("key-1");
    let give = |verb: &str, id: &str| deployment.waybill(&[&[verb, id][..], &BY].concat());

    let refused = give("release", &id);
    assert_eq!(refused.status.code(), Some(4), "{}", told(&refused));
    assert!(told(&refused).contains("refused: not-in-this-state. The command has no place"), "{}", told(&refused));
    let story = deployment.answer(&["trace", &id]);
    let is_refusal = |step: &Value| step["event"] == "command-refused" && step["operator"] == "sam";
    assert!(story["timeline"].as_array().is_some_and(|steps| steps.iter().any(is_refusal)), "{story}");

    let unknown = give("cancel", NOWHERE);
    assert_eq!(unknown.status.code(), Some(4), "{}", told(&unknown));
    assert!(told(&unknown).contains("target-unknown"), "{}", told(&unknown));
    assert!(told(&unknown).contains("Nothing was put on record"), "{}", told(&unknown));
    assert_eq!(deployment.answer(&["status"])["requests"], 1, "a command about nothing makes no request");
    let nothing = deployment.refusal(66, &["trace", NOWHERE]);
    assert!(nothing.contains("nothing is on the log about"), "{nothing}");

    let failure = deployment.waybill(&[&["--json", "cancel", NOWHERE][..], &BY].concat());
    let failure: Value = serde_json::from_slice(&failure.stderr).expect("JSON on standard error");
    assert_eq!(failure["exit_code"], 4);
    assert_eq!(process.stop(), Some(0), "an orderly end");
    assert_eq!(commands_on_record(&deployment), 1, "the release alone");

    let given = deployment.answer(&[&["hold", &id][..], &BY].concat());
    assert_eq!(given["result"], "pending", "nobody runs who could judge it");
    let unknown = give("hold", NOWHERE);
    assert_eq!(unknown.status.code(), Some(4), "also where nobody runs: {}", told(&unknown));
    assert_eq!(commands_on_record(&deployment), 2);
}

/// How many commands stand on their topic, while no process runs.
fn commands_on_record(deployment: &Deployment) -> usize {
    let log = deployment.log();
    log.read(&log.topics.name(&contracts::Topic::Commands)).len()
}

/// Whoever has submitted may not have been heard yet: where nobody has taken the submission in, a command about it is put on record, and
/// judged once the request is there.
#[test]
fn a_command_about_a_request_that_intake_has_still_before_it_is_put_on_record() {
    let deployment = Deployment::new();
    deployment.write("one.jsonl", &request().to_string());
    let sent = deployment.answer(&["submit", "one.jsonl"]);
    let id = sent["requests"][0]["request_id"].as_str().expect("an id").to_owned();
    let given = deployment.answer(&[&["cancel", &id][..], &BY].concat());
    assert_eq!(given["result"], "pending");
    let process = deployment.run();
    let story = deployment.until("the cancel to be judged", || {
        let output = deployment.waybill(&["--json", "trace", &id]);
        let story: Value = serde_json::from_slice(&output.stdout).ok()?;
        let steps = story["timeline"].as_array()?;
        steps.iter().any(|step| step["operator"] == "sam").then_some(story)
    });
    assert_eq!(story["request_id"], id.as_str());
    assert_eq!(process.stop(), Some(0), "an orderly end");
}

/// What is left on the log and nobody works on is told beside the answer, and what to do; nothing is told where somebody works.
#[test]
fn whoever_leaves_work_that_nobody_does_is_told_so() {
    let deployment = Deployment::new();
    deployment.write("one.jsonl", &request().to_string());
    let noted = |arguments: &[&str]| {
        let output = deployment.waybill(arguments);
        assert!(output.status.success(), "{}", told(&output));
        String::from_utf8(output.stderr).expect("text")
    };
    let alone = noted(&["submit", "one.jsonl"]);
    assert!(alone.contains("nobody works on it") && alone.contains("waybill run --all"), "{alone}");
    let json: Value = serde_json::from_str(&noted(&["--json", "submit", "one.jsonl"])).expect("JSON");
    assert!(json["note"].as_str().is_some_and(|note| note.contains("waybill run --all")), "{json}");
    assert_eq!(noted(&["status"]), "", "what only reads leaves nothing");

    let process = deployment.run();
    assert_eq!(noted(&["submit", "one.jsonl"]), "");
    let id = deployment.accepted("key-1");
    assert_eq!(process.stop(), Some(0), "an orderly end");
    let held = noted(&[&["hold", &id][..], &BY].concat());
    assert!(held.contains("nobody works on it"), "{held}");
}

#[test]
fn a_refused_submission_is_found_by_its_key_and_by_the_id_it_was_given() {
    let deployment = Deployment::new();
    let process = deployment.run();
    let mut submission = request();
    submission["consent"] = Value::Null;
    deployment.write("one.jsonl", &submission.to_string());
    let sent = deployment.answer(&["submit", "one.jsonl"]);
    let id = sent["requests"][0]["request_id"].as_str().expect("an id").to_owned();
    let refused = deployment.until("the refusal", || {
        let output = deployment.waybill(&["--json", "trace", &id]);
        serde_json::from_slice::<Value>(&output.stdout).ok()
    });
    let step = &refused["timeline"][0];
    assert_eq!((&step["event"], &step["code"]), (&"refused".into(), &"consent-missing".into()));
    let key = submission["idempotency_key"].as_str().expect("a key");
    let by_key = deployment.answer(&["trace", "--source", "enrolment", "--key", key]);
    assert_eq!(by_key["timeline"], refused["timeline"]);
    let by_submission = deployment.answer(&["trace", refused["request_id"].as_str().expect("an id")]);
    assert_eq!(by_submission["timeline"], refused["timeline"]);

    let accepted = deployment.accepted(key);
    assert_eq!(accepted, id, "the key was free");
    assert_eq!(deployment.answer(&["trace", &id])["timeline"][0]["event"], "received");
    assert_eq!(process.stop(), Some(0), "an orderly end");
}

#[test]
fn requests_are_listed_by_what_they_have_in_common() {
    let deployment = Deployment::new();
    let process = deployment.run();
    for key in ["key-1", "key-2"] {
        deployment.accepted(key);
    }
    let list = |filter: &[&str]| {
        let listed = deployment.answer(&[&["requests"], filter].concat());
        listed.as_array().expect("a list").iter().map(|line| line["request_id"].clone()).collect::<Vec<_>>()
    };
    // Nobody is on the roster.
    deployment.until("their end", || (list(&["--state", "closed"]).len() == 2).then_some(()));
    assert_eq!(list(&["--code", "no-candidate"]).len(), 2);
    assert!(list(&["--open"]).is_empty());
    assert_eq!(list(&["--source", "enrolment", "--partner", "evergreen"]).len(), 2);
    assert_eq!(list(&["--source", "enrolment", "--limit", "1"]).len(), 1);
    assert!(list(&["--partner", "nobody"]).is_empty());
    let wrong = deployment.waybill(&["requests", "--code", "nonsense"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", told(&wrong));
    assert_eq!(process.stop(), Some(0), "an orderly end");
}

/// The README's first steps, with the files it names.
#[test]
fn the_examples_end_fulfilled_at_the_simulated_payers() {
    let deployment = Deployment::new();
    let deploy = Path::new(ROOT).join("deploy");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    for file in fs::read_dir(deploy.join("partners")).expect("partners").flatten() {
        let text = fs::read_to_string(file.path()).expect("a table").replace("127.0.0.1:9470", &free.to_string());
        deployment.write(&format!("partners/{}", file.file_name().display()), &text);
    }
    let arguments = ["sandbox", "--faults", "none", "--listen", &free.to_string()];
    let sandbox = deployment.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let sandbox = Process(sandbox.expect("it starts"));
    let process = deployment.run();
    let example = |name: &str| deploy.join("examples").join(name).display().to_string();
    assert_eq!(deployment.answer(&["members", "load", &example("members.jsonl")])["members"], 3);
    let sent = deployment.answer(&["submit", &example("requests.jsonl")]);
    for request in sent["requests"].as_array().expect("requests") {
        let id = request["request_id"].as_str().expect("an id");
        let story = deployment.until("the end", || {
            let output = deployment.waybill(&["--json", "trace", id]);
            let story: Value = serde_json::from_slice(&output.stdout).ok()?;
            (story["state"] == "closed").then_some(story)
        });
        assert_eq!(story["outcome"], "fulfilled", "{story}");
    }
    assert_eq!(process.stop(), Some(0), "an orderly end");
    drop(sandbox);
}

#[test]
fn things_are_told_as_they_stood_at_a_moment() {
    let deployment = Deployment::new();
    let process = deployment.run();
    let id = deployment.accepted("key-1");
    let story = deployment.until("its end", || {
        let story = deployment.answer(&["trace", &id]);
        (story["state"] == "closed").then_some(story)
    });
    assert_eq!(deployment.answer(&["trace", &id, "--as-of", "2999-12-31"])["timeline"], story["timeline"]);
    assert_eq!(deployment.answer(&["requests", "--as-of", "2020-01-01T00:00Z"]), Value::Array(Vec::new()));
    deployment.refusal(66, &["trace", &id, "--as-of", "2020-01-01"]);
    let wrong = deployment.refusal(2, &["requests", "--as-of", "yesterday"]);
    assert!(wrong.contains("expected a moment in UTC"), "{wrong}");
    let left = fs::read_dir(deployment.path("")).expect("a folder").flatten();
    assert!(
        left.into_iter().all(|file| !file.file_name().to_string_lossy().contains("as-of")),
        "nothing is left behind"
    );
    assert_eq!(process.stop(), Some(0), "an orderly end");
}
