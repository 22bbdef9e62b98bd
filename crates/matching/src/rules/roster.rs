//! A roster: its members' values, packed, and what they are looked up by.

use std::collections::{BTreeMap, BTreeSet};
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
    /// The directory's rows, sorted by their ids.
    by_id: Vec<Row>,
    changes: Changes,
}

/// What has changed since the directory was made.
#[derive(Default)]
struct Changes {
    /// Rows added, by the hashes of their keys.
    by_hash: BTreeMap<u64, Vec<Row>>,
    /// The same rows, by id.
    by_id: BTreeMap<Arc<str>, Vec<Row>>,
    /// Rows that count no longer.
    gone: BTreeSet<Row>,
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
        let mut roster = Self {
            book,
            symbols: Symbols::new(),
            members: Vec::new(),
            entries: Vec::new(),
            directory: Directory::of(Vec::new()),
            keys,
            by_id: Vec::new(),
            changes: Changes::default(),
        };
        let (mut hashes, mut own) = (Vec::new(), Vec::new());
        for (id, values) in members {
            let row = roster.push(id, &values, &mut own);
            hashes.extend(own.drain(..).map(|hash| (hash, row)));
        }
        roster.directory = Directory::of(hashes);
        roster.by_id = (0..roster.members.len() as Row).collect();
        roster.by_id.sort_by(|left, right| roster.members[*left as usize].id.cmp(&roster.members[*right as usize].id));
        roster
    }

    /// Replaces all records of a member; by none, the member leaves. The old values stay in memory, unasked, until the roster is built
    /// anew, and what is added is looked up a little slower than what was there.
    pub fn replace(&mut self, id: &Arc<str>, records: impl IntoIterator<Item = Values>) {
        let first = self.by_id.partition_point(|row| self.members[*row as usize].id < *id);
        let built = self.by_id[first..].iter().take_while(|row| self.members[**row as usize].id == *id);
        self.changes.gone.extend(built);
        self.changes.gone.extend(self.changes.by_id.remove(id).unwrap_or_default());
        let mut hashes = Vec::new();
        for values in records {
            let row = self.push(id.clone(), &values, &mut hashes);
            self.changes.by_id.entry(id.clone()).or_default().push(row);
            for hash in hashes.drain(..) {
                self.changes.by_hash.entry(hash).or_default().push(row);
            }
        }
    }

    /// Adds a record, and the hashes of its keys to those given.
    fn push(&mut self, id: Arc<str>, values: &Values, hashes: &mut Vec<u64>) -> Row {
        let start = self.entries.len();
        self.entries.extend(values.iter().map(|(field, value)| (field, self.symbols.intern(value))));
        self.entries[start..].sort_unstable();
        let own = self.entries[start..].iter().map(|(field, symbol)| (*field, *symbol, self.symbols.text(*symbol)));
        self.keys.of_record(&own.collect::<Vec<_>>(), hashes);
        self.members.push(Member { id, generations: values.generations, end: self.entries.len() });
        self.members.len() as Row - 1
    }

    /// The rules that it judges by.
    pub fn book(&self) -> &Arc<RuleBook> {
        &self.book
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.members.len() - self.changes.gone.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it takes in memory, in bytes, but for what has changed since it was built.
    pub fn bytes(&self) -> usize {
        let members = size_of::<Member>() * self.members.len()
            + self.members.iter().map(|member| member.id.len() + 16).sum::<usize>();
        let members = members + size_of::<Row>() * self.by_id.len();
        members + size_of::<(Field, Symbol)>() * self.entries.len() + self.symbols.bytes() + self.directory.bytes()
    }

    /// Judges a claim, looking only at members whom a rule could approve.
    pub fn judge(&self, claim: &Values) -> Verdict {
        let claim = self.claim(claim);
        let mut rows = self.candidates(&claim);
        rows.sort_unstable();
        rows.dedup();
        rows.retain(|row| !self.changes.gone.contains(row));
        let members: Vec<Compared> = rows.into_iter().map(|row| self.compare(&claim, row)).collect();
        judge(self, claim.present, &members)
    }

    /// Judges a claim by looking at every member: the same verdict, for whoever doubts the index.
    pub fn judge_without_index(&self, claim: &Values) -> Verdict {
        let claim = self.claim(claim);
        let members: Vec<Compared> = (0..self.members.len() as Row)
            .filter(|row| !self.changes.gone.contains(row))
            .map(|row| self.compare(&claim, row))
            .collect();
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
        let added = hashes.iter().filter_map(|hash| self.changes.by_hash.get(hash)).flatten().copied();
        hashes.iter().flat_map(|hash| self.directory.rows(*hash)).chain(added).collect()
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
