//! One partition: where it begins and ends, its newest batches in memory, who waits for more.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fleet::bus::{BusError, TopicPartition, Watermarks};

use crate::batch::{Batch, Malformed};
use crate::storage::{Space, Storage, Write, keys};
use fleet::sync::{Signal, locked};

/// A partition of a topic.
pub(crate) struct Partition {
    /// The topic's name.
    pub(crate) topic: Arc<str>,
    /// The topic's number in storage.
    pub(crate) topic_number: u32,
    /// The partition's number.
    pub(crate) number: u32,
    /// What storage remembers; only maintenance changes it.
    bounds: Mutex<Bounds>,
    /// The end of what is committed and durable. Transactions gather in their producer's memory, so that the last stable
    /// offset is the same; an in-memory form that keeps open transactions in the log would tell the two apart here.
    high: AtomicU64,
    /// The offset the next batch gets; runs ahead of `high` while a write is under way.
    next: AtomicU64,
    /// The newest batches without a gap between the first of them and the end.
    tail: Mutex<VecDeque<Batch>>,
    watchers: Mutex<Vec<Arc<Signal>>>,
}

/// What storage remembers of a partition besides its batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The first offset still there.
    pub(crate) low: u64,
    /// The end, as of the last time that batches were removed.
    pub(crate) high: u64,
    /// Up to here, no record has a newer one of its key before it.
    pub(crate) compacted: u64,
    /// How many records the last compaction kept.
    pub(crate) survivors: u64,
}

// === impl Partition ===

impl Partition {
    /// A partition within these bounds.
    pub(crate) fn new(topic: &Arc<str>, topic_number: u32, number: u32, bounds: Bounds) -> Self {
        Self {
            topic: topic.clone(),
            topic_number,
            number,
            bounds: Mutex::new(bounds),
            high: AtomicU64::new(bounds.high),
            next: AtomicU64::new(bounds.high),
            tail: Mutex::default(),
            watchers: Mutex::default(),
        }
    }

    /// Moves the end behind the last batch in storage.
    pub(crate) fn find_end(&self, storage: &dyn Storage) -> Result<(), BusError> {
        if let Some(last) = self.last_before(storage, u64::MAX)? {
            self.high.fetch_max(last.next(), Ordering::AcqRel);
            self.next.fetch_max(last.next(), Ordering::AcqRel);
        }
        Ok(())
    }

    /// Its name on the bus.
    pub(crate) fn name(&self) -> TopicPartition {
        TopicPartition::new(self.topic.clone(), self.number)
    }

    /// Whether this is its name.
    pub(crate) fn is(&self, name: &TopicPartition) -> bool {
        self.number == name.partition && *self.topic == *name.topic
    }

    /// The first offset still there.
    pub(crate) fn low(&self) -> u64 {
        self.bounds().low
    }

    /// The end.
    pub(crate) fn high(&self) -> u64 {
        self.high.load(Ordering::Acquire)
    }

    /// Where it begins and ends.
    pub(crate) fn watermarks(&self) -> Watermarks {
        let high = self.high();
        Watermarks { low: self.low(), stable: high, high }
    }

    /// The key in storage of the batch that starts at this offset.
    pub(crate) fn key(&self, base: u64) -> Bytes {
        Bytes::copy_from_slice(&keys::batch(self.topic_number, self.number, base))
    }

    /// Takes the offsets for a batch that spans this many. Only the writer of the moment asks.
    pub(crate) fn reserve(&self, span: u64) -> u64 {
        self.next.fetch_add(span, Ordering::AcqRel)
    }

    /// Shows a batch, which storage has, to readers.
    pub(crate) fn publish(&self, batch: Batch) {
        let next = batch.next();
        locked(&self.tail).push_back(batch);
        self.high.store(next, Ordering::Release);
    }

    /// Keeps batches in memory no more that end up to this offset.
    pub(crate) fn evict_before(&self, offset: u64) {
        let mut tail = locked(&self.tail);
        while tail.front().is_some_and(|batch| batch.next() <= offset) {
            tail.pop_front();
        }
    }

    /// What storage remembers of it.
    pub(crate) fn bounds(&self) -> Bounds {
        *locked(&self.bounds)
    }

    /// Storage remembers something new of it; what lies before the beginning is gone.
    pub(crate) fn set_bounds(&self, bounds: Bounds) {
        *locked(&self.bounds) = bounds;
        self.evict_before(bounds.low);
    }

    /// The batches from this offset on, from memory or from storage, until they have `budget` bytes together. Each ends behind
    /// `from`, the first may begin before it. When there are none, there are no records between `from` and the answer.
    pub(crate) fn fetch(
        &self,
        storage: &dyn Storage,
        from: u64,
        budget: usize,
        out: &mut VecDeque<Batch>,
    ) -> Result<u64, BusError> {
        let high = self.high();
        if from < high && !self.fetch_tail(from, budget, out) {
            self.fetch_stored(storage, from, high, budget, out)?;
        }
        Ok(high)
    }

    /// Shows each batch that starts in this range, in order, until told to stop.
    pub(crate) fn scan(
        &self,
        storage: &dyn Storage,
        range: std::ops::Range<u64>,
        visit: &mut dyn FnMut(Batch) -> ControlFlow<()>,
    ) -> Result<(), BusError> {
        let mut damaged = None;
        storage.scan(Space::Log, &self.key(range.start)..&self.key(range.end), &mut |key, value| {
            let base = keys::base(key).expect("keys of this range have a base offset");
            match Batch::stored(base, value) {
                Ok(batch) => visit(batch),
                Err(malformed) => {
                    damaged = Some(self.damaged(base, malformed));
                    ControlFlow::Break(())
                }
            }
        })?;
        damaged.map_or(Ok(()), Err)
    }

    /// Stirs this signal whenever something is appended.
    pub(crate) fn watch(&self, signal: &Arc<Signal>) {
        locked(&self.watchers).push(signal.clone());
    }

    /// Stirs it no more.
    pub(crate) fn unwatch(&self, signal: &Arc<Signal>) {
        locked(&self.watchers).retain(|watcher| !Arc::ptr_eq(watcher, signal));
    }

    /// Stirs who waits for more.
    pub(crate) fn stir(&self) {
        for watcher in &*locked(&self.watchers) {
            watcher.stir();
        }
    }

    /// The error for a batch that can't be read.
    pub(crate) fn damaged(&self, base: u64, malformed: Malformed) -> BusError {
        let name = self.name();
        BusError::Damaged(format!(
            "the batch of {name} at offset {base}: {malformed}; restore the directory from a backup"
        ))
    }

    fn fetch_tail(&self, from: u64, budget: usize, out: &mut VecDeque<Batch>) -> bool {
        let tail = locked(&self.tail);
        let starting_before = tail.partition_point(|batch| batch.base <= from);
        if starting_before == 0 {
            return false;
        }
        let mut bytes = 0;
        for batch in tail.range(starting_before - 1..).filter(|batch| from < batch.next()) {
            bytes += batch.size_bytes();
            out.push_back(batch.clone());
            if budget <= bytes {
                break;
            }
        }
        true
    }

    fn fetch_stored(
        &self,
        storage: &dyn Storage,
        from: u64,
        high: u64,
        budget: usize,
        out: &mut VecDeque<Batch>,
    ) -> Result<(), BusError> {
        let mut bytes = 0;
        self.scan(storage, from..high, &mut |batch| {
            bytes += batch.size_bytes();
            out.push_back(batch);
            if budget <= bytes { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        // Unless a batch starts exactly there, the offset may lie within an earlier one.
        if out.front().is_none_or(|first| first.base != from)
            && let Some(earlier) = self.last_before(storage, from)?.filter(|earlier| from < earlier.next())
        {
            out.push_front(earlier);
        }
        Ok(())
    }

    /// The last batch that starts before this offset.
    fn last_before(&self, storage: &dyn Storage, before: u64) -> Result<Option<Batch>, BusError> {
        let last = storage.last(Space::Log, &self.key(0)..&self.key(before))?;
        let decode = |(key, value): (Bytes, Bytes)| {
            let base = keys::base(&key).expect("keys of this range have a base offset");
            Batch::stored(base, value).map_err(|malformed| self.damaged(base, malformed))
        };
        last.map(decode).transpose()
    }
}

// === impl Bounds ===

impl Bounds {
    /// The bounds of all partitions that have some, by numbers of topic and partition.
    pub(crate) fn load_all(storage: &dyn Storage) -> Result<BTreeMap<(u32, u32), Self>, BusError> {
        let mut found = Vec::new();
        storage.scan(Space::State, keys::ALL_BOUNDS, &mut |key, value| {
            found.push(keys::partition(key).zip(Self::decode(&value)));
            ControlFlow::Continue(())
        })?;
        let found: Option<_> = found.into_iter().collect();
        found.ok_or_else(|| BusError::Damaged("the bounds of a partition can't be read".into()))
    }

    /// The write that remembers them.
    pub(crate) fn write(self, partition: &Partition) -> Write {
        let numbers = [self.low, self.high, self.compacted, self.survivors];
        let bytes = numbers.map(u64::to_be_bytes).concat();
        Write::put(Space::State, keys::bounds(partition.topic_number, partition.number), bytes)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut numbers = bytes.chunks_exact(8).map(|chunk| chunk.try_into().map_or(0, u64::from_be_bytes));
        let (low, high) = (numbers.next()?, numbers.next()?);
        Some(Self { low, high, compacted: numbers.next()?, survivors: numbers.next()? })
    }
}
