//! What reviewers may do, and what is on record of it.

use super::*;

fn step(decision: &Deciding) -> (&str, &str) {
    match bodies(decision)[..] {
        [EventBody::CommandPassed { review: Some(step), .. }] => (&step.step, step.operator.as_str()),
        ref other => panic!("{other:?}"),
    }
}

/// A desk with one open review that two people have to decide, who have looked.
fn in_sensitive_review() -> Desk {
    let sensitive = Context { consent: domain::person::ConsentPolicy::Sensitive, ..context() };
    let mut desk = Desk::with(&twins());
    desk.resolve_as(sensitive, &either());
    for operator in ["jo", "kim"] {
        desk.order(said_by(operator, Verdict::Look {}));
    }
    desk
}

/// Lets decisions that it is nobody be appealed for a minute, and answers when that is over for those made now.
fn allow_appeals(desk: &mut Desk) -> Timestamp {
    let text = include_str!("../../../../../deploy/policy/identity.toml").replace("appeal_s = 0", "appeal_s = 60");
    let policy = crate::Policy::parse(&text).expect("a policy");
    desk.identity.rollout = crate::Rollout::of(policy, crate::given::matching_policy());
    Timestamp(NOW.0 + 60_000)
}

#[test]
fn nobody_decides_who_has_not_looked_or_while_it_is_another_s() {
    let (mut desk, member_token) = in_review();
    let chosen = Verdict::IsMember { member_token };
    assert_eq!(bodies(&desk.order(said_by("kim", chosen))), [&refused_to("kim", Code::NotOpened)]);
    assert_eq!(step(&desk.order(said_by("kim", Verdict::Look {}))), ("opened", "kim"));
    assert_eq!(step(&desk.order(said_by("rev-12", Verdict::Take {}))), ("taken", "rev-12"));
    assert_eq!(bodies(&desk.order(said_by("kim", chosen))), [&refused_to("kim", Code::NotTheOwner)]);
    assert_eq!(step(&desk.order(said_by("kim", Verdict::AskMore {}))), ("asked", "kim"));
    assert_eq!(step(&desk.order(said_by("kim", Verdict::Take {}))), ("taken", "kim"), "taken over");
    assert_eq!(sends(&desk.order(said_by("kim", chosen))), 1);
}

#[test]
fn two_people_have_to_agree_where_the_consent_covers_sensitive_data() {
    let mut desk = in_sensitive_review();
    let member_token = review(&desk).candidates[0].member_token;
    let (chosen, nobody) = (Verdict::IsMember { member_token }, Verdict::IsNobody {});
    assert_eq!(step(&desk.order(said_by("jo", chosen))), ("first_verdict", "jo"));
    assert_eq!(bodies(&desk.order(said_by("jo", chosen))), [&refused_to("jo", Code::SecondReviewerMissing)]);
    assert_eq!(bodies(&desk.order(said_by("kim", nobody))), [&refused_to("kim", Code::VerdictsDisagree)]);
    assert_eq!(step(&desk.order(said_by("kim", chosen))), ("first_verdict", "kim"), "it begins anew");
    assert_eq!(sends(&desk.order(said_by("jo", chosen))), 1);
}

#[test]
fn that_it_is_nobody_can_be_appealed_until_it_takes_effect() {
    let (mut desk, member_token) = in_review();
    let late = allow_appeals(&mut desk);
    let key = Key::Review(REQUEST);
    assert!(matches!(bodies(&desk.order(verdict(Verdict::IsNobody {})))[..], [EventBody::ReviewDecided { .. }]));
    assert_eq!(bodies(&desk.order(verdict(Verdict::IsMember { member_token }))), [&refused(Code::NotInThisState)]);
    assert_eq!(step(&desk.order(said_by("kim", Verdict::Appeal {}))), ("appealed", "kim"));
    assert!(desk.fire(&key, late).events.is_empty(), "it is open again");
    assert_eq!(bodies(&desk.order(said_by("kim", Verdict::Appeal {}))), [&refused_to("kim", Code::NotInThisState)]);
    desk.order(verdict(Verdict::IsNobody {}));
    assert_eq!(desk.memory.get(&key).and_then(|entry| Identity::due(&key, entry)), Some(late));
    let settled = desk.fire(&key, late);
    assert!(matches!(bodies(&settled)[..], [EventBody::IdentityUnmatched { code: Code::ReviewedNobody, .. }]));
    assert!(desk.memory.is_empty());
}

#[test]
fn after_an_appeal_two_people_have_to_agree_anew() {
    let mut desk = in_sensitive_review();
    allow_appeals(&mut desk);
    let nobody = Verdict::IsNobody {};
    desk.order(said_by("jo", nobody));
    assert!(matches!(bodies(&desk.order(said_by("kim", nobody)))[..], [EventBody::ReviewDecided { .. }]));
    assert_eq!(step(&desk.order(said_by("kim", Verdict::Appeal {}))), ("appealed", "kim"));
    assert_eq!(step(&desk.order(said_by("kim", nobody))), ("first_verdict", "kim"));
}

#[test]
fn that_it_is_nobody_takes_no_effect_while_the_request_is_on_hold() {
    let (mut desk, _) = in_review();
    let late = allow_appeals(&mut desk);
    let due = |desk: &Desk| desk.memory.get(&Key::Review(REQUEST)).and_then(Entry::due);
    desk.order(verdict(Verdict::IsNobody {}));
    desk.order(IdentityTask::HoldIdentity { command_id: COMMAND });
    assert_eq!(due(&desk), None);
    let release = IdentityWork { context: context(), task: IdentityTask::ReleaseIdentity { command_id: COMMAND } };
    desk.take_at(release, Timestamp(NOW.0 + 3_600_000)).expect("a decision");
    assert_eq!(due(&desk), Some(Timestamp(late.0 + 3_600_000)), "there is as long to appeal as before");
}

#[test]
fn a_look_that_comes_when_the_review_is_over_is_on_record_as_such() {
    let (mut desk, member_token) = in_review();
    desk.order(verdict(Verdict::IsMember { member_token }));
    assert_eq!(step(&desk.order(said_by("kim", Verdict::Look {}))), ("looked", "kim"));
}

#[test]
fn who_has_left_the_roster_since_can_not_be_chosen() {
    let (mut desk, member_token) = in_review();
    desk.learn("b", None, 7);
    assert_eq!(bodies(&desk.order(verdict(Verdict::IsMember { member_token }))), [&refused(Code::NotACandidate)]);
    assert!(is_in_review(&desk), "another candidate may be the one");
}

#[test]
fn who_was_merged_since_is_matched_to_the_account_that_stands_for_them() {
    let (mut desk, member_token) = in_review();
    let [(_, one), (_, other)] = twins();
    desk.learn("c", Some(&one), 7);
    desk.learn("b", Some(&RosterMember { merged_into: Some("c".into()), ..other }), 8);
    let decision = desk.order(verdict(Verdict::IsMember { member_token }));
    let heir = crate::decide::member_token(&desk.identity, "c");
    let [_, EventBody::IdentityMatched { member_token: matched, .. }] = bodies(&decision)[..] else {
        panic!("{:?}", decision.events)
    };
    assert_eq!((*matched, sends(&decision)), (heir, 1));
    assert!(desk.stir("b").iter().all(|looked| looked.events.is_empty()), "that is what it rests on");
}
