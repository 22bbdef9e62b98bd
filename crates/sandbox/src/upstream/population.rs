//! The members of a payer, as its enrolment system publishes them.

use domain::person::{Address, Coverage, Identifier, MemberClaim, PersonName, RosterMember, Sex};
use domain::time::Date;

use super::names::{CITIES, FAMILIES, GIVEN, STREETS};
use crate::dice::Dice;

/// One enrolled member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The enrolment system's key of the account.
    pub member_key: String,
    /// The roster record.
    pub member: RosterMember,
}

/// How many members share a household, at most.
const HOUSEHOLD: u64 = 3;
/// 1930-01-01 in days since 1970.
const OLDEST_DAY: i64 = -14_610;
/// From 1930 to 2015.
const BIRTH_SPAN_DAYS: u64 = 31_000;

/// The first `count` members of a payer. Every tenth account is a twin of the one before: the same person as far as anybody can see,
/// but with another number under the same contract. A claim about either that leaves the number out is ambiguous.
pub fn population(seed: u64, payer: &str, count: u64) -> Vec<Enrolled> {
    (0..count).map(|index| enrolled(seed, payer, index)).collect()
}

/// Whether the account at this place is the twin of the one before.
pub(crate) fn is_twin(index: u64) -> bool {
    index % 10 == 9
}

fn enrolled(seed: u64, payer: &str, index: u64) -> Enrolled {
    let person = if is_twin(index) { index - 1 } else { index };
    let member = claim(seed, person);
    let household = person / HOUSEHOLD;
    let coverage = Coverage {
        payer: payer.to_owned(),
        member_id: Some(member_id(index)),
        subscriber_id: Some(subscriber_id(person)),
        group: Some(format!("G{:04}", household % 97)),
        plan: Some("PPO".to_owned()),
        start: Some("2026-01-01".to_owned()),
        end: None,
        relationship: Some(if person.is_multiple_of(HOUSEHOLD) { "self" } else { "child" }.to_owned()),
    };
    Enrolled {
        member_key: format!("member-{index:08}"),
        member: RosterMember { member, coverages: vec![coverage], ..RosterMember::default() },
    }
}

pub(crate) fn member_id(person: u64) -> String {
    format!("M{person:09}")
}

pub(crate) fn subscriber_id(person: u64) -> String {
    format!("S{:08}", person / HOUSEHOLD)
}

pub(crate) fn claim(seed: u64, person: u64) -> MemberClaim {
    let home = Dice::new(seed).at_name("household").at(person / HOUSEHOLD);
    let own = Dice::new(seed).at_name("person").at(person);
    let pick = |dice: Dice, part: u64, count: usize| {
        usize::try_from(dice.draw(part).below(u64::try_from(count).unwrap_or(1))).unwrap_or(0)
    };
    let (city, state, zip) = CITIES[pick(home, 1, CITIES.len())];
    let born = OLDEST_DAY + i64::try_from(own.draw(3).below(BIRTH_SPAN_DAYS)).unwrap_or(0);
    MemberClaim {
        name: PersonName {
            family: FAMILIES[pick(home, 2, FAMILIES.len())].to_owned(),
            given: vec![GIVEN[pick(own, 1, GIVEN.len())].to_owned()],
            prefix: None,
            suffix: None,
        },
        other_names: Vec::new(),
        birth_date: Some(Date::from_days(born).to_string()),
        sex: Some(if own.draw(2).hits(500) { Sex::Female } else { Sex::Male }),
        addresses: vec![Address {
            lines: vec![format!("{} {}", 1 + home.draw(3).below(9_998), STREETS[pick(home, 4, STREETS.len())])],
            city: Some(city.to_owned()),
            state: Some(state.to_owned()),
            postal_code: Some(format!("{zip}{:02}", home.draw(5).below(100))),
            country: Some("US".to_owned()),
        }],
        phones: vec![format!("555-01{:02}-{:04}", home.draw(6).below(100), own.draw(4).below(10_000))],
        emails: vec![format!("member{person}@example.org")],
        identifiers: vec![Identifier {
            system: "http://example.org/fhir/account".to_owned(),
            kind: "AN".to_owned(),
            value: format!("A{person:09}"),
        }],
    }
}
