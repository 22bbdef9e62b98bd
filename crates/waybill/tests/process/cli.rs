//! The command line: what it answers, what it refuses, and that a running process answers for its directory.

use std::process::Stdio;

use serde_json::Value;

use crate::deployment::{Deployment, PARTNER, Process, example, request, told};

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
    // One that is tried again for longer than the test takes: what is under way can be held.
    let patient = PARTNER.replace(
        "attempts_max = 2, backoff_ms = 10, backoff_ms_max = 20",
        "attempts_max = 90, backoff_ms = 2000, backoff_ms_max = 4000",
    );
    deployment.write("partners/evergreen.toml", &patient);
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
    assert_eq!(given["result"], "done");
    let story = deployment.answer(&["trace", "--source", "enrolment", "--key", &key]);
    let is_held = |step: &Value| step["event"] == "held" && step["operator"] == "sam";
    assert!(story["timeline"].as_array().is_some_and(|steps| steps.iter().any(is_held)), "{story}");
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

/// Submissions that some stage has not taken, and those that it has.
fn accounted_for(status: &Value) -> i64 {
    let count = |name: &str| status[name].as_i64().expect("a count");
    status["stages"][0]["lag"].as_i64().expect("a count") + count("requests") + count("refused_submissions")
}

#[test]
fn status_tells_of_a_submission_as_soon_as_it_is_made() {
    let deployment = Deployment::new();
    let send = |number: usize| {
        let mut request = request();
        request["idempotency_key"] = format!("key-{number}").into();
        deployment.write("one.jsonl", &request.to_string());
        assert_eq!(deployment.answer(&["submit", "one.jsonl"])["sent"], 1);
        deployment.answer(&["status"])
    };
    let status = send(1);
    assert_eq!((accounted_for(&status), &status["stages"][0]["lag"]), (1, &Value::from(1)), "nobody runs");
    assert!(status["stages"][0]["lag_oldest_ms"].is_u64(), "{status}");

    let process = deployment.run();
    for number in 2..6 {
        let status = send(number);
        assert!(i64::try_from(number).is_ok_and(|number| number <= accounted_for(&status)), "{number}: {status}");
        assert_eq!(status["stages"][0]["ready"], true, "{status}");
    }
    let status = deployment.until("intake to take them", || {
        let status = deployment.answer(&["status"]);
        (status["requests"] == 5).then_some(status)
    });
    let states = status["states"].as_array().expect("states");
    assert_eq!(states.iter().filter_map(|state| state["requests"].as_u64()).sum::<u64>(), 5);
    assert_eq!(process.stop(), Some(0), "an orderly end");
    assert_eq!(deployment.answer(&["status"])["requests"], 5, "the directory itself says the same");
}

#[test]
fn a_review_shows_whom_there_is_to_choose_from_until_it_is_decided() {
    let deployment = Deployment::new();
    let process = deployment.run();
    // The same as far as anybody can see, but for the number on the card, which the claim leaves out.
    let account = |key: &str, number: &str| {
        let mut member = example("roster-member/v1.examples/member.json");
        member["member_key"] = key.into();
        member["coverages"][0]["member_id"] = number.into();
        member.to_string()
    };
    let roster = [account("account-1", "LSH77120984"), account("account-2", "LSH77120985")].join("\n");
    deployment.write("members.jsonl", &roster);
    assert_eq!(deployment.answer(&["members", "load", "members.jsonl"])["members"], 2);
    let mut request = request();
    request["coverage_to_link"]["member_id"] = Value::Null;
    deployment.write("good.jsonl", &request.to_string());
    let sent = deployment.answer(&["submit", "good.jsonl"]);
    let id = sent["requests"][0]["request_id"].as_str().expect("an id").to_owned();

    let reviews = deployment.until("the review", || {
        let reviews = deployment.answer(&["review", "list"]);
        (reviews.as_array().map(Vec::len) == Some(1)).then_some(reviews)
    });
    assert_eq!((&reviews[0]["request_id"], &reviews[0]["held"]), (&id.as_str().into(), &false.into()));
    let candidates = reviews[0]["candidates"].as_array().expect("candidates");
    assert_eq!(candidates.len(), 2);
    let status = deployment.answer(&["status"]);
    assert_eq!(status["reviews_open"], 1);
    assert!(status["reviews_oldest_ms"].is_u64(), "{status}");

    deployment.answer(&["review", "open", &id, "--as", "sam"]);
    let nobody = ["review", "decide", &id, "--nobody", "--reason", "a test", "--operator", "sam"];
    let given = deployment.answer(&nobody);
    assert_eq!((&given["action"], &given["result"]), (&"decide_review".into(), &"done".into()));
    let story = deployment.until("the end", || {
        let story = deployment.answer(&["trace", &id]);
        (story["state"] == "closed").then_some(story)
    });
    assert_eq!((&story["outcome"], &story["code"]), (&"rejected".into(), &"reviewed-nobody".into()));
    let decided = story["timeline"].as_array().expect("steps").iter().find(|step| step["event"] == "review-decided");
    let decided = decided.expect("a decision");
    assert_eq!((&decided["operator"], &decided["by"]), (&"sam".into(), &"identity".into()));
    assert!(decided["after_ms"].is_u64() && story["took_ms"].is_u64(), "{story}");
    assert_eq!(deployment.answer(&["review", "list"]), Value::Array(Vec::new()));
    drop(process);
}

#[test]
fn a_process_without_a_projector_answers_all_the_same() {
    let deployment = Deployment::new();
    let arguments = ["run", "intake"];
    let process = Process(deployment.command(&arguments).stderr(Stdio::null()).spawn().expect("it starts"));
    deployment.until("the process to answer", || deployment.path("admin.json").exists().then_some(()));
    deployment.write("good.jsonl", &request().to_string());
    let id = deployment.answer(&["submit", "good.jsonl"])["requests"][0]["request_id"].clone();
    let id = id.as_str().expect("an id");
    let story = deployment.until("intake's judgement", || {
        let output = deployment.waybill(&["--json", "trace", id]);
        serde_json::from_slice::<Value>(&output.stdout).ok()
    });
    assert_eq!(story["state"], "validated");
    let rebuilt = deployment.answer(&["projections", "rebuild"]);
    assert!(rebuilt["records"].as_u64().is_some_and(|records| 2 <= records), "{rebuilt}");
    assert_eq!(deployment.answer(&["trace", id])["timeline"], story["timeline"]);
    assert_eq!(process.stop(), Some(0), "an orderly end");
}
