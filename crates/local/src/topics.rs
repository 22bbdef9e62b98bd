//! Which topics there are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use bytes::Bytes;
use fleet::bus::{BusError, Cleanup, TopicPartition, TopicSpec};

use crate::partition::{Bounds, Partition};
use crate::storage::{Space, Storage, Write, keys};

/// A topic and its partitions.
pub(crate) struct Topic {
    /// What it is.
    pub(crate) spec: TopicSpec,
    /// Its partitions, by number.
    pub(crate) partitions: Vec<Arc<Partition>>,
    /// How many records were appended since the log was opened.
    pub(crate) records: AtomicU64,
    /// How many bytes these take in storage, before the engine compresses them.
    pub(crate) bytes: AtomicU64,
}

/// All topics.
#[derive(Default)]
pub(crate) struct Topics {
    topics: RwLock<BTreeMap<Arc<str>, Arc<Topic>>>,
}

// === impl Topic ===

impl Topic {
    /// A topic whose partitions lie where these bounds say; those not named are empty.
    pub(crate) fn new(number: u32, spec: TopicSpec, bounds: &BTreeMap<(u32, u32), Bounds>) -> Self {
        let bounds_of = |partition| bounds.get(&(number, partition)).copied().unwrap_or_default();
        let partition = |partition| Arc::new(Partition::new(&spec.name, number, partition, bounds_of(partition)));
        let partitions = (0..spec.partitions).map(partition).collect();
        Self { spec, partitions, records: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// Whether old records of a key give way to newer ones.
    pub(crate) fn is_compacted(&self) -> bool {
        match self.spec.cleanup {
            Cleanup::Keep | Cleanup::Delete { .. } => false,
            Cleanup::Compact | Cleanup::CompactDelete { .. } => true,
        }
    }

    /// How long records are kept, if not for ever.
    pub(crate) fn retention(&self) -> Option<Duration> {
        match self.spec.cleanup {
            Cleanup::Keep | Cleanup::Compact => None,
            Cleanup::Delete { retention } | Cleanup::CompactDelete { retention } => Some(retention),
        }
    }

    /// Counts what was appended.
    pub(crate) fn count(&self, records: u64, bytes: u64) {
        self.records.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

// === impl Topics ===

impl Topics {
    /// The topics in storage, with the bounds of their partitions.
    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, BusError> {
        let bounds = Bounds::load_all(storage)?;
        let mut found = Vec::new();
        storage.scan(Space::State, keys::TOPICS, &mut |key, value| {
            found.push(
                keys::topic_number(key).zip(decode(&value)).map(|(number, spec)| Topic::new(number, spec, &bounds)),
            );
            std::ops::ControlFlow::Continue(())
        })?;
        let mut topics = BTreeMap::new();
        for topic in found {
            let topic = topic.ok_or_else(|| BusError::Damaged("a topic's properties can't be read".into()))?;
            for partition in &topic.partitions {
                partition.find_end(storage)?;
            }
            topics.insert(topic.spec.name.clone(), Arc::new(topic));
        }
        Ok(Self { topics: RwLock::new(topics) })
    }

    /// Creates those that do not exist, all or none.
    pub(crate) fn create(&self, storage: &dyn Storage, wanted: &[TopicSpec]) -> Result<(), BusError> {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let mut added = BTreeMap::new();
        let mut writes = Vec::new();
        for spec in wanted {
            if spec.partitions == 0 {
                return Err(BusError::Refused(format!("topic {} needs a partition at least", spec.name)));
            }
            let existing = topics.get(&spec.name).or_else(|| added.get(&spec.name));
            if let Some(existing) = existing {
                let (topic, found, wanted) = (spec.name.to_string(), existing.spec.partitions, spec.partitions);
                if found != wanted {
                    return Err(BusError::PartitionCount { topic, found, wanted });
                }
                continue;
            }
            let number =
                u32::try_from(topics.len() + added.len()).map_err(|_| BusError::Refused("too many topics".into()))?;
            writes.push(Write::put(Space::State, keys::topic(number), encode(spec)));
            added.insert(spec.name.clone(), Arc::new(Topic::new(number, spec.clone(), &BTreeMap::new())));
        }
        if !writes.is_empty() {
            storage.apply(writes, true)?;
        }
        topics.append(&mut added);
        Ok(())
    }

    /// A topic.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<Topic>, BusError> {
        self.read().get(name).cloned().ok_or_else(|| BusError::UnknownPartition(name.to_owned()))
    }

    /// A partition.
    pub(crate) fn partition(&self, name: &TopicPartition) -> Result<Arc<Partition>, BusError> {
        let topic = self.get(&name.topic)?;
        let partition = topic.partitions.get(name.partition as usize);
        partition.cloned().ok_or_else(|| BusError::UnknownPartition(name.to_string()))
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Topic>> {
        self.read().values().cloned().collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Arc<str>, Arc<Topic>>> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Partitions (4 bytes), cleanup (1), retention in milliseconds (8), name; big endian.
fn encode(spec: &TopicSpec) -> Bytes {
    let (kind, retention) = match spec.cleanup {
        Cleanup::Keep => (0, Duration::ZERO),
        Cleanup::Delete { retention } => (1, retention),
        Cleanup::Compact => (2, Duration::ZERO),
        Cleanup::CompactDelete { retention } => (3, retention),
    };
    let retention_ms = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
    let mut bytes = spec.partitions.to_be_bytes().to_vec();
    bytes.push(kind);
    bytes.extend_from_slice(&retention_ms.to_be_bytes());
    bytes.extend_from_slice(spec.name.as_bytes());
    bytes.into()
}

fn decode(bytes: &[u8]) -> Option<TopicSpec> {
    let (partitions, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first()?;
    let (retention_ms, name) = rest.split_first_chunk::<8>()?;
    let retention = Duration::from_millis(u64::from_be_bytes(*retention_ms));
    let cleanup = match kind {
        0 => Cleanup::Keep,
        1 => Cleanup::Delete { retention },
        2 => Cleanup::Compact,
        3 => Cleanup::CompactDelete { retention },
        _ => return None,
    };
    Some(TopicSpec {
        name: std::str::from_utf8(name).ok()?.into(),
        partitions: u32::from_be_bytes(*partitions),
        cleanup,
    })
}
