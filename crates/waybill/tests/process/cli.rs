//! The command line: what it answers, what it refuses, and that a running process answers for its directory.

use serde_json::Value;

use crate::deployment::{Deployment, example, request, told};

#[test]
fn five_mistakes_in_a_configuration_are_told_at_once() {
    let deployment = Deployment::new();
    let config = "mode = \"prod\"\npartitions = 0\ncolour = 1\n[admin]\nlisten = \"here\"\n[logs]\nformat = \"xml\"\n";
    deployment.write("waybill.toml", config);
    for arguments in [&["run", "--all"][..], &["status"]] {
        let output = deployment.waybill(arguments);
        assert_eq!(output.status.code(), Some(64), "{}", told(&output));
        for path in ["mode:", "partitions:", "colour:", "admin.listen:", "logs.format:"] {
            assert!(told(&output).contains(path), "{path} is missing in {}", told(&output));
        }
    }
    let output = deployment.waybill(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains("5 of 5 checks found something wrong"), "{}", told(&output));
    assert!(!deployment.path("").exists(), "nothing was started");
}

#[test]
fn bad_submissions_are_refused_whole_and_nothing_of_them_is_repeated() {
    let deployment = Deployment::new();
    let mut bad = request();
    bad["member"]["birth_date"] = 19_840_229.into();
    deployment.write("bad.jsonl", &format!("{}\n{bad}\n{{\"Okonkwo\n", request()));
    let output = deployment.waybill(&["submit", "bad.jsonl"]);
    assert_eq!(output.status.code(), Some(65));
    let told = told(&output);
    assert!(told.contains("line 2: member.birth_date: expected") && told.contains("line 3: no JSON"), "{told}");
    assert!(!told.contains("1984") && !told.contains("Okonkwo"), "{told}");
    let status = deployment.answer(&["status"]);
    assert_eq!(status["stages"][0]["lag"], 0, "the good line went nowhere either");
}

#[test]
fn a_running_process_answers_for_its_directory() {
    let deployment = Deployment::new();
    let process = deployment.run();

    let second = deployment.waybill(&["run", "intake"]);
    assert_eq!(second.status.code(), Some(75), "{}", told(&second));

    let mut member = example("roster-member/v1.examples/member.json");
    member["member_key"] = "account-1".into();
    deployment.write("members.jsonl", &member.to_string());
    assert_eq!(deployment.answer(&["members", "load", "members.jsonl"])["members"], 1);

    deployment.write("good.jsonl", &request().to_string());
    let sent = deployment.answer(&["submit", "good.jsonl"]);
    let id = sent["requests"][0]["request_id"].as_str().expect("an id").to_owned();
    let key = request()["idempotency_key"].as_str().expect("a key").to_owned();

    let accepted = deployment.until("an outcome", || {
        let outcomes = deployment.answer(&["outcomes", "--source", "enrolment", "--id", &id]);
        outcomes.as_array().and_then(|outcomes| outcomes.first().cloned())
    });
    assert_eq!(accepted["status"], "accepted");

    let hold = ["hold", &id, "--reason", "a test", "--operator", "sam"];
    let given = deployment.answer(&hold);
    assert_eq!((&given["action"], &given["request_id"]), (&"hold".into(), &Value::from(id.as_str())));
    let story = deployment.until("the hold", || {
        let story = deployment.answer(&["trace", "--source", "enrolment", "--key", &key]);
        let is_held = |step: &Value| step["event"] == "held" && step["operator"] == "sam";
        story["timeline"].as_array()?.iter().any(is_held).then_some(story)
    });
    assert_eq!(story["request_id"], id.as_str());
    assert_eq!(story["timeline"][0]["event"], "received");

    assert_eq!(process.stop(), Some(0), "an orderly end");
    assert!(!deployment.path("admin.json").exists(), "its pass is withdrawn");
    assert_eq!(deployment.answer(&["trace", &id])["timeline"], story["timeline"], "the directory itself says the same");
    assert!(deployment.waybill(&["doctor", "--verify"]).status.success());
}

#[test]
fn what_is_not_there_is_told_by_its_own_exit_code() {
    let deployment = Deployment::new();
    let nowhere = "0f8fad5b-d9cb-869f-a165-70867728950e";
    let by = ["--reason", "a test", "--operator", "sam"];
    for arguments in [
        &["trace", nowhere][..],
        &["letters", "show", nowhere],
        &["outcomes", "--source", "nobody"],
        &[&["letters", "replay", nowhere][..], &by].concat(),
    ] {
        let output = deployment.waybill(arguments);
        assert_eq!(output.status.code(), Some(66), "{arguments:?}: {}", told(&output));
    }
    assert_eq!(deployment.answer(&["letters", "list"]), Value::Array(Vec::new()));
    assert_eq!(deployment.answer(&["review", "list"]), Value::Array(Vec::new()));
}
