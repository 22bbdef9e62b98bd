//! What a reviewer does at the command line, and what anybody is told of why identity decided: nothing sealed is shown before it is on
//! record who looks, and nothing of it is logged.

use serde_json::{Value, json};

use crate::deployment::{Deployment, example, request, told};

/// What must not show before somebody has looked, and never in the logs.
const SECRETS: [&str; 5] = ["Okonkwo", "Larkspur", "Harbor Street", "1984-02-29", "1EG4"];

pub(crate) fn assert_keeps_secrets(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

pub(crate) fn account(key: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut member = example("roster-member/v1.examples/member.json");
    member["member_key"] = key.into();
    edit(&mut member);
    member.to_string()
}

/// A twin under the same contract, who has moved out.
fn twin(member: &mut Value) {
    member["member"]["name"]["given"] = json!(["Adela"]);
    member["member"]["other_names"] = json!([]);
    member["member"]["addresses"].as_array_mut().expect("addresses").push(json!({
        "lines": ["7 Harbor Street"], "city": "Duluth", "state": "MN", "postal_code": "55802", "country": "US"
    }));
    let coverage = member["coverages"][0].clone();
    member["coverages"] = json!([coverage]);
    member["coverages"][0]["member_id"] = "LSH77120985".into();
    member["member"]["phones"] = json!(["+1 206 555 0188"]);
    member["member"]["emails"] = json!(["other@example.org"]);
    member["member"]["identifiers"] = json!([]);
}

/// Sends a request; its id.
pub(crate) fn submitted(deployment: &Deployment, key: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut request = request();
    request["idempotency_key"] = key.into();
    edit(&mut request);
    deployment.write("one.jsonl", &request.to_string());
    let sent = deployment.answer(&["submit", "one.jsonl"]);
    sent["requests"][0]["request_id"].as_str().expect("an id").to_owned()
}

/// A claim about the household that is neither twin's more than the other's.
fn of_either_twin(request: &mut Value) {
    for field in ["phones", "emails", "identifiers", "other_names"] {
        request["member"][field] = json!([]);
    }
    request["member"]["name"]["given"] = json!(["Rosa"]);
    request["coverage_to_link"]["member_id"] = Value::Null;
}

pub(crate) fn row<'a>(fields: &'a Value, name: &str) -> &'a Value {
    let rows = fields.as_array().expect("rows");
    rows.iter().find(|row| row["field"] == name).unwrap_or_else(|| panic!("no {name} in {fields}"))
}

/// The review of a claim that fits twins on the roster alike, as it is listed.
fn review_of_twins(deployment: &Deployment) -> Value {
    let roster = format!("{}\n{}\n", account("account-1", |_| ()), account("account-2", twin));
    deployment.write("members.jsonl", &roster);
    deployment.answer(&["members", "load", "members.jsonl"]);
    submitted(deployment, "key-1", of_either_twin);
    deployment.until("the review", || {
        let reviews = deployment.answer(&["review", "list"]);
        reviews.as_array().and_then(|reviews| reviews.first().cloned())
    })
}

/// Who has taken this step of a review, by the request's timeline.
fn took_step(deployment: &Deployment, id: &str, step: &str) -> Vec<String> {
    let story = deployment.answer(&["trace", id]);
    let steps = story["timeline"].as_array().expect("steps").iter().map(|entry| &entry["detail"]["review"]);
    let found = steps.filter(|review| review["step"] == step);
    found.map(|review| review["operator"].as_str().expect("a name").to_owned()).collect()
}

/// Claim and roster stand beside each other for both candidates.
fn assert_shows_both(opened: &Value) {
    let candidates = opened["candidates"].as_array().expect("candidates");
    assert_eq!(candidates.len(), 2, "{opened}");
    for candidate in candidates {
        let born = row(&candidate["fields"], "birth-date");
        assert_eq!((&born["claim"], &born["roster"]), (&"1984-02-29".into(), &"1984-02-29".into()));
        assert!(born["agreement"] == "exact" && born["weight_centibits"].is_i64(), "{born}");
        let lives = row(&candidate["fields"], "address")["roster"].as_str().expect("an address");
        let is_the_twin = candidate["member_key"] == "account-2";
        assert!(lives.contains("48 Larkspur Way") && lives.contains("7 Harbor Street") == is_the_twin, "{candidate}");
        let fields = candidate["fields"].as_array().expect("rows");
        let said: i64 = fields.iter().filter_map(|row| row["weight_centibits"].as_i64()).sum();
        let prior = opened["prior_centibits"].as_i64().expect("a prior");
        assert_eq!(candidate["weight_centibits"].as_i64(), Some(prior + said), "{candidate}");
    }
}

#[test]
fn a_review_is_looked_at_taken_and_decided_and_every_step_is_on_record() {
    let deployment = Deployment::new();
    let process = deployment.run();
    let listed = review_of_twins(&deployment);
    assert_eq!((&listed["owner"], &listed["opened_by"], &listed["overdue"]), (&Value::Null, &json!([]), &false.into()));
    let id = listed["request_id"].as_str().expect("an id").to_owned();
    let token = listed["candidates"][0]["member_token"].as_str().expect("a token").to_owned();
    let decide = ["review", "decide", &id, "--member", &token, "--reason", "both agree", "--as"];
    let decided_by = |who: &'static str| [&decide[..], &[who]].concat();

    let blind = deployment.refusal(4, &decided_by("sam"));
    assert!(blind.contains("not-opened") && blind.contains("waybill review open"), "{blind}");
    assert_shows_both(&deployment.answer(&["review", "open", &id, "--as", "sam"]));
    assert_eq!(took_step(&deployment, &id, "opened"), ["sam"]);
    let text = told(&deployment.waybill(&["review", "open", &id, "--as", "kim"]));
    assert!(text.contains("candidate 2 of 2") && text.contains("7 Harbor Street, Duluth, MN, 55802"), "{text}");
    assert_eq!(took_step(&deployment, &id, "opened"), ["sam", "kim"]);

    deployment.answer(&["review", "take", &id, "--as", "kim"]);
    let anothers = deployment.refusal(4, &decided_by("sam"));
    assert!(anothers.contains("not-the-owner"), "{anothers}");
    deployment.refusal(2, &["review", "ask", &id, "--as", "kim"]);
    deployment.answer(&["review", "ask", &id, "--as", "kim", "--reason", "the card at the other payer"]);
    assert_eq!(took_step(&deployment, &id, "asked"), ["kim"]);
    let early = deployment.refusal(4, &["review", "appeal", &id, "--as", "kim"]);
    assert!(early.contains("not-in-this-state"), "{early}");
    let listed = deployment.answer(&["review", "list"]);
    assert_eq!((&listed[0]["owner"], &listed[0]["opened_by"]), (&"kim".into(), &json!(["sam", "kim"])));

    deployment.answer(&decided_by("kim"));
    let explained = deployment.until("the match", || {
        let explained = deployment.answer(&["identity", "explain", &id]);
        (explained["outcome"] == "match").then_some(explained)
    });
    assert_eq!((&explained["decided_by"], &explained["member_token"]), (&"kim".into(), &token.as_str().into()));
    assert_eq!(row(&explained["fields"], "birth-date")["agreement"], "exact");
    assert_keeps_secrets(&explained.to_string());
    assert_eq!(deployment.answer(&["review", "list"]), json!([]));
    let late = deployment.refusal(4, &["review", "open", &id, "--as", "kim"]);
    assert!(late.contains("no-open-review"), "{late}");
    assert_eq!(process.stop(), Some(0), "an orderly end");
    assert_keeps_secrets(&deployment.logged());
}

#[test]
fn a_decision_is_explained_from_the_log_and_for_whoever_looks_beside_todays() {
    let deployment = Deployment::new();
    let process = deployment.run();
    deployment.write("members.jsonl", &account("account-1", |_| ()));
    deployment.answer(&["members", "load", "members.jsonl"]);
    let matched = submitted(&deployment, "key-1", |_| ());
    let unmatched = submitted(&deployment, "key-2", |request| {
        of_either_twin(request);
        request["coverage_to_link"]["subscriber_id"] = "LSH0000009".into();
        request["member"]["addresses"] = json!([]);
        request["member"]["name"] = json!({"family": "Quill", "given": ["Zelda"], "prefix": null, "suffix": null});
        request["member"]["birth_date"] = "1955-01-09".into();
    });
    let explained = |id: &str| {
        deployment.until("the decision", || {
            let output = deployment.waybill(&["--json", "identity", "explain", id]);
            serde_json::from_slice::<Value>(&output.stdout).ok()
        })
    };
    let by_the_log = explained(&matched);
    assert_eq!((&by_the_log["outcome"], &by_the_log["policy_in_force"]), (&"match".into(), &true.into()));
    assert_eq!((&by_the_log["today"], &by_the_log["decided_by"]), (&Value::Null, &Value::Null));
    assert!(by_the_log["probability_ppm"].as_i64().is_some_and(|ppm| 900_000 < ppm), "{by_the_log}");
    assert_eq!(row(&by_the_log["fields"], "birth-date")["agreement"], "exact");
    assert_keeps_secrets(&by_the_log.to_string());
    let nobody = explained(&unmatched);
    assert_eq!((&nobody["outcome"], &nobody["code"]), (&"no_match".into(), &"no-candidate".into()));

    let open = |id: &str| deployment.answer(&["identity", "explain", id, "--open", "--as", "sam"]);
    let beside = open(&matched);
    assert_eq!((&beside["differences"], &beside["today"]["member_key"]), (&json!([]), &"account-1".into()));
    assert_eq!(beside["today"]["member_token"], by_the_log["member_token"]);
    assert_eq!(beside["today"]["roster_version"], by_the_log["roster_version"]);
    assert_eq!(row(&beside["fields"], "birth-date")["claim"], "1984-02-29");
    assert_eq!(open(&unmatched)["today"]["outcome"], "no_match");
    assert_eq!(took_step(&deployment, &matched, "looked"), ["sam"], "no step of a review, and no refusal");
    deployment.refusal(2, &["identity", "explain", &matched, "--open"]);

    let other = account("account-1", |member| member["member"]["birth_date"] = "1991-07-15".into());
    deployment.write("members.jsonl", &other);
    deployment.answer(&["members", "load", "members.jsonl"]);
    let beside = open(&matched);
    let differences = beside["differences"].as_array().expect("differences");
    assert!(differences.iter().any(|it| it["what"] == "birth-date"), "{beside}");
    assert_eq!(beside["why"], "the roster has changed since");
    assert_eq!(row(&beside["fields"], "birth-date")["agreement"], "exact", "what the log says stays");
    assert_eq!(process.stop(), Some(0), "an orderly end");
    let unjudged = deployment.refusal(69, &["identity", "explain", &matched, "--open", "--as", "sam"]);
    assert!(unjudged.contains("Nothing was opened"), "{unjudged}");
    assert_keeps_secrets(&unjudged);
    assert_keeps_secrets(&deployment.logged());
}
