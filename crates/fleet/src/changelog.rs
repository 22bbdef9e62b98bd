//! The changelog: memory as a compacted topic, one partition beside each input partition. Changes are written once per key and
//! turn, with the partition named explicitly; restoring reads them back.

use std::sync::Arc;

use bytes::Bytes;
use contracts::{Codec, Subject};
use domain::{Change, MemoryKey, Worker};

use crate::blocking::{FLEET_KEY, FleetKey, WORKER_KEY};
use crate::bus::{Delivered, Headers, Outgoing, TopicPartition};
use crate::paper::Paper;
use crate::partition::Partition;
use crate::shelf::ShelfChange;
use crate::shelved::is_settled;
use crate::turn::Unwritable;

/// The records that make a turn's changes of one partition durable.
pub(crate) fn records<W: Worker>(
    partition: &Partition<W>,
    codec: &Codec,
    to: &TopicPartition,
    now_ms: i64,
    (paper, out): (&mut Paper, &mut Vec<Outgoing>),
) -> Result<(), Unwritable> {
    let mut write = |key: Bytes, value: Option<Bytes>| {
        out.push(Outgoing {
            topic: Arc::clone(&to.topic),
            partition: to.partition,
            timestamp_ms: now_ms,
            key: Some(key),
            value,
            headers: Headers::default(),
        });
    };
    for (key, entry) in partition.overlay.changes() {
        let before = partition.memory.get(key);
        if before == entry {
            continue;
        }
        let value = entry.map(|entry| paper.written(|out| codec.encode_entry(W::STAGE, entry, out))).transpose();
        write(paper.concat([&[WORKER_KEY], &key.encode()]), value.map_err(|_| Unwritable::Encoding)?);
    }
    for (key, entry) in partition.fleet_overlay.changes() {
        if partition.fleet.get(key) == entry {
            continue;
        }
        let encode = |entry| paper.written(|out| codec.encode_value(Subject::MemoryFleet, entry, out));
        let value = entry.map(encode).transpose();
        write(fleet_key(key), value.map_err(|_| Unwritable::Encoding)?);
    }
    Ok(())
}

/// Takes one changelog record into memory, and notes it for the shelf, which settled entries come onto unread. What can't be read is
/// reported: a changelog is ours, so it is damage or a newer version's entry, and going on without it would forget something.
pub(crate) fn replay<W: Worker>(
    partition: &mut Partition<W>,
    codec: &Codec,
    record: &Delivered,
    shelved: &mut Vec<ShelfChange>,
) -> Result<(), UnreadableEntry> {
    let unreadable = || UnreadableEntry { at: record.topic_partition(), offset: record.offset };
    let key = record.key.as_ref().ok_or_else(unreadable)?;
    let is_settled = partition.shelf.is_some() && is_settled::<W>(key);
    if partition.shelf.is_some() {
        shelved.push(ShelfChange { is_settled, key: key.clone(), value: record.value.clone() });
    }
    if is_settled {
        return Ok(());
    }
    remember(partition, codec, key, record.value.as_ref()).ok_or_else(unreadable)
}

/// Takes an entry into memory, by the key and value it has in the changelog; none if they can't be read.
pub(crate) fn remember<W: Worker>(
    partition: &mut Partition<W>,
    codec: &Codec,
    key: &[u8],
    value: Option<&Bytes>,
) -> Option<()> {
    let (kind, key) = key.split_first()?;
    match *kind {
        WORKER_KEY => {
            let key = W::Key::decode(key)?;
            partition.apply(match value {
                Some(value) => Change::Put(key, codec.decode_entry(W::STAGE, value).ok()?),
                None => Change::Forget(key),
            });
        }
        FLEET_KEY => {
            let key = FleetKey::decode(key)?;
            partition.apply_fleet(match value {
                Some(value) => Change::Put(key, codec.decode_value(Subject::MemoryFleet, value).ok()?),
                None => Change::Forget(key),
            });
        }
        _ => return None,
    }
    Some(())
}

/// A changelog record that this version can't read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the memory entry at {at} offset {offset} can't be read: it is damaged, or written by a newer version")]
pub struct UnreadableEntry {
    /// Where it lies.
    pub at: TopicPartition,
    /// At which offset.
    pub offset: u64,
}

/// The changelog's key of one of the fleet's own entries.
pub(crate) fn fleet_key(key: &FleetKey) -> Bytes {
    [&[FLEET_KEY], &key.encode()[..]].concat().into()
}
