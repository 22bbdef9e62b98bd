//! Mistakes in what a deployment is told: all of them at once, each with its place, before anything starts.

use std::net::TcpListener;

use crate::deployment::{Deployment, PARTNER};

const IDENTITY: &str = include_str!("../../../../deploy/policy/identity.toml");

#[test]
fn mistakes_in_all_tables_are_told_at_once() {
    let deployment = Deployment::new();
    deployment.write(
        "partners/evergreen.toml",
        &PARTNER.replace("http://", "ftp://").replace("attempts_max = 2", "attempts_max = 0"),
    );
    deployment.write("partners/cedarfall.toml", &PARTNER.replace("\"rest\"", "\"smtp\""));
    deployment.write("partners/harborlight.toml", "id = \"harborlight\"\nname = \"");
    deployment.write("sources/enrolment.toml", "id = \"Not A Name\"\nlane = \"bulk\"\nworkflows = []\n");
    deployment.write("sources/member-portal.toml", "id = \"member-portal\"\nlane = \"fast\"\n");
    deployment.write("policy/intake.toml", "version = \"one\"\npayer_id = \"x\"\n");
    deployment.write("policy/identity.toml", &IDENTITY.replace("reviewers = 1", "reviewers = 3"));
    deployment.write("policy/escalation.toml", "version = 1\ntiers = []\n");
    std::fs::remove_file(deployment.folder().join("policy/clocks.toml")).expect("it is there");
    let expected = [
        "partners.evergreen.base_url: must begin with https:// or http://",
        "partners.evergreen.retry.attempts_max: must be 1 to 1000",
        "partners/cedarfall.toml: line 5: unknown variant `smtp`",
        "partners/harborlight.toml: line 2: ",
        "sources/enrolment.toml: the id must be 1 to 64 of a-z",
        "sources/member-portal.toml: not a registration: line 2: unknown variant `fast`",
        "policy/intake.toml: the intake policy can't be read: line 1: ",
        "policy/identity.toml: review.reviewers of the identity policy must lie between 1 and 2, and is 3",
        "policy/clocks.toml: can't be read",
    ];
    for arguments in [&["run", "--all"][..], &["status"]] {
        let told = deployment.refusal(64, arguments);
        for mistake in expected {
            assert!(told.contains(mistake), "{mistake} is missing in {told}");
        }
        assert!(told.contains("9 mistake(s)") && told.contains("Correct them all"), "{told}");
    }
    let told = deployment.refusal(1, &["doctor"]);
    assert!(expected.iter().all(|mistake| told.contains(mistake)), "{told}");
    assert!(!deployment.path("").exists(), "nothing was started");
}

#[test]
fn every_mistake_of_the_two_policies_of_the_supervisor_is_told_with_its_file() {
    let deployment = Deployment::new();
    let clocks = std::fs::read_to_string(deployment.folder().join("policy/clocks.toml")).expect("a policy");
    deployment.write("policy/clocks.toml", &clocks.replace("hold = \"14d\"", "hold = \"soon\""));
    deployment.write("policy/escalation.toml", "version = 1\ntiers = []\n");
    let told = deployment.refusal(64, &["run", "--all"]);
    assert!(told.contains("policy/clocks.toml: hold must be a span like"), "{told}");
    assert!(told.contains("policy/escalation.toml: tiers must be a list of at least one name"), "{told}");
}

#[test]
fn an_address_that_is_taken_is_told_with_the_setting_that_names_another() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for (variable, setting) in
        [("WAYBILL_ADMIN_LISTEN", "admin.listen"), ("WAYBILL_CALLBACK_LISTEN", "callback.listen")]
    {
        let mut deployment = Deployment::new();
        deployment.set(variable, &address);
        let told = deployment.refusal(69, &["run", "--all"]);
        assert!(told.contains(&address) && told.contains(&format!("name another with {setting}")), "{told}");
        deployment.set(variable, "127.0.0.1:0");
        assert_eq!(deployment.run().stop(), Some(0), "nothing is left in the way");
    }
    let told = Deployment::new().refusal(69, &["sandbox", "--listen", &address]);
    assert!(told.contains(&address) && told.contains("--listen"), "{told}");
}
