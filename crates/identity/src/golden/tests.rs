use domain::Timestamp;
use domain::person::SourceRecord;
use matching::survivorship::Criterion;
use proptest::prelude::*;

use super::*;
use crate::given::{claim, coverage, person};

fn street(line: &str) -> Address {
    Address { lines: vec![line.into()], postal_code: Some("02139".into()), ..Address::default() }
}

fn ssn(value: &str) -> Identifier {
    Identifier { system: String::new(), kind: "SS".into(), value: value.into() }
}

/// What a source said on a day.
fn said(source: &str, day: i64, member: MemberClaim) -> SourceRecord {
    SourceRecord { source: source.into(), as_of: Timestamp(day * 86_400_000), member, coverages: Vec::new() }
}

/// An enrolment of the tenth day, and what others say of the same person.
fn known(member: MemberClaim, others: Vec<SourceRecord>) -> RosterMember {
    let as_of = Some(Timestamp(10 * 86_400_000));
    RosterMember { as_of, others, ..person(member, coverage("W12345678901", "W123456789")) }
}

fn golden(member: &RosterMember, policy: &Survivorship) -> Golden {
    Golden::of(member, policy).expect("several sources know them")
}

fn winners(golden: &Golden) -> Vec<(&'static str, &str)> {
    golden.won.iter().map(|won| (won.part.as_str(), won.source.as_str())).collect()
}

#[test]
fn each_part_is_the_word_of_whoever_wins_it() {
    let policy = Survivorship::default();
    let enrolled = MemberClaim { addresses: vec![street("12 Main St")], ..claim("Ngozi", "Okafor", "1984-02-29") };
    let at_the_portal = MemberClaim {
        addresses: vec![street("7 Fifth Ave")],
        identifiers: vec![ssn("517-28-4436")],
        ..claim("Ngozi", "Bright", "1984-02-28")
    };
    let told = known(enrolled, vec![said("portal", 20, at_the_portal)]);
    let stands = golden(&told, &policy);
    let member = &stands.member.member;
    assert_eq!((member.name.family.as_str(), member.other_names[0].family.as_str()), ("Okafor", "Bright"));
    assert_eq!(member.birth_date.as_deref(), Some("1984-02-29"), "there is only one");
    assert_eq!(member.addresses, [street("7 Fifth Ave"), street("12 Main St")], "said later");
    assert_eq!(member.identifiers, [ssn("517-28-4436")], "nobody says otherwise");
    assert_eq!(stands.member.coverages, told.coverages);
    assert_eq!(winners(&stands), [("name", "enrolment"), ("birth-date", "enrolment"), ("address", "portal")]);
    assert!(stands.is_disputed);

    let mut strict = policy;
    strict.rules[Part::Name as usize].match_others = false;
    strict.rules[Part::BirthDate as usize].wins = vec![Criterion::Recent];
    let member = golden(&told, &strict).member.member;
    assert_eq!((member.other_names.len(), member.birth_date.as_deref()), (0, Some("1984-02-28")));
}

#[test]
fn who_says_more_wins_and_a_placeholder_says_nothing() {
    let policy = Survivorship::default();
    let with = |number: &str| MemberClaim { identifiers: vec![ssn(number)], ..claim("Ngozi", "Okafor", "1984-02-29") };
    let mut complete = policy.clone();
    complete.rules[Part::Identifier as usize].wins = vec![Criterion::Complete, Criterion::Source];
    let told = known(with("4436"), vec![said("portal", 20, with("517-28-4436"))]);
    assert_eq!(golden(&told, &policy).member.member.identifiers[0], ssn("4436"), "the trusted one");
    assert_eq!(golden(&told, &complete).member.member.identifiers[0], ssn("517-28-4436"), "the whole one");
    let told = known(with("999-99-9999"), vec![said("portal", 20, with("517-28-4436"))]);
    assert_eq!(golden(&told, &policy).member.member.identifiers, [ssn("517-28-4436")]);
    let nameless = MemberClaim { birth_date: Some("1984-02-29".into()), ..MemberClaim::default() };
    let told = known(nameless, vec![said("claims", 1, claim("Ngozi", "Okafor", ""))]);
    let stands = golden(&told, &policy);
    assert_eq!((stands.member.member.name.family.as_str(), stands.won.len()), ("Okafor", 0));
}

#[test]
fn what_is_only_spelt_otherwise_is_no_dispute_to_tell_of() {
    let policy = Survivorship::default();
    let told = known(
        claim("Ngozi", "O'Kafor", "1984-02-29"),
        vec![said("claims", 20, claim("NGOZI", "OKAFOR", "1984-02-29"))],
    );
    let stands = golden(&told, &policy);
    assert_eq!((winners(&stands), stands.member.member.other_names.len()), (vec![], 0));
    assert_eq!(stands.member.member.name.family, "O'Kafor");
}

#[test]
fn a_row_that_one_source_knows_stands_as_it_is() {
    assert!(
        Golden::of(&person(claim("Ngozi", "Okafor", "1984-02-29"), coverage("W1", "")), &Survivorship::default())
            .is_none()
    );
}

proptest! {
    /// In whatever order sources speak and stand in the row, whichever is called the row's own: the same member comes of it, and each
    /// part is what some source said.
    #[test]
    fn the_order_of_the_sources_does_not_matter(
        words in proptest::collection::vec((0usize..4, 0i64..3, 0usize..3, 0usize..3, 0usize..4), 2..6),
        turn in 0usize..6,
        (first, second) in (0usize..3, 0usize..3),
    ) {
        const SOURCES: [&str; 4] = ["enrolment", "claims", "portal", "broker"];
        const FAMILY: [&str; 3] = ["Okafor", "OKAFOR", "Bright"];
        const BORN: [&str; 3] = ["1984-02-29", "1984-02-28", "1900-01-01"];
        const STREET: [&str; 4] = ["12 Main St", "7 Fifth Ave", "unknown", ""];
        const CRITERIA: [Criterion; 3] = [Criterion::Source, Criterion::Recent, Criterion::Complete];
        let mut policy = Survivorship::default();
        for rule in &mut policy.rules {
            rule.wins = if first == second { vec![CRITERIA[first]] } else { vec![CRITERIA[first], CRITERIA[second]] };
        }
        let spoken: Vec<SourceRecord> = words
            .iter()
            .map(|(source, day, family, born, line)| {
                let addresses = vec![street(STREET[*line])];
                said(SOURCES[*source], *day, MemberClaim { addresses, ..claim("Ngozi", FAMILY[*family], BORN[*born]) })
            })
            .collect();
        let row = |from: usize| {
            let mut all = spoken.clone();
            all.rotate_left(from % spoken.len());
            let SourceRecord { source, as_of, member, coverages } = all.remove(0);
            let (source, as_of) = (Some(source), Some(as_of));
            RosterMember { member, coverages, merged_into: None, source, as_of, others: all }
        };
        let (one, other) = (golden(&row(0), &policy), golden(&row(turn), &policy));
        prop_assert!(one.member == other.member && one.won == other.won && one.is_disputed == other.is_disputed);
        let name = &one.member.member.name.family;
        prop_assert!(spoken.iter().any(|word| word.member.name.family == *name));
    }
}
