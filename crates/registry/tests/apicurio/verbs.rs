//! `waybill schemas register|check|diff`.

use contracts::catalogue::BUNDLED;
use contracts::{Compatibility, Subject, Topics};
use registry::{Check, Diff, Difference, Finding, Registration, RegistryError, Side};
use serde_json::{Value, json};

use crate::server::Server;

impl Server {
    fn register(&self) -> Vec<Registration> {
        self.run(self.registry.register()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn check(&self) -> Check {
        self.run(self.registry.check()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn diff(&self) -> Diff {
        self.run(self.registry.diff(&Topics::new("waybill.", 4))).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn bundled(subject: Subject, version: u32) -> Value {
    let row = BUNDLED.iter().find(|row| (row.subject, row.version) == (subject, version)).expect("a bundled schema");
    serde_json::from_str(row.text).expect("JSON")
}

/// The newest version with an optional field more, as a later build or a stranger may have it.
fn longer(subject: Subject) -> Value {
    let mut schema = bundled(subject, subject.version());
    let fields = schema["fields"].as_array_mut().expect("a record");
    fields.push(json!({"name": "mood", "type": ["null", "string"], "default": null}));
    schema
}

fn findings(check: &Check) -> Vec<Finding> {
    let mut findings: Vec<Finding> = check.rows.iter().flat_map(|row| row.findings.clone()).collect();
    findings.dedup();
    findings
}

#[test]
fn after_registering_nothing_is_left_to_say() {
    let server = Server::fresh();
    let before = server.check();
    assert_eq!(before.rows.len(), BUNDLED.len());
    assert!(before.rows.iter().all(|row| row.findings.contains(&Finding::Unregistered)), "{before:?}");
    assert_eq!(server.diff().rows.len(), BUNDLED.len());
    let first = server.register();
    assert!(first.iter().all(|row| row.is_new), "{first:?}");
    assert!(server.check().is_clean(), "{:?}", server.check());
    assert!(server.diff().rows.is_empty(), "{:?}", server.diff());
    for subject in Subject::ALL {
        let config = server.get(&format!("/config/{}", subject.schema_name()));
        assert_eq!(config["compatibilityLevel"], subject.compatibility().as_str(), "{subject}");
        assert_eq!(server.versions(subject), subject.version() as usize, "{subject}");
    }
}

#[test]
fn registering_again_changes_nothing() {
    let server = Server::fresh();
    let first = server.register();
    let second = server.register();
    assert!(second.iter().all(|row| !row.is_new), "{second:?}");
    let ids = |rows: &[Registration]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&second));
    assert_eq!(server.versions(Subject::LifecycleEvent), Subject::LifecycleEvent.version() as usize);
}

#[test]
fn a_schema_that_says_the_same_in_other_white_space_counts_as_registered() {
    let server = Server::fresh();
    let policy = bundled(Subject::Policy, Subject::Policy.version());
    let id = server.registers("waybill.PolicyRecord", &policy).expect("taken");
    let registered = server.register();
    let policy = registered.iter().find(|row| row.subject == "policy").expect("a row");
    assert_eq!((policy.id, policy.is_new), (id, false));
    assert!(server.check().is_clean());
    assert_eq!(server.versions(Subject::Policy), 1);
}

#[test]
fn what_would_break_readers_is_refused_because_compatibility_is_set() {
    let server = Server::fresh();
    server.register();
    let mut event = bundled(Subject::LifecycleEvent, Subject::LifecycleEvent.version());
    let body = event["fields"].as_array_mut().expect("a record").last_mut().expect("a body");
    body["type"].as_array_mut().expect("a union").push(json!({"type": "record", "name": "Teleported", "fields": []}));
    assert_eq!(
        server.registers("waybill.LifecycleEvent", &event),
        Err(409),
        "an old reader can't read a new kind of fact"
    );
    let mut work = bundled(Subject::IdentityWork, Subject::IdentityWork.version());
    let task = work["fields"].as_array_mut().expect("a record").iter_mut().find(|field| field["type"].is_array());
    let branches = task.expect("a union")["type"].as_array_mut().expect("branches");
    branches.push(json!({"type": "record", "name": "Teleport", "fields": []}));
    server.registers("waybill.IdentityWork", &work).expect("work may gain kinds");
    work["fields"].as_array_mut().expect("a record").push(json!({"name": "must", "type": "string"}));
    assert_eq!(
        server.registers("waybill.IdentityWork", &work),
        Err(409),
        "a new reader can't read what an old one wrote"
    );
}

#[test]
fn a_check_tells_what_is_wrong_and_changes_nothing() {
    let server = Server::fresh();
    server.register();
    server.holds("waybill.Outcome", "NONE");
    assert_eq!(findings(&server.check()), [Finding::CompatibilityDiffers]);
    assert_eq!(server.get("/config/waybill.Outcome")["compatibilityLevel"], "NONE");
    server.register();
    assert!(server.check().is_clean());
}

#[test]
fn a_schema_that_would_be_refused_is_named_and_register_says_why() {
    let server = Server::fresh();
    let stranger = json!({"type": "record", "name": "Command", "namespace": "waybill", "fields": [
        {"name": "command_id", "type": "boolean"},
    ]});
    server.holds("waybill.Command", Compatibility::BackwardTransitive.as_str());
    server.registers("waybill.Command", &stranger).expect("the first version is taken");
    let check = server.check();
    let row = check.rows.iter().find(|row| row.subject == "command").expect("a row");
    assert_eq!(row.findings, [Finding::WouldBeRefused]);
    let error = server.run(server.registry.register()).expect_err("refused");
    assert!(matches!(error, RegistryError::Refused { subject: Subject::Command, version: 1, .. }), "{error}");
    assert!(error.to_string().contains("waybill schemas diff"), "{error}");
}

#[test]
fn a_diff_shows_what_others_registered_field_by_field_and_where() {
    let server = Server::fresh();
    server.register();
    let newer = server.registers("waybill.Outcome", &longer(Subject::Outcome)).expect("taken");
    let by_topic = server.registers("waybill.intake.standard-value", &longer(Subject::IntakeRequest)).expect("taken");
    server
        .registers("waybill.intake.bulk-value", &json!({"type": "record", "name": "Ship", "fields": []}))
        .expect("taken");
    let diff = server.diff();
    let told: Vec<_> =
        diff.rows.iter().map(|row| (row.registered_as.as_str(), row.side, row.version, row.id)).collect();
    assert_eq!(
        told,
        [
            ("waybill.Outcome", Side::There, 3, Some(newer)),
            ("waybill.intake.standard-value", Side::There, 1, Some(by_topic)),
        ]
    );
    for row in &diff.rows {
        let [Difference::Field { place, here: None, there: Some(there) }] = &row.differences[..] else {
            panic!("{row:?}");
        };
        assert_eq!((place.as_str(), there.as_str()), ("mood", "null or string, default null"));
    }
    let json = serde_json::to_value(&diff).expect("JSON");
    assert_eq!(json["rows"][0]["differences"][0]["difference"], "field");
}
