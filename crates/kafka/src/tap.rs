//! Taking records from partitions, each of which librdkafka fetches ahead into a queue of its own.
//!
//! A queue for each partition, since one queue for all would let a flooded topic fill it and a paused partition block it. Pausing
//! is not polling: what was fetched stays, and is bounded.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleet::bus::{Allowance, BusError, Delivered, Limit, TopicPartition};
use fleet::sync::Signal;
use rdkafka::Offset;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::context::Context;
use crate::errors::{failed, number};
use crate::flag::Flag;
use crate::record::delivered;

/// The partitions one client takes from.
pub(crate) struct Taps {
    client: Arc<BaseConsumer<Context>>,
    signal: Arc<Signal>,
    header_names: &'static [&'static str],
    /// Of each topic whoever stands first is taken from last in the next turn.
    by_topic: BTreeMap<Arc<str>, Vec<Tap>>,
    /// Whether librdkafka's positions may have moved since they were last asked for.
    is_stale: Cell<bool>,
}

struct Tap {
    name: TopicPartition,
    queue: PartitionQueue<Context>,
    /// Whether the queue may hold something.
    flag: Flag,
    /// A record that was polled and not taken.
    ahead: Option<Delivered>,
    /// Right after the last record taken, or where it began.
    position: u64,
    /// What librdkafka has passed over, as far as is known.
    passed: Cell<u64>,
    is_paused: bool,
}

/// How long a seek may take. It involves no broker, only another thread.
const SEEK_TIMEOUT: Duration = Duration::from_secs(5);

// === impl Taps ===

impl Taps {
    /// Takes from nowhere yet.
    pub(crate) fn new(
        client: Arc<BaseConsumer<Context>>,
        signal: Arc<Signal>,
        header_names: &'static [&'static str],
    ) -> Self {
        Self { client, signal, header_names, by_topic: BTreeMap::new(), is_stale: Cell::new(true) }
    }

    /// Takes from these partitions from now on. They have to be assigned to the client right after: a queue that is split off
    /// first misses nothing.
    pub(crate) fn open(&mut self, from: &[(TopicPartition, u64)]) -> Result<(), BusError> {
        self.close();
        for (name, position) in from {
            let queue = self.client.split_partition_queue(&name.topic, number(name.partition));
            let mut queue = queue.ok_or_else(|| BusError::UnknownPartition(name.to_string()))?;
            let (flag, raise) = Flag::raised(&self.signal);
            queue.set_nonempty_callback(raise);
            let (name, position, passed) = (name.clone(), *position, Cell::new(0));
            let taps = self.by_topic.entry(name.topic.clone()).or_default();
            taps.push(Tap { name, queue, flag, ahead: None, position, passed, is_paused: false });
        }
        Ok(())
    }

    /// Takes from nowhere from now on.
    pub(crate) fn close(&mut self) {
        self.by_topic.clear();
        self.is_stale.set(true);
    }

    /// The partitions taken from.
    pub(crate) fn names(&self) -> Vec<TopicPartition> {
        self.by_topic.values().flatten().map(|tap| tap.name.clone()).collect()
    }

    /// Whether there is something to take from a partition that is not paused.
    pub(crate) fn is_ready(&mut self) -> Result<bool, BusError> {
        self.is_stale.set(true);
        for tap in self.by_topic.values_mut().flatten() {
            if tap.look(&self.client, self.header_names)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes what is there of a topic, or of all of them.
    pub(crate) fn take(&mut self, topic: Option<&str>, limit: Limit, out: &mut Vec<Delivered>) -> Result<(), BusError> {
        self.is_stale.set(true);
        let mut allowance = Allowance::new(limit);
        let wanted = |(name, _): &(&Arc<str>, _)| topic.is_none_or(|topic| ***name == *topic);
        for (_, taps) in self.by_topic.iter_mut().filter(wanted) {
            taps.rotate_left(1);
            for tap in taps {
                tap.take(&self.client, self.header_names, &mut allowance, out)?;
            }
        }
        Ok(())
    }

    /// The next offset to be taken, none of a partition that is not taken from. It passes over gaps and what was aborted.
    pub(crate) fn position(&self, partition: &TopicPartition) -> Option<Result<u64, BusError>> {
        let tap = self.tap(partition)?;
        if tap.ahead.is_some() {
            return Some(Ok(tap.position));
        }
        let refreshed = if self.is_stale.get() { self.refresh() } else { Ok(()) };
        Some(refreshed.map(|()| tap.position.max(tap.passed.get())))
    }

    /// Goes to another place in a partition. False, if it is not taken from.
    pub(crate) fn seek(&mut self, partition: &TopicPartition, offset: u64) -> Result<bool, BusError> {
        let client = self.client.clone();
        let Some(tap) = self.tap_mut(partition) else { return Ok(false) };
        let to = Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX));
        client
            .seek(&partition.topic, number(partition.partition), to, SEEK_TIMEOUT)
            .map_err(|error| failed(&partition.to_string(), &error))?;
        (tap.ahead, tap.position) = (None, offset);
        tap.passed.set(0);
        self.is_stale.set(true);
        Ok(true)
    }

    /// Takes from a partition, or does not. False, if it is none of these.
    pub(crate) fn set_paused(&mut self, partition: &TopicPartition, is_paused: bool) -> bool {
        self.tap_mut(partition).map(|tap| tap.is_paused = is_paused).is_some()
    }

    /// Asks librdkafka what it has passed over. Of a partition with a record ahead that is not known, and not asked.
    fn refresh(&self) -> Result<(), BusError> {
        let positions = self.client.position().map_err(|error| failed("positions", &error))?;
        for element in positions.elements() {
            let Offset::Offset(offset) = element.offset() else { continue };
            let Ok(offset) = u64::try_from(offset) else { continue };
            let taps = self.by_topic.get(element.topic()).into_iter().flatten();
            for tap in taps.filter(|tap| number(tap.name.partition) == element.partition()) {
                tap.passed.set(tap.passed.get().max(offset));
            }
        }
        self.is_stale.set(false);
        Ok(())
    }

    fn tap(&self, partition: &TopicPartition) -> Option<&Tap> {
        self.by_topic.get(&partition.topic)?.iter().find(|tap| tap.name == *partition)
    }

    fn tap_mut(&mut self, partition: &TopicPartition) -> Option<&mut Tap> {
        self.by_topic.get_mut(&partition.topic)?.iter_mut().find(|tap| tap.name == *partition)
    }
}

// === impl Tap ===

impl Tap {
    /// Whether there is something to take.
    fn look(&mut self, client: &BaseConsumer<Context>, names: &'static [&'static str]) -> Result<bool, BusError> {
        if self.is_paused {
            return Ok(false);
        }
        self.ahead = self.next(client, names)?;
        Ok(self.ahead.is_some())
    }

    fn take(
        &mut self,
        client: &BaseConsumer<Context>,
        names: &'static [&'static str],
        allowance: &mut Allowance,
        out: &mut Vec<Delivered>,
    ) -> Result<(), BusError> {
        while !self.is_paused && !allowance.is_used_up() {
            let Some(record) = self.next(client, names)? else { break };
            if !allowance.admits(record.size_bytes()) {
                self.ahead = Some(record);
                break;
            }
            self.position = record.offset + 1;
            out.push(record);
        }
        Ok(())
    }

    fn next(
        &mut self,
        client: &BaseConsumer<Context>,
        names: &'static [&'static str],
    ) -> Result<Option<Delivered>, BusError> {
        if self.ahead.is_some() {
            return Ok(self.ahead.take());
        }
        if !self.flag.lower() {
            return Ok(None);
        }
        loop {
            let failure = match self.queue.poll(Duration::ZERO) {
                None => return Ok(None),
                Some(Ok(message)) => {
                    self.flag.raise();
                    let record = delivered(&self.name.topic, &message, names);
                    if self.position <= record.offset {
                        return Ok(Some(record));
                    }
                    continue;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    let end = client.context().take_end().unwrap_or_default();
                    self.passed.set(self.passed.get().max(end));
                    continue;
                }
                Some(Err(failure)) => failure,
            };
            self.flag.raise();
            self.judge(&failure)?;
        }
    }

    /// Most failures of fetches mend themselves; librdkafka goes on trying.
    fn judge(&self, failure: &KafkaError) -> Result<(), BusError> {
        let name = self.name.to_string();
        if failure.rdkafka_error_code() == Some(RDKafkaErrorCode::OffsetOutOfRange) {
            tracing::warn!(partition = name, "retention has removed records that were not taken yet");
        }
        let error = failed(&name, failure);
        if matches!(error, BusError::Damaged(_) | BusError::Refused(_)) {
            return Err(error);
        }
        tracing::debug!(partition = name, %error, "a fetch failed");
        Ok(())
    }
}
