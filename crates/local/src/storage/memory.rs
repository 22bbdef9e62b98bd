//! Storage that lives as long as the process: for simulation and tests.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::Mutex;

use bytes::Bytes;
use fleet::bus::BusError;

use super::{Space, Storage, Visit, Write};
use fleet::sync::locked;

/// Two maps in memory.
#[derive(Default)]
pub(crate) struct Memory {
    maps: Mutex<Maps>,
}

#[derive(Default)]
struct Maps {
    log: BTreeMap<Bytes, Bytes>,
    state: BTreeMap<Bytes, Bytes>,
}

// === impl Memory ===

impl Storage for Memory {
    fn apply(&self, writes: Vec<Write>, _sync: bool) -> Result<(), BusError> {
        let mut maps = locked(&self.maps);
        for Write { space, key, value } in writes {
            match value {
                Some(value) => maps.of(space).insert(key, value),
                None => maps.of(space).remove(&key),
            };
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), BusError> {
        Ok(())
    }

    fn scan(&self, space: Space, range: Range<&[u8]>, visit: &mut Visit<'_>) -> Result<(), BusError> {
        let mut maps = locked(&self.maps);
        let mut entries = maps.of(space).range::<[u8], _>(between(&range));
        // A visitor that has seen enough is no error.
        let _ = entries.try_for_each(|(key, value)| visit(key, value.clone()));
        Ok(())
    }

    fn last(&self, space: Space, range: Range<&[u8]>) -> Result<Option<(Bytes, Bytes)>, BusError> {
        let mut maps = locked(&self.maps);
        let last = maps.of(space).range::<[u8], _>(between(&range)).next_back();
        Ok(last.map(|(key, value)| (key.clone(), value.clone())))
    }

    fn room(&self, _bytes: usize) -> Result<(), BusError> {
        Ok(())
    }
}

// === impl Maps ===

impl Maps {
    fn of(&mut self, space: Space) -> &mut BTreeMap<Bytes, Bytes> {
        match space {
            Space::Log => &mut self.log,
            Space::State => &mut self.state,
        }
    }
}

fn between<'a>(range: &Range<&'a [u8]>) -> (Bound<&'a [u8]>, Bound<&'a [u8]>) {
    (Bound::Included(range.start), Bound::Excluded(range.end))
}
