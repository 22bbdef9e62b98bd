//! What the log stands on: two ordered maps from bytes to bytes that change together or not at all.

mod directory;
mod disk;
pub(crate) mod keys;
mod manifest;
mod memory;

use std::ops::{ControlFlow, Range};

use bytes::Bytes;
use fleet::bus::BusError;

pub(crate) use disk::Disk;
pub(crate) use memory::Memory;

/// One of the two maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// Batches, by topic, partition and base offset.
    Log,
    /// Everything else: format version, topics, bounds of partitions, groups' offsets.
    State,
}

/// One change of a map.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    /// Which map.
    pub(crate) space: Space,
    /// The key, in one of the forms of [`keys`].
    pub(crate) key: Bytes,
    /// The new value; none removes the key.
    pub(crate) value: Option<Bytes>,
}

/// The disk or memory.
pub(crate) trait Storage: Send + Sync {
    /// Makes all changes, or none of them. With `sync`, they survive a power loss once this returns.
    fn apply(&self, writes: Vec<Write>, sync: bool) -> Result<(), BusError>;
    /// Makes everything applied so far survive a power loss.
    fn sync(&self) -> Result<(), BusError>;
    /// Shows the entries of a range in order, until told to stop.
    fn scan(&self, space: Space, range: Range<&[u8]>, visit: &mut Visit<'_>) -> Result<(), BusError>;
    /// The last entry of a range.
    fn last(&self, space: Space, range: Range<&[u8]>) -> Result<Option<(Bytes, Bytes)>, BusError>;
    /// Whether there is room for another write of this many bytes.
    fn room(&self, bytes: usize) -> Result<(), BusError>;
}

/// Is shown the key and value of an entry.
pub(crate) type Visit<'a> = dyn FnMut(&[u8], Bytes) -> ControlFlow<()> + 'a;

// === impl Write ===

impl Write {
    /// Sets a key.
    pub(crate) fn put(space: Space, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self { space, key: key.into(), value: Some(value.into()) }
    }

    /// Removes a key.
    pub(crate) fn remove(space: Space, key: impl Into<Bytes>) -> Self {
        Self { space, key: key.into(), value: None }
    }
}
