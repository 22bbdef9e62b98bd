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

/// Tells texts that are no date from days.
const NO_DAY: u64 = 1 << 40;

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

    /// The hashes under which a record of these values stands.
    pub(super) fn of_record<'a, V>(&self, values: V) -> impl Iterator<Item = u64>
    where
        V: Iterator<Item = (Field, Symbol, &'a str)> + Clone,
    {
        self.0.iter().enumerate().flat_map(move |(at, key)| key.hashes(at, values.clone(), 0))
    }

    /// The hashes under which a claim of these values finds all whom a rule may approve.
    pub(super) fn of_claim<'a, V>(&self, present: FieldSet, values: V, days: u32) -> impl Iterator<Item = u64>
    where
        V: Iterator<Item = (Field, Symbol, &'a str)> + Clone,
    {
        let asked = self.0.iter().enumerate().filter(move |(_, key)| key.needs.iter().any(|need| need.within(present)));
        asked.flat_map(move |(at, key)| key.hashes(at, values.clone(), days))
    }
}

// === impl Key ===

impl Key {
    /// Every combination of its parts' values.
    fn hashes<'a, V>(&self, at: usize, values: V, days: u32) -> Vec<u64>
    where
        V: Iterator<Item = (Field, Symbol, &'a str)> + Clone,
    {
        let seed = vec![at as u64];
        self.parts.iter().fold(seed, |hashes, part| {
            let values: Vec<u64> = values.clone().flat_map(|value| part.values(value, days)).collect();
            hashes.iter().flat_map(|hash| values.iter().map(|value| joined(*hash, *value))).collect()
        })
    }
}

// === impl Part ===

impl Part {
    /// What a value stands for in this part; nothing for another field's.
    fn values(self, (field, symbol, text): (Field, Symbol, &str), days: u32) -> impl Iterator<Item = u64> {
        let days = i64::from(days);
        let (first, last) = match (self, field) {
            (Self::Same(same), field) if same == field => (i64::from(symbol), i64::from(symbol)),
            (Self::Day, Field::BirthDate) => match day(text) {
                Some(day) => (i64::from(day) - days, i64::from(day) + days),
                None => ((NO_DAY | u64::from(symbol)).cast_signed(), (NO_DAY | u64::from(symbol)).cast_signed()),
            },
            (Self::StreetZip, Field::Street) => {
                let zip = xxh3_64(zip_of(text).as_bytes()).cast_signed();
                (zip, zip)
            }
            _ => (1, 0),
        };
        (first..=last).map(i64::cast_unsigned)
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
    let part = |field| match field {
        field if !rule.starred.has(field) => Some((exact(field), Part::Same(field))),
        Field::BirthDate => Some((exact(field), Part::Day)),
        Field::Street => Some((exact(Field::Zip), Part::StreetZip)),
        _ => None,
    };
    let mut parts: Vec<(Product, Part)> = rule.first_step().iter().filter_map(part).collect();
    parts.sort_by_key(|(chance, _)| *chance);
    let is_rare = parts.first().is_some_and(|(chance, _)| Product::parse(RARE).is_some_and(|rare| *chance <= rare));
    parts.into_iter().take(if is_rare { 1 } else { 2 }).map(|(_, part)| part).collect()
}
