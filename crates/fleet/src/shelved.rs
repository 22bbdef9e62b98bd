//! What a partition has on a shelf, and what becomes of a turn that could not look there.

use std::cell::OnceCell;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use contracts::Codec;
use domain::{MemoryKey as _, Worker};

use crate::blocking::WORKER_KEY;
use crate::bus::Outgoing;
use crate::shelf::{Batch, Checkpoint, Shelf, ShelfChange, ShelfError};

/// How often a shelf is told how far the changelog has come. After a crash so much is read again.
const EVERY: Duration = Duration::from_secs(10);

/// The shelf of a partition at hand.
pub(crate) struct Shelved<W> {
    shelf: Box<dyn Shelf>,
    codec: Codec,
    /// Why something could not be looked up or put away. Decisions go on without it, so nothing decided since may be committed.
    failure: OnceCell<ShelfError>,
    /// Whether anything was written since the last checkpoint.
    is_ahead: bool,
    /// The boot time of the last checkpoint, or of the last attempt at one.
    noted: Duration,
    worker: PhantomData<fn() -> W>,
}

// === impl Shelved ===

impl<W: Worker> Shelved<W> {
    /// A shelf that was opened, whose entries this codec reads.
    pub(crate) fn new(shelf: Box<dyn Shelf>, codec: Codec) -> Self {
        let (failure, noted) = (OnceCell::new(), Duration::ZERO);
        Self { shelf, codec, failure, is_ahead: false, noted, worker: PhantomData }
    }

    /// About how many settled entries there are.
    pub(crate) fn len(&self) -> usize {
        self.shelf.len()
    }

    /// What lies under a key of the changelog.
    pub(crate) fn value(&self, key: &[u8]) -> Option<Bytes> {
        self.shelf.get(key).ok().flatten()
    }

    /// Why something could not be looked up or put away, if so. From then on the shelf is not written any more.
    pub(crate) fn failure(&self) -> Option<&ShelfError> {
        self.failure.get()
    }

    /// Puts away what was committed or read back.
    pub(crate) fn put(&mut self, changes: Vec<ShelfChange>, checkpoint: Option<Checkpoint>) {
        if self.failure.get().is_some() || changes.is_empty() && checkpoint.is_none() {
            return;
        }
        self.is_ahead = checkpoint.is_none();
        if let Err(error) = self.shelf.write(Batch { changes, checkpoint }) {
            // Nothing was wrong before, so this is the first.
            let _ = self.failure.set(error);
        }
    }

    /// Whether it is time to say how far the changelog has come; from now on the next time is waited for.
    pub(crate) fn wants_checkpoint(&mut self, boot: Duration) -> bool {
        let wants = self.is_ahead && self.noted + EVERY <= boot;
        if wants {
            self.noted = boot;
        }
        wants
    }
}

impl<W: Worker> domain::memory::Shelved<W::Key, W::Entry> for Shelved<W> {
    fn recall(&self, key: &W::Key) -> Option<W::Entry> {
        if !W::is_settled(key) {
            return None;
        }
        let unreadable = |_| ShelfError::Damaged("an entry on the shelf can't be read by this version".into());
        let found = self.shelf.get(&worker_key::<W>(key)).and_then(|value| {
            value.map(|value| self.codec.decode_entry(W::STAGE, &value).map_err(unreadable)).transpose()
        });
        found.unwrap_or_else(|error| {
            // The first one counts.
            let _ = self.failure.set(error);
            None
        })
    }
}

impl<W> fmt::Debug for Shelved<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelved").field("len", &self.shelf.len()).finish_non_exhaustive()
    }
}

/// The changelog's key of a worker's entry.
fn worker_key<W: Worker>(key: &W::Key) -> Bytes {
    [&[WORKER_KEY], &key.encode()[..]].concat().into()
}

/// What records of a changelog say to a shelf.
pub(crate) fn shelved<W: Worker>(records: &[Outgoing]) -> Vec<ShelfChange> {
    let change = |record: &Outgoing| {
        let key = record.key.clone()?;
        Some(ShelfChange { is_settled: is_settled::<W>(&key), key, value: record.value.clone() })
    };
    records.iter().filter_map(change).collect()
}

/// Whether a changelog's key is that of a settled entry.
pub(crate) fn is_settled<W: Worker>(key: &[u8]) -> bool {
    let of_worker = key.split_first().filter(|(kind, _)| **kind == WORKER_KEY);
    of_worker.and_then(|(_, key)| W::Key::decode(key)).is_some_and(|key| W::is_settled(&key))
}
