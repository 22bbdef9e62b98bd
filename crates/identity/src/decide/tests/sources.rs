//! What becomes of requests when several sources know a member, and when the policy says whose word stands.

use domain::person::SourceRecord;

use super::members::{MAIDEN, called, matched_to, request, withdrawn};
use super::*;

/// Enrolment knows her by one name and birth date, the portal, later, by others.
fn known_by_two() -> RosterMember {
    let at_the_portal = MemberClaim { phones: vec!["555-330-1234".into()], ..claim("Ngozi", "Bright", "1984-02-28") };
    let portal = SourceRecord {
        source: "portal".into(),
        as_of: Timestamp(NOW.0 - 1),
        member: at_the_portal,
        coverages: Vec::new(),
    };
    let as_of = Some(Timestamp(NOW.0 - 1_000));
    RosterMember { as_of, others: vec![portal], ..person(called(MAIDEN), coverage("W12345678901", "")) }
}

/// The policy with this in place of that.
fn policy_with(from: &str, to: &str) -> Message {
    let text = include_str!("../../../../../deploy/policy/matching.toml");
    let changed = text.replacen(from, to, 1).replacen("version = 2", "version = 900", 1);
    assert_ne!(changed, text);
    Message::Policy(Box::new(domain::messages::PolicyRecord {
        name: crate::rollout::MATCHING.into(),
        version: 900,
        text: changed,
        digest: [0; 32],
        activated_by: "jo".into(),
        activated_at: NOW,
    }))
}

fn levels(decision: &Deciding) -> Vec<(&'static str, &'static str)> {
    let evidence = bodies(decision).into_iter().find_map(|body| {
        if let EventBody::IdentityMatched { evidence, .. }
        | EventBody::IdentityUnmatched { evidence, .. }
        | EventBody::ReviewOpened { evidence, .. } = body
        {
            evidence.as_deref()
        } else {
            None
        }
    });
    let fields = evidence.map(|evidence| &evidence.fields[..]).unwrap_or_default();
    fields.iter().map(|said| (said.field.as_str(), said.agreement.as_str())).collect()
}

#[test]
fn claims_are_held_against_the_words_that_stand_by_the_policy_of_the_day() {
    let asked = |family, born| {
        let member = MemberClaim { phones: vec!["555-330-1234".into()], ..claim("Ngozi", family, born) };
        dossier(member, coverage("W12345678901", ""))
    };
    let mut desk = Desk::with(&[("ngozi", known_by_two())]);
    let by_enrolment = levels(&desk.resolve_as(request(1), &asked("Bright", "1984-02-29")));
    for said in [("family", "exact"), ("birth-date", "exact"), ("phone", "same")] {
        assert!(by_enrolment.contains(&said), "another name still counts: {by_enrolment:?}");
    }
    let other_day = levels(&desk.resolve_as(request(2), &asked(MAIDEN, "1984-02-28")));
    assert!(other_day.contains(&("birth-date", "one-digit")), "the portal's birth date does not stand: {other_day:?}");

    let (name, table) = (crate::rollout::MATCHING, domain::worker::Table::Policies);
    let trusting =
        policy_with(r#"birth-date = { wins = ["source", "recent"]"#, r#"birth-date = { wins = ["recent", "source"]"#);
    desk.identity.learn((table, name.as_bytes()), Some(&trusting), 1);
    let other_day = levels(&desk.resolve_as(request(3), &asked(MAIDEN, "1984-02-28")));
    assert!(other_day.contains(&("birth-date", "exact")), "whoever said so later: {other_day:?}");
    desk.identity.learn((table, name.as_bytes()), None, 2);
    let strict = policy_with(
        r#"name = { wins = ["source", "recent"], match_others = true }"#,
        r#"name = { wins = ["source", "recent"], match_others = false }"#,
    );
    desk.identity.learn((table, name.as_bytes()), Some(&strict), 3);
    let other_name = levels(&desk.resolve_as(request(4), &asked("Bright", "1984-02-29")));
    assert!(other_name.contains(&("family", "different-not-male")), "{other_name:?}");
}

#[test]
fn a_source_that_speaks_up_withdraws_a_match_only_where_its_word_stands() {
    let mut desk = Desk::with(&[("ngozi", person(called(MAIDEN), coverage("W12345678901", "")))]);
    let claimed = dossier(called(MAIDEN), coverage("W12345678901", ""));
    assert!(matched_to(&desk.resolve(&claimed)).is_some());
    desk.learn("ngozi", Some(&known_by_two()), 9);
    assert_eq!(withdrawn(&desk.stir("ngozi")), None, "enrolment's word stands, and the phone she had is still hers");
    let mut somebody_else = known_by_two();
    somebody_else.source = Some("broker".into());
    somebody_else.others[0].source = "enrolment".into();
    somebody_else.others[0].member = claim("Chidi", "Eze", "1990-01-17");
    desk.learn("ngozi", Some(&somebody_else), 10);
    // The names that do not stand may still be agreed with; the birth date may not.
    assert_eq!(withdrawn(&desk.stir("ngozi")), None);
    let gone = person(claim("Chidi", "Eze", "1990-01-17"), coverage("X1", ""));
    desk.learn("ngozi", Some(&gone), 11);
    assert!(withdrawn(&desk.stir("ngozi")).is_some());
}

#[test]
fn whatever_policy_was_in_force_before_the_roster_is_the_same() {
    let (name, table) = (crate::rollout::MATCHING, domain::worker::Table::Policies);
    let other = policy_with(r#"sources = ["enrolment", "claims", "portal"]"#, r#"sources = ["portal", "enrolment"]"#);
    let claimed = dossier(called(MAIDEN), coverage("W12345678901", ""));
    let mut first = Desk::with(&[("ngozi", known_by_two())]);
    first.identity.learn((table, name.as_bytes()), Some(&other), 1);
    let mut last = Desk::with(&[]);
    last.identity.learn((table, name.as_bytes()), Some(&other), 1);
    last.learn("ngozi", Some(&known_by_two()), 0);
    let (one, another) = (first.resolve(&claimed), last.resolve(&claimed));
    assert_eq!(one.events, another.events);
    first.identity.learn((table, name.as_bytes()), None, 2);
    let mut plain = Desk::with(&[("ngozi", known_by_two())]);
    let claimed = || dossier(called(MAIDEN), coverage("W12345678901", ""));
    let (back, never) = (first.resolve_as(request(5), &claimed()), plain.resolve_as(request(5), &claimed()));
    assert_eq!(levels(&back), levels(&never));
}
