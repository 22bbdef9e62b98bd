//! How far each group has come in each partition.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{PoisonError, RwLock};

use fleet::bus::BusError;

use crate::partition::Partition;
use crate::storage::{Space, Storage, Write, keys};

/// One group's next offset in one partition.
#[derive(Clone, Debug)]
pub(crate) struct CommittedOffset {
    /// The group.
    pub(crate) group: String,
    /// The numbers of topic and partition.
    pub(crate) partition: (u32, u32),
    /// The offset to go on from.
    pub(crate) next: u64,
}

/// All groups' offsets, as storage has them.
#[derive(Default)]
pub(crate) struct Offsets {
    groups: RwLock<BTreeMap<String, GroupOffsets>>,
}

/// The next offset by numbers of topic and partition.
type GroupOffsets = BTreeMap<(u32, u32), u64>;

// === impl CommittedOffset ===

impl CommittedOffset {
    /// The write that makes it durable.
    pub(crate) fn write(&self) -> Write {
        let (topic, partition) = self.partition;
        let value = self.next.to_be_bytes().to_vec();
        Write::put(Space::State, keys::offset(&self.group, topic, partition), value)
    }
}

// === impl Offsets ===

impl Offsets {
    /// The offsets in storage.
    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, BusError> {
        let offsets = Self::default();
        let mut intact = true;
        storage.scan(Space::State, keys::OFFSETS, &mut |key, value| {
            let next = <[u8; 8]>::try_from(&*value).ok().map(u64::from_be_bytes);
            match (keys::group(key), keys::partition(key), next) {
                (Some(group), Some(partition), Some(next)) => {
                    offsets.set(vec![CommittedOffset { group: group.to_owned(), partition, next }]);
                }
                _ => intact = false,
            }
            ControlFlow::Continue(())
        })?;
        if intact { Ok(offsets) } else { Err(BusError::Damaged("the offset of a group can't be read".into())) }
    }

    /// Takes note of what storage has now.
    pub(crate) fn set(&self, offsets: Vec<CommittedOffset>) {
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        for CommittedOffset { group, partition, next } in offsets {
            groups.entry(group).or_default().insert(partition, next);
        }
    }

    /// Where a group is to go on in a partition, if it has ever committed there.
    pub(crate) fn get(&self, group: &str, partition: &Partition) -> Option<u64> {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        groups.get(group)?.get(&(partition.topic_number, partition.number)).copied()
    }
}
