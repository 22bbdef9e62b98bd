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

use prefetch_index::prefetch_index;

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
            if record < self.indexed {
                let keys = keys::of_record(&self.records[record as usize], &self.lexicons);
                keys.into_iter().filter(|key| *key != 0).for_each(|key| self.table.leave(key));
            }
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
        self.accounts.shrink_to_fit();
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
        let fresh = self.fresh.get(&key).into_iter().flatten().copied();
        self.table.find(key, self.span(key)).chain(fresh).filter(|record| !self.records[*record as usize].is_gone())
    }

    /// Where the bucket of a key lies in the table.
    pub(crate) fn span(&self, key: u64) -> Span {
        self.table.span(key)
    }

    /// How many records that stand are kept under a key, where the table knows that without their being looked at: of large blocks.
    #[inline]
    pub(crate) fn crowd(&self, key: u64, span: Span) -> Option<u32> {
        let stands = |record: &&u32| !self.records[**record as usize].is_gone();
        let fresh = || self.fresh.get(&key).into_iter().flatten().filter(stands).count() as u32;
        self.table.crowd(key, span).map(|count| count + fresh())
    }

    /// Asks for where the bucket of a key lies.
    #[inline]
    pub(crate) fn prefetch_span(&self, key: u64) {
        self.table.prefetch_span(key);
    }

    /// Asks for a bucket.
    #[inline]
    pub(crate) fn prefetch_block(&self, span: Span) {
        self.table.prefetch(span);
    }

    /// Asks for a record.
    #[inline]
    pub(crate) fn prefetch_record(&self, record: u32) {
        prefetch_index(&self.records, record as usize);
    }

    /// Asks for how the names of a record sound.
    #[inline]
    pub(crate) fn prefetch_names(&self, record: u32) {
        let packed = &self.records[record as usize];
        self.lexicons.names.prefetch_sketch(packed.given);
        self.lexicons.names.prefetch_sketch(packed.family);
    }

    /// Asks for the key of the account that a record stands for.
    #[inline]
    pub(crate) fn prefetch_account(&self, record: u32) {
        self.accounts.prefetch(record);
    }

    /// As [`block`](Self::block), where the bucket is known, with those that are gone; put behind what `found` holds.
    #[inline]
    pub(crate) fn add_block(&self, key: u64, span: Span, found: &mut Vec<u32>) {
        found.extend(self.table.find(key, span));
        if !self.fresh.is_empty() {
            found.extend(self.fresh.get(&key).into_iter().flatten());
        }
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
