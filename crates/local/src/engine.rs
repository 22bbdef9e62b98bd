//! One log: the parts that producers, consumers and readers share.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fleet::bus::{BusError, TopicPartition};

use crate::append::{Appender, Transaction};
use crate::coordinator::Coordinator;
use crate::maintenance::Maintenance;
use crate::offsets::Offsets;
use crate::options::{Durability, Options};
use crate::stats::{Counters, Stats, TopicStats};
use crate::storage::{Space, Storage, Write, keys};
use crate::topics::Topics;
use fleet::sync::locked;

/// The format of everything in storage. A newer version reads all older ones and rewrites nothing before it has to.
const FORMAT: u32 = 1;

/// The parts of one log.
pub(crate) struct Engine {
    pub(crate) options: Options,
    pub(crate) storage: Box<dyn Storage>,
    pub(crate) topics: Topics,
    pub(crate) offsets: Offsets,
    pub(crate) coordinator: Coordinator,
    pub(crate) stats: Counters,
    pub(crate) maintenance: Maintenance,
    appender: Appender,
    /// For each transactional id the number of its newest holder.
    holders: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
}

// === impl Engine ===

impl Engine {
    /// The log in this storage.
    pub(crate) fn new(storage: Box<dyn Storage>, options: Options) -> Result<Self, BusError> {
        check_format(&*storage)?;
        Ok(Self {
            topics: Topics::load(&*storage)?,
            offsets: Offsets::load(&*storage)?,
            coordinator: Coordinator::new(options.clock.clone()),
            stats: Counters::default(),
            maintenance: Maintenance::default(),
            appender: Appender::default(),
            holders: Mutex::default(),
            storage,
            options,
        })
    }

    /// Becomes the newest holder of a transactional id: its number, and where the newest number can be read. What earlier
    /// holders committed is visible on return, and they will commit nothing more.
    pub(crate) fn hold(&self, transactional_id: &str) -> (u64, Arc<AtomicU64>) {
        let newest = locked(&self.holders).entry(transactional_id.to_owned()).or_default().clone();
        let holder = newest.fetch_add(1, Ordering::AcqRel) + 1;
        self.appender.settle();
        (holder, newest)
    }

    /// Commits a transaction.
    pub(crate) fn commit(&self, transaction: Transaction) -> Result<(), BusError> {
        self.appender.commit(self, transaction)
    }

    /// Where a member of a new generation starts in a partition: no commit of the old generation is under way any more.
    pub(crate) fn starts(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<u64>, BusError> {
        self.appender.settle();
        let start = |name: &TopicPartition| {
            let partition = self.topics.partition(name)?;
            Ok(self.offsets.get(group, &partition).unwrap_or_else(|| partition.low()))
        };
        partitions.iter().map(start).collect()
    }

    /// Syncs, if that does not happen with each commit.
    pub(crate) fn sync(&self) -> Result<(), BusError> {
        if matches!(self.options.durability, Durability::Interval(_)) {
            self.storage.sync()?;
            self.stats.synced();
        }
        Ok(())
    }

    /// What was done so far.
    pub(crate) fn stats(&self) -> Stats {
        let topics = self.topics.all().into_iter().map(|topic| {
            let (records, bytes) = (topic.records.load(Ordering::Relaxed), topic.bytes.load(Ordering::Relaxed));
            (topic.spec.name.clone(), TopicStats { records, bytes })
        });
        self.stats.read(topics.collect())
    }
}

fn check_format(storage: &dyn Storage) -> Result<(), BusError> {
    let mut found: Option<Bytes> = None;
    storage.scan(Space::State, keys::FORMAT..b"g", &mut |_, value| {
        found = Some(value);
        ControlFlow::Break(())
    })?;
    let Some(found) = found else {
        return storage.apply(vec![Write::put(Space::State, keys::FORMAT, FORMAT.to_be_bytes().to_vec())], true);
    };
    match <[u8; 4]>::try_from(&*found).map(u32::from_be_bytes) {
        Ok(FORMAT) => Ok(()),
        Ok(other) => Err(BusError::Refused(format!(
            "the log is of format {other}, this version reads format {FORMAT}; run the version that wrote it"
        ))),
        Err(_) => Err(BusError::Damaged("the format of the log can't be read".into())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fleet::clock::Clock;

    use super::*;
    use crate::storage::Memory;

    struct Standstill;

    impl Clock for Standstill {
        fn now_ms(&self) -> i64 {
            0
        }

        fn since_boot(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn open_with(key: &'static [u8], value: &'static [u8]) -> Option<BusError> {
        let storage = Memory::default();
        storage.apply(vec![Write::put(Space::State, key, value)], false).unwrap();
        Engine::new(Box::new(storage), Options::new(Arc::new(Standstill))).err()
    }

    #[test]
    fn a_newer_format_is_refused_with_what_to_do() {
        let Some(BusError::Refused(why)) = open_with(keys::FORMAT, &[0, 0, 0, 2]) else { panic!("it opens") };
        assert!(why.contains("format 2") && why.contains("run the version that wrote it"), "{why}");
    }

    #[test]
    fn state_that_makes_no_sense_is_damage() {
        for (key, value) in
            [(keys::FORMAT, &[1][..]), (b"t\0\0\0\0", b"?"), (b"b\0\0\0\0\0\0\0\0", b"?"), (b"o?", b"?")]
        {
            assert!(matches!(open_with(key, value), Some(BusError::Damaged(_))), "{key:?}");
        }
    }
}
