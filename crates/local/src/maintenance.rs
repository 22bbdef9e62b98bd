//! What keeps a log from growing for ever: retention and compaction, in small steps.
//!
//! Each step reads a bounded amount and makes its changes in writes of the storage that are whole in themselves, so that a crash
//! at any point leaves a log that is merely less tidy. Offsets never change; gaps appear. Appends wait for none of it but the
//! moment a write takes.

mod compaction;
mod retention;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::bus::BusError;

use crate::engine::Engine;
use crate::partition::Partition;
use compaction::Pass;
use fleet::sync::locked;
use retention::Retention;

/// How much is read and then rewritten or removed in one write.
const STEP_BYTES: usize = 1 << 20;

/// What one call of `maintain` did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// The bytes of batches it read.
    pub bytes_read: usize,
    /// The batches it removed or merged into others.
    pub batches_removed: usize,
    /// More is to be done already.
    pub is_unfinished: bool,
}

/// The maintenance of a log; one call at a time.
#[derive(Default)]
pub(crate) struct Maintenance {
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    retention: Retention,
    /// The compaction under way.
    pass: Option<Pass>,
    /// How many passes were begun, so that the partitions take turns.
    passes: usize,
}

// === impl Maintenance ===

impl Maintenance {
    /// Removes what is too old or superseded, as far as one call goes.
    pub(crate) fn run(&self, engine: &Engine) -> Result<Upkeep, BusError> {
        let mut progress = locked(&self.progress);
        let mut upkeep = Upkeep::default();
        let now_ms = engine.options.clock.now_ms();
        for topic in engine.topics.all() {
            let Some(retention) = topic.retention() else { continue };
            let oldest_ms = now_ms.saturating_sub(millis(retention));
            for partition in &topic.partitions {
                while progress.retention.step(engine, partition, oldest_ms, &mut upkeep)? {
                    if engine.options.maintenance_bytes_max <= upkeep.bytes_read {
                        return Ok(Upkeep { is_unfinished: true, ..upkeep });
                    }
                }
            }
        }
        let tombstones_from_ms = now_ms.saturating_sub(millis(engine.options.tombstone_retention));
        while let Some(mut pass) = progress.pass.take().or_else(|| progress.begin(engine)) {
            let is_unfinished = pass.step(engine, tombstones_from_ms, &mut upkeep)?;
            progress.pass = is_unfinished.then_some(pass);
            if engine.options.maintenance_bytes_max <= upkeep.bytes_read {
                return Ok(Upkeep { is_unfinished: true, ..upkeep });
            }
        }
        Ok(upkeep)
    }
}

// === impl Progress ===

impl Progress {
    /// Begins to compact the next partition that is dirty enough.
    fn begin(&mut self, engine: &Engine) -> Option<Pass> {
        let topics = engine.topics.all();
        let compacted = topics.iter().filter(|topic| topic.is_compacted());
        let dirty: Vec<&Arc<Partition>> =
            compacted.flat_map(|topic| &topic.partitions).filter(|partition| is_dirty(engine, partition)).collect();
        self.passes += 1;
        dirty.get(self.passes % dirty.len().max(1)).map(|partition| Pass::new((*partition).clone()))
    }
}

fn is_dirty(engine: &Engine, partition: &Partition) -> bool {
    let bounds = partition.bounds();
    let dirty = partition.high() - bounds.compacted.max(bounds.low);
    engine.options.dirty_records_min.max(bounds.survivors).max(1) <= dirty
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
