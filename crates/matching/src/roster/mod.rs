//! The roster: every member in one packed record, found by blocking keys, kept current as members come, change and go.

pub(crate) mod keys;
pub(crate) mod table;
mod calendar;
mod places;
mod accounts;
mod snapshot;

use std::collections::BTreeMap;

pub use keys::{KINDS, Kind};
pub use snapshot::SnapshotError;

use crate::Person;
use crate::normal::Normal;
use crate::packed::{Lexicons, Packed};
use accounts::Accounts;
use calendar::Calendar;
use places::Places;
use table::{Span, Table};

/// The members of a payer, normalised and indexed.
#[derive(Clone, Default)]
pub struct Roster {
    pub(crate) records: Vec<Packed>,
    pub(crate) lexicons: Lexicons,
    pub(crate) calendar: Calendar,
    pub(crate) places: Places,
    accounts: Accounts,
    table: Table,
    /// What came after the table was built.
    fresh: BTreeMap<u64, Vec<u32>>,
    /// From this record on, records are found in `fresh`.
    indexed: u32,
    gone: u32,
}

/// So many records may be found in `fresh`, or be gone, before the table is built anew: an eighth of all, and these besides.
const SLACK: u32 = 1024;

// === impl Roster ===

impl Roster {
    /// Builds a roster of accounts, each with its key. Of two with the same key the later one stands.
    pub fn build<'a>(members: impl IntoIterator<Item = (&'a str, Person<'a>)>) -> Self {
        let mut roster = Self::default();
        for (key, person) in members {
            roster.remove(key);
            roster.append(key, &person);
        }
        roster.settle();
        roster
    }

    /// Takes in an account's latest record, in place of the one before.
    pub fn put(&mut self, key: &str, person: &Person<'_>) {
        self.remove(key);
        let first = self.records.len() as u32;
        self.append(key, person);
        for record in first..self.records.len() as u32 {
            let keys = keys::of_record(&self.records[record as usize], &self.lexicons);
            for key in keys.into_iter().filter(|key| *key != 0) {
                self.fresh.entry(key).or_default().push(record);
            }
        }
        self.settle_if_due();
    }

    /// Takes an account off the roster. Whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let Some(first) = self.accounts.take(key) else { return false };
        for record in self.variants(first) {
            let packed = &mut self.records[record as usize];
            packed.mark_gone();
            packed.count(&mut self.lexicons, false);
            self.calendar.count(packed.dob(), false);
            self.places.count(packed, false);
            self.gone += 1;
        }
        true
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether nobody is on the roster.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes on the heap: of records and index; of words, keys of accounts and the rest.
    pub fn bytes(&self) -> (usize, usize) {
        let packed = self.records.capacity() * size_of::<Packed>() + self.table.bytes();
        (
            packed,
            self.lexicons.names.bytes() + self.lexicons.places.bytes() + self.places.bytes() + self.accounts.bytes(),
        )
    }

    /// Builds the table anew from all records that still stand.
    pub fn settle(&mut self) {
        if self.gone != 0 {
            let stand = self.records.iter().map(|record| !record.is_gone()).collect::<Vec<_>>();
            self.accounts.compact(&stand);
            self.records.retain(|record| !record.is_gone());
            self.gone = 0;
        }
        self.records.shrink_to_fit();
        self.lexicons.names.shrink_to_fit();
        self.lexicons.places.shrink_to_fit();
        self.fresh.clear();
        self.indexed = self.records.len() as u32;
        let (records, lexicons) = (&self.records, &self.lexicons);
        self.table = Table::build(self.indexed, |record| keys::of_record(&records[record as usize], lexicons));
    }

    /// How many records stand, variants included.
    pub(crate) fn standing(&self) -> u32 {
        self.records.len() as u32 - self.gone
    }

    /// The key of the account that a record stands for.
    pub(crate) fn account(&self, record: u32) -> &str {
        self.accounts.key(record)
    }

    /// The first record of an account.
    pub(crate) fn find(&self, key: &str) -> Option<u32> {
        self.accounts.find(key)
    }

    /// The numbers of records that stand and may be kept under a key.
    pub(crate) fn block(&self, key: u64) -> impl Iterator<Item = u32> + '_ {
        self.block_at(key, self.span(key)).filter(|record| !self.records[*record as usize].is_gone())
    }

    /// Where the bucket of a key lies in the table.
    pub(crate) fn span(&self, key: u64) -> Span {
        self.table.span(key)
    }

    /// Reads from the bucket of a key, for it to be at hand when it is searched.
    #[inline]
    pub(crate) fn touch(&self, span: Span) -> u32 {
        self.table.touch(span)
    }

    /// As [`block`](Self::block), where the bucket is known, with those that are gone.
    #[inline]
    pub(crate) fn block_at(&self, key: u64, span: Span) -> impl Iterator<Item = u32> + '_ {
        let fresh = if self.fresh.is_empty() { None } else { self.fresh.get(&key) };
        self.table.find(key, span).chain(fresh.into_iter().flatten().copied())
    }

    /// The first record of the member that a record stands for.
    pub(crate) fn head(&self, record: u32) -> u32 {
        let mut head = record;
        while self.records[head as usize].is_variant() {
            head -= 1;
        }
        head
    }

    /// All records of the member whose first one this is.
    pub(crate) fn variants(&self, head: u32) -> std::ops::Range<u32> {
        let mut last = head;
        while self.records[last as usize].is_followed() {
            last += 1;
        }
        head..last + 1
    }

    fn append(&mut self, key: &str, person: &Person<'_>) {
        let first = Packed::intern(&Normal::of(person), &mut self.lexicons);
        let also = person.also.iter().map(Normal::of).collect::<Vec<_>>();
        let mut left = also.len();
        let followed = |packed: Packed, left: usize| if left == 0 { packed } else { packed.as_followed() };
        self.keep(key, followed(first, left));
        for normal in also {
            left -= 1;
            let variant = Packed::intern(&normal, &mut self.lexicons).as_variant();
            self.keep(key, followed(variant, left));
        }
    }

    fn keep(&mut self, key: &str, packed: Packed) {
        packed.count(&mut self.lexicons, true);
        self.calendar.count(packed.dob(), true);
        self.places.count(&packed, true);
        self.records.push(packed);
        self.accounts.push(key, !packed.is_variant());
    }

    fn settle_if_due(&mut self) {
        let unsettled = self.gone + self.records.len() as u32 - self.indexed;
        if self.indexed / 8 + SLACK < unsettled {
            self.settle();
        }
    }
}

impl std::fmt::Debug for Roster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Roster").field("accounts", &self.len()).finish_non_exhaustive()
    }
}
