use domain::person::{Address, Coverage, Identifier, MemberClaim, RosterMember};
use proptest::prelude::*;

use super::*;
use crate::given::{claim, context, coverage, dossier, matching_policy, person, policy};

fn roster(people: &[(&str, RosterMember)]) -> Roster {
    let mut roster = Roster::default();
    people.iter().for_each(|(key, member)| roster.put(key, member, 1));
    roster
}

fn okafor() -> MemberClaim {
    MemberClaim {
        addresses: vec![Address {
            lines: vec!["12 Main St".into()],
            city: Some("Cambridge".into()),
            state: Some("MA".into()),
            postal_code: Some("02139".into()),
            ..Address::default()
        }],
        phones: vec!["555-010-7788".into()],
        identifiers: vec![Identifier { system: "".into(), kind: "MC".into(), value: "1EG4-TE5-MK73".into() }],
        ..claim("Ngozi", "Okafor", "1984-02-29")
    }
}

fn looked_up<'r>(roster: &'r Roster, member: &MemberClaim, coverage: &Coverage) -> Resolved<'r> {
    let rollout = Rollout::of(policy(), matching_policy());
    resolve(&rollout, rollout.acting(), roster, (&context(), &dossier(member.clone(), coverage.clone())))
}

/// The outcome against one person on the roster, in words.
fn against_okafor(member: &MemberClaim, coverage: &Coverage) -> &'static str {
    let roster = roster(&[("okafor", person(okafor(), self::coverage("W123456789", "W1234567")))]);
    match looked_up(&roster, member, coverage).resolution {
        Resolution::Matched { account, member, .. } => {
            assert_eq!((account, member), ("okafor", "okafor"));
            "match"
        }
        Resolution::Uncertain { code, choices } => {
            assert_eq!((code, choices.len()), (Code::PartialAgreement, 1));
            "review"
        }
        Resolution::Nobody { code: Code::CandidatesDisagree } => "disagreeing",
        Resolution::Nobody { .. } => "nobody",
    }
}

#[test]
fn more_that_agrees_makes_a_match_and_a_relative_is_none() {
    let (mine, none) = (coverage("W123456789", ""), coverage("", ""));
    let at_home = |claim| MemberClaim { addresses: okafor().addresses, phones: okafor().phones, ..claim };
    let with_mbi = |claim| MemberClaim { identifiers: okafor().identifiers, ..claim };
    let (ngozi, chidi) = (claim("NGOZI", "okafor", "1984-02-29"), claim("Chidi", "Okafor", "1987-11-03"));
    for (member, coverage, outcome) in [
        (ngozi.clone(), &mine, "match"),
        (with_mbi(claim("Ngozi", "Eze", "1984-02-29")), &none, "match"),
        (at_home(ngozi), &none, "match"),
        (at_home(chidi), &none, "nobody"),
        (with_mbi(claim("Zadie", "Smith", "1975-10-25")), &none, "disagreeing"),
        (claim("Zadie", "Smith", "1975-10-25"), &none, "nobody"),
    ] {
        assert_eq!(against_okafor(&member, coverage), outcome, "{:?} {:?}", member.name.given, member.name.family);
    }
}

#[test]
fn accounts_that_were_merged_are_one_person() {
    let ngozi = || person(okafor(), coverage("W123456789", ""));
    let again = || person(okafor(), coverage("W987654321", ""));
    let merged = RosterMember { merged_into: Some("new".into()), ..ngozi() };
    let roster = roster(&[("old", merged), ("new", again())]);
    let found = looked_up(&roster, &okafor(), &coverage("W123456789", ""));
    let Resolution::Matched { account, member, .. } = found.resolution else { panic!("{:?}", found.resolution) };
    assert_eq!((account, member), ("old", "new"), "the card is the old account's");
}

#[test]
fn who_of_two_it_is_that_nothing_tells_apart_is_for_a_reviewer_to_say() {
    let ngozi = |card| person(claim("Ngozi", "Okafor", "1984-02-29"), coverage(card, "W123456789"));
    let roster = roster(&[("a", ngozi("W12345678901")), ("b", ngozi("W12345678902"))]);
    let found = looked_up(&roster, &claim("Ngozi", "Okafor", "1984-02-29"), &coverage("", "W123456789"));
    let Resolution::Uncertain { code: Code::SeveralCandidates, choices } = found.resolution else {
        panic!("{:?}", found.resolution)
    };
    assert_eq!(choices.iter().map(|choice| choice.member).collect::<Vec<_>>(), ["a", "b"]);
}

proptest! {
    /// Whatever a roster and a claim hold: what is decided does not depend on the order in which the roster came, a match is as likely
    /// as the thresholds ask, and what a reviewer chooses from are different members.
    #[test]
    fn the_roster_s_order_does_not_matter(
        people in proptest::collection::vec((0usize..3, 0usize..3, 0usize..2, 0usize..3), 1..6),
        (given, family, born, card) in (0usize..3, 0usize..3, 0usize..2, 0usize..3),
    ) {
        const GIVEN: [&str; 3] = ["Ngozi", "Chidi", "Zadie"];
        const FAMILY: [&str; 3] = ["Okafor", "Eze", "Smith"];
        const BORN: [&str; 2] = ["1984-02-29", "1975-10-25"];
        const CARD: [&str; 3] = ["W123456701", "W123456702", "W765432101"];
        let keys = ["a", "b", "c", "d", "e", "f"];
        let member = |(given, family, born, card): (usize, usize, usize, usize)| {
            person(claim(GIVEN[given], FAMILY[family], BORN[born]), coverage(CARD[card], ""))
        };
        let mut known: Vec<_> = keys.into_iter().zip(people.into_iter().map(member)).collect();
        let one_way = roster(&known);
        known.reverse();
        let other_way = roster(&known);
        let (claimed, card) = (claim(GIVEN[given], FAMILY[family], BORN[born]), coverage(CARD[card], ""));
        let (one, other) = (looked_up(&one_way, &claimed, &card), looked_up(&other_way, &claimed, &card));
        prop_assert_eq!(&one, &other);
        match &one.resolution {
            Resolution::Matched { .. } => prop_assert!(matching_policy().decide.matches <= one.weighed.decision.probability),
            Resolution::Uncertain { choices, .. } => {
                let mut members: Vec<_> = choices.iter().map(|choice| choice.member).collect();
                members.sort_unstable();
                members.dedup();
                prop_assert!(!choices.is_empty() && members.len() == choices.len());
            }
            Resolution::Nobody { .. } => prop_assert!(one.weighed.decision.probability < matching_policy().decide.matches),
        }
    }
}

#[test]
fn the_log_has_a_name_for_every_field_and_level() {
    for field in Field::ALL {
        assert_eq!(MatchField::of(field.as_str()).as_str(), field.as_str());
        for level in &field.levels()[1..] {
            assert_eq!(Agreement::of(level).as_str(), *level, "{}", field.as_str());
        }
    }
}
