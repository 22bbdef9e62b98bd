//! Cases for the rules: a claim and a roster each, from a seed, and verdicts in a form that is compared letter by letter.

pub(crate) mod dice;
mod people;
mod sources;

use std::sync::Arc;

use matching::rules::{Agreement, Field, Nicknames, Outcome, Reader, Record, Roster, RuleBook, Verdict};
use serde::Serialize;

use self::dice::Dice;

/// 2026-11-27: the day as of which the reference was asked.
pub(crate) const TODAY: i32 = 20_784;

/// A claim and whom it is judged against; members are numbered as they stand.
#[derive(Serialize)]
pub(crate) struct Case {
    pub(crate) claim: Record,
    pub(crate) roster: Vec<Record>,
    /// Which of them are the claim's person.
    #[serde(skip)]
    pub(crate) same: Vec<bool>,
}

/// The rules that are deployed.
pub(crate) fn book() -> Arc<RuleBook> {
    let text = include_str!("../../../../deploy/policy/cms-matching.toml");
    Arc::new(RuleBook::parse(text).expect("the deployed rules"))
}

/// The reader that goes with them.
pub(crate) fn reader(book: &Arc<RuleBook>) -> Reader {
    Reader::new(book, Nicknames::parse(include_str!("../../../../deploy/policy/nicknames.txt")), TODAY)
}

/// A roster of records under their numbers.
pub(crate) fn roster(book: &Arc<RuleBook>, reader: &Reader, records: &[Record]) -> Roster {
    let members = records.iter().enumerate().map(|(at, record)| (at.to_string().into(), reader.read(record)));
    Roster::new(book.clone(), members)
}

impl Case {
    /// The case of a number: every fifth is a pair, every fiftieth has a roster of four households.
    pub(crate) fn numbered(number: u64) -> Self {
        let mut dice = Dice::new(number.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(7));
        let mut people = people::household(&mut dice);
        let meant = people[dice.below(people.len())].clone();
        let absent = dice.percent(20);
        if absent {
            people.retain(|person| person.record_number != meant.record_number);
        }
        let there = 40 + 15 * dice.below(5);
        let slips = 5 * dice.below(6);
        let is_meant = |person: &people::Person| person.record_number == meant.record_number;
        let mut roster: Vec<(Record, bool)> =
            people.iter().map(|person| (sources::written(&mut dice, person, there, 3), is_meant(person))).collect();
        if !absent {
            for _ in 0..dice.below(3) {
                roster.push((sources::written(&mut dice, &meant, there, slips), true));
            }
        }
        for _ in 0..dice.below(3) {
            let stranger = stranger(&mut dice, &meant);
            roster.push((sources::written(&mut dice, &stranger, there, 3), false));
        }
        if number % 50 == 7 {
            for person in (0..3).flat_map(|_| people::household(&mut dice)).collect::<Vec<_>>() {
                roster.push((sources::written(&mut dice, &person, there, 3), false));
            }
        }
        for at in (1..roster.len()).rev() {
            roster.swap(at, dice.below(at + 1));
        }
        if number.is_multiple_of(5) {
            roster.truncate(1);
        }
        let (roster, same) = roster.into_iter().unzip();
        Self { claim: sources::written(&mut dice, &meant, there, slips), roster, same }
    }
}

/// Somebody else who has something in common: a namesake, or an identifier that was mistyped into theirs.
fn stranger(dice: &mut Dice, meant: &people::Person) -> people::Person {
    let mut other = people::person(dice);
    if dice.percent(50) {
        (other.given, other.family) = (meant.given, meant.family);
    }
    if dice.percent(40) {
        other.born = meant.born;
    }
    if dice.percent(20) {
        other.phone = meant.phone.clone();
    }
    if dice.percent(20) {
        other.ssn = meant.ssn.clone();
    }
    if dice.percent(10) {
        // The same number of another hospital and another state.
        (other.record_number.1, other.legal_id.1) = (meant.record_number.1.clone(), meant.legal_id.1.clone());
        (other.record_number.0, other.legal_id.0) = ("urn:hospital:3".to_owned(), "CA DMV".to_owned());
    }
    if dice.percent(10) {
        other.member_id = meant.member_id.clone();
    }
    if dice.percent(10) {
        other.home = meant.home.clone();
    }
    other
}

/// What tells these cases from any others that another generator would write.
pub(crate) fn fingerprint(cases: std::ops::Range<u64>) -> String {
    let texts = cases.clone().map(|number| serde_json::to_string(&Case::numbered(number)).expect("JSON"));
    let hash = texts.fold(0, |hash, text| xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), hash));
    format!("cases {} to {}, {hash:016x}", cases.start, cases.end)
}

/// A verdict in one line: the outcome's first letter, the rule reported, and per member the rules that fired with the initials of what
/// was fuzzy: `e 01 0=01fs,30;4=22`.
pub(crate) fn line(verdict: &Verdict) -> String {
    let letter = match verdict.outcome {
        Outcome::InsufficientFields => "i",
        Outcome::NoMatch => "n",
        Outcome::Match => "m",
        Outcome::Escalate => "e",
        Outcome::Ambiguous => "a",
    };
    let Some(rule) = verdict.rule() else { return letter.to_owned() };
    let fuzzy = |fields: &[(Field, Agreement)]| {
        fields
            .iter()
            .filter(|(_, how)| *how == Agreement::Fuzzy)
            .map(|(field, _)| field.name()[..1].to_owned())
            .collect::<String>()
    };
    let mut members: Vec<(usize, String)> = verdict
        .approved
        .iter()
        .map(|member| {
            let rules = member.approvals.iter().map(|approval| format!("{}{}", approval.rule, fuzzy(&approval.fields)));
            (member.id.parse().expect("a number"), rules.collect::<Vec<_>>().join(","))
        })
        .collect();
    members.sort();
    let members: Vec<String> = members.into_iter().map(|(id, rules)| format!("{id}={rules}")).collect();
    format!("{letter} {rule} {}", members.join(";"))
}
