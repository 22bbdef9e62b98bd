//! Members whom several sources know, and matches that their words withdraw, as people see them at the command line.

use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::reviewing::{account, assert_keeps_secrets, row, submitted};

/// What the portal says of the same person: another name and another day.
fn at_the_portal(member: &mut Value) {
    let mut claim = member["member"].clone();
    claim["name"]["family"] = "Quill".into();
    claim["birth_date"] = "1984-02-28".into();
    member["as_of"] = 1_761_955_200_000_i64.into();
    member["others"] =
        json!([{ "source": "portal", "as_of": 1_764_028_800_000_i64, "member": claim, "coverages": [] }]);
}

fn load(deployment: &Deployment, line: &str) {
    deployment.write("members.jsonl", line);
    deployment.answer(&["members", "load", "members.jsonl"]);
}

#[test]
fn whose_word_stands_is_told_beside_the_claim_and_counted_over_the_roster() {
    let deployment = Deployment::new();
    let process = deployment.run();
    load(&deployment, &account("account-1", at_the_portal));
    let id = submitted(&deployment, "key-1", |_| ());
    let explained = deployment.until("the match", || {
        let output = deployment.waybill(&["--json", "identity", "explain", &id, "--open", "--as", "sam"]);
        serde_json::from_slice::<Value>(&output.stdout).ok()
    });
    assert_eq!(row(&explained["fields"], "birth-date")["source"], "enrolment over portal");
    assert_eq!(row(&explained["fields"], "birth-date")["roster"], "1984-02-29");
    assert_eq!(row(&explained["fields"], "family")["source"], "enrolment over portal");
    assert_eq!(row(&explained["fields"], "address")["source"], Value::Null, "they say the same");
    let words = deployment.answer(&["identity", "sources"]);
    assert_eq!((&words["members"], &words["known_by_several"], &words["differing"]), (&1.into(), &1.into(), &1.into()));
    let told: Vec<Value> = ["name", "birth-date"]
        .into_iter()
        .flat_map(|part| [("enrolment", 1, 0), ("portal", 0, 1)].map(|(source, won, lost)| (part, source, won, lost)))
        .map(|(part, source, won, lost)| json!({"part": part, "of": null, "source": source, "won": won, "lost": lost}))
        .collect();
    assert_eq!(words["parts"], Value::Array(told));
    assert_keeps_secrets(&words.to_string());
    assert_eq!(process.stop(), Some(0), "an orderly end");
    assert_keeps_secrets(&deployment.logged());
}

#[test]
fn a_match_that_the_roster_bears_out_no_longer_is_listed_with_whom_data_went_to() {
    let deployment = Deployment::new();
    let process = deployment.run();
    load(&deployment, &account("account-1", |_| ()));
    let id = submitted(&deployment, "key-1", |_| ());
    deployment.until("the request at the partner", || {
        let story = deployment.answer(&["trace", &id]);
        let steps = story["timeline"].as_array()?;
        steps.iter().any(|step| step["event"] == "partner-dispatched").then_some(())
    });
    assert_eq!(deployment.answer(&["identity", "withdrawn"]), json!([]));
    let somebody_else = account("account-1", |member| {
        let name = json!({"family": "Quill", "given": ["Zelda"], "prefix": null, "suffix": null});
        member["member"] = json!({
            "name": name, "other_names": [], "birth_date": "1955-01-09", "sex": "male",
            "addresses": [], "phones": [], "emails": [], "identifiers": []
        });
        member["coverages"] = json!([]);
    });
    load(&deployment, &somebody_else);
    let withdrawn = deployment.until("the withdrawal", || {
        let listed = deployment.answer(&["identity", "withdrawn"]);
        listed.as_array().and_then(|rows| rows.first().cloned())
    });
    assert_eq!((&withdrawn["request_id"], &withdrawn["request_was"]), (&id.as_str().into(), &"open".into()));
    assert_eq!((&withdrawn["source"], &withdrawn["records"]), (&"enrolment".into(), &Value::Null));
    let partner = withdrawn["counterparty"].as_str().expect("a partner");
    assert_eq!(withdrawn["went_to"], format!("{partner} (the request)"));
    let fields = withdrawn["fields"].as_array().expect("fields");
    assert!(fields.contains(&"family".into()) && fields.contains(&"birth_date".into()), "{withdrawn}");
    assert_eq!(deployment.answer(&["identity", "withdrawn", "--since", "2999-01-01"]), json!([]));
    assert_keeps_secrets(&withdrawn.to_string());
    assert_eq!(process.stop(), Some(0), "an orderly end");
}
