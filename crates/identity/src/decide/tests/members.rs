//! What becomes of requests when members change: names, households, accounts.

use domain::person::{Coverage, MemberClaim};

use super::*;

pub(super) const MAIDEN: &str = "Okafor";

/// Somebody of this family name, born on this day in 1984, with a phone.
pub(super) fn called(family: &str) -> MemberClaim {
    MemberClaim { phones: vec!["555-201-7788".into()], ..claim("Ngozi", family, "1984-02-29") }
}

fn depends_on(member_id: &str, subscriber_id: &str, relationship: &str) -> Coverage {
    Coverage { relationship: Some(relationship.into()), ..coverage(member_id, subscriber_id) }
}

/// The token that a claim is matched to, if it is.
pub(super) fn matched_to(decision: &Deciding) -> Option<Token> {
    bodies(decision).into_iter().find_map(|body| {
        if let EventBody::IdentityMatched { member_token, .. } = body { Some(*member_token) } else { None }
    })
}

/// The fields a match was withdrawn for, if it was.
pub(super) fn withdrawn(decisions: &[Deciding]) -> Option<Vec<&'static str>> {
    decisions.iter().flat_map(|decision| &decision.events).find_map(|draft| {
        let EventBody::VerificationFailed { code: Code::MatchWithdrawn, withdrawn } = &draft.body else { return None };
        Some(withdrawn.as_ref()?.fields.iter().map(|field| field.as_str()).collect())
    })
}

fn token(desk: &Desk, account: &str) -> Token {
    desk.identity.phi.token(Purpose::Member, &[account.as_bytes()])
}

/// The request of the `number`-th member, so that each has a ground of its own.
pub(super) fn request(number: u8) -> Context {
    Context { request_id: RequestId([number; 16]), ..context() }
}

#[test]
fn a_marriage_withdraws_nothing_and_the_person_is_found_under_either_name() {
    let card = || coverage("W12345678901", "W123456789");
    let asked = |family| dossier(called(family), card());
    let mut desk = Desk::with(&[("ngozi", person(called(MAIDEN), card()))]);
    let before = matched_to(&desk.resolve(&asked(MAIDEN)));
    assert_eq!(before, Some(token(&desk, "ngozi")));
    // As enrolment systems publish it that keep earlier names.
    let other_names = vec![called(MAIDEN).name];
    desk.learn("ngozi", Some(&person(MemberClaim { other_names, ..called("Bright") }, card())), 9);
    assert_eq!(withdrawn(&desk.stir("ngozi")), None);
    for (number, family) in [(1, MAIDEN), (2, "Bright")] {
        let decision = desk.resolve_as(request(number), &asked(family));
        assert_eq!(matched_to(&decision), before, "{family}");
    }
    // And as those publish it that do not: what the match rested on besides is enough.
    desk.learn("ngozi", Some(&person(called("Bright"), card())), 10);
    assert_eq!(withdrawn(&desk.stir("ngozi")), None);
    assert_eq!(grounds(&desk), 1, "it stands, and is held against what the roster says next");
}

#[test]
fn a_name_that_a_match_lived_on_withdraws_it() {
    let nobody_s = coverage("", "");
    let mut desk = Desk::with(&[("ngozi", person(called(MAIDEN), nobody_s.clone()))]);
    assert!(matched_to(&desk.resolve(&dossier(called(MAIDEN), nobody_s.clone()))).is_some());
    let other = MemberClaim { phones: vec![], ..claim("Ngozi", "Bright", "1984-02-29") };
    desk.learn("ngozi", Some(&person(other, nobody_s)), 9);
    assert_eq!(withdrawn(&desk.stir("ngozi")), Some(vec!["family", "phone"]));
}

#[test]
fn a_dependent_who_becomes_a_subscriber_stays_the_same_person() {
    let (child, own) =
        (depends_on("W12345678903", "W123456789", "child"), depends_on("X98765432101", "X987654321", "self"));
    let enrolled = |coverages| RosterMember { member: called(MAIDEN), coverages, ..RosterMember::default() };
    let mut desk = Desk::with(&[
        ("ngozi", enrolled(vec![child.clone()])),
        ("parent", person(claim("Chidi", MAIDEN, "1958-07-11"), depends_on("W12345678901", "W123456789", "self"))),
    ]);
    let before = matched_to(&desk.resolve(&dossier(called(MAIDEN), child.clone())));
    assert_eq!(before, Some(token(&desk, "ngozi")));
    // The old coverage ends and stays on the row beside the new one.
    let ended = Coverage { end: Some("2026-02-28".into()), ..child.clone() };
    desk.learn("ngozi", Some(&enrolled(vec![own.clone(), ended])), 9);
    assert_eq!(withdrawn(&desk.stir("ngozi")), None);
    for (number, card) in [(1, &child), (2, &own)] {
        assert_eq!(matched_to(&desk.resolve_as(request(number), &dossier(called(MAIDEN), card.clone()))), before);
    }
    // The old coverage goes altogether: name, birth date and phone are enough.
    desk.learn("ngozi", Some(&enrolled(vec![own])), 10);
    assert_eq!(withdrawn(&desk.stir("ngozi")), None);
    // The parent, who keeps the contract, is not taken for the child.
    let parent = dossier(claim("Chidi", MAIDEN, "1958-07-11"), depends_on("W12345678901", "W123456789", "self"));
    assert_eq!(matched_to(&desk.resolve_as(request(3), &parent)), Some(token(&desk, "parent")));
}

/// Two accounts of one person that do not look it: enrolled twice, under two names and at two addresses.
fn two_accounts() -> [(&'static str, RosterMember); 2] {
    let (old, new) = (coverage("W12345678901", "W123456789"), coverage("X98765432101", "X987654321"));
    let bright = MemberClaim { phones: vec!["555-330-1234".into()], ..claim("Ngozi", "Bright", "1984-02-29") };
    [("old", person(called(MAIDEN), old)), ("new", person(bright, new))]
}

#[test]
fn requests_matched_to_an_account_follow_the_account_it_is_merged_into() {
    let [(_, old), new] = two_accounts();
    let asked = || dossier(old.member.clone(), coverage("W12345678901", "W123456789"));
    let mut desk = Desk::with(&[("old", old.clone()), new.clone()]);
    assert_eq!(matched_to(&desk.resolve(&asked())), Some(token(&desk, "old")));
    let merged = RosterMember { merged_into: Some("new".into()), ..old.clone() };
    desk.learn("old", Some(&merged), 9);
    assert_eq!(withdrawn(&desk.stir("old")), None, "it is the same person");
    let after = desk.resolve_as(request(1), &asked());
    assert_eq!(matched_to(&after), Some(token(&desk, "new")), "who asks now is told of the survivor");
    let [EventBody::IdentityMatched { evidence: Some(evidence), .. }] = bodies(&after)[..] else { panic!("{after:?}") };
    assert!(evidence.alternative != domain::lifecycle::evidence::Alternative::Member, "{evidence:?}");
    // The survivor's row changes, and then goes: whatever was matched to it by way of the other account goes with it.
    desk.learn("new", Some(&RosterMember { coverages: vec![coverage("X98765432102", "")], ..new.1 }), 10);
    assert_eq!(withdrawn(&desk.stir("new")), None);
    desk.learn("new", None, 11);
    let looked = desk.stir("new");
    let both = looked.iter().filter(|decision| !decision.events.is_empty()).count();
    assert_eq!(both, 2, "neither account leads to anybody: {looked:?}");
}

#[test]
fn accounts_that_are_taken_apart_again_withdraw_what_was_matched_across_them() {
    let [(_, old), new] = two_accounts();
    let merged = RosterMember { merged_into: Some("new".into()), ..old.clone() };
    let mut desk = Desk::with(&[("old", merged), new]);
    let asked = dossier(old.member.clone(), coverage("W12345678901", "W123456789"));
    assert_eq!(matched_to(&desk.resolve(&asked)), Some(token(&desk, "new")));
    desk.learn("old", Some(&old), 9);
    assert_eq!(withdrawn(&desk.stir("old")), Some(vec![]), "no field differs; the account is another's");
}

/// Two accounts whose rows say the same in everything, one of them merged into the other.
fn twice_the_same() -> [(&'static str, RosterMember); 2] {
    let row = || person(called(MAIDEN), coverage("W12345678901", "W123456789"));
    [("heir", row()), ("old", RosterMember { merged_into: Some("heir".into()), ..row() })]
}

fn asked_for_her() -> domain::person::Dossier {
    dossier(called(MAIDEN), coverage("W12345678901", "W123456789"))
}

#[test]
fn an_account_merged_into_one_whose_row_is_equal_leads_to_it_before_and_after() {
    let [heir, (_, merged)] = twice_the_same();
    let old = RosterMember { merged_into: None, ..merged.clone() };
    let mut desk = Desk::with(&[("old", old)]);
    assert_eq!(matched_to(&desk.resolve(&asked_for_her())), Some(token(&desk, "old")));
    desk.learn(heir.0, Some(&heir.1), 9);
    desk.learn("old", Some(&merged), 10);
    assert_eq!(withdrawn(&desk.stir("heir")).or(withdrawn(&desk.stir("old"))), None, "it is the same person");
    let heirs = desk.memory.iter().filter_map(|(_, entry)| match entry {
        Entry::Ground(ground) => ground.heir.as_deref(),
        Entry::OpenReview(_) | Entry::Watch(_) => None,
    });
    assert_eq!(heirs.collect::<Vec<_>>(), ["heir"], "what it rests on names who stands for her today");
    let after = desk.resolve_as(request(1), &asked_for_her());
    assert_eq!(matched_to(&after), Some(token(&desk, "heir")));
    desk.learn("heir", None, 11);
    let both = desk.stir("heir").iter().filter(|decision| !decision.events.is_empty()).count();
    assert_eq!(both, 2, "what was matched to either goes with the account that stands for both");
}

#[test]
fn a_match_that_was_one_because_two_accounts_were_merged_is_withdrawn_when_they_are_taken_apart() {
    let [a, (_, b)] = twins();
    let merged = RosterMember { merged_into: Some("a".into()), ..b.clone() };
    let merged_desk = || {
        let mut desk = Desk::with(&[a.clone(), ("b", merged.clone())]);
        assert_eq!(matched_to(&desk.resolve(&either())), Some(token(&desk, "a")), "apart, nothing would tell which");
        desk
    };
    let mut desk = merged_desk();
    desk.learn("b", Some(&merged), 9);
    assert!(desk.stir("b").is_empty(), "the row is as it was");
    desk.learn("b", Some(&b), 10);
    assert_eq!(withdrawn(&desk.stir("b")), Some(vec![]));
    // Merged into a third account that stands is apart as well, and one that leaves the roster is nobody else.
    let mut desk = merged_desk();
    desk.learn("c", Some(&person(called(MAIDEN), coverage("", ""))), 9);
    desk.learn("b", Some(&RosterMember { merged_into: Some("c".into()), ..b }), 10);
    assert_eq!(withdrawn(&desk.stir("b")), Some(vec![]));
    let mut desk = merged_desk();
    desk.learn("b", None, 9);
    assert_eq!(withdrawn(&desk.stir("b")), None);
}

#[test]
fn who_is_one_with_the_member_by_way_of_an_account_that_has_not_come_is_waited_for() {
    let [a, (_, b)] = twins();
    let into = |heir: &str| RosterMember { merged_into: Some(heir.into()), ..b.clone() };
    for (heir, expected) in [(Some(into("a")), None), (None, Some(vec![]))] {
        let mut desk = Desk::with(&[a.clone(), ("b", into("a"))]);
        desk.resolve(&either());
        desk.learn("b", Some(&into("c")), 9);
        assert_eq!(withdrawn(&desk.stir("b")), None, "the row of c may be read later");
        desk.learn("c", heir.as_ref(), 10);
        let (key, due) = desk.memory.iter().map(|(key, entry)| (*key, entry.due())).next().expect("a ground");
        assert_eq!(due, Some(Timestamp(NOW.0 + 3_600_000)));
        assert_eq!(withdrawn(&[desk.fire(&key, due.expect("a time"))]), expected);
    }
}

#[test]
fn an_account_that_turns_out_to_be_somebody_else_is_noticed_when_it_comes() {
    // Whichever row is read first: the one that leads there, or the one that it leads to.
    let [a, (_, b)] = twins();
    let into = |heir: &str| RosterMember { merged_into: Some(heir.into()), ..b.clone() };
    for is_heir_first in [false, true] {
        let mut desk = Desk::with(&[a.clone(), ("b", into("a"))]);
        desk.resolve(&either());
        let mut rows = [("b", into("c")), ("c", b.clone())];
        if is_heir_first {
            rows.reverse();
        }
        let noticed = rows.map(|(key, row)| {
            desk.learn(key, Some(&row), 9);
            withdrawn(&desk.stir(key))
        });
        assert!(noticed.iter().any(Option::is_some), "the heir first: {is_heir_first}");
    }
}

/// Whom the machine takes for one person by their rows alone stays one.
#[test]
fn accounts_whose_rows_are_equal_may_be_taken_apart_again() {
    let [heir, (_, merged)] = twice_the_same();
    let mut desk = Desk::with(&[heir, ("old", merged.clone())]);
    let before = matched_to(&desk.resolve(&asked_for_her()));
    assert_eq!(before, Some(token(&desk, "heir")));
    desk.learn("old", Some(&RosterMember { merged_into: None, ..merged }), 9);
    assert_eq!(withdrawn(&desk.stir("old")), None);
    assert_eq!(matched_to(&desk.resolve_as(request(1), &asked_for_her())), before, "asked today, it is the same");
}

#[test]
fn a_reviewer_s_choice_follows_the_account_it_is_merged_into_and_never_one_that_is_gone() {
    let (mut desk, member_token) = in_review();
    let [(_, a), (_, b)] = twins();
    desk.learn("b", Some(&RosterMember { merged_into: Some("a".into()), ..b }), 9);
    let decision = desk.order(verdict(Verdict::IsMember { member_token }));
    assert_eq!(matched_to(&decision), Some(token(&desk, "a")), "the other twin was a second account");
    let (mut desk, member_token) = in_review();
    desk.learn("b", None, 9);
    let decision = desk.order(verdict(Verdict::IsMember { member_token }));
    assert_eq!(bodies(&decision), [&refused(Code::NotACandidate)]);
    assert!(is_in_review(&desk));
    // Of two people who have to agree one named each account: they agree once these are one.
    let sensitive = Context { consent: domain::person::ConsentPolicy::Sensitive, ..context() };
    let mut desk = Desk::with(&twins());
    desk.resolve_as(sensitive, &either());
    let tokens: Vec<Token> = review(&desk).candidates.iter().map(|candidate| candidate.member_token).collect();
    for operator in ["jo", "kim"] {
        desk.order(said_by(operator, Verdict::Look {}));
    }
    desk.order(said_by("jo", Verdict::IsMember { member_token: tokens[0] }));
    desk.learn("a", Some(&RosterMember { merged_into: Some("b".into()), ..a }), 9);
    let agreed = desk.order(said_by("kim", Verdict::IsMember { member_token: tokens[1] }));
    assert_eq!(matched_to(&agreed), Some(token(&desk, "b")));
}

/// Nothing that identifies spoke for whoever was chosen: the match rests on who that was, and not on what stays the same of anybody.
#[test]
fn a_reviewer_s_choice_that_no_field_speaks_for_holds_while_the_account_is_that_person_s() {
    let (mut desk, member_token) = in_review();
    let stranger = |phone: &str| {
        let member = MemberClaim { phones: vec![phone.into()], ..claim("Chidi", "Eze", "1990-01-17") };
        person(member, coverage("W99999999901", ""))
    };
    desk.learn("b", Some(&stranger("555-201-7788")), 9);
    assert!(matched_to(&desk.order(verdict(Verdict::IsMember { member_token }))).is_some());
    desk.learn("b", Some(&stranger("617-330-1234")), 10);
    assert_eq!(withdrawn(&desk.stir("b")), None, "most of it is as it was");
    desk.learn("b", Some(&twins()[1].1), 11);
    assert!(withdrawn(&desk.stir("b")).is_some());
}

#[test]
fn a_first_verdict_for_an_account_that_is_gone_is_no_word_for_nobody() {
    let sensitive = Context { consent: domain::person::ConsentPolicy::Sensitive, ..context() };
    let mut desk = Desk::with(&twins());
    desk.resolve_as(sensitive, &either());
    let member_token = review(&desk).candidates[0].member_token;
    for operator in ["jo", "kim"] {
        desk.order(said_by(operator, Verdict::Look {}));
    }
    desk.order(said_by("jo", Verdict::IsMember { member_token }));
    desk.learn("a", None, 9);
    let decision = desk.order(said_by("kim", Verdict::IsNobody {}));
    assert_eq!(bodies(&decision), [&refused_to("kim", Code::VerdictsDisagree)]);
}
