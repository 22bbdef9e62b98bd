//! What the brokers know.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleet::bus::{BusError, TopicPartition, TopicSpec};

use super::groups::Groups;
use super::log::{Log, Serial};
use super::producer::Holder;

/// Everything the brokers know.
#[derive(Default)]
pub(super) struct State {
    pub(super) topics: BTreeMap<Arc<str>, Topic>,
    pub(super) groups: Groups,
    /// By transactional id.
    pub(super) holders: BTreeMap<Arc<str>, Holder>,
    /// The transactions that were begun so far.
    pub(super) serials: Serial,
    /// How many of them have ended.
    pub(super) ended: u64,
    /// Until when nothing can be written, and what is said.
    pub(super) trouble: Option<(Duration, BusError)>,
    /// Until when markers are late, and by how much.
    pub(super) markers_late: Option<(Duration, Duration)>,
    /// The brokers' time.
    pub(super) now: Duration,
    offsets: BTreeMap<(String, TopicPartition), u64>,
}

/// A topic and its partitions.
pub(super) struct Topic {
    pub(super) spec: TopicSpec,
    pub(super) logs: Vec<Log>,
}

// === impl State ===

impl State {
    /// Lets the brokers' clock move on, and what it brings happen; whether it brought anything.
    pub(super) fn pass_to(&mut self, now: Duration) -> bool {
        if self.now == now {
            return false;
        }
        self.now = now;
        let is_over = self.trouble.take_if(|(until, _)| *until <= now).is_some();
        self.markers_late = self.markers_late.filter(|(until, _)| now < *until);
        let have_ended = self.end_overdue();
        let have_gone = self.groups.expire(now);
        is_over || have_ended || have_gone
    }

    /// Whether brokers can be asked at all. Who has no room still answers.
    pub(super) fn reachable(&self) -> Result<(), BusError> {
        match &self.trouble {
            Some((_, error @ BusError::Unavailable(_))) => Err(error.clone()),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether anything can be written.
    pub(super) fn writable(&self) -> Result<(), BusError> {
        self.trouble.as_ref().map_or(Ok(()), |(_, error)| Err(error.clone()))
    }

    pub(super) fn create_topics(&mut self, wanted: &[TopicSpec]) -> Result<(), BusError> {
        for spec in wanted {
            let found = self.topics.get(&spec.name).map_or(spec.partitions, |topic| topic.spec.partitions);
            if found != spec.partitions {
                let (topic, wanted) = (spec.name.to_string(), spec.partitions);
                return Err(BusError::PartitionCount { topic, found, wanted });
            }
        }
        for spec in wanted {
            let logs = || (0..spec.partitions).map(|_| Log::default()).collect();
            self.topics.entry(Arc::clone(&spec.name)).or_insert_with(|| Topic { spec: spec.clone(), logs: logs() });
        }
        Ok(())
    }

    pub(super) fn specs(&self) -> Vec<TopicSpec> {
        self.topics.values().map(|topic| topic.spec.clone()).collect()
    }

    pub(super) fn log(&self, at: &TopicPartition) -> Result<&Log, BusError> {
        let topic = self.topics.get(&at.topic);
        topic.and_then(|topic| topic.logs.get(at.partition as usize)).ok_or_else(|| unknown(at))
    }

    pub(super) fn log_mut(&mut self, at: &TopicPartition) -> Result<&mut Log, BusError> {
        let topic = self.topics.get_mut(&at.topic);
        topic.and_then(|topic| topic.logs.get_mut(at.partition as usize)).ok_or_else(|| unknown(at))
    }

    pub(super) fn committed(&self, group: &str, at: &TopicPartition) -> Option<u64> {
        self.offsets.get(&(group.to_owned(), at.clone())).copied()
    }

    pub(super) fn set_committed(&mut self, group: &str, at: TopicPartition, next: u64) {
        self.offsets.insert((group.to_owned(), at), next);
    }

    /// Where a group goes on in a partition.
    pub(super) fn start(&self, group: &str, at: &TopicPartition) -> Result<u64, BusError> {
        let low = self.log(at)?.low;
        Ok(self.committed(group, at).unwrap_or(low).max(low))
    }

    pub(super) fn beat(&mut self, process: &Arc<str>, heard: Duration, now: Duration) {
        if self.trouble.as_ref().is_none_or(|(until, _)| *until <= now) || self.reachable().is_ok() {
            self.groups.beat(process, heard, now);
        }
    }

    pub(super) fn pinned(&self) -> usize {
        self.topics.values().flat_map(|topic| &topic.logs).filter(|log| log.is_open()).count()
    }
}

pub(super) fn unknown(at: &TopicPartition) -> BusError {
    BusError::UnknownPartition(at.to_string())
}
