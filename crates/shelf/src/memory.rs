//! Shelves in memory, which outlive whoever has them open, and may lose what was written last.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fleet::bus::TopicPartition;
use fleet::shelf::{Batch, Checkpoint, Shelf, ShelfError, Shelves};
use fleet::sync::locked;

/// The shelves of one machine: clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryShelves(Arc<Mutex<BTreeMap<TopicPartition, Copies>>>);

/// The copies of a partition's shelf, the newest last.
type Copies = Vec<Arc<Mutex<Copy>>>;

/// One copy of a partition's shelf.
#[derive(Debug, Default)]
struct Copy {
    is_held: bool,
    /// All it was ever told since it was empty.
    batches: Vec<Batch>,
    image: Image,
}

/// What the batches come to.
#[derive(Debug, Default)]
struct Image {
    settled: BTreeMap<Bytes, Bytes>,
    live: BTreeMap<Bytes, Bytes>,
    checkpoint: Option<Checkpoint>,
}

struct MemoryShelf(Arc<Mutex<Copy>>);

// === impl MemoryShelves ===

impl MemoryShelves {
    /// Whether somebody has one of them open.
    pub fn is_in_use(&self) -> bool {
        locked(&self.0).values().flatten().any(|copy| locked(copy).is_held)
    }

    /// The machine fails: of each shelf the first so many batches are left, as `keep` chooses by how many there were. Nobody may have
    /// one open.
    pub fn crash(&self, mut keep: impl FnMut(usize) -> usize) {
        for copy in locked(&self.0).values().flatten() {
            let copy = &mut *locked(copy);
            let kept = keep(copy.batches.len());
            copy.batches.truncate(kept);
            copy.image = Image::default();
            copy.batches.iter().for_each(|batch| copy.image.take(batch));
        }
    }
}

impl Shelves for MemoryShelves {
    fn open_slowly(&self) -> bool {
        false
    }

    fn open(&self, at: &TopicPartition) -> Result<Box<dyn Shelf>, ShelfError> {
        let mut shelves = locked(&self.0);
        let copies = shelves.entry(at.clone()).or_default();
        if copies.last().is_none_or(|copy| locked(copy).is_held) {
            copies.push(Arc::default());
        }
        copies.retain({
            let (mut number, newest) = (0, copies.len());
            move |copy| {
                number += 1;
                number == newest || locked(copy).is_held
            }
        });
        let copy = copies.last().map(Arc::clone).unwrap_or_default();
        locked(&copy).is_held = true;
        Ok(Box::new(MemoryShelf(copy)))
    }
}

// === impl Image ===

impl Image {
    fn take(&mut self, batch: &Batch) {
        for change in &batch.changes {
            let entries = if change.is_settled { &mut self.settled } else { &mut self.live };
            match &change.value {
                Some(value) => entries.insert(change.key.clone(), value.clone()),
                None => entries.remove(&change.key),
            };
        }
        self.checkpoint = batch.checkpoint.or(self.checkpoint);
    }
}

/// The same bytes, for themselves: a slice would keep all of what it is cut from.
fn owned(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

// === impl MemoryShelf ===

impl Drop for MemoryShelf {
    fn drop(&mut self) {
        locked(&self.0).is_held = false;
    }
}

impl Shelf for MemoryShelf {
    fn checkpoint(&self) -> Result<Option<Checkpoint>, ShelfError> {
        Ok(locked(&self.0).image.checkpoint)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ShelfError> {
        Ok(locked(&self.0).image.settled.get(key).cloned())
    }

    fn live(&self, visit: &mut dyn FnMut(Bytes, Bytes)) -> Result<(), ShelfError> {
        let live = locked(&self.0).image.live.clone();
        live.into_iter().for_each(|(key, value)| visit(key, value));
        Ok(())
    }

    fn write(&mut self, mut batch: Batch) -> Result<(), ShelfError> {
        for change in &mut batch.changes {
            (change.key, change.value) = (owned(&change.key), change.value.as_ref().map(owned));
        }
        let copy = &mut *locked(&self.0);
        copy.image.take(&batch);
        copy.batches.push(batch);
        Ok(())
    }

    fn start_over(self: Box<Self>) -> Result<Box<dyn Shelf>, ShelfError> {
        {
            let copy = &mut *locked(&self.0);
            (copy.batches, copy.image) = (Vec::new(), Image::default());
        }
        Ok(self)
    }

    fn len(&self) -> usize {
        locked(&self.0).image.settled.len()
    }
}
