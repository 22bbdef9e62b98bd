//! Shelves on a disk that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use fleet::bus::TopicPartition;
use fleet::shelf::{Batch, Checkpoint, Shelf, ShelfError, Shelves};
use shelf::MemoryShelves;

/// Shelves that fail as long as they are told to.
pub(crate) struct Brittle {
    pub(crate) inner: MemoryShelves,
    pub(crate) reads_fail: Arc<AtomicBool>,
    pub(crate) writes_fail: Arc<AtomicBool>,
}

struct BrittleShelf {
    inner: Box<dyn Shelf>,
    reads_fail: Arc<AtomicBool>,
    writes_fail: Arc<AtomicBool>,
}

/// How they fail.
pub(crate) fn failed() -> ShelfError {
    ShelfError::Unavailable("the disk is gone".into())
}

impl Shelves for Brittle {
    fn open(&self, at: &TopicPartition) -> Result<Box<dyn Shelf>, ShelfError> {
        let (inner, reads_fail, writes_fail) =
            (self.inner.open(at)?, self.reads_fail.clone(), self.writes_fail.clone());
        Ok(Box::new(BrittleShelf { inner, reads_fail, writes_fail }))
    }
}

impl Shelf for BrittleShelf {
    fn checkpoint(&self) -> Result<Option<Checkpoint>, ShelfError> {
        self.inner.checkpoint()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ShelfError> {
        if self.reads_fail.load(Ordering::Relaxed) { Err(failed()) } else { self.inner.get(key) }
    }

    fn live(&self, visit: &mut dyn FnMut(Bytes, Bytes)) -> Result<(), ShelfError> {
        self.inner.live(visit)
    }

    fn write(&mut self, batch: Batch) -> Result<(), ShelfError> {
        if self.writes_fail.load(Ordering::Relaxed) { Err(failed()) } else { self.inner.write(batch) }
    }

    fn start_over(self: Box<Self>) -> Result<Box<dyn Shelf>, ShelfError> {
        let Self { inner, reads_fail, writes_fail } = *self;
        Ok(Box::new(Self { inner: inner.start_over()?, reads_fail, writes_fail }))
    }

    fn len(&self) -> usize {
        self.inner.len()
    }
}
