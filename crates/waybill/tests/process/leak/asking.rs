//! Everything that a deployment answers: over its admin endpoint, and by the command line, also where that refuses.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tests::leak::Canary;
use tests::leak::places::Look;
use tokio::runtime::Runtime;

use crate::deployment::{Deployment, request, told};

const SOURCES: [&str; 5] = ["enrolment", "member-portal", "member-portal", "signer", "unregistered"];

/// What sources were told and what the timelines say, in one text.
pub(super) fn stories(deployment: &Deployment) -> String {
    let mut text = String::new();
    for id in ids(deployment) {
        text += &told(&deployment.waybill(&["--json", "trace", &id]));
    }
    for source in SOURCES {
        text += &deployment.answer(&["outcomes", "--source", source, "--limit", "1000"]).to_string();
    }
    text
}

/// Shows every answer to `look`.
pub(super) fn everything(deployment: &Deployment, canaries: &[Canary], look: Look<'_>) {
    commands(deployment, look);
    explanations(deployment, look);
    refusals(deployment, canaries, look);
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(endpoint(deployment, &canaries[0], look));
}

/// The requests and refused submissions that sources were told of.
fn ids(deployment: &Deployment) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for source in SOURCES {
        let outcomes = deployment.answer(&["outcomes", "--source", source, "--limit", "1000"]);
        for outcome in outcomes.as_array().expect("a list") {
            let id = [&outcome["request_id"], &outcome["submission_id"]].into_iter().find_map(Value::as_str);
            ids.extend(id.map(str::to_owned));
        }
    }
    ids
}

/// What commands answer that are all well, for people and for machines.
fn commands(deployment: &Deployment, look: Look<'_>) {
    let mut asked: Vec<Vec<String>> = Vec::new();
    let mut ask = |arguments: &[&str]| asked.push(arguments.iter().map(|argument| (*argument).to_owned()).collect());
    for arguments in [&["status"][..], &["letters", "list", "--all"], &["review", "list"], &["doctor"], &["reasons"]] {
        ask(arguments);
    }
    SOURCES.iter().for_each(|source| ask(&["outcomes", "--source", source, "--limit", "1000"]));
    ids(deployment).iter().for_each(|id| ask(&["trace", id]));
    for letter in deployment.answer(&["letters", "list", "--all"]).as_array().expect("a list") {
        ask(&["letters", "show", letter["letter_id"].as_str().expect("an id")]);
    }
    ask(&["policy", "match", "canary", "--report"]);
    ask(&["policy", "match", "replay", "--policy", "policy/matching.toml", "--since", "2020-01-01"]);
    ask(&["identity", "report", "--since", "2020-01-01", "--by", "source"]);
    ask(&["identity", "guard"]);
    ask(&["projections", "rebuild"]);
    for arguments in &asked {
        for form in [&["--json"][..], &[]] {
            let arguments = [form.to_vec(), arguments.iter().map(String::as_str).collect()].concat();
            let output = deployment.waybill(&arguments);
            assert!(output.status.success(), "{arguments:?}: {}", told(&output));
            look(&format!("the answer to {arguments:?}"), told(&output).as_bytes());
        }
    }
}

/// Why identity decided. Whoever looks is shown canaries; what is logged meanwhile is searched with all the rest.
fn explanations(deployment: &Deployment, look: Look<'_>) {
    let mut looked = 0;
    for id in ids(deployment) {
        let output = deployment.waybill(&["--json", "identity", "explain", &id]);
        look(&format!("the explanation of {id}"), told(&output).as_bytes());
        if output.status.success() {
            let shown = deployment.waybill(&["identity", "explain", &id, "--open", "--as", "sam"]);
            looked += usize::from(shown.status.success());
        }
    }
    assert_ne!(looked, 0, "nobody was shown anything");
}

/// What commands tell that are handed something wrong, full of canaries.
fn refusals(deployment: &Deployment, canaries: &[Canary], look: Look<'_>) {
    let text = canaries.iter().find(|canary| canary.value.starts_with("Canary")).expect("a text").value.as_str();
    let mut misshapen = request();
    misshapen["member"]["birth_date"] = Value::from(vec![text]);
    let mut unknown = request();
    unknown["member"][text] = text.into();
    let mut wrong = request();
    wrong["workflow"] = text.into();
    let mut large = request();
    large["member"]["name"]["family"] = text.repeat(60_000).into();
    let lines = [
        misshapen.to_string().into_bytes(),
        unknown.to_string().into_bytes(),
        wrong.to_string().into_bytes(),
        large.to_string().into_bytes(),
        format!("{{\"member\": \"{text}").into_bytes(),
        text.as_bytes().to_vec(),
        [text.as_bytes(), b"\xff"].concat(),
    ];
    for line in lines {
        fs::write(deployment.folder().join("bad.jsonl"), line).expect("a file");
        for command in [&["submit", "bad.jsonl"][..], &["members", "load", "bad.jsonl"]] {
            let told = deployment.refusal(65, command);
            look(&format!("the refusal of {command:?}"), told.as_bytes());
        }
    }
}

/// The admin endpoint: health, metrics, and asks that it does not take.
async fn endpoint(deployment: &Deployment, canary: &Canary, look: Look<'_>) {
    let pass: Value = serde_json::from_slice(&fs::read(deployment.path("admin.json")).expect("a pass")).expect("JSON");
    let (address, secret) = (pass["address"].as_str().expect("one"), pass["secret"].as_str().expect("one"));
    let client = reqwest::Client::new();
    for path in ["metrics", "health/live", "health/ready", &canary.value] {
        let answer = client.get(format!("http://{address}/{path}")).send().await.expect("an answer");
        let body = answer.bytes().await.expect("a body");
        let is_counted = String::from_utf8_lossy(&body).contains("waybill_letters_total{stage=\"intake\"} ");
        assert_eq!(is_counted, path == "metrics", "{path}");
        look(&format!("the answer to GET {path}"), &body);
    }
    let value = &canary.value;
    for body in [
        format!("{{\"verb\": \"{value}\"}}"),
        format!("{{\"verb\": \"trace\", \"request_id\": \"{value}\"}}"),
        format!("{{\"verb\": \"trace_key\", \"source\": \"{value}\", \"key\": \"{value}\"}}"),
        format!("{{\"verb\": \"outcomes\", \"source\": \"{value}\", \"id\": null, \"limit\": 1}}"),
        format!("{{\"verb\": \"submit\", \"lane\": null, \"lines\": \"{value}\"}}"),
        value.clone(),
    ] {
        for bearer in [format!("Bearer {secret}"), format!("Bearer {value}")] {
            let ask = client.post(format!("http://{address}/v1/ask")).header("authorization", bearer);
            let answer = ask.body(body.clone()).send().await.expect("an answer");
            assert!(!answer.status().is_success(), "{}", answer.status());
            look("a refused ask", &answer.bytes().await.expect("a body"));
        }
    }
}
