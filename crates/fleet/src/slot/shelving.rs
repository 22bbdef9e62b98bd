//! What lies on the shelf: from where a restore goes on, up to where it is good for the next, and what can't be looked up.

use domain::Worker;

use super::{Slot, SlotError, changelog};
use crate::bus::{TopicPartition, Watermarks};
use crate::changelog::{UnreadableEntry, remember};
use crate::partition::Partition;
use crate::shelf::{Checkpoint, ShelfError, Shelves};
use crate::shelved::Shelved;
use crate::turn::Turn;
use contracts::Codec;

impl<W: Worker> Slot<W> {
    /// Why decisions of this turn may be wrong: an entry could not be looked up, or an earlier one could not be put away.
    pub(super) fn blind(&self) -> Option<ShelfError> {
        self.partitions.values().find_map(|partition| partition.shelf.as_ref()?.failure()).cloned()
    }

    /// Looks how far the changelog of a partition has come that the turn is about to write to. If its transaction commits, the slot was
    /// the partition's owner all along, and whatever lies before is on the shelf then: read back, or written by earlier turns.
    ///
    /// Of one partition a turn, since brokers are asked.
    pub(super) fn look_for_checkpoint(&mut self, turn: &mut Turn<W>) {
        let (boot, now_ms) = (self.boot(), self.now().0);
        let (partitions, ports) = (&mut self.partitions, &self.ports);
        let wanted = turn.shelved.iter_mut().find(|(number, _)| {
            let shelf = partitions.get_mut(number).and_then(|partition| partition.shelf.as_mut());
            shelf.is_some_and(|shelf| shelf.wants_checkpoint(boot))
        });
        let Some((number, (_, checkpoint))) = wanted else { return };
        match ports.bus.watermarks(&changelog::<W>(&ports.topics, *number)) {
            Ok(marks) => *checkpoint = Some(Checkpoint { offset: marks.stable, at_ms: now_ms }),
            Err(error) => tracing::debug!(stage = W::STAGE.as_str(), %error, "the checkpoint stays where it is"),
        }
    }
}

impl<W: Worker> Partition<W> {
    /// Opens the shelf beside a changelog that reaches from `low` to `high`, and takes what is not settled into memory, unless memory was
    /// kept. What is to be read begins where both are known to be.
    pub(super) fn open_shelf(
        &mut self,
        (shelves, codec): (&dyn Shelves, &Codec),
        (at, marks): (&TopicPartition, Watermarks),
        (is_cold, now_ms): (bool, i64),
    ) -> Result<(), SlotError> {
        let shelf = shelves.open(at)?;
        let found = shelf.checkpoint()?;
        let usable = found.filter(|checkpoint| match checkpoint.holds((marks.low, marks.high), now_ms) {
            Ok(()) => true,
            Err(reason) => {
                let (stage, offset) = (W::STAGE.as_str(), checkpoint.offset);
                tracing::warn!(stage, %at, offset, reason, "the shelf is not used: memory is read back whole");
                false
            }
        });
        let Some(Checkpoint { offset, .. }) = usable else {
            self.read_to = 0;
            self.shelf = Some(Shelved::new(shelf.start_over()?, codec.clone()));
            return Ok(());
        };
        if is_cold {
            let mut unread = None;
            shelf.live(&mut |key, value| {
                if remember(self, codec, &key, Some(&value)).is_none() {
                    unread = Some(UnreadableEntry { at: at.clone(), offset });
                }
            })?;
            unread.map_or(Ok(()), Err)?;
        }
        self.read_to = if is_cold { offset } else { self.read_to.min(offset) };
        tracing::info!(stage = W::STAGE.as_str(), %at, offset, end = marks.high, "memory goes on from its shelf");
        self.shelf = Some(Shelved::new(shelf, codec.clone()));
        Ok(())
    }

    /// Notes on the shelf that the changelog up to an offset is there.
    pub(super) fn note_checkpoint(&mut self, offset: u64, now_ms: i64) {
        if let Some(shelf) = &mut self.shelf {
            shelf.put(Vec::new(), Some(Checkpoint { offset, at_ms: now_ms }));
        }
    }
}
