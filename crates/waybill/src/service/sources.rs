//! Whose word stands: of a member beside a claim, and over the whole roster how often each source has the last word.

use std::collections::BTreeMap;

use contracts::Topic;
use domain::person::RosterMember;
use identity::golden::Won;
use identity::{Golden, Roster};
use matching::levels::Field;
use matching::survivorship::{Part, Survivorship};
use serde::Serialize;

use super::policies::Book;
use super::roster;
use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;

/// What sources say of the roster's members, and whose word stands where they differ.
#[derive(Serialize)]
pub(super) struct Words {
    members: usize,
    /// Members whom more than one source knows.
    known_by_several: usize,
    /// Those of them about whom sources say different things.
    differing: usize,
    parts: Vec<Row>,
}

/// What one source has won and lost in one part of a record.
#[derive(Serialize, Clone, Default)]
struct Row {
    part: &'static str,
    of: Option<String>,
    source: String,
    won: u64,
    lost: u64,
}

/// Whose words stand, by the policy in force. Reads the whole roster.
pub(super) fn words(plant: &Plant) -> Result<Words, Failure> {
    let book = Book::read(plant)?;
    let policy = &book.in_force().policy().survivorship;
    let mut roster = Roster::of(policy);
    let mut several: BTreeMap<String, Vec<Won>> = BTreeMap::new();
    roster::read(plant, &mut Tail::of(plant, Topic::Members)?, &mut roster, |account, member| {
        match member.and_then(|member| Golden::of(&member, policy)) {
            Some(golden) => drop(several.insert(account.to_owned(), golden.won)),
            None => drop(several.remove(account)),
        }
    })?;
    let differing = several.values().filter(|won| !won.is_empty()).count();
    Ok(Words {
        members: roster.len(),
        known_by_several: several.len(),
        differing,
        parts: rows(several.values().flatten()),
    })
}

fn rows<'a>(all: impl Iterator<Item = &'a Won>) -> Vec<Row> {
    let mut rows: BTreeMap<(Part, Option<String>, String), Row> = BTreeMap::new();
    for won in all {
        // Payers are many; what counts is that it is a coverage.
        let of = won.of.clone().filter(|_| won.part == Part::Identifier);
        let mut row = |source: &String| {
            let key = (won.part, of.clone(), source.clone());
            let row = rows.entry(key).or_default();
            (row.part, row.of, row.source) = (won.part.as_str(), of.clone(), source.clone());
            row.won += u64::from(*source == won.source);
            row.lost += u64::from(*source != won.source);
        };
        row(&won.source);
        won.over.iter().filter(|source| **source != won.source).for_each(row);
    }
    rows.into_values().collect()
}

/// The record of a member that claims are held against, and whose words it is made of.
pub(super) struct Stands {
    pub(super) member: RosterMember,
    won: Vec<Won>,
}

// === impl Stands ===

impl Stands {
    pub(super) fn of(member: RosterMember, policy: &Survivorship) -> Self {
        match Golden::of(&member, policy) {
            Some(Golden { member, won, .. }) => Self { member, won },
            None => Self { member, won: Vec::new() },
        }
    }

    /// Whose word stands in a field and over whose, where sources differ.
    pub(super) fn source(&self, field: Field) -> Option<String> {
        let (part, of) = match field {
            Field::Given | Field::Family | Field::Middle | Field::Suffix => (Part::Name, None),
            Field::BirthDate => (Part::BirthDate, None),
            Field::Sex => (Part::Sex, None),
            Field::Address => (Part::Address, None),
            Field::Phone => (Part::Phone, None),
            Field::Email => (Part::Email, None),
            Field::Ssn => (Part::Identifier, Some("ssn")),
            Field::Mbi => (Part::Identifier, Some("mbi")),
            Field::Card | Field::Group => (Part::Coverage, None),
        };
        let is_of = |won: &&Won| won.part == part && of.is_none_or(|of| won.of.as_deref() == Some(of));
        self.won.iter().find(is_of).map(|won| format!("{} over {}", won.source, won.over.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn won(part: Part, of: Option<&str>, source: &str, over: &[&str]) -> Won {
        let over = over.iter().map(|source| (*source).to_owned()).collect();
        Won { part, of: of.map(str::to_owned), source: source.into(), over }
    }

    #[test]
    fn what_each_source_has_won_and_lost_is_counted_by_part() {
        let all = [
            won(Part::Name, None, "enrolment", &["portal", "claims"]),
            won(Part::Name, None, "enrolment", &["portal"]),
            won(Part::Identifier, Some("ssn"), "claims", &["enrolment"]),
            won(Part::Coverage, Some("evergreen"), "portal", &["portal"]),
        ];
        let rows = rows(all.iter());
        let told: Vec<_> = rows.iter().map(|row| (row.part, row.source.as_str(), row.won, row.lost)).collect();
        assert_eq!(
            told,
            [
                ("name", "claims", 0, 1),
                ("name", "enrolment", 2, 0),
                ("name", "portal", 0, 2),
                ("identifier", "claims", 1, 0),
                ("identifier", "enrolment", 0, 1),
                ("coverage", "portal", 1, 0),
            ]
        );
        assert_eq!((rows[3].of.as_deref(), rows[5].of.as_deref()), (Some("ssn"), None));
    }

    #[test]
    fn a_field_is_told_with_the_source_whose_word_it_is_only_where_they_differ() {
        let won = vec![
            won(Part::Name, None, "enrolment", &["portal"]),
            won(Part::Identifier, Some("mbi"), "claims", &["portal"]),
        ];
        let stands = Stands { member: RosterMember::default(), won };
        assert_eq!(stands.source(Field::Family).as_deref(), Some("enrolment over portal"));
        assert_eq!(stands.source(Field::Mbi).as_deref(), Some("claims over portal"));
        assert_eq!((stands.source(Field::Ssn), stands.source(Field::Phone)), (None, None));
    }
}
