//! Matching policies as operators govern them: rehearsed beside the one in force, let loose on some, activated, taken back; history
//! decided once more; and what the log tells of how members are identified.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use serde_json::Value;

use crate::deployment::{Deployment, Process, example, request};

const AS_JO: [&str; 2] = ["--as", "jo"];

/// A deployment whose roster has one member, and in `strict.toml` a next version of its policy that matches on the word of an
/// agreeing given name only.
fn deployed() -> (Deployment, Process) {
    let deployment = Deployment::new();
    let policy = |name: &str| fs::read_to_string(deployment.folder().join("policy").join(name)).expect("a policy");
    let matching = versioned(&policy("matching.toml"), 1);
    let strict = versioned(&matching, 2).replace("matches = 950000", "matches = 999995");
    assert!(strict.contains("matches = 999995"), "{matching}");
    deployment.write("policy/matching.toml", &matching);
    deployment.write("strict.toml", &strict);
    deployment.write("old.toml", &versioned(&strict, 1));
    deployment.write("broken.toml", &strict.replace("matches = 999995", "matches = 4"));
    deployment.write("policy/identity.toml", &policy("identity.toml").replace("must_open = true", "must_open = false"));
    let process = deployment.run();
    let mut member = example("roster-member/v1.examples/member.json");
    member["member_key"] = "account-1".into();
    deployment.write("members.jsonl", &member.to_string());
    assert_eq!(deployment.answer(&["members", "load", "members.jsonl"])["members"], 1);
    (deployment, process)
}

/// A policy's text under another version.
fn versioned(text: &str, version: u32) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix("version = ") {
        Some(_) => format!("version = {version}\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

/// Sends one request; its id.
fn send(deployment: &Deployment, request: &Value) -> String {
    deployment.write("one.jsonl", &request.to_string());
    let sent = deployment.answer(&["submit", "one.jsonl"]);
    sent["requests"][0]["request_id"].as_str().expect("an id").to_owned()
}

/// A request that says all that the roster knows, under a key of its own.
fn exact(key: &str) -> Value {
    let mut request = request();
    request["idempotency_key"] = key.into();
    request
}

/// One with name, birth date and card alone, and another given name: a match by the deployed policy, and none by the strict one.
fn doubtful(key: &str) -> Value {
    let mut request = exact(key);
    let member = &mut request["member"];
    for field in ["addresses", "phones", "emails", "identifiers"] {
        member[field] = Value::Array(Vec::new());
    }
    member["name"]["given"] = serde_json::json!(["Z"]);
    request
}

/// The versions of the policies by their roles.
fn roles(answer: &Value) -> Vec<(&str, u64)> {
    let rows = answer.as_array().or_else(|| answer["policies"].as_array()).expect("policies");
    rows.iter()
        .map(|row| (row["role"].as_str().expect("a role"), row["version"].as_u64().expect("a version")))
        .collect()
}

#[test]
fn a_policy_is_rehearsed_let_loose_on_some_activated_and_taken_back() {
    let (deployment, process) = deployed();
    let policy = |arguments: &[&str]| deployment.answer(&[&["policy", "match"], arguments].concat());
    let refused = |code: i32, arguments: &[&str]| deployment.refusal(code, &[&["policy", "match"], arguments].concat());
    assert_eq!(roles(&policy(&["show"])), [("in force", 1)]);
    let early = refused(4, &[&["rollout", "--percent", "5"][..], &AS_JO].concat());
    assert!(early.contains("no policy is rehearsed") && early.contains("policy match canary"), "{early}");

    let canary = policy(&[&["canary", "strict.toml"][..], &AS_JO].concat());
    assert_eq!(roles(&canary), [("in force", 1), ("rehearsed", 2)]);
    assert_eq!(
        (&canary["policies"][1]["by"], &canary["policies"][1]["acts_on"]),
        (&"jo".into(), &"nobody, rehearsed only".into())
    );
    let mut sent = Vec::new();
    let report = deployment.until("a rehearsal", || {
        sent.push(send(&deployment, &doubtful(&format!("rehearsed-{}", sent.len()))));
        let report = policy(&["canary", "--report"]);
        (report["differ"].as_u64() != Some(0)).then_some(report)
    });
    assert_eq!(report["kinds"][0]["kind"], "match -> review", "{report}");
    assert!(sent.iter().any(|id| report["kinds"][0]["examples"][0] == id.as_str()), "{report}");
    assert_eq!((&report["partners"][0]["partner"], &report["acted_on"]), (&"evergreen".into(), &0.into()), "{report}");
    assert_eq!(deployment.answer(&["status"])["reviews_open"], 0, "what is rehearsed does not act");

    let unknown = refused(66, &[&["rollout", "--partner", "nobody"][..], &AS_JO].concat());
    assert!(unknown.contains("there are evergreen"), "{unknown}");
    let shared = policy(&[&["rollout", "--partner", "evergreen"][..], &AS_JO].concat());
    let row = &shared["policies"][1];
    assert_eq!((&row["acts_on"], &row["share_by"]), (&"all with evergreen".into(), &"jo".into()), "{shared}");
    deployment.until("the next policy to act", || {
        sent.push(send(&deployment, &doubtful(&format!("acted-on-{}", sent.len()))));
        (deployment.answer(&["status"])["reviews_open"] != 0).then_some(())
    });
    let report = policy(&["canary", "--report"]);
    assert_eq!(report["kinds"].as_array().map(Vec::len), Some(1), "whoever acts, a flip has one direction: {report}");
    assert!(report["acted_on"].as_u64().is_some_and(|acted_on| 0 < acted_on), "{report}");

    let activated = policy(&[&["activate", "strict.toml"][..], &AS_JO].concat());
    assert_eq!(roles(&activated), [("in force", 2), ("deployed", 1)], "it has passed its rehearsal");
    let again = refused(4, &[&["activate", "strict.toml"][..], &AS_JO].concat());
    assert!(again.contains("is in force already"), "{again}");
    let back = policy(&["rollback"]);
    assert_eq!(roles(&back), [("in force", 1)]);
    refused(66, &["rollback"]);
    let older = refused(4, &[&["activate", "old.toml"][..], &AS_JO].concat());
    assert!(older.contains("not newer") && older.contains("--again"), "{older}");
    let broken = refused(65, &[&["activate", "broken.toml"][..], &AS_JO].concat());
    assert!(broken.contains("broken.toml: decide.matches"), "{broken}");
    assert_eq!(roles(&policy(&["show"])), [("in force", 1)], "nothing of that was published");
    assert_eq!(process.stop(), Some(0), "an orderly end");
}

/// How many records each topic has.
fn records(deployment: &Deployment) -> BTreeMap<Arc<str>, usize> {
    let log = deployment.log();
    log.names().into_iter().map(|name| (name.clone(), log.read(&name).len())).collect()
}

#[test]
fn history_decided_by_a_stricter_policy_shows_the_flip_and_writes_nothing() {
    let (deployment, process) = deployed();
    let flipped = send(&deployment, &doubtful("doubtful"));
    send(&deployment, &exact("exact"));
    let report = || deployment.answer(&["identity", "report", "--since", "2020-01-01", "--by", "partner"]);
    let report = deployment.until("both to be decided", || {
        let report = report();
        (report["periods"][0]["judged"] == 2).then_some(report)
    });
    assert_eq!(
        (&report["periods"][0]["match_percent"], &report["groups"][0]["of"]),
        (&100.0.into(), &"evergreen".into())
    );
    let replay =
        |policy: &str| deployment.answer(&["policy", "match", "replay", "--policy", policy, "--since", "2020-01-01"]);
    let strict = replay("strict.toml");
    assert_eq!(
        (&strict["requests"], &strict["differ"], &strict["undecided"]),
        (&2.into(), &1.into(), &0.into()),
        "{strict}"
    );
    assert_eq!(strict["kinds"][0]["kind"], "match -> review", "{strict}");
    assert_eq!(strict["partners"][0]["examples"][0], flipped.as_str(), "{strict}");
    assert!(!strict.to_string().contains("Okonkwo") && !strict.to_string().contains("account-1"), "{strict}");
    assert_eq!(replay("policy/matching.toml")["differ"], 0, "the policy that decided decides so again");
    assert_eq!(process.stop(), Some(0), "an orderly end");

    let before = records(&deployment);
    assert_eq!(replay("strict.toml")["kinds"], strict["kinds"], "the directory itself says the same");
    assert_eq!(records(&deployment), before, "nothing is written");
    let late = ["policy", "match", "replay", "--policy", "strict.toml", "--since", "2999-01-01"];
    assert_eq!(deployment.answer(&late)["requests"], 0);
    let backwards = [&late[..], &["--until", "2020-01-01"]].concat();
    assert!(deployment.refusal(65, &backwards).contains("--until must lie after --since"));
}

#[test]
fn what_reviewers_say_counts_against_what_the_machine_thought() {
    let (deployment, process) = deployed();
    deployment.answer(&[&["policy", "match", "activate", "strict.toml"][..], &AS_JO].concat());
    let mut sent = 0;
    let review = deployment.until("a review", || {
        sent += 1;
        send(&deployment, &doubtful(&format!("doubtful-{sent}")));
        deployment.answer(&["review", "list"]).as_array().and_then(|reviews| reviews.first().cloned())
    });
    let (id, member) = (&review["request_id"], &review["candidates"][0]["member_token"]);
    let [id, member] = [id, member].map(|text| text.as_str().expect("text").to_owned());
    deployment.answer(&["review", "decide", &id, "--member", &member, "--reason", "a test", "--operator", "sam"]);
    let report = deployment.until("the reviewer's word", || {
        let report = deployment.answer(&["identity", "report"]);
        (report["periods"][0]["found"] == 1).then_some(report)
    });
    assert_eq!(
        (&report["periods"][0]["likeliest"], &report["periods"][0]["nobody"]),
        (&1.into(), &0.into()),
        "{report}"
    );
    assert_eq!(
        (&report["scores"][0]["reviews"], &report["scores"][0]["precision"]),
        (&1.into(), &1.0.into()),
        "{report}"
    );
    let lenient = ["policy", "match", "replay", "--policy", "policy/matching.toml", "--since", "2020-01-01"];
    let replayed = deployment.answer(&lenient);
    assert_eq!(replayed["against_reviewers"], 0, "{replayed}");
    assert!(
        replayed["kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"] == "review -> match"))
    );
    assert_eq!(process.stop(), Some(0), "an orderly end");
}

#[test]
fn whoever_guesses_cards_is_told_of() {
    let deployment = Deployment::new();
    let process = deployment.run();
    assert_eq!(deployment.answer(&["identity", "guard"]), Value::Array(Vec::new()));
    for card in 0..8 {
        let mut guess = exact(&format!("guess-{card}"));
        guess["coverage_to_link"]["member_id"] = format!("LSH7712{card:04}").into();
        send(&deployment, &guess);
    }
    let guesses = deployment.until("a verdict", || {
        let guesses = deployment.answer(&["identity", "guard"]);
        guesses.as_array().filter(|guesses| !guesses.is_empty()).cloned()
    });
    assert_eq!(
        (&guesses[0]["caller"], &guesses[0]["varied"]),
        (&"enrolment".into(), &"the card, for one person".into())
    );
    assert!(guesses[0]["distinct"].as_u64().is_some_and(|distinct| 6 < distinct), "{guesses:?}");
    assert_eq!(process.stop(), Some(0), "an orderly end");
}
