//! Retention: what was appended too long ago goes, from the beginning of a partition on.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use fleet::bus::BusError;

use super::{STEP_BYTES, Upkeep};
use crate::engine::Engine;
use crate::partition::{Bounds, Partition};
use crate::storage::{Space, Write};

/// What the last look at each partition has shown.
#[derive(Default)]
pub(super) struct Retention {
    /// When the first batch was appended, by numbers of topic and partition: it need not be read again before it is old.
    firsts: BTreeMap<(u32, u32), i64>,
}

// === impl Retention ===

impl Retention {
    /// Removes batches appended before `oldest_ms`; whether there may be more of them.
    pub(super) fn step(
        &mut self,
        engine: &Engine,
        partition: &Partition,
        oldest_ms: i64,
        upkeep: &mut Upkeep,
    ) -> Result<bool, BusError> {
        let name = (partition.topic_number, partition.number);
        if self.firsts.get(&name).is_some_and(|first_ms| oldest_ms <= *first_ms) {
            return Ok(false);
        }
        self.firsts.remove(&name);
        let (bounds, high) = (partition.bounds(), partition.high());
        let (mut bytes, mut low, mut removed) = (0, bounds.low, Vec::new());
        partition.scan(&*engine.storage, bounds.low..high, &mut |batch| {
            bytes += batch.size_bytes();
            if oldest_ms <= batch.appended_ms() {
                self.firsts.insert(name, batch.appended_ms());
                return ControlFlow::Break(());
            }
            low = batch.next();
            removed.push(Write::remove(Space::Log, partition.key(batch.base)));
            if bytes < STEP_BYTES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        upkeep.bytes_read += bytes;
        if !removed.is_empty() {
            upkeep.batches_removed += removed.len();
            let bounds = Bounds { low, high, ..bounds };
            removed.push(bounds.write(partition));
            engine.storage.apply(removed, false)?;
            partition.set_bounds(bounds);
        }
        Ok(STEP_BYTES <= bytes && !self.firsts.contains_key(&name))
    }
}
