//! The shelf port: where a worker's settled entries lie, beside working memory.
//!
//! The changelog is the truth, and a shelf is what it says up to some offset, kept so that nobody has to read all of it again. It is
//! given whatever was committed there, as it stands there: settled entries are looked up one by one, the others (`live`) are read back
//! whole when a partition is taken over. The edge `shelf` implements it, on a disk and in memory, and one suite judges both.
//!
//! What every implementation promises:
//! - A batch is taken whole or not at all, and is read by whoever asks next.
//! - After a crash of any kind a shelf holds the first so many of its batches: some of the last may be gone, never one in between. A
//!   checkpoint is part of a batch, so that it never says more than what is there.
//! - Who has a partition's shelf open has it alone. If somebody else has, who asks is given another, which may be empty.
//! - What is damaged is never taken for whole, as far as the engine can tell: it is put aside, and an empty one takes its place.

use std::time::Duration;

use bytes::Bytes;

use crate::bus::TopicPartition;

/// The shelves of a process.
pub trait Shelves: Send + Sync {
    /// Opens the shelf beside a partition of a changelog.
    fn open(&self, at: &TopicPartition) -> Result<Box<dyn Shelf>, ShelfError>;
    /// Whether opening one takes so long that several are opened at the same time.
    fn open_slowly(&self) -> bool {
        true
    }
}

/// The shelf of one partition, until it is dropped.
pub trait Shelf: Send {
    /// Up to where the changelog is on the shelf; none if nobody has said so.
    fn checkpoint(&self) -> Result<Option<Checkpoint>, ShelfError>;
    /// The value under a changelog's key, of a settled entry.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ShelfError>;
    /// Shows all that is not settled: the changelog's keys and values.
    fn live(&self, visit: &mut dyn FnMut(Bytes, Bytes)) -> Result<(), ShelfError>;
    /// Takes a batch.
    fn write(&mut self, batch: Batch) -> Result<(), ShelfError>;
    /// The same shelf with nothing on it.
    fn start_over(self: Box<Self>) -> Result<Box<dyn Shelf>, ShelfError>;
    /// How many settled entries there are, if the changelog is read on from the checkpoint and tells each of them once.
    fn len(&self) -> usize;
    /// Whether nothing settled is there.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What goes onto a shelf together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Changes, in their order.
    pub changes: Vec<ShelfChange>,
    /// How far the changelog is on the shelf with them.
    pub checkpoint: Option<Checkpoint>,
}

/// One record of a changelog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShelfChange {
    /// Whether its entry is settled.
    pub is_settled: bool,
    /// Its key.
    pub key: Bytes,
    /// Its value; none forgets the entry.
    pub value: Option<Bytes>,
}

/// Up to where a changelog is on a shelf. Everything before is there; of what comes after some may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The offset to read on from.
    pub offset: u64,
    /// When it was so, in milliseconds since the epoch.
    pub at_ms: i64,
}

/// What is wrong with a shelf.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShelfError {
    /// The machine does not let it be read or written.
    #[error("{0}")]
    Unavailable(String),
    /// It is not as it was written. Whoever opens it again gets an empty one.
    #[error("{0}")]
    Damaged(String),
}

/// How old a checkpoint may be. What was forgotten since is read in the changelog, where tombstones stay for a day.
const AGE_MAX: Duration = Duration::from_secs(12 * 60 * 60);

impl Checkpoint {
    /// Whether a changelog that reaches from `low` to `high` may be read on from here; else why not. A topic that was made anew is
    /// noticed unless it has grown past the checkpoint since.
    pub(crate) fn holds(&self, (low, high): (u64, u64), now_ms: i64) -> Result<(), &'static str> {
        let age_ms = now_ms.saturating_sub(self.at_ms);
        if high < self.offset {
            return Err("the changelog ends before it: the topic was made anew");
        }
        if self.offset < low {
            return Err("the changelog begins after it");
        }
        if i64::try_from(AGE_MAX.as_millis()).is_ok_and(|max| max < age_ms) {
            return Err("it is so old that what was forgotten since may have left no trace");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_holds_for_a_day_of_tombstones_and_within_its_changelog() {
        let checkpoint = Checkpoint { offset: 10, at_ms: 1_000 };
        let max_ms = i64::try_from(AGE_MAX.as_millis()).expect("small");
        assert!(checkpoint.holds((0, 10), 1_000 + max_ms).is_ok());
        assert!(checkpoint.holds((10, 99), 1_000).is_ok());
        assert!(checkpoint.holds((0, 9), 1_000).is_err(), "made anew");
        assert!(checkpoint.holds((11, 99), 1_000).is_err(), "what came between is gone");
        assert!(checkpoint.holds((0, 10), 1_001 + max_ms).is_err(), "too old");
    }
}
