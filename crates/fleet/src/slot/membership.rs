//! Following the group: partitions come, are restored, go, and may come straight back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::Worker;

use super::{Report, Slot, SlotError, changelog};
use crate::bus::{BusError, Delivered, Isolation, Limit, Membership, Reader, TopicPartition, Wake};
use crate::changelog::replay;
use crate::partition::Partition;

/// A partition whose memory is being read back.
///
/// It is complete when the read-committed position reaches the high watermark seen after the partition was assigned: the end of
/// the partition under read-committed is only the last stable offset, which a zombie's open transaction may pin.
pub(super) struct Restore<W: Worker> {
    partition: Partition<W>,
    reader: Box<dyn Reader>,
    from: TopicPartition,
    until: u64,
}

const RESTORE_LIMIT: Limit = Limit { records: 10_000, bytes: 8 * 1024 * 1024 };

impl<W: Worker> Slot<W> {
    /// Acts on what the group says.
    pub(super) fn follow(&mut self, wake: Wake) -> Result<(), SlotError> {
        match wake {
            Wake::Ready | Wake::Woken | Wake::TimedOut => Ok(()),
            Wake::Assigned(partitions) => self.take_over(&partitions).or_else(|error| self.troubled(error).map(drop)),
            Wake::Revoked { partitions, lost } => {
                self.give_up(&partitions, lost);
                if lost { Ok(()) } else { self.consumer.release().or_else(|error| self.troubled(error).map(drop)) }
            }
        }
    }

    /// Starts reading back the memory of new partitions; their inputs wait meanwhile.
    fn take_over(&mut self, assigned: &[TopicPartition]) -> Result<(), BusError> {
        let numbers: BTreeSet<u32> = assigned.iter().map(|at| at.partition).collect();
        let new = numbers.iter().filter(|number| !self.partitions.contains_key(number));
        for number in new.copied().collect::<Vec<_>>() {
            let from = changelog::<W>(&self.ports.topics, number);
            let marks = self.ports.bus.watermarks(&from)?;
            let (partition, start) = self.kept.remove(&number).unwrap_or_else(|| (Partition::default(), marks.low));
            let mut reader = self.ports.bus.reader(Isolation::ReadCommitted)?;
            reader.assign(&[(from.clone(), start.max(marks.low))])?;
            self.pause(number)?;
            self.restoring.insert(number, Restore { partition, reader, from, until: marks.high });
        }
        self.kept.clear();
        Ok(())
    }

    /// Reads on; a partition whose memory is complete takes up its inputs.
    pub(super) fn restore(&mut self) -> Result<(), SlotError> {
        let mut complete = Vec::new();
        for (number, restore) in &mut self.restoring {
            let mut entries: Vec<Delivered> = Vec::new();
            let read = restore.reader.read(RESTORE_LIMIT, Duration::ZERO, &mut entries);
            for entry in &entries {
                replay(&mut restore.partition, &self.desk.codec, entry).map_err(SlotError::Memory)?;
            }
            match read.and_then(|()| restore.reader.position(&restore.from)) {
                Ok(position) if restore.until <= position => complete.push((*number, position)),
                Ok(_) => {}
                Err(error) => return self.troubled(error).map(drop),
            }
        }
        for (number, position) in complete {
            if let Some(Restore { mut partition, .. }) = self.restoring.remove(&number) {
                partition.adopt_calls();
                tracing::debug!(
                    stage = W::STAGE.as_str(),
                    partition = number,
                    entries = partition.memory.len(),
                    "restored"
                );
                self.partitions.insert(number, partition);
                self.restored_to.insert(number, position);
                let resumed = self.resume(number).and_then(|()| self.mark_start(number));
                if let Err(error) = resumed {
                    return self.troubled(error).map(drop);
                }
            }
        }
        Ok(())
    }

    /// Puts partitions aside. Lost ones may have a new owner already: their calls that were not made are not made any more.
    fn give_up(&mut self, revoked: &[TopicPartition], lost: bool) {
        let numbers: BTreeSet<u32> = revoked.iter().map(|at| at.partition).collect();
        for number in numbers {
            self.restoring.remove(&number);
            let Some(mut partition) = self.partitions.remove(&number) else { continue };
            let position = self.restored_to.remove(&number).unwrap_or(0);
            if lost {
                partition.calls.drop_ready();
            }
            self.kept.insert(number, (partition, position));
        }
    }

    /// What an error of the bus means for the slot: rejoin, wait and try again, or stop.
    pub(super) fn troubled(&mut self, error: BusError) -> Result<Report, SlotError> {
        let undone = Report { undone: true, ..Report::default() };
        match error {
            BusError::Fenced | BusError::OutcomeUnknown(_) => {
                tracing::warn!(stage = W::STAGE.as_str(), %error, "rejoining the group");
                self.rejoin()?;
                Ok(undone)
            }
            BusError::StaleGeneration => Ok(undone),
            BusError::Unavailable(_) | BusError::Abort(_) | BusError::Full(_) => {
                self.failures += 1;
                let rest = Duration::from_millis(10) * 2_u32.pow(self.failures.min(8));
                tracing::warn!(stage = W::STAGE.as_str(), %error, rest_ms = rest.as_millis(), "the turn was undone");
                self.rest_until = self.now() + rest;
                Ok(undone)
            }
            BusError::TooLarge { .. }
            | BusError::UnknownPartition(_)
            | BusError::PartitionCount { .. }
            | BusError::Locked(_)
            | BusError::Damaged(_)
            | BusError::Refused(_)
            | BusError::Fatal(_) => Err(SlotError::Bus(error)),
        }
    }

    /// Drops all work in progress and comes back as a new member with a new producer. Nothing is lost: what was decided was not
    /// committed, and what was committed is read back.
    pub(super) fn rejoin(&mut self) -> Result<(), SlotError> {
        self.give_up_everything();
        let join = || {
            let producer = self.ports.bus.producer(&self.options.instance)?;
            let consumer = self.ports.bus.consumer(Membership {
                group: self.options.group.clone(),
                instance: self.options.instance.clone(),
                topics: self.inputs.iter().map(|(topic, _)| topic.clone()).collect(),
                session_timeout: self.options.session_timeout,
            })?;
            Ok((producer, consumer))
        };
        let (producer, consumer) = join().map_err(SlotError::Bus)?;
        self.inbox.rewire(consumer.waker());
        (self.producer, self.consumer) = (producer, consumer);
        Ok(())
    }

    fn give_up_everything(&mut self) {
        let partitions = std::mem::take(&mut self.partitions);
        self.restoring = BTreeMap::new();
        for (number, mut partition) in partitions {
            partition.forget_turn();
            partition.calls.drop_ready();
            let position = self.restored_to.remove(&number).unwrap_or(0);
            self.kept.insert(number, (partition, position));
        }
    }

    fn pause(&mut self, number: u32) -> Result<(), BusError> {
        let inputs = self.inputs_of(number);
        self.consumer.pause(&inputs)
    }

    fn resume(&mut self, number: u32) -> Result<(), BusError> {
        let inputs = self.inputs_of(number);
        self.consumer.resume(&inputs)
    }

    pub(super) fn inputs_of(&self, number: u32) -> Vec<TopicPartition> {
        self.inputs.iter().map(|(topic, _)| TopicPartition { topic: topic.clone(), partition: number }).collect()
    }
}
