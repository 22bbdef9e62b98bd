//! Files that people hand in: whatever is wrong is told with file and line, nothing of it is sent, and nothing of it is repeated.

use std::fs;

use serde_json::Value;

use crate::deployment::{Deployment, request};

/// What is told of a file of submissions with these bytes.
fn told_of(deployment: &Deployment, bytes: &[u8]) -> String {
    fs::write(deployment.folder().join("handed.jsonl"), bytes).expect("a file");
    deployment.refusal(65, &["submit", "handed.jsonl"])
}

/// With a good line before the bad one, so that it shows that neither is sent.
fn after_a_good_line(bad: &[u8]) -> Vec<u8> {
    [request().to_string().as_bytes(), b"\n", bad, b"\n"].concat()
}

#[test]
fn a_file_that_is_no_lines_of_json_is_told_so() {
    let deployment = Deployment::new();
    let told = told_of(&deployment, &after_a_good_line(b"{\"source\": \"Okonkwo \xff\"}"));
    assert!(told.contains("handed.jsonl: line 2 is not UTF-8") && told.contains("save the file as UTF-8"), "{told}");
    assert!(!told.contains("Okonkwo"), "{told}");
    for empty in [&b""[..], b"\n \n"] {
        let told = told_of(&deployment, empty);
        assert!(told.contains("handed.jsonl: there is no line to read; give one JSON object a line"), "{told}");
    }
    let told = deployment.refusal(65, &["submit", "partners"]);
    assert!(told.contains("partners can't be read") && told.contains("name a file of JSON lines"), "{told}");
    let told = deployment.refusal(66, &["members", "load", "nowhere.jsonl"]);
    assert!(told.contains("nowhere.jsonl can't be read") && told.contains("name a file of JSON lines"), "{told}");
    nothing_was_sent(&deployment);
}

/// What is larger than any record may be is found before anything is sent; what intake itself would refuse is sent, so that its
/// source hears of it.
#[test]
fn a_line_too_large_for_a_record_is_named() {
    let deployment = Deployment::new();
    let large = |kibibytes: usize| {
        let mut large = request();
        large["payload"] = serde_json::json!({"format": "text/plain", "body": "eHh4".repeat(kibibytes * 256)});
        large
    };
    let told = told_of(&deployment, &after_a_good_line(large(1500).to_string().as_bytes()));
    assert!(told.contains("handed.jsonl: nothing was sent; 1 line(s) are wrong:"), "{told}");
    assert!(told.contains("line 2: ") && told.contains("bytes, the limit is 1048576"), "{told}");
    assert!(!told.contains("eHh4") && told.len() < 400, "{told}");
    nothing_was_sent(&deployment);

    deployment.write("large.jsonl", &large(700).to_string());
    assert_eq!(deployment.answer(&["submit", "large.jsonl"])["sent"], 1);
    let process = deployment.run();
    let outcome = deployment.until("an outcome", || {
        deployment.answer(&["outcomes", "--source", "enrolment"]).as_array().and_then(|all| all.first().cloned())
    });
    assert_eq!((&outcome["status"], &outcome["code"]), (&Value::from("refused"), &Value::from("payload-too-large")));
    assert_eq!(process.stop(), Some(0));
}

fn nothing_was_sent(deployment: &Deployment) {
    assert_eq!(deployment.answer(&["status"])["stages"][0]["lag"], 0);
}
