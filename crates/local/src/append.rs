//! The commit path: transactions of all producers, merged into as few writes as the disk asks for.
//!
//! Whoever commits queues its transaction. The first to find nobody writing takes all that is queued, writes it as one batch of the
//! storage with one sync, shows it to readers and tells the others, who slept meanwhile. What arrives during the write is the
//! next group. So an idle log commits in the time of one sync, and a busy one shares each sync among all who wait.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use bytes::Bytes;
use fleet::bus::{BusError, GroupMetadata};

use crate::batch::Batch;
use crate::engine::Engine;
use crate::offsets::CommittedOffset;
use crate::options::Durability;
use crate::partition::Partition;
use crate::storage::{Space, Write};
use crate::topics::Topic;
use fleet::sync::locked;

/// What one commit asks for.
pub(crate) struct Transaction {
    /// The producer's number among the holders of its id, and the number of the newest holder.
    pub(crate) holder: (u64, Arc<AtomicU64>),
    /// The batches, in order per partition.
    pub(crate) appends: Vec<Append>,
    /// The membership the offsets are committed under.
    pub(crate) group: Option<GroupMetadata>,
    /// The offsets.
    pub(crate) offsets: Vec<CommittedOffset>,
}

/// A finished batch for a partition.
pub(crate) struct Append {
    /// The topic.
    pub(crate) topic: Arc<Topic>,
    /// The partition.
    pub(crate) partition: Arc<Partition>,
    /// The encoded batch.
    pub(crate) bytes: Bytes,
}

/// Where transactions queue.
#[derive(Default)]
pub(crate) struct Appender {
    queue: Mutex<Queue>,
    done: Condvar,
    cached: Mutex<Cached>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<(u64, Transaction)>,
    tickets: u64,
    /// Somebody is writing.
    writing: bool,
    /// How many groups have been written.
    rounds: u64,
    outcomes: BTreeMap<u64, Result<(), BusError>>,
}

/// Which batches the tails of partitions keep in memory, oldest first, each with its end and size.
#[derive(Default)]
struct Cached {
    batches: VecDeque<(Arc<Partition>, u64, usize)>,
    bytes: usize,
}

// === impl Appender ===

impl Appender {
    /// Commits a transaction, together with others if there are any.
    pub(crate) fn commit(&self, engine: &Engine, transaction: Transaction) -> Result<(), BusError> {
        let mut queue = locked(&self.queue);
        let ticket = queue.tickets;
        queue.tickets += 1;
        queue.waiting.push((ticket, transaction));
        loop {
            if let Some(outcome) = queue.outcomes.remove(&ticket) {
                return outcome;
            }
            if queue.writing {
                queue = self.done.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.writing = true;
            let group = std::mem::take(&mut queue.waiting);
            drop(queue);
            let outcomes = self.write(engine, group);
            queue = locked(&self.queue);
            queue.writing = false;
            queue.rounds += 1;
            queue.outcomes.extend(outcomes);
            self.done.notify_all();
        }
    }

    /// Waits until the write under way, if there is one, is done. Whatever was admitted before is visible then.
    pub(crate) fn settle(&self) {
        let queue = locked(&self.queue);
        let round = queue.rounds;
        let under_way = |queue: &mut Queue| queue.writing && queue.rounds == round;
        drop(self.done.wait_while(queue, under_way));
    }

    fn write(&self, engine: &Engine, group: Vec<(u64, Transaction)>) -> Vec<(u64, Result<(), BusError>)> {
        let mut outcomes = Vec::with_capacity(group.len());
        let mut admitted = Vec::with_capacity(group.len());
        for (ticket, transaction) in group {
            match transaction.admit(engine) {
                Ok(()) => admitted.push((ticket, transaction)),
                Err(refusal) => outcomes.push((ticket, Err(refusal))),
            }
        }
        if admitted.is_empty() {
            return outcomes;
        }
        let (tickets, transactions): (Vec<_>, Vec<_>) = admitted.into_iter().unzip();
        let outcome = self.write_admitted(engine, transactions);
        outcomes.extend(tickets.into_iter().map(|ticket| (ticket, outcome.clone())));
        outcomes
    }

    fn write_admitted(&self, engine: &Engine, transactions: Vec<Transaction>) -> Result<(), BusError> {
        let bytes =
            transactions.iter().flat_map(|transaction| &transaction.appends).map(|append| append.bytes.len()).sum();
        engine.storage.room(bytes)?;
        let mut writes = Vec::new();
        let mut placed = Vec::new();
        let mut offsets = Vec::new();
        for transaction in transactions {
            for append in transaction.appends {
                let batch = append.place();
                writes.push(Write::put(Space::Log, append.partition.key(batch.base), batch.bytes().clone()));
                placed.push((append, batch));
            }
            writes.extend(transaction.offsets.iter().map(CommittedOffset::write));
            offsets.extend(transaction.offsets);
        }
        let sync = engine.options.durability == Durability::EveryCommit;
        engine.storage.apply(writes, sync)?;
        engine.stats.wrote(sync);
        engine.offsets.set(offsets);
        self.publish(&placed, engine.options.tail_cache_bytes);
        Ok(())
    }

    fn publish(&self, placed: &[(Append, Batch)], cache_bytes: usize) {
        let mut cached = locked(&self.cached);
        for (append, batch) in placed {
            append.topic.count(u64::from(batch.count()), batch.size_bytes() as u64);
            cached.bytes += batch.size_bytes();
            cached.batches.push_back((append.partition.clone(), batch.next(), batch.size_bytes()));
            append.partition.publish(batch.clone());
        }
        while cache_bytes < cached.bytes
            && let Some((partition, end, bytes)) = cached.batches.pop_front()
        {
            partition.evict_before(end);
            cached.bytes -= bytes;
        }
        placed.iter().for_each(|(append, _)| append.partition.stir());
    }
}

// === impl Transaction ===

impl Transaction {
    /// Whether it may be written. Asked while `writing` is set, so that whoever fences the producer or moves the group on can
    /// wait for what was admitted before.
    fn admit(&self, engine: &Engine) -> Result<(), BusError> {
        let (holder, newest) = &self.holder;
        if *holder != newest.load(Ordering::Acquire) {
            return Err(BusError::Fenced);
        }
        match &self.group {
            Some(group) if !engine.coordinator.is_current(group) => Err(BusError::StaleGeneration),
            Some(_) | None => Ok(()),
        }
    }
}

// === impl Append ===

impl Append {
    fn place(&self) -> Batch {
        let span = Batch::fresh(0, self.bytes.clone()).next();
        Batch::fresh(self.partition.reserve(span), self.bytes.clone())
    }
}
