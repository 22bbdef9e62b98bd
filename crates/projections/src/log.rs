//! The event log, as projections read it: without a group, from offsets the database holds.

use std::sync::Arc;
use std::time::Duration;

use contracts::{Codec, Topic, Topics};
use fleet::bus::{Bus, BusError, Delivered, Isolation, Limit, Reader, TopicPartition};
use tokio::sync::mpsc;

use crate::fact::Reading;
use crate::write::Offsets;

/// The event log of a deployment. Clones read the same log.
#[derive(Clone)]
pub struct Log {
    bus: Arc<dyn Bus>,
    codec: Codec,
    topic: Arc<str>,
    partitions: u32,
}

/// A reading position on every partition of the log.
pub(crate) struct Tail {
    log: Log,
    reader: Box<dyn Reader>,
    delivered: Vec<Delivered>,
}

/// Why a reading thread can't begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchesError {
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error("no thread can be started")]
    Thread(#[source] std::io::Error),
}

/// Batches as a reading thread hands them over, until all is read or something fails.
pub(crate) type Batches = mpsc::Receiver<Result<Vec<Reading>, BusError>>;

/// How long the log may be silent before a reading thread looks again.
const PATIENCE: Duration = Duration::from_millis(100);
/// How many batches a reading thread is ahead.
const AHEAD: usize = 2;

// === impl Log ===

impl Log {
    /// The log on a bus.
    pub fn new(bus: Arc<dyn Bus>, codec: Codec, topics: &Topics) -> Self {
        let (topic, partitions) = (topics.name(&Topic::Events), topics.partitions(&Topic::Events));
        Self { bus, codec, topic, partitions }
    }

    /// For each partition the offset up to which everything is settled now.
    pub fn ends(&self) -> Result<Offsets, BusError> {
        let end = |partition| Ok((partition, self.bus.watermarks(&self.partition(partition))?.stable));
        (0..self.partitions).map(end).collect()
    }

    /// How many records lie between these offsets and the end. Offsets that transactions take for themselves count as records.
    pub fn lag(&self, from: &Offsets) -> Result<u64, BusError> {
        Ok(distance(from, &self.ends()?))
    }

    /// Reads on from these offsets; from the beginning where there is none.
    pub(crate) fn tail(&self, from: &Offsets) -> Result<Tail, BusError> {
        let mut reader = self.bus.reader(Isolation::ReadCommitted)?;
        let position = |partition| (self.partition(partition), from.get(&partition).copied().unwrap_or(0));
        let positions: Vec<_> = (0..self.partitions).map(position).collect();
        reader.assign(&positions)?;
        Ok(Tail { log: self.clone(), reader, delivered: Vec::new() })
    }

    /// Starts a thread that reads what stands between two points, `limit` at a time, while the batch before is being written.
    pub(crate) fn batches(&self, from: &Offsets, to: &Offsets, limit: Limit) -> Result<Batches, BatchesError> {
        let tail = self.tail(from)?;
        let (sender, batches) = mpsc::channel(AHEAD);
        let end = to.clone();
        let thread = std::thread::Builder::new().name("projections".to_owned());
        thread.spawn(move || read_up_to(tail, &end, limit, &sender)).map_err(BatchesError::Thread)?;
        Ok(batches)
    }

    fn partition(&self, partition: u32) -> TopicPartition {
        TopicPartition::new(Arc::clone(&self.topic), partition)
    }
}

/// The reading thread: hands over what stands before `end`, until that is all or nobody listens.
fn read_up_to(mut tail: Tail, end: &Offsets, limit: Limit, sender: &mpsc::Sender<Result<Vec<Reading>, BusError>>) {
    let is_within = |reading: &Reading| {
        let position = reading.position();
        end.get(&position.partition).is_some_and(|end| position.offset < *end)
    };
    loop {
        let read = tail.read(limit, PATIENCE, Duration::ZERO).and_then(|mut batch| {
            batch.retain(is_within);
            Ok((batch, distance(&tail.positions()?, end) == 0))
        });
        let (message, is_last) = match read {
            Ok((batch, is_last)) => (Ok(batch), is_last),
            Err(error) => (Err(error), true),
        };
        let is_worth_sending = message.as_ref().map_or(true, |batch| !batch.is_empty());
        if is_worth_sending && sender.blocking_send(message).is_err() || is_last {
            return;
        }
    }
}

/// How many offsets lie between two points.
pub(crate) fn distance(from: &Offsets, to: &Offsets) -> u64 {
    to.iter().map(|(partition, end)| end.saturating_sub(from.get(partition).copied().unwrap_or(0))).sum()
}

// === impl Tail ===

impl Tail {
    /// What is there now, in offset order per partition. Waits at most `patience` for the first record, and then `linger` for more,
    /// so that a trickle is not written record by record.
    pub(crate) fn read(
        &mut self,
        limit: Limit,
        patience: Duration,
        linger: Duration,
    ) -> Result<Vec<Reading>, BusError> {
        self.delivered.clear();
        self.reader.read(limit, patience, &mut self.delivered)?;
        if !self.delivered.is_empty()
            && let Some(rest) = self.rest(limit)
        {
            std::thread::sleep(linger);
            self.reader.read(rest, Duration::ZERO, &mut self.delivered)?;
        }
        let readings = self.delivered.iter().map(|record| Reading::of(record, &self.log.codec, self.log.partitions));
        Ok(readings.collect())
    }

    /// Where it stands.
    pub(crate) fn positions(&self) -> Result<Offsets, BusError> {
        let position = |partition| Ok((partition, self.reader.position(&self.log.partition(partition))?));
        (0..self.log.partitions).map(position).collect()
    }

    /// What a limit leaves beside what has been delivered.
    fn rest(&self, limit: Limit) -> Option<Limit> {
        let bytes: usize = self.delivered.iter().map(Delivered::size_bytes).sum();
        let rest = Limit {
            records: limit.records.saturating_sub(self.delivered.len()),
            bytes: limit.bytes.saturating_sub(bytes),
        };
        (0 < rest.records && 0 < rest.bytes).then_some(rest)
    }
}
