//! From a key's hash to the rows that have it. A hash that two keys share brings rows too many, never too few; whoever asks looks at
//! the rows anyway.

/// The number of a record on a roster.
pub(super) type Row = u32;

/// Rows by hash, each reached in one step.
pub(super) struct Directory {
    /// Sorted.
    entries: Vec<(u64, Row)>,
    /// Where the entries begin whose hash has the same leading bits.
    starts: Vec<u32>,
    /// How far a hash is shifted to its leading bits.
    shift: u32,
}

// === impl Directory ===

impl Directory {
    /// Holds the entries.
    pub(super) fn of(mut entries: Vec<(u64, Row)>) -> Self {
        entries.sort_unstable();
        entries.dedup();
        let bits = entries.len().next_power_of_two().ilog2().max(1);
        let shift = u64::BITS - bits;
        let mut starts = vec![0; (1 << bits) + 1];
        for (hash, _) in &entries {
            starts[(hash >> shift) as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Self { entries, starts, shift }
    }

    /// What it takes in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<(u64, Row)>() * self.entries.len() + size_of::<u32>() * self.starts.len()
    }

    /// The rows of a hash, ascending.
    pub(super) fn rows(&self, hash: u64) -> impl Iterator<Item = Row> {
        let at = (hash >> self.shift) as usize;
        let bucket = &self.entries[self.starts[at] as usize..self.starts[at + 1] as usize];
        bucket.iter().filter(move |(other, _)| *other == hash).map(|(_, row)| *row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_their_hash() {
        let hash = |row: Row| u64::from(row / 2).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let directory = Directory::of((0..999).map(|row| (hash(row), row)).collect());
        for row in (0..998).step_by(2) {
            assert_eq!(directory.rows(hash(row)).collect::<Vec<_>>(), [row, row + 1]);
        }
        assert_eq!(directory.rows(1).count(), 0);
        assert_eq!(Directory::of(Vec::new()).rows(u64::MAX).count(), 0);
    }
}
