//! The index of all blocking keys: one table for every kind, each entry four bytes.

use super::keys::Keys;
use super::snapshot::{Reader, SnapshotError, Writer};

/// Buckets of record numbers by blocking key, laid out one after the other. An entry holds the record's number in its lower bits and
/// some bits of the key above, which keep most strangers of the same bucket out; whoever looks up checks the rest.
#[derive(Clone, Default)]
pub(crate) struct Table {
    /// Where each bucket begins in `entries`, and where the last one ends.
    starts: Vec<u32>,
    entries: Vec<u32>,
    /// How many bits of an entry are the record's number.
    number_bits: u32,
}

/// A stretch of entries.
#[derive(Clone, Copy, Default)]
pub(crate) struct Span {
    from: u32,
    to: u32,
}

/// How many keys there are is told by one record in so many.
const SAMPLE: usize = 16;
/// How many entries a bucket has on average, as a power of two.
const BUCKET_BITS: u32 = 2;

// === impl Table ===

impl Table {
    /// Builds the index of records whose keys `keys_of` tells by number. It is asked twice for each.
    pub(crate) fn build(records: u32, mut keys_of: impl FnMut(u32) -> Keys) -> Self {
        let number_bits = (32 - records.leading_zeros()).max(1);
        let count = |record| keys_of(record).into_iter().filter(|key| *key != 0).count();
        let keys: usize = (0..records).step_by(SAMPLE).map(count).sum();
        let buckets = ((keys * SAMPLE) >> BUCKET_BITS).next_power_of_two().max(2);
        let mut starts = vec![0u32; buckets + 1];
        for record in 0..records {
            for key in keys_of(record).into_iter().filter(|key| *key != 0) {
                starts[bucket(key, buckets) + 1] += 1;
            }
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut entries = vec![0u32; starts[buckets] as usize];
        let mut next = starts.clone();
        for record in 0..records {
            for key in keys_of(record).into_iter().filter(|key| *key != 0) {
                let at = &mut next[bucket(key, buckets)];
                entries[*at as usize] = record | print(key, number_bits);
                *at += 1;
            }
        }
        Self { starts, entries, number_bits }
    }

    /// Where the bucket of a key lies. Asked for all keys of a claim before any bucket is read, so that the waits overlap.
    #[inline]
    pub(crate) fn span(&self, key: u64) -> Span {
        let buckets = self.starts.len().saturating_sub(1);
        if buckets == 0 {
            return Span::default();
        }
        let at = bucket(key, buckets);
        Span { from: self.starts[at], to: self.starts[at + 1] }
    }

    /// Reads from a bucket, for it to be at hand when it is searched.
    #[inline]
    pub(crate) fn touch(&self, span: Span) -> u32 {
        if span.from < span.to { self.entries[span.from as usize] } else { 0 }
    }

    /// The numbers of the records that may be kept under a key, whose bucket this is.
    #[inline]
    pub(crate) fn find(&self, key: u64, span: Span) -> impl Iterator<Item = u32> + '_ {
        let (print, bits) = (print(key, self.number_bits), self.number_bits);
        let bucket = &self.entries[span.from as usize..span.to as usize];
        bucket.iter().filter(move |entry| *entry >> bits == print >> bits).map(move |entry| entry & ((1 << bits) - 1))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.number(self.number_bits);
        out.numbers(&self.starts);
        out.numbers(&self.entries);
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Self, SnapshotError> {
        Ok(Self { number_bits: reader.number()?, starts: reader.numbers()?, entries: reader.numbers()? })
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        (self.starts.capacity() + self.entries.capacity()) * size_of::<u32>()
    }
}

/// The bucket of a key: its upper bits.
fn bucket(key: u64, buckets: usize) -> usize {
    (key >> (64 - buckets.trailing_zeros())) as usize
}

/// The part of an entry that tells keys of a bucket apart: lower bits of the key, above the record's number.
fn print(key: u64, number_bits: u32) -> u32 {
    if number_bits < 32 { (key as u32 >> 1) << number_bits } else { 0 }
}
