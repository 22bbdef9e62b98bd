//! Producers: encode records while they are sent, hand the batches to the commit path.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use fleet::bus::{BusError, Consumed, Outgoing, Producer, RECORD_LIMIT_BYTES};

use crate::append::{Append, Transaction};
use crate::batch::BatchBuilder;
use crate::engine::Engine;
use crate::offsets::CommittedOffset;
use crate::topics::Topic;

/// A batch is closed at this size, so that reading a little never means loading a lot.
const BATCH_BYTES: usize = 256 << 10;

/// A producer on a log. Its open transaction lives in its own memory; dropping it aborts.
pub(crate) struct LocalProducer {
    engine: Arc<Engine>,
    holder: u64,
    newest: Arc<AtomicU64>,
    shares: BTreeMap<(Arc<str>, u32), Share>,
    state: State,
}

/// What the open transaction has for one partition.
struct Share {
    topic: Arc<Topic>,
    closed: Vec<BatchBuilder>,
    open: BatchBuilder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A transaction is open, or can be begun.
    Good,
    /// A commit failed: only an abort helps.
    MustAbort,
}

// === impl LocalProducer ===

impl LocalProducer {
    /// The newest holder of a transactional id.
    pub(crate) fn new(engine: Arc<Engine>, transactional_id: &str) -> Self {
        let (holder, newest) = engine.hold(transactional_id);
        Self { engine, holder, newest, shares: BTreeMap::new(), state: State::Good }
    }

    fn check(&self) -> Result<(), BusError> {
        if self.holder != self.newest.load(Ordering::Acquire) {
            return Err(BusError::Fenced);
        }
        match self.state {
            State::Good => Ok(()),
            State::MustAbort => Err(BusError::Abort("an earlier commit of it failed".into())),
        }
    }

    fn share(&mut self, record: &Outgoing) -> Result<&mut Share, BusError> {
        let name = (record.topic.clone(), record.partition);
        if !self.shares.contains_key(&name) {
            let topic = self.engine.topics.get(&record.topic)?;
            if topic.spec.partitions <= record.partition {
                return Err(BusError::UnknownPartition(format!("{}-{}", record.topic, record.partition)));
            }
            self.shares.insert(name.clone(), Share { topic, closed: Vec::new(), open: BatchBuilder::new() });
        }
        Ok(self.shares.get_mut(&name).expect("it was put there if it was missing"))
    }

    fn transaction(&mut self, consumed: Option<Consumed<'_>>) -> Result<Transaction, BusError> {
        let mut offsets = Vec::new();
        for (name, next) in consumed.map_or(&[][..], |consumed| consumed.next) {
            let partition = self.engine.topics.partition(name)?;
            let group = consumed.map(|consumed| consumed.group.group.clone()).unwrap_or_default();
            let partition = (partition.topic_number, partition.number);
            offsets.push(CommittedOffset { group, partition, next: *next });
        }
        let now_ms = self.engine.options.clock.now_ms();
        let shares = std::mem::take(&mut self.shares);
        let appends = shares.into_iter().flat_map(|((_, number), share)| share.finish(number, now_ms)).collect();
        let group = consumed.map(|consumed| consumed.group.clone());
        Ok(Transaction { holder: (self.holder, self.newest.clone()), appends, group, offsets })
    }
}

impl Producer for LocalProducer {
    fn send(&mut self, record: Outgoing) -> Result<(), BusError> {
        self.check()?;
        let bytes = record.size_bytes();
        if RECORD_LIMIT_BYTES < bytes {
            return Err(BusError::TooLarge { bytes, limit: RECORD_LIMIT_BYTES });
        }
        let share = self.share(&record)?;
        if record.key.is_none() && share.topic.is_compacted() {
            return Err(BusError::Refused(format!("topic {} is compacted, its records need keys", record.topic)));
        }
        share.open.push(record.timestamp_ms, record.key.as_ref(), record.value.as_ref(), &record.headers);
        if BATCH_BYTES <= share.open.size_bytes() {
            share.closed.push(std::mem::replace(&mut share.open, BatchBuilder::new()));
        }
        Ok(())
    }

    fn commit(&mut self, consumed: Option<Consumed<'_>>) -> Result<(), BusError> {
        self.check()?;
        if self.shares.is_empty() && consumed.is_none() {
            return Ok(());
        }
        let begun = Instant::now();
        let outcome = self.transaction(consumed).and_then(|transaction| self.engine.commit(transaction));
        self.engine.stats.committed(begun.elapsed(), outcome.is_ok());
        if outcome.is_err() {
            self.shares.clear();
            self.state = State::MustAbort;
        }
        outcome
    }

    fn abort(&mut self) -> Result<(), BusError> {
        self.shares.clear();
        self.state = State::Good;
        self.check()
    }
}

// === impl Share ===

impl Share {
    fn finish(self, number: u32, now_ms: i64) -> Vec<Append> {
        let topic = self.topic;
        let partition = &topic.partitions[number as usize];
        let batches = self.closed.into_iter().chain([self.open]).filter(|batch| 0 < batch.count());
        let append = |batch: BatchBuilder| Append {
            topic: topic.clone(),
            partition: partition.clone(),
            bytes: batch.finish(now_ms),
        };
        batches.map(append).collect()
    }
}
