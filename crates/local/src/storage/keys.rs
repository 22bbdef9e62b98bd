//! The keys under which things lie in storage, all big endian so that they sort as they count.

use bytes::Bytes;

/// In [`Space::State`](super::Space::State): the version of the format all of this is written in.
pub(crate) const FORMAT: &[u8] = b"f";
/// In [`Space::State`](super::Space::State): how often the disk was written to. The disk form keeps it for itself.
pub(crate) const WRITES: &[u8] = b"w";

const TOPIC: u8 = b't';
const BOUNDS: u8 = b'b';
const OFFSET: u8 = b'o';

/// In [`Space::Log`](super::Space::Log): the batch of a partition that starts at this offset.
pub(crate) fn batch(topic: u32, partition: u32, base: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&topic.to_be_bytes());
    key[4..8].copy_from_slice(&partition.to_be_bytes());
    key[8..].copy_from_slice(&base.to_be_bytes());
    key
}

/// The base offset in the key of a batch.
pub(crate) fn base(key: &[u8]) -> Option<u64> {
    key.get(8..16)?.try_into().ok().map(u64::from_be_bytes)
}

/// In [`Space::State`](super::Space::State): what a topic is.
pub(crate) fn topic(topic: u32) -> Bytes {
    state(TOPIC, &[topic], b"")
}

/// All topics.
pub(crate) const TOPICS: std::ops::Range<&[u8]> = b"t".as_slice()..b"u".as_slice();

/// The topic's number in the key of a topic.
pub(crate) fn topic_number(key: &[u8]) -> Option<u32> {
    number(key, 1)
}

/// In [`Space::State`](super::Space::State): where a partition begins, ends and is compacted up to.
pub(crate) fn bounds(topic: u32, partition: u32) -> Bytes {
    state(BOUNDS, &[topic, partition], b"")
}

/// All bounds.
pub(crate) const ALL_BOUNDS: std::ops::Range<&[u8]> = b"b".as_slice()..b"c".as_slice();

/// In [`Space::State`](super::Space::State): the next offset of a group in a partition.
pub(crate) fn offset(group: &str, topic: u32, partition: u32) -> Bytes {
    state(OFFSET, &[topic, partition], group.as_bytes())
}

/// All groups' offsets.
pub(crate) const OFFSETS: std::ops::Range<&[u8]> = b"o".as_slice()..b"p".as_slice();

/// The topic's and partition's numbers in the key of bounds or of a group's offset.
pub(crate) fn partition(key: &[u8]) -> Option<(u32, u32)> {
    Some((number(key, 1)?, number(key, 5)?))
}

/// The group in the key of a group's offset.
pub(crate) fn group(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.get(9..)?).ok()
}

fn state(kind: u8, numbers: &[u32], name: &[u8]) -> Bytes {
    let mut key = Vec::with_capacity(1 + 4 * numbers.len() + name.len());
    key.push(kind);
    for number in numbers {
        key.extend_from_slice(&number.to_be_bytes());
    }
    key.extend_from_slice(name);
    key.into()
}

fn number(key: &[u8], at: usize) -> Option<u32> {
    key.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}
