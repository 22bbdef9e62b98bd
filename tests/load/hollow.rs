//! A log that costs next to nothing: records stay in memory as they are, and nobody disturbs anybody. What the fleet takes over it
//! is the fleet's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fleet::bus::{
    Allowance, Bus, BusError, Consumed, Consumer, Delivered, GroupMetadata, Isolation, Limit, Membership, Outgoing,
    Producer, Reader, TopicPartition, TopicSpec, Wake, Waker, Watermarks,
};
use fleet::sync::locked;

/// The log. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Hollow(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    topics: BTreeMap<Arc<str>, TopicSpec>,
    records: BTreeMap<TopicPartition, Vec<Delivered>>,
    committed: BTreeMap<(String, TopicPartition), u64>,
}

/// Takes from partitions, in a group or not.
struct Cursor {
    log: Hollow,
    group: GroupMetadata,
    /// What is taken from, and what of it is paused.
    next: BTreeMap<TopicPartition, (u64, bool)>,
    is_assigned: bool,
}

struct Writer {
    log: Hollow,
    open: Vec<Outgoing>,
}

// === impl Hollow ===

impl Hollow {
    /// How many records lie on it.
    pub(crate) fn records(&self) -> usize {
        locked(&self.0).records.values().map(Vec::len).sum()
    }

    fn cursor(&self, group: &str) -> Cursor {
        let group =
            GroupMetadata { group: group.to_owned(), generation: 1, member: String::new(), token: Bytes::new() };
        Cursor { log: self.clone(), group, next: BTreeMap::new(), is_assigned: false }
    }

    fn end(&self, at: &TopicPartition) -> u64 {
        locked(&self.0).records.get(at).map_or(0, Vec::len) as u64
    }
}

impl Bus for Hollow {
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        let named = topics.iter().map(|spec| (Arc::clone(&spec.name), spec.clone()));
        locked(&self.0).topics.extend(named);
        Ok(())
    }

    fn topics(&self) -> Result<Vec<TopicSpec>, BusError> {
        Ok(locked(&self.0).topics.values().cloned().collect())
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, BusError> {
        Ok(locked(&self.0).topics.get(topic).map(|spec| spec.partitions))
    }

    fn consumer(&self, membership: Membership) -> Result<Box<dyn Consumer>, BusError> {
        let mut cursor = self.cursor(&membership.group);
        for name in &membership.topics {
            let partitions = locked(&self.0).topics[name].partitions;
            cursor
                .next
                .extend((0..partitions).map(|number| (TopicPartition::new(Arc::clone(name), number), (0, false))));
        }
        Ok(Box::new(cursor))
    }

    fn producer(&self, _: &str) -> Result<Box<dyn Producer>, BusError> {
        Ok(Box::new(Writer { log: self.clone(), open: Vec::new() }))
    }

    fn reader(&self, _: Isolation) -> Result<Box<dyn Reader>, BusError> {
        Ok(Box::new(self.cursor("")))
    }

    fn watermarks(&self, at: &TopicPartition) -> Result<Watermarks, BusError> {
        let high = self.end(at);
        Ok(Watermarks { low: 0, stable: high, high })
    }

    fn committed(&self, group: &str, at: &TopicPartition) -> Result<Option<u64>, BusError> {
        Ok(locked(&self.0).committed.get(&(group.to_owned(), at.clone())).copied())
    }
}

// === impl Cursor ===

impl Cursor {
    fn take_of(&mut self, topic: Option<&str>, limit: Limit, out: &mut Vec<Delivered>) {
        let mut allowance = Allowance::new(limit);
        let log = locked(&self.log.0);
        for (at, (next, is_paused)) in &mut self.next {
            if *is_paused || topic.is_some_and(|topic| *topic != *at.topic) {
                continue;
            }
            let records = log.records.get(at).map_or(&[][..], |records| &records[*next as usize..]);
            for record in records {
                if allowance.is_used_up() || !allowance.admits(record.size_bytes()) {
                    return;
                }
                out.push(record.clone());
                *next += 1;
            }
        }
    }

    fn place(&mut self, at: &TopicPartition) -> Result<&mut (u64, bool), BusError> {
        self.next.get_mut(at).ok_or_else(|| BusError::UnknownPartition(at.to_string()))
    }
}

impl Consumer for Cursor {
    fn wait(&mut self, _: Duration) -> Result<Wake, BusError> {
        if !std::mem::replace(&mut self.is_assigned, true) {
            return Ok(Wake::Assigned(self.next.keys().cloned().collect()));
        }
        let is_there =
            |(at, (next, is_paused)): (&TopicPartition, &(u64, bool))| !is_paused && *next < self.log.end(at);
        Ok(if self.next.iter().any(is_there) { Wake::Ready } else { Wake::TimedOut })
    }

    fn take(&mut self, topic: &str, limit: Limit, out: &mut Vec<Delivered>) -> Result<(), BusError> {
        self.take_of(Some(topic), limit, out);
        Ok(())
    }

    fn release(&mut self) -> Result<(), BusError> {
        Ok(())
    }

    fn assignment(&self) -> Vec<TopicPartition> {
        self.next.keys().cloned().collect()
    }

    fn position(&self, at: &TopicPartition) -> Result<u64, BusError> {
        self.next.get(at).map(|(next, _)| *next).ok_or_else(|| BusError::UnknownPartition(at.to_string()))
    }

    fn seek(&mut self, at: &TopicPartition, offset: u64) -> Result<(), BusError> {
        self.place(at)?.0 = offset;
        Ok(())
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        partitions.iter().try_for_each(|at| self.place(at).map(|place| place.1 = true))
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        partitions.iter().try_for_each(|at| self.place(at).map(|place| place.1 = false))
    }

    fn group(&self) -> GroupMetadata {
        self.group.clone()
    }

    fn heartbeat_age(&self) -> Duration {
        Duration::ZERO
    }

    fn waker(&self) -> Waker {
        Arc::new(|| {})
    }

    fn leave(self: Box<Self>) -> Result<(), BusError> {
        Ok(())
    }
}

impl Reader for Cursor {
    fn assign(&mut self, from: &[(TopicPartition, u64)]) -> Result<(), BusError> {
        self.next = from.iter().map(|(at, next)| (at.clone(), (*next, false))).collect();
        Ok(())
    }

    fn read(&mut self, limit: Limit, _: Duration, out: &mut Vec<Delivered>) -> Result<(), BusError> {
        self.take_of(None, limit, out);
        Ok(())
    }

    fn position(&self, at: &TopicPartition) -> Result<u64, BusError> {
        Consumer::position(self, at)
    }
}

// === impl Writer ===

impl Producer for Writer {
    fn send(&mut self, record: Outgoing) -> Result<(), BusError> {
        self.open.push(record);
        Ok(())
    }

    fn commit(&mut self, consumed: Option<Consumed<'_>>) -> Result<(), BusError> {
        let mut log = locked(&self.log.0);
        for record in self.open.drain(..) {
            let Outgoing { topic, partition, timestamp_ms, key, value, headers } = record;
            let lane = log.records.entry(TopicPartition { topic: Arc::clone(&topic), partition }).or_default();
            let offset = lane.len() as u64;
            lane.push(Delivered { topic, partition, offset, timestamp_ms, key, value, headers });
        }
        for (at, next) in consumed.into_iter().flat_map(|consumed| consumed.next) {
            let group = consumed.map_or("", |consumed| &consumed.group.group);
            log.committed.insert((group.to_owned(), at.clone()), *next);
        }
        Ok(())
    }

    fn abort(&mut self) -> Result<(), BusError> {
        self.open.clear();
        Ok(())
    }
}
