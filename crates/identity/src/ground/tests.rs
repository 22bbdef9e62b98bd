use domain::person::{MemberClaim, RosterMember};

use super::*;
use crate::given::{Desk, NOW, REQUEST, claim, coverage, dossier, person};

fn ngozi() -> RosterMember {
    let member = MemberClaim { phones: vec!["555-201-7788".into()], ..claim("Ngozi", "Okafor", "1984-02-29") };
    person(member, coverage("W123456789", ""))
}

/// A desk that has matched the request to `ngozi`.
fn matched(people: &[(&str, RosterMember)]) -> Desk {
    let mut desk = Desk::with(people);
    let claimed = MemberClaim { phones: vec!["555-201-7788".into()], ..claim("Ngozi", "Okafor", "1984-02-29") };
    let decision = desk.resolve(&dossier(claimed, coverage("W123456789", "")));
    assert!(matches!(decision.events[0].body, EventBody::IdentityMatched { .. }), "{decision:?}");
    desk
}

fn withdrawn(decisions: &[Deciding]) -> Option<&Withdrawal> {
    match decisions.iter().flat_map(|decision| &decision.events).collect::<Vec<_>>()[..] {
        [] => None,
        [Draft { request_id: REQUEST, body: EventBody::VerificationFailed { withdrawn, .. }, trace: Some(_) }] => {
            withdrawn.as_ref()
        }
        ref other => panic!("{other:?}"),
    }
}

fn ground(desk: &Desk) -> Option<&Ground> {
    desk.memory.iter().find_map(|(_, entry)| if let Entry::Ground(ground) = entry { Some(&**ground) } else { None })
}

#[test]
fn a_roster_that_says_somebody_else_withdraws_the_match_once() {
    let mut desk = matched(&[("ngozi", ngozi())]);
    desk.learn("ngozi", Some(&person(claim("Chidi", "Eze", "1990-01-17"), coverage("W123456789", ""))), 9);
    let looked = desk.stir("ngozi");
    let taken_back = withdrawn(&looked).expect("withdrawn");
    assert_eq!(taken_back.member_token, member_token(&desk.identity, "ngozi"));
    let mut fields: Vec<_> = taken_back.fields.iter().map(|field| field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["birth-date", "family", "given", "phone"]);
    assert!(taken_back.probability_ppm < 950_000 && taken_back.roster_version == 9);
    assert!(ground(&desk).is_none() && desk.stir("ngozi").is_empty());
}

#[test]
fn a_change_that_leaves_enough_is_noted_and_looked_at_no_more() {
    let mut desk = matched(&[("ngozi", ngozi())]);
    assert!(desk.stir("ngozi").is_empty(), "nothing has changed");
    let moved = MemberClaim { phones: vec!["617-330-1234".into()], ..ngozi().member };
    desk.learn("ngozi", Some(&RosterMember { member: moved, ..ngozi() }), 9);
    let looked = desk.stir("ngozi");
    assert_eq!((looked.len(), withdrawn(&looked)), (1, None));
    assert_eq!(ground(&desk).map(|ground| ground.offset), Some(9));
    assert!(desk.stir("ngozi").is_empty());
}

#[test]
fn a_member_who_leaves_the_roster_withdraws_the_match() {
    let mut desk = matched(&[("ngozi", ngozi())]);
    desk.learn("ngozi", None, 9);
    assert_eq!(withdrawn(&desk.stir("ngozi")).map(|withdrawn| withdrawn.probability_ppm), Some(0));
}

#[test]
fn merging_keeps_a_match_and_taking_apart_withdraws_it() {
    let elsewhere = || person(claim("Ngozi", "Okafor", "1984-02-29"), coverage("W987654321", ""));
    let merged = |into: &str| RosterMember { merged_into: Some(into.into()), ..ngozi() };
    // Matched first, merged later: it is the same person under another account.
    let mut desk =
        matched(&[("ngozi", ngozi()), ("other", person(claim("Zadie", "Smith", "1975-10-25"), coverage("", "")))]);
    desk.learn("new", Some(&elsewhere()), 8);
    desk.learn("ngozi", Some(&merged("new")), 9);
    assert_eq!(withdrawn(&desk.stir("ngozi")), None);
    // Matched as merged, taken apart later: it was somebody else.
    let mut desk = matched(&[("new", elsewhere()), ("ngozi", merged("new"))]);
    assert_eq!(ground(&desk).map(|ground| ground.member_key.as_str()), Some("new"));
    desk.learn("ngozi", Some(&ngozi()), 9);
    assert!(withdrawn(&desk.stir("ngozi")).is_some());
    // The account it was merged into goes: so does the ground, though its own row stands.
    let mut desk = matched(&[("new", elsewhere()), ("ngozi", merged("new"))]);
    desk.learn("new", None, 9);
    assert!(withdrawn(&desk.stir("new")).is_some());
}

/// The row of the account that others were merged into travels on a partition of its own, and may be read after theirs.
#[test]
fn a_merge_that_is_read_before_its_heir_withdraws_nothing_and_is_judged_when_the_heir_comes() {
    let heir = || person(claim("Ngozi", "Okafor", "1984-02-29"), coverage("W987654321", ""));
    let merged = || RosterMember { merged_into: Some("heir".into()), ..ngozi() };
    let mut desk = matched(&[("ngozi", ngozi())]);
    desk.learn("ngozi", Some(&merged()), 9);
    assert_eq!(withdrawn(&desk.stir("ngozi")), None, "its heir is not there yet");
    let waits = ground(&desk).and_then(|ground| ground.awaited_until);
    assert_eq!(waits, Some(Timestamp(NOW.0 + 3_600_000)));
    assert!(desk.stir("ngozi").is_empty() && shaken(&desk.identity, &desk.memory).is_empty(), "nothing has come since");
    // The heir comes: the match stands, and what it stands for is known.
    desk.learn("heir", Some(&heir()), 10);
    assert_eq!(withdrawn(&desk.stir("heir")), None);
    let stands = ground(&desk).map(|ground| (ground.heir.as_deref(), ground.awaited_until));
    assert_eq!(stands, Some((Some("heir"), None)));
    assert!(desk.stir("heir").is_empty() && shaken(&desk.identity, &desk.memory).is_empty());
    // An heir that was there and goes takes the match along at once.
    desk.learn("heir", None, 11);
    let taken_back = desk.stir("heir");
    let named = withdrawn(&taken_back).map(|withdrawn| withdrawn.member_token);
    assert_eq!(named, Some(member_token(&desk.identity, "ngozi")), "it is the match that was made");
}

#[test]
fn an_heir_that_does_not_come_in_its_time_withdraws_the_match_however_often_the_row_is_written_again() {
    let merged = || RosterMember { merged_into: Some("heir".into()), ..ngozi() };
    let mut desk = matched(&[("ngozi", ngozi())]);
    desk.learn("ngozi", Some(&merged()), 9);
    assert_eq!(withdrawn(&desk.stir("ngozi")), None);
    desk.learn("ngozi", Some(&merged()), 10);
    assert_eq!(withdrawn(&desk.stir("ngozi")), None);
    let (key, due) = desk.memory.iter().map(|(key, entry)| (*key, entry.due())).next().expect("a ground");
    assert_eq!(due, Some(Timestamp(NOW.0 + 3_600_000)), "the time runs from when it was first missed");
    let decision = desk.fire(&key, due.expect("a time"));
    assert!(withdrawn(&[decision]).is_some() && desk.memory.is_empty());
}

#[test]
fn an_heir_that_was_merged_on_and_goes_takes_the_match_along_though_another_is_awaited() {
    let into = |heir: &str| RosterMember { merged_into: Some(heir.into()), ..ngozi() };
    let mut desk = matched(&[("ngozi", ngozi())]);
    desk.learn("heir", Some(&ngozi()), 9);
    desk.learn("ngozi", Some(&into("heir")), 10);
    assert_eq!(withdrawn(&desk.stir("ngozi")), None);
    desk.learn("heir", Some(&into("next")), 11);
    assert_eq!(withdrawn(&desk.stir("heir")), None);
    assert!(ground(&desk).is_some_and(|ground| ground.awaited_until.is_some()), "the next is not there yet");
    desk.learn("heir", None, 12);
    assert!(withdrawn(&desk.stir("heir")).is_some(), "nobody stands for her");
}

#[test]
fn while_its_heir_is_awaited_an_account_is_judged_by_what_it_says() {
    let merged = || RosterMember { merged_into: Some("heir".into()), ..ngozi() };
    let mut desk = matched(&[("ngozi", ngozi())]);
    desk.learn("ngozi", Some(&merged()), 9);
    assert_eq!(withdrawn(&desk.stir("ngozi")), None);
    let chidi = person(claim("Chidi", "Eze", "1990-01-17"), coverage("W123456789", ""));
    desk.learn("ngozi", Some(&RosterMember { merged_into: Some("heir".into()), ..chidi }), 10);
    assert!(withdrawn(&desk.stir("ngozi")).is_some(), "somebody else, whoever the heir may be");
}

/// Whichever of the rows of a chain of merges is read first, and with the roster between as it may be: nothing is withdrawn, and in the
/// end the match stands for the last of them.
#[test]
fn the_order_in_which_a_chain_of_merges_is_read_does_not_matter() {
    let into = |heir: &str| RosterMember { merged_into: Some(heir.into()), ..ngozi() };
    let rows = [("ngozi", into("middle")), ("middle", into("heir")), ("heir", ngozi())];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut desk = matched(&[("ngozi", ngozi())]);
        for (at, offset) in order.into_iter().zip(9..) {
            let (account, row) = &rows[at];
            desk.learn(account, Some(row), offset);
            assert_eq!(withdrawn(&desk.stir(account)), None, "{order:?}");
        }
        let stands = ground(&desk).map(|ground| (ground.heir.as_deref(), ground.awaited_until));
        assert_eq!(stands, Some((Some("heir"), None)), "{order:?}");
        assert!(shaken(&desk.identity, &desk.memory).is_empty());
    }
}

#[test]
fn after_a_restore_all_is_held_against_the_roster_of_the_day() {
    let mut desk = matched(&[("ngozi", ngozi())]);
    assert!(shaken(&desk.identity, &desk.memory).is_empty());
    desk.learn("ngozi", None, 9);
    assert_eq!(shaken(&desk.identity, &desk.memory).len(), 1);
}

#[test]
fn a_ground_is_forgotten_in_time() {
    let mut desk = matched(&[("ngozi", ngozi())]);
    let (key, until) = desk.memory.iter().map(|(key, entry)| (*key, entry.due())).next().expect("a ground");
    assert_eq!(until, Some(Timestamp(NOW.0 + 30 * 86_400_000)));
    desk.fire(&key, until.expect("a time"));
    assert!(desk.memory.is_empty());
}
