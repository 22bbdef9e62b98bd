//! A roster: its members' values, packed, and what they are looked up by.

use std::sync::Arc;

use super::agreement::near;
use super::book::RuleBook;
use super::directory::{Directory, Row};
use super::field::{Field, FieldSet};
use super::judge::{Compared, judge};
use super::keys::Keys;
use super::symbols::{Symbol, Symbols};
use super::values::{Generations, Values};
use super::verdict::Verdict;

/// The members whom claims are judged against. It holds PHI and so has no `Debug`.
pub struct Roster {
    book: Arc<RuleBook>,
    symbols: Symbols,
    members: Vec<Member>,
    /// The members' values, one member behind the other, each sorted by field.
    entries: Vec<(Field, Symbol)>,
    directory: Directory,
    keys: Keys,
}

struct Member {
    id: Arc<str>,
    generations: Generations,
    /// Where its entries end.
    end: usize,
}

/// A claim's values, as the roster numbers them.
struct Claim<'a> {
    /// Sorted by field; no number where no member has the value.
    values: Vec<(Field, Option<Symbol>, &'a str)>,
    present: FieldSet,
    generations: Generations,
}

// === impl Roster ===

impl Roster {
    /// A roster of members, under their ids. Several records of one id are one candidate.
    pub fn new(book: Arc<RuleBook>, members: impl IntoIterator<Item = (Arc<str>, Values)>) -> Self {
        let keys = Keys::of(&book);
        let (mut symbols, mut rows, mut entries, mut hashes) = (Symbols::new(), Vec::new(), Vec::new(), Vec::new());
        let mut own_hashes = Vec::new();
        for (id, values) in members {
            let start = entries.len();
            entries.extend(values.iter().map(|(field, value)| (field, symbols.intern(value))));
            entries[start..].sort_unstable();
            let own: Vec<_> =
                entries[start..].iter().map(|(field, symbol)| (*field, *symbol, symbols.text(*symbol))).collect();
            keys.of_record(&own, &mut own_hashes);
            hashes.extend(own_hashes.drain(..).map(|hash| (hash, rows.len() as Row)));
            rows.push(Member { id, generations: values.generations, end: entries.len() });
        }
        Self { book, symbols, members: rows, entries, directory: Directory::of(hashes), keys }
    }

    /// The rules that it judges by.
    pub fn book(&self) -> &Arc<RuleBook> {
        &self.book
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// What it takes in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let members = size_of::<Member>() * self.members.len()
            + self.members.iter().map(|member| member.id.len() + 16).sum::<usize>();
        members + size_of::<(Field, Symbol)>() * self.entries.len() + self.symbols.bytes() + self.directory.bytes()
    }

    /// Judges a claim, looking only at members whom a rule could approve.
    pub fn judge(&self, claim: &Values) -> Verdict {
        let claim = self.claim(claim);
        let mut rows = self.candidates(&claim);
        rows.sort_unstable();
        rows.dedup();
        let members: Vec<Compared> = rows.into_iter().map(|row| self.compare(&claim, row)).collect();
        judge(self, claim.present, &members)
    }

    /// Judges a claim by looking at every member: the same verdict, for whoever doubts the index.
    pub fn judge_without_index(&self, claim: &Values) -> Verdict {
        let claim = self.claim(claim);
        let members: Vec<Compared> = (0..self.members.len()).map(|row| self.compare(&claim, row as Row)).collect();
        judge(self, claim.present, &members)
    }

    /// The member's id.
    pub(super) fn id(&self, row: Row) -> &Arc<str> {
        &self.members[row as usize].id
    }

    /// The member's birth dates.
    pub(super) fn birth_dates(&self, row: Row) -> impl Iterator<Item = Symbol> {
        self.entries(row).iter().filter(|(field, _)| *field == Field::BirthDate).map(|(_, symbol)| *symbol)
    }

    fn claim<'a>(&self, claim: &'a Values) -> Claim<'a> {
        let values = claim.iter().map(|(field, text)| (field, self.symbols.find(text), text)).collect();
        Claim { values, present: claim.present(), generations: claim.generations }
    }

    /// Everybody whom a rule may approve, and others; some twice. A value that nobody has is looked up only for what lies near it.
    fn candidates(&self, claim: &Claim<'_>) -> Vec<Row> {
        let known = claim.values.iter().filter_map(|(field, symbol, text)| match (field, symbol) {
            (Field::BirthDate | Field::Street, None) => Some((*field, Symbol::MAX, *text)),
            (_, symbol) => Some((*field, (*symbol)?, *text)),
        });
        let mut hashes = Vec::new();
        self.keys.of_claim(claim.present, &known.collect::<Vec<_>>(), self.book.fuzzy.days, &mut hashes);
        hashes.into_iter().flat_map(|hash| self.directory.rows(hash)).collect()
    }

    fn entries(&self, row: Row) -> &[(Field, Symbol)] {
        let at = row as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.members[before].end);
        &self.entries[start..self.members[at].end]
    }

    fn compare(&self, claim: &Claim<'_>, row: Row) -> Compared {
        let own = self.entries(row);
        let present: FieldSet = own.iter().map(|(field, _)| *field).collect();
        let has = |field: Field, symbol: Option<Symbol>| {
            symbol.is_some_and(|symbol| own.binary_search(&(field, symbol)).is_ok())
        };
        let exact: FieldSet =
            claim.values.iter().filter(|(field, symbol, _)| has(*field, *symbol)).map(|(field, ..)| *field).collect();
        let open = claim.present.and(present).without(exact);
        let fuzzy = open.iter().filter(|field| field.may_be_fuzzy() && self.is_near(claim, own, *field)).collect();
        let conflict = claim.generations.conflict(self.members[row as usize].generations);
        Compared { row, present, exact, fuzzy, conflict }
    }

    fn is_near(&self, claim: &Claim<'_>, own: &[(Field, Symbol)], field: Field) -> bool {
        let mut asked = claim.values.iter().filter(|(other, ..)| *other == field);
        asked.any(|(_, _, left)| {
            let mut held = own.iter().filter(|(other, _)| *other == field);
            held.any(|(_, right)| near(field, left, self.symbols.text(*right), self.book.fuzzy))
        })
    }
}
