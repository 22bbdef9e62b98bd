//! Whether a log still is what was written.

use std::ops::ControlFlow;

use fleet::bus::BusError;

use crate::engine::Engine;
use crate::partition::Partition;

/// Reads everything: checksums must match, and where nothing is ever compacted no offset may be missing. The answer is the number
/// of records.
pub(crate) fn everything(engine: &Engine) -> Result<u64, BusError> {
    let mut records = 0;
    for topic in engine.topics.all() {
        for partition in &topic.partitions {
            let (found, is_gapless) = walk(engine, partition)?;
            if !is_gapless && !topic.is_compacted() {
                let name = partition.name();
                return Err(BusError::Damaged(format!(
                    "records of {name} are missing; restore the directory from a backup"
                )));
            }
            records += found;
        }
    }
    Ok(records)
}

fn walk(engine: &Engine, partition: &Partition) -> Result<(u64, bool), BusError> {
    let (mut next, high) = (partition.low(), partition.high());
    let (mut records, mut is_gapless) = (0, true);
    partition.scan(&*engine.storage, next..high, &mut |batch| {
        records += u64::from(batch.count());
        is_gapless &= batch.base == next;
        next = batch.next();
        ControlFlow::Continue(())
    })?;
    Ok((records, is_gapless && next == high))
}
