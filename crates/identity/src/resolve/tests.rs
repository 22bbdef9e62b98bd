use domain::person::{Address, Coverage, Identifier, MemberClaim, RosterMember};
use proptest::prelude::*;

use super::*;
use crate::given::{claim, coverage, person, policy};

fn roster(people: &[(&str, RosterMember)]) -> Roster {
    let mut roster = Roster::default();
    for (key, member) in people {
        roster.put(key, Profile::of_member(member), member.merged_into.as_deref(), 1);
    }
    roster
}

fn okafor() -> MemberClaim {
    MemberClaim {
        addresses: vec![Address {
            lines: vec!["12 Main St".into()],
            postal_code: Some("02139".into()),
            ..Address::default()
        }],
        phones: vec!["555-010-7788".into()],
        identifiers: vec![Identifier { system: "".into(), kind: "MC".into(), value: "1EG4-TE5-MK73".into() }],
        ..claim("Ngozi", "Okafor", "1984-02-29")
    }
}

/// The outcome against one person on the roster, in words.
fn against_okafor(member: &MemberClaim, coverage: &Coverage) -> String {
    let roster = roster(&[("okafor", person(okafor(), self::coverage("M-1", "S-1")))]);
    match resolve(&policy(), &roster, &Profile::of_claim(member, Some(coverage))).resolution {
        Resolution::Matched { account, rule } => {
            assert_eq!(account, "okafor");
            format!("match {rule}")
        }
        Resolution::Uncertain { code, choices } => {
            assert_eq!(code, Code::PartialAgreement);
            format!("review {}", choices[0].1)
        }
        Resolution::Nobody { code } => format!("nobody {code}"),
    }
}

#[test]
fn each_rule_of_the_deployed_policy_fires() {
    let (mine, none) = (coverage("m 1", ""), coverage("X-9", "X-9"));
    let with_mbi = |claim: MemberClaim| MemberClaim { identifiers: okafor().identifiers, ..claim };
    let named = |given, family, born| claim(given, family, born);
    for (member, coverage, outcome) in [
        (named("NGOZI", "okafor", "1984-02-29"), &mine, "match member-id+birth-date+name"),
        (with_mbi(named("N.", "Eze", "1984-02-29")), &none, "match mbi+birth-date"),
        (named("Ngozi", "Eze", "1984-02-29"), &mine, "match member-id+birth-date+given-name"),
        (named("Ngozi", "Eze", "1984-02-29"), &coverage("", "S1"), "match subscriber-id+birth-date+given-name"),
        (named("Chidi", "Okafor", "1984-02-29"), &mine, "review member-id+birth-date"),
        (named("Ngozi", "Okafor", "1984-12-29"), &mine, "review member-id+name"),
        (with_mbi(named("Ngozi", "Okafor", "1984-12-29")), &none, "review mbi+name"),
        (
            MemberClaim { addresses: okafor().addresses, ..named("Ngozi", "Okafor", "1984-02-29") },
            &none,
            "review name+birth-date+address",
        ),
        (
            MemberClaim { phones: okafor().phones, ..named("Ngozi", "Okafor", "1984-02-29") },
            &none,
            "review name+birth-date+phone",
        ),
        (named("Ngozi", "Okafor", "1984-02-29"), &none, "nobody no-candidate"),
        (named("Chidi", "Eze", "2010-01-01"), &mine, "nobody candidates-disagree"),
        (named("Chidi", "Okafor", "1984-02-29"), &coverage("", "S1"), "nobody candidates-disagree"),
        (named("Zadie", "Smith", "1975-10-25"), &none, "nobody no-candidate"),
    ] {
        assert_eq!(against_okafor(&member, coverage), outcome);
    }
}

#[test]
fn generations_that_conflict_are_reviewed() {
    let mut senior = claim("Martin", "King, Sr.", "1929-01-15");
    let roster = roster(&[("king", person(senior.clone(), coverage("M-1", "")))]);
    let policy = policy();
    let rule = |member: &MemberClaim| resolve(&policy, &roster, &Profile::of_claim(member, Some(&coverage("M-1", ""))));
    assert!(matches!(rule(&senior).resolution, Resolution::Matched { .. }));
    senior.name.family = "King".into();
    assert!(
        matches!(rule(&senior).resolution, Resolution::Matched { .. }),
        "an unnamed generation conflicts with none"
    );
    senior.name.suffix = Some("Jr".into());
    let choices = vec![("king", "member-id+birth-date+name")];
    assert_eq!(rule(&senior).resolution, Resolution::Uncertain { code: Code::PartialAgreement, choices });
}

#[test]
fn two_people_who_fit_are_reviewed_and_two_accounts_of_one_are_not() {
    let twice = |merged_into: Option<&str>| {
        let old = RosterMember { merged_into: merged_into.map(str::to_owned), ..person(okafor(), coverage("M-1", "")) };
        roster(&[("a", old), ("b", person(okafor(), coverage("M-1", "")))])
    };
    let claim = Profile::of_claim(&okafor(), Some(&coverage("M-1", "")));
    let (apart, merged) = (twice(None), twice(Some("b")));
    let policy = policy();
    let several = resolve(&policy, &apart, &claim);
    let rule = "member-id+birth-date+name";
    let choices = vec![("a", rule), ("b", rule)];
    assert_eq!(several.resolution, Resolution::Uncertain { code: Code::SeveralCandidates, choices });
    assert_eq!(several.candidates, 2);
    let one = resolve(&policy, &merged, &claim);
    assert_eq!(one, Resolved { candidates: 1, resolution: Resolution::Matched { account: "b", rule } });
}

#[test]
fn a_match_outweighs_somebody_who_fits_in_part() {
    let twin = person(claim("Chidi", "Okafor", "1984-02-29"), coverage("M-1", ""));
    let roster = roster(&[("chidi", twin), ("ngozi", person(okafor(), coverage("M-1", "")))]);
    let policy = policy();
    let resolved = resolve(&policy, &roster, &Profile::of_claim(&okafor(), Some(&coverage("M-1", "")))).resolution;
    assert!(matches!(resolved, Resolution::Matched { account: "ngozi", .. }), "{resolved:?}");
}

fn people() -> impl Strategy<Value = RosterMember> {
    let given = prop_oneof![Just("Ngozi"), Just("Chidi"), Just("")];
    let family = prop_oneof![Just("Okafor"), Just("Okafor Jr"), Just("Eze"), Just(" ")];
    let born = prop_oneof![Just("1984-02-29"), Just("1984-03-01"), Just("1984"), Just("")];
    let id = prop_oneof![Just("M-1"), Just("M-2"), Just("M-3"), Just("")];
    let merged = proptest::option::of(prop_oneof![Just("0"), Just("1"), Just("2"), Just("elsewhere")]);
    (given, family, born, id, "[S-T]-[1-2]", merged).prop_map(|(given, family, born, id, family_id, merged)| {
        let merged_into = merged.map(str::to_owned);
        RosterMember { merged_into, ..person(claim(given, family, born), coverage(id, &family_id)) }
    })
}

proptest! {
    /// A decision depends on who is on the roster, and not on the order in which they were learnt or on who has left it.
    #[test]
    fn the_order_of_learning_does_not_count(
        people in proptest::collection::vec(people(), 1..8),
        claimed in people(),
        gone in people(),
    ) {
        let (mut forward, mut backward) = (Roster::default(), Roster::default());
        let keyed: Vec<_> = people.iter().enumerate().map(|(number, person)| (number.to_string(), person)).collect();
        backward.put("gone", Profile::of_member(&gone), None, 99);
        for (number, (key, person)) in keyed.iter().enumerate() {
            forward.put(key, Profile::of_member(person), person.merged_into.as_deref(), number as u64);
        }
        for (number, (key, person)) in keyed.iter().enumerate().rev() {
            backward.put(key, Profile::of_member(&gone), None, 50);
            backward.put(key, Profile::of_member(person), person.merged_into.as_deref(), number as u64);
        }
        backward.remove("gone");
        let claim = Profile::of_member(&claimed);
        let policy = policy();
        prop_assert_eq!(resolve(&policy, &forward, &claim), resolve(&policy, &backward, &claim));
        prop_assert_eq!(forward.version(), backward.version());
    }

    /// Names that anybody may write never stop the machine.
    #[test]
    fn any_text_has_a_profile(family in ".{0,30}", given in ".{0,30}", phone in ".{0,20}", id in ".{0,20}", born in ".{0,10}") {
        let member = MemberClaim { phones: vec![phone], ..claim(&given, &family, &born) };
        let profile = Profile::of_claim(&member, Some(&coverage(&id, &id)));
        let known = roster(&[("a", person(member, coverage(&id, "")))]);
        resolve(&policy(), &known, &profile);
    }
}
