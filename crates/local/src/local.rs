//! The log as a bus.

use std::path::Path;
use std::sync::Arc;

use fleet::bus::{
    Bus, BusError, Consumer, Isolation, Membership, Producer, Reader, TopicPartition, TopicSpec, Watermarks,
};

use crate::consumer::LocalConsumer;
use crate::duty::Duty;
use crate::engine::Engine;
use crate::maintenance::Upkeep;
use crate::options::{Durability, Options};
use crate::producer::LocalProducer;
use crate::reader::LocalReader;
use crate::stats::Stats;
use crate::storage::{Disk, Memory, Storage};
use crate::verify;

/// A log of one process. Clones are the same log; it closes when the last of them and the last of its consumers, producers and
/// readers is dropped.
#[derive(Clone)]
pub struct Local {
    engine: Arc<Engine>,
    _duties: Arc<Vec<Duty>>,
}

// === impl Local ===

impl Local {
    /// Opens the log in a directory, or makes one there.
    ///
    /// # Errors
    /// [`BusError::Locked`] if a process has it open, [`BusError::Damaged`] if its files are not as they were written,
    /// [`BusError::Refused`] if a newer version wrote it or the file system forbids it.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, BusError> {
        let storage = Disk::open(path.as_ref(), &options)?;
        let (durability, maintenance) = (options.durability, options.maintenance_interval);
        let mut log = Self::on(Box::new(storage), options)?;
        let mut duties = Vec::new();
        if let Durability::Interval(interval) = durability {
            let engine = log.engine.clone();
            duties.push(Duty::each(interval, "log-sync", move || engine.sync().map(|()| false))?);
        }
        if let Some(interval) = maintenance {
            let engine = log.engine.clone();
            let run = move || engine.maintenance.run(&engine).map(|upkeep| upkeep.is_unfinished);
            duties.push(Duty::each(interval, "log-maintenance", run)?);
        }
        log._duties = Arc::new(duties);
        Ok(log)
    }

    /// A log in memory: the same, with neither files nor threads of its own.
    pub fn in_memory(options: Options) -> Result<Self, BusError> {
        Self::on(Box::new(Memory::default()), options)
    }

    /// What was done since the log was opened.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// Removes what retention and compaction no longer want, a bounded amount of it. The disk form calls this by itself as
    /// its options say.
    pub fn maintain(&self) -> Result<Upkeep, BusError> {
        self.engine.maintenance.run(&self.engine)
    }

    /// Ends the sessions of consumers that were silent for too long. Every call of a consumer does so for its own group.
    pub fn expire_members(&self) {
        self.engine.coordinator.expire();
    }

    /// Reads everything, compares all checksums, and sees that nothing is missing where nothing may be. The answer is the
    /// number of records.
    pub fn verify(&self) -> Result<u64, BusError> {
        verify::everything(&self.engine)
    }

    fn on(storage: Box<dyn Storage>, options: Options) -> Result<Self, BusError> {
        Ok(Self { engine: Arc::new(Engine::new(storage, options)?), _duties: Arc::default() })
    }
}

impl Bus for Local {
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        self.engine.topics.create(&*self.engine.storage, topics)
    }

    fn topics(&self) -> Result<Vec<TopicSpec>, BusError> {
        Ok(self.engine.topics.all().iter().map(|topic| topic.spec.clone()).collect())
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, BusError> {
        Ok(self.engine.topics.get(topic).ok().map(|topic| topic.spec.partitions))
    }

    fn consumer(&self, membership: Membership) -> Result<Box<dyn Consumer>, BusError> {
        Ok(Box::new(LocalConsumer::join(self.engine.clone(), membership)?))
    }

    fn producer(&self, transactional_id: &str) -> Result<Box<dyn Producer>, BusError> {
        Ok(Box::new(LocalProducer::new(self.engine.clone(), transactional_id)))
    }

    fn reader(&self, _isolation: Isolation) -> Result<Box<dyn Reader>, BusError> {
        Ok(Box::new(LocalReader::new(self.engine.clone())))
    }

    fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, BusError> {
        Ok(self.engine.topics.partition(partition)?.watermarks())
    }

    fn committed(&self, group: &str, partition: &TopicPartition) -> Result<Option<u64>, BusError> {
        let partition = self.engine.topics.partition(partition)?;
        Ok(self.engine.offsets.get(group, &partition))
    }
}
