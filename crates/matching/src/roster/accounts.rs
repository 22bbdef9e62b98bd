//! The keys of accounts: which record an account is kept in, and which account a record stands for.

use prefetch_index::prefetch_index;

use super::snapshot::{Reader, SnapshotError, Writer};
use crate::normal::{Word, mix};

/// Keys in one string, and an open-addressed table over them.
#[derive(Clone, Default)]
pub(super) struct Accounts {
    text: String,
    /// Where each record's key ends in `text`; a variant's key is that of the record before it, and has no text of its own.
    ends: Vec<u32>,
    /// Record numbers plus one by hash of their key; zero is free, [`TAKEN`] was once used.
    slots: Vec<u32>,
    used: usize,
    live: usize,
}

/// A place whose account was taken off: whoever searches goes on beyond it.
const TAKEN: u32 = u32::MAX;

// === impl Accounts ===

impl Accounts {
    /// Adds the next record.
    pub(super) fn push(&mut self, key: &str, is_first: bool) {
        if is_first {
            self.text.push_str(key);
        }
        self.ends.push(self.text.len() as u32);
        if is_first {
            self.enter(self.ends.len() as u32 - 1);
            self.live += 1;
        }
    }

    /// The first record of an account.
    pub(super) fn find(&self, key: &str) -> Option<u32> {
        self.place(key).map(|place| self.slots[place] - 1)
    }

    /// The first record of an account, which is forgotten.
    pub(super) fn take(&mut self, key: &str) -> Option<u32> {
        let place = self.place(key)?;
        self.live -= 1;
        Some(std::mem::replace(&mut self.slots[place], TAKEN) - 1)
    }

    /// Asks for where the key of a record's account lies.
    #[inline]
    pub(super) fn prefetch(&self, record: u32) {
        prefetch_index(&self.ends, record as usize);
    }

    /// The key of the account a record stands for.
    pub(super) fn key(&self, record: u32) -> &str {
        let mut at = record as usize;
        loop {
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before]) as usize;
            let end = self.ends[at] as usize;
            if start < end || at == 0 {
                return &self.text[start..end];
            }
            at -= 1;
        }
    }

    /// Drops the records that no longer stand, and renumbers the others.
    pub(super) fn compact(&mut self, stand: &[bool]) {
        let mut compacted = Self::default();
        let mut start = 0;
        for (end, stands) in self.ends.iter().map(|end| *end as usize).zip(stand) {
            if *stands {
                compacted.push(&self.text[start..end], start < end);
            }
            start = end;
        }
        *self = compacted;
    }

    /// Gives back room that no key fills.
    pub(super) fn shrink_to_fit(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// How many accounts there are.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.text(&self.text);
        out.numbers(&self.ends);
        out.numbers(&self.slots);
        out.number(self.used as u32);
        out.number(self.live as u32);
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Self, SnapshotError> {
        let (text, ends, slots) = (reader.text()?, reader.numbers()?, reader.numbers()?);
        Ok(Self { text, ends, slots, used: reader.number()? as usize, live: reader.number()? as usize })
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + (self.ends.capacity() + self.slots.capacity()) * size_of::<u32>()
    }

    fn place(&self, key: &str) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut place = hash(key) as usize & mask;
        loop {
            match self.slots[place] {
                0 => return None,
                TAKEN => {}
                record if self.key(record - 1) == key => return Some(place),
                _ => {}
            }
            place = (place + 1) & mask;
        }
    }

    fn enter(&mut self, record: u32) {
        if self.slots.len() <= self.used * 5 / 4 {
            let standing: Vec<u32> = self.slots.iter().copied().filter(|slot| *slot != 0 && *slot != TAKEN).collect();
            self.slots = vec![0; (standing.len() * 2).next_power_of_two().max(64)];
            self.used = standing.len();
            standing.into_iter().for_each(|slot| self.set(slot));
        }
        self.used += 1;
        self.set(record + 1);
    }

    fn set(&mut self, slot: u32) {
        let mask = self.slots.len() - 1;
        let mut place = hash(self.key(slot - 1)) as usize & mask;
        while self.slots[place] != 0 {
            place = (place + 1) & mask;
        }
        self.slots[place] = slot;
    }
}

fn hash(key: &str) -> u64 {
    let chunks = key.as_bytes().chunks(Word::MAX);
    chunks.fold(key.len() as u64, |hash, chunk| {
        let eights =
            chunk.chunks(8).map(|eight| eight.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte)));
        eights.fold(hash, |hash, number| mix(hash ^ number))
    })
}
