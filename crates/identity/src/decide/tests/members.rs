//! What becomes of requests when members change: names, households, accounts, and the sources that know them.

use domain::person::{Coverage, MemberClaim, SourceRecord};

use super::*;

const MAIDEN: &str = "Okafor";

/// Somebody of this family name, born on this day in 1984, with a phone.
fn called(family: &str) -> MemberClaim {
    MemberClaim { phones: vec!["555-201-7788".into()], ..claim("Ngozi", family, "1984-02-29") }
}

fn depends_on(member_id: &str, subscriber_id: &str, relationship: &str) -> Coverage {
    Coverage { relationship: Some(relationship.into()), ..coverage(member_id, subscriber_id) }
}

/// The token that a claim is matched to, if it is.
fn matched_to(decision: &Deciding) -> Option<Token> {
    bodies(decision).into_iter().find_map(|body| {
        if let EventBody::IdentityMatched { member_token, .. } = body { Some(*member_token) } else { None }
    })
}

/// The fields a match was withdrawn for, if it was.
fn withdrawn(decisions: &[Deciding]) -> Option<Vec<&'static str>> {
    decisions.iter().flat_map(|decision| &decision.events).find_map(|draft| {
        let EventBody::VerificationFailed { code: Code::MatchWithdrawn, withdrawn } = &draft.body else { return None };
        Some(withdrawn.as_ref()?.fields.iter().map(|field| field.as_str()).collect())
    })
}

fn token(desk: &Desk, account: &str) -> Token {
    desk.identity.phi.token(Purpose::Member, &[account.as_bytes()])
}

/// The request of the `number`-th member, so that each has a ground of its own.
fn request(number: u8) -> Context {
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
