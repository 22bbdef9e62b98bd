//! What candidates are looked up by. Each rule is reached by the rarest of its fields, or the two rarest together, so that no claim
//! reads the whole roster and none of the rule's candidates is missed.
//!
//! Fuzzy agreement is reached without lists of misspellings: names may be fuzzy, but at table 3's chances they leave 2e-8 for the
//! other fields of a rule to earn, so a rarer key always stands beside them. A birth date that may be a day off is looked up for each of those days, a
//! street that may be misspelt by its ZIP code, which may not.

use xxhash_rust::xxh3::xxh3_64;

use super::agreement::zip_of;
use super::book::{Rule, RuleBook};
use super::field::{Field, FieldSet};
use super::product::Product;
use super::reading::day;
use super::symbols::Symbol;

/// The ways to look up candidates, of all rules of a book.
pub(super) struct Keys(Vec<Key>);

/// A way to look up candidates.
struct Key {
    /// One or two.
    parts: Vec<Part>,
    /// What each of its rules needs to be tried at all; a claim that has none of these need not look.
    needs: Vec<FieldSet>,
}

/// What a key is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A field's value.
    Same(Field),
    /// The birth date, and for a claim the days around it.
    Day,
    /// The ZIP code of the street.
    StreetZip,
}

/// A field's value that is so rare is key enough.
const RARE: &str = "1e-6";

/// Where days begin, so that they are positive and no number of a text that is no date.
const DAYS: u64 = 1 << 40;

// === impl Keys ===

impl Keys {
    /// The keys of a book's rules.
    pub(super) fn of(book: &RuleBook) -> Self {
        let mut keys: Vec<Key> = Vec::new();
        for rule in &book.rules {
            let (parts, need) = (parts(book, rule), rule.first_step());
            match keys.iter_mut().find(|key| key.parts == parts) {
                Some(key) => key.needs.push(need),
                None => keys.push(Key { parts, needs: vec![need] }),
            }
        }
        Self(keys)
    }

    /// Adds the hashes under which a record of these values stands.
    pub(super) fn of_record(&self, values: &[(Field, Symbol, &str)], hashes: &mut Vec<u64>) {
        for (at, key) in self.0.iter().enumerate() {
            key.hash(at, values, 0, hashes);
        }
    }

    /// Adds the hashes under which a claim of these values finds all whom a rule may approve; birth dates so many days off as well.
    pub(super) fn of_claim(
        &self,
        present: FieldSet,
        values: &[(Field, Symbol, &str)],
        days: u32,
        hashes: &mut Vec<u64>,
    ) {
        for (at, key) in self.0.iter().enumerate().filter(|(_, key)| key.needs.iter().any(|need| need.within(present)))
        {
            key.hash(at, values, days, hashes);
        }
    }
}

// === impl Key ===

impl Key {
    /// Adds the hash of every combination of its parts' values.
    fn hash(&self, at: usize, values: &[(Field, Symbol, &str)], days: u32, hashes: &mut Vec<u64>) {
        for value in values {
            for first in self.parts[0].values(*value, days) {
                let hash = joined(at as u64, first);
                match self.parts.get(1) {
                    None => hashes.push(hash),
                    Some(part) => {
                        let second = values.iter().flat_map(|value| part.values(*value, days));
                        hashes.extend(second.map(|value| joined(hash, value)));
                    }
                }
            }
        }
    }
}

// === impl Part ===

impl Part {
    /// What a value stands for in this part; nothing for another field's.
    fn values(self, (field, symbol, text): (Field, Symbol, &str), days: u32) -> impl Iterator<Item = u64> {
        let own = u64::from(symbol);
        let range = match self {
            Self::Same(same) => (field == same).then_some(own..=own),
            Self::Day => (field == Field::BirthDate).then(|| match day(text) {
                Some(day) => {
                    let day = DAYS.wrapping_add(i64::from(day).cast_unsigned());
                    day - u64::from(days)..=day + u64::from(days)
                }
                None => own..=own,
            }),
            Self::StreetZip => (field == Field::Street).then(|| {
                let zip = xxh3_64(zip_of(text).as_bytes());
                zip..=zip
            }),
        };
        range.into_iter().flatten()
    }
}

fn joined(hash: u64, value: u64) -> u64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&hash.to_le_bytes());
    bytes[8..].copy_from_slice(&value.to_le_bytes());
    xxh3_64(&bytes)
}

/// The rarest part of a rule, and the next one where that is too common. The household of a rule of two steps must be found whole,
/// twins and all, so only what names it counts.
fn parts(book: &RuleBook, rule: &Rule) -> Vec<Part> {
    let exact = |field| book.odds(field).map_or(Product::ONE, |odds| odds.exact);
    let part = |field| {
        if !rule.starred.has(field) {
            return Some((exact(field), Part::Same(field)));
        }
        let near = [(Field::BirthDate, exact(field), Part::Day), (Field::Street, exact(Field::Zip), Part::StreetZip)];
        near.into_iter().find(|(near, ..)| *near == field).map(|(_, chance, part)| (chance, part))
    };
    let mut parts: Vec<(Product, Part)> = rule.first_step().iter().filter_map(part).collect();
    parts.sort_by_key(|(chance, _)| *chance);
    let is_rare = parts.first().is_some_and(|(chance, _)| Product::parse(RARE).is_some_and(|rare| *chance <= rare));
    parts.into_iter().take(if is_rare { 1 } else { 2 }).map(|(_, part)| part).collect()
}
