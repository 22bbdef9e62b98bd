//! The index of all blocking keys: one table for every kind, each entry four bytes.

use prefetch_index::prefetch_index;

use super::keys::{Keys, Kind, PLACE_MAX};
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
    /// The keys, in their order, whose blocks are too large to be looked at, and how many records are kept under each. Nobody need
    /// read a block to learn that.
    crowds: Vec<(u64, u32)>,
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
    /// Builds the index of records whose keys `keys_of` tells by number. It is asked twice for each, and
    /// once more for those of large blocks.
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
        let mut table = Self { starts, entries, number_bits, crowds: Vec::new() };
        table.crowds = table.find_crowds(keys_of);
        table
    }

    fn find_crowds(&self, mut keys_of: impl FnMut(u32) -> Keys) -> Vec<(u64, u32)> {
        let mut crowds = Vec::new();
        let mut block: Vec<u32> = Vec::new();
        for (at, ends) in self.starts.windows(2).enumerate().filter(|(_, ends)| PLACE_MAX < ends[1] - ends[0]) {
            block.clear();
            block.extend_from_slice(&self.entries[ends[0] as usize..ends[1] as usize]);
            // Records of one key stand together, since all have the same bits of it above their numbers.
            block.sort_unstable();
            for alike in block.chunk_by(|one, other| one >> self.number_bits == other >> self.number_bits) {
                if alike.len() <= PLACE_MAX as usize {
                    continue;
                }
                let here = |entry: &u32| {
                    let keys = keys_of(entry & ((1 << self.number_bits) - 1));
                    let print = entry >> self.number_bits;
                    let is_here = move |key: u64| {
                        key != 0
                            && bucket(key, self.starts.len() - 1) == at
                            && self::print(key, self.number_bits) >> self.number_bits == print
                    };
                    Kind::ALL.map(|kind| (keys[kind as usize], kind)).into_iter().filter(move |(key, _)| is_here(*key))
                };
                let mut keys: Vec<(u64, Kind)> = alike.iter().flat_map(here).collect();
                keys.sort_unstable();
                let blocks = keys.chunk_by(|one, other| one == other);
                crowds.extend(
                    blocks
                        .filter(|block| block[0].1.block_max() < block.len() as u32)
                        .map(|block| (block[0].0, block.len() as u32)),
                );
            }
        }
        crowds.sort_unstable();
        crowds
    }

    /// How many records are kept under a key, whose bucket this is, if they were too many when the table was built.
    #[inline]
    pub(crate) fn crowd(&self, key: u64, span: Span) -> Option<u32> {
        if span.to - span.from <= PLACE_MAX {
            return None;
        }
        self.crowds.binary_search_by_key(&key, |crowd| crowd.0).ok().map(|at| self.crowds[at].1)
    }

    /// A record that is kept under this key is gone.
    pub(crate) fn leave(&mut self, key: u64) {
        if let Ok(at) = self.crowds.binary_search_by_key(&key, |crowd| crowd.0) {
            self.crowds[at].1 -= 1;
        }
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

    /// Asks memory for where the bucket of a key lies.
    #[inline]
    pub(crate) fn prefetch_span(&self, key: u64) {
        let buckets = self.starts.len().saturating_sub(1);
        if buckets != 0 {
            prefetch_index(&self.starts, bucket(key, buckets));
        }
    }

    /// Asks memory for a bucket: where it begins, and where it ends, which most often is the same line.
    #[inline]
    pub(crate) fn prefetch(&self, span: Span) {
        if span.from < span.to {
            prefetch_index(&self.entries, span.from as usize);
            prefetch_index(&self.entries, span.to as usize - 1);
        }
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
        let halves = |half: fn(&(u64, u32)) -> u32| self.crowds.iter().map(half).collect::<Vec<_>>();
        out.numbers(&halves(|crowd| crowd.0 as u32));
        out.numbers(&halves(|crowd| (crowd.0 >> 32) as u32));
        out.numbers(&halves(|crowd| crowd.1));
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Self, SnapshotError> {
        let (number_bits, starts, entries) = (reader.number()?, reader.numbers()?, reader.numbers()?);
        let (lower, upper, counts) = (reader.numbers()?, reader.numbers()?, reader.numbers()?);
        let keys = lower.into_iter().zip(upper).map(|(lower, upper)| u64::from(upper) << 32 | u64::from(lower));
        Ok(Self { number_bits, starts, entries, crowds: keys.zip(counts).collect() })
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        (self.starts.capacity() + self.entries.capacity()) * size_of::<u32>()
            + self.crowds.capacity() * size_of::<(u64, u32)>()
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
