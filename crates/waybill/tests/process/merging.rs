//! What becomes of an account that is merged into another: a request that was matched to it leads to whoever stands for the member today,
//! and what was disclosed under either name is told of both.

use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::reviewing::{account, assert_keeps_secrets, submitted};

fn load(deployment: &Deployment, rows: &[String]) {
    deployment.write("members.jsonl", &rows.join("\n"));
    deployment.answer(&["members", "load", "members.jsonl"]);
}

fn explained(deployment: &Deployment, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    deployment.until("the decision", || {
        let output = deployment.waybill(&["--json", "identity", "explain", id]);
        serde_json::from_slice(&output.stdout).ok().filter(|explained| holds(explained))
    })
}

#[test]
fn a_merged_account_leads_to_its_heir_and_disclosures_are_told_under_either_name() {
    let deployment = Deployment::new();
    let process = deployment.run();
    load(&deployment, &[account("account-1", |_| ())]);
    let first = submitted(&deployment, "key-1", |_| ());
    let before = explained(&deployment, &first, |explained| explained["outcome"] == "match");
    assert_eq!(before["merged_into"], Value::Null);

    // The row of the account that stands from now on comes after the one that names it, and says the same.
    load(&deployment, &[account("account-1", |member| member["merged_into"] = "account-9".into())]);
    load(&deployment, &[account("account-9", |_| ())]);
    let after = explained(&deployment, &first, |explained| explained["merged_into"] == "account-9");
    assert_eq!((&after["withdrawn"], &after["member_token"]), (&Value::Null, &before["member_token"]));
    let second = submitted(&deployment, "key-2", |_| ());
    let of_heir = explained(&deployment, &second, |explained| explained["outcome"] == "match");
    assert_eq!(of_heir["member_token"], after["merged_into_token"]);

    let told_of = |named: &str| deployment.answer(&["identity", "disclosures", named]);
    let told = deployment.until("both disclosures", || {
        Some(told_of("account-9")).filter(|told| told.as_array().is_some_and(|rows| rows.len() == 2))
    });
    let column = |name: &str| told.as_array().expect("rows").iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("account"), ["account-1", "account-9"]);
    assert_eq!(column("request_id"), [first.as_str(), &second]);
    assert!(column("consent").iter().all(Value::is_string), "{told}");
    assert_eq!(told_of("account-1"), told, "whichever of the accounts is named");
    assert_eq!(told_of("account-2"), json!([]));
    assert_keeps_secrets(&told.to_string());
    assert_eq!(process.stop(), Some(0), "an orderly end");
}
