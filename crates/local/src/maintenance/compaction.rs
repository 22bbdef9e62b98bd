//! Keyed compaction of one partition.
//!
//! First the keys of everything appended since the last time are gathered, each with its newest offset. Then the partition is read
//! from its beginning: records that have a newer one of their key are dropped, expired tombstones too, and small neighbouring
//! batches become one. Keys are compared by 128-bit hashes.

use std::ops::ControlFlow;
use std::sync::Arc;

use fleet::bus::{BusError, Delivered};
use xxhash_rust::xxh3::xxh3_128;

use super::{STEP_BYTES, Upkeep};
use crate::batch::{Batch, BatchBuilder};
use crate::engine::Engine;
use crate::partition::{Bounds, Partition};
use crate::storage::{Space, Write};

/// How many new records one pass looks at, which bounds its memory to 16 MiB.
const KEYS_MAX: usize = 1 << 19;
/// Batches are merged up to this size.
const MERGED_BYTES: usize = 128 << 10;

/// One compaction of a partition.
pub(super) struct Pass {
    partition: Arc<Partition>,
    stage: Stage,
    /// The next offset to read in this stage.
    at: u64,
    /// Where the pass ends.
    until: u64,
    newest: Newest,
    survivors: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Gathering,
    Rewriting,
}

/// Hashes of keys with the newest offset of each; sorted once all are gathered.
#[derive(Default)]
struct Newest(Vec<(u128, u64)>);

/// Neighbouring batches that become one.
struct Merge {
    inputs: Vec<Batch>,
    survivors: BatchBuilder,
}

// === impl Pass ===

impl Pass {
    /// A pass over what a partition holds by now.
    pub(super) fn new(partition: Arc<Partition>) -> Self {
        let (bounds, until) = (partition.bounds(), partition.high());
        let at = bounds.compacted.max(bounds.low);
        Self { partition, stage: Stage::Gathering, at, until, newest: Newest::default(), survivors: 0 }
    }

    /// Does a little of it; whether there is more to do. Tombstones appended before `tombstones_from_ms` go.
    pub(super) fn step(
        &mut self,
        engine: &Engine,
        tombstones_from_ms: i64,
        upkeep: &mut Upkeep,
    ) -> Result<bool, BusError> {
        let (batches, is_end) = self.read(engine, upkeep)?;
        match self.stage {
            Stage::Gathering => {
                self.gather(&batches)?;
                if is_end || KEYS_MAX <= self.newest.0.len() {
                    self.until = self.at;
                    self.at = self.partition.low();
                    self.newest.sort();
                    self.stage = Stage::Rewriting;
                }
                Ok(true)
            }
            Stage::Rewriting => {
                let writes = self.rewrite(batches, tombstones_from_ms)?;
                upkeep.batches_removed += writes.iter().filter(|write| write.value.is_none()).count();
                self.apply(engine, writes, is_end)?;
                Ok(!is_end)
            }
        }
    }

    /// The next batches, and whether they are the last.
    fn read(&mut self, engine: &Engine, upkeep: &mut Upkeep) -> Result<(Vec<Batch>, bool), BusError> {
        let (mut bytes, mut batches) = (0, Vec::new());
        self.partition.scan(&*engine.storage, self.at..self.until, &mut |batch| {
            bytes += batch.size_bytes();
            batches.push(batch);
            if bytes < STEP_BYTES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        upkeep.bytes_read += bytes;
        let is_end = bytes < STEP_BYTES;
        self.at = if is_end { self.until } else { batches.last().map_or(self.until, Batch::next) };
        Ok((batches, is_end))
    }

    fn gather(&mut self, batches: &[Batch]) -> Result<(), BusError> {
        batches.iter().try_for_each(|batch| each(&self.partition, batch, |record| self.newest.add(&record)))
    }

    fn rewrite(&mut self, batches: Vec<Batch>, tombstones_from_ms: i64) -> Result<Vec<Write>, BusError> {
        let mut writes = Vec::new();
        let mut merge = Merge::new();
        for batch in batches {
            if !merge.has_room(&batch) {
                let full = std::mem::replace(&mut merge, Merge::new());
                self.survivors += full.close(&self.partition, &mut writes);
            }
            let base = merge.base().unwrap_or(batch.base);
            each(&self.partition, &batch, |record| {
                let is_expired = record.value.is_none() && batch.appended_ms() < tombstones_from_ms;
                if !is_expired && !self.newest.supersedes(&record) {
                    let Delivered { offset, timestamp_ms, key, value, headers, .. } = record;
                    merge.survivors.push_at(offset - base, timestamp_ms, key.as_ref(), value.as_ref(), &headers);
                }
            })?;
            merge.inputs.push(batch);
        }
        self.survivors += merge.close(&self.partition, &mut writes);
        Ok(writes)
    }

    fn apply(&self, engine: &Engine, mut writes: Vec<Write>, is_end: bool) -> Result<(), BusError> {
        let has_changed = !writes.is_empty();
        let mut bounds = Bounds { high: self.partition.high(), ..self.partition.bounds() };
        if is_end {
            bounds.compacted = self.until;
            bounds.survivors = self.survivors;
        }
        writes.push(bounds.write(&self.partition));
        engine.storage.apply(writes, false)?;
        self.partition.set_bounds(bounds);
        if has_changed {
            self.partition.evict_before(self.at);
        }
        Ok(())
    }
}

// === impl Newest ===

impl Newest {
    fn add(&mut self, record: &Delivered) {
        self.0.extend(record.key.as_ref().map(|key| (xxh3_128(key), record.offset)));
    }

    fn sort(&mut self) {
        self.0.sort_unstable();
        self.0.dedup_by(|later, earlier| {
            let is_same_key = later.0 == earlier.0;
            if is_same_key {
                earlier.1 = later.1;
            }
            is_same_key
        });
    }

    /// Whether there is a newer record of the same key.
    fn supersedes(&self, record: &Delivered) -> bool {
        let Some(key) = record.key.as_ref().map(|key| xxh3_128(key)) else { return false };
        let found = self.0.binary_search_by_key(&key, |(hash, _)| *hash);
        found.is_ok_and(|at| record.offset < self.0[at].1)
    }
}

// === impl Merge ===

impl Merge {
    fn new() -> Self {
        Self { inputs: Vec::new(), survivors: BatchBuilder::new() }
    }

    fn base(&self) -> Option<u64> {
        self.inputs.first().map(|first| first.base)
    }

    fn has_room(&self, batch: &Batch) -> bool {
        let Some(base) = self.base() else { return true };
        let is_small = self.survivors.size_bytes() + batch.size_bytes() <= MERGED_BYTES;
        is_small && u32::try_from(batch.next() - base).is_ok()
    }

    /// Adds what has to be written; the answer is how many records are left.
    fn close(self, partition: &Partition, writes: &mut Vec<Write>) -> u64 {
        let [first, others @ ..] = &*self.inputs else { return 0 };
        let survivors = self.survivors.count();
        if others.is_empty() && survivors == first.count() {
            return u64::from(survivors);
        }
        let next = others.last().unwrap_or(first).next();
        let appended_ms = self.inputs.iter().map(Batch::appended_ms).max().unwrap_or_default();
        let span = u32::try_from(next - first.base).expect("room was asked for before each batch");
        writes.push(match survivors {
            0 => Write::remove(Space::Log, partition.key(first.base)),
            _ => Write::put(Space::Log, partition.key(first.base), self.survivors.finish_spanning(span, appended_ms)),
        });
        writes.extend(others.iter().map(|other| Write::remove(Space::Log, partition.key(other.base))));
        u64::from(survivors)
    }
}

fn each(partition: &Partition, batch: &Batch, mut visit: impl FnMut(Delivered)) -> Result<(), BusError> {
    let mut records = batch.records(&partition.topic, partition.number, &[]);
    while let Some(record) = records.next().map_err(|malformed| partition.damaged(batch.base, malformed))? {
        visit(record);
    }
    Ok(())
}
