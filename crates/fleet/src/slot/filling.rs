//! Filling a turn: which inputs it takes, in which order, and their decisions.
//!
//! Answers come first, since they can't be taken again from anywhere; then timers; then records, the most urgent lane first with a
//! share kept back for the others.

use std::sync::Arc;

use domain::Worker;
use domain::worker::TimerRule;

use super::{Inlet, Slot};
use crate::bus::{Bus, BusError, Delivered, Limit, TopicPartition};
use crate::turn::{Turn, Unwritable, is_among_others};

/// Of a turn's room this part is left to records, however many answers and timers there are, and as much to timers, however many
/// answers there are.
const PART: usize = 4;
/// How many records are decided before it is looked whether somebody urgent has come meanwhile: a few milliseconds' worth.
const STRETCH: usize = 256;
/// Whatever has waited for longer is a backlog.
const FRESH_MS: u64 = 1_000;

impl<W: Worker> Slot<W> {
    /// Takes inputs into the turn and decides them.
    pub(super) fn fill(&mut self, turn: &mut Turn<W>) -> Result<(), BusError> {
        self.take_answers();
        let appetite = self.pace.appetite();
        let Some(trial) = &self.trial else {
            self.decide_answers(turn, appetite)?;
            self.decide_timers(turn, appetite.saturating_sub(turn.inputs()).max(appetite / PART))?;
            let room = appetite.saturating_sub(turn.inputs()).max(appetite / PART);
            return self.decide_records(turn, room);
        };
        match trial.focus().cloned() {
            None => {
                self.decide_answers(turn, appetite)?;
                self.decide_timers(turn, appetite.saturating_sub(turn.inputs()))
            }
            Some(focus) => self.decide_tried(turn, &focus, appetite),
        }
    }

    /// Hands what has arrived to the partitions it belongs to, wherever they are.
    fn take_answers(&mut self) {
        for (number, answer) in self.inbox.take() {
            let restoring = self.restoring.get_mut(&number).map(|restore| &mut restore.partition);
            let partition = self.partitions.get_mut(&number).or(restoring).or_else(|| self.kept.get_mut(&number));
            if let Some(partition) = partition {
                partition.calls.hold(answer);
            }
        }
    }

    fn decide_answers(&mut self, turn: &mut Turn<W>, room: usize) -> Result<(), BusError> {
        for (number, partition) in &mut self.partitions {
            if !partition.is_leaving {
                partition.calls.give_up(turn.now);
            }
            let left = room.saturating_sub(turn.answers.len());
            turn.answers.extend(partition.calls.answers(left).map(|(answer, trace)| (*number, answer, trace)));
        }
        // The turn holds all of them before the first is decided, so that none is lost if it is undone.
        let answers = std::mem::take(&mut turn.answers);
        let decided = answers.iter().try_for_each(|(number, answer, trace)| {
            let Some(partition) = self.partitions.get_mut(number) else { return Ok(()) };
            self.desk.answer(partition, turn, (*number, answer, *trace)).map_err(letterless)
        });
        turn.answers = answers;
        decided
    }

    fn decide_timers(&mut self, turn: &mut Turn<W>, room: usize) -> Result<(), BusError> {
        let mut left = room;
        for (number, partition) in &mut self.partitions {
            if left == 0 || partition.is_leaving {
                continue;
            }
            let fire_at = match W::TIMERS {
                TimerRule::WhenDue => Some(turn.now),
                TimerRule::CaughtUp => {
                    let (consumer, bus, inputs) = (&self.consumer, &self.ports.bus, &self.inputs);
                    partition.timers.caught_up(
                        turn.now,
                        |at| consumer.position(at).unwrap_or(0),
                        || high_watermarks(bus.as_ref(), inputs, *number),
                    )?
                }
            };
            let Some(fire_at) = fire_at else { continue };
            let due = partition.timers.due(fire_at, left);
            left -= due.len();
            for key in due {
                self.desk.timer(partition, turn, (*number, &key)).map_err(letterless)?;
            }
        }
        Ok(())
    }

    /// Takes records and decides them, stretch by stretch. A turn that somebody urgent comes in to ends with the stretch that took
    /// them: they do not wait for all the others there is room for.
    fn decide_records(&mut self, turn: &mut Turn<W>, room: usize) -> Result<(), BusError> {
        let mut left = Limit { records: room, bytes: self.options.bytes_max };
        let mut is_first = true;
        while 0 < left.records && 0 < left.bytes {
            let stretch = Limit { records: left.records.min(STRETCH), ..left };
            let mut records = Vec::with_capacity(stretch.records);
            let taken = self.take_by_lane(stretch, &mut records);
            // What was taken is noted before anything can fail, so that all of it is taken again if the turn is undone.
            turn.took(&records);
            let urgent = taken?;
            turn.urgent += urgent;
            let is_urgent = is_among_others(urgent, records.len());
            for record in &records {
                let partition = self.partitions.get_mut(&record.partition).ok_or_else(|| astray(record))?;
                self.desk.take_in(partition, turn, record).map_err(letterless)?;
            }
            if records.len() < stretch.records || is_urgent && !is_first {
                break;
            }
            let bytes = records.iter().map(Delivered::size_bytes).sum();
            left = left.without(Limit { records: records.len(), bytes });
            is_first = false;
        }
        Ok(())
    }

    /// Records of the one partition that is on trial.
    fn decide_tried(&mut self, turn: &mut Turn<W>, focus: &TopicPartition, room: usize) -> Result<(), BusError> {
        let mut records = Vec::with_capacity(room);
        let limit = Limit { records: room, bytes: self.options.bytes_max };
        let taken = self.consumer.take(&focus.topic, limit, &mut records);
        turn.took(&records);
        taken?;
        if self.trial.as_ref().is_some_and(|trial| trial.is_on_record) {
            return self.decide_on_record(turn, &records);
        }
        for record in &records {
            let partition = self.partitions.get_mut(&record.partition).ok_or_else(|| astray(record))?;
            self.desk.take_in(partition, turn, record).map_err(letterless)?;
        }
        Ok(())
    }

    /// Takes up to `whole`: of each topic first no more than leaves the later ones their share, in records and in bytes,
    /// then, most urgent first, what nobody claimed. Answers how much of it was urgent.
    fn take_by_lane(&mut self, whole: Limit, records: &mut Vec<Delivered>) -> Result<usize, BusError> {
        let mut left = whole;
        let mut more = Vec::with_capacity(self.inputs.len());
        let mut urgent = 0;
        for index in 0..self.inputs.len() {
            let reserved = |of: usize| self.inputs[index + 1..].iter().map(|later| later.part_of(of)).sum::<usize>();
            let limit = Limit {
                records: left.records.saturating_sub(reserved(whole.records)),
                bytes: left.bytes.saturating_sub(reserved(whole.bytes)),
            };
            let taken = self.take_topic(index, limit, records)?;
            urgent += if self.inputs[index].is_urgent { taken.records } else { 0 };
            if taken.records == limit.records || limit.bytes <= taken.bytes {
                more.push(index);
            }
            left = left.without(taken);
        }
        for index in more {
            let taken = self.take_topic(index, left, records)?;
            urgent += if self.inputs[index].is_urgent { taken.records } else { 0 };
            left = left.without(taken);
        }
        Ok(urgent)
    }

    /// What was taken of a topic is news to the gate, if it is bulk, or urgent and has just been written.
    fn tell_the_gate(&mut self, index: usize, taken: &[Delivered]) {
        if self.gate.is_none() || taken.is_empty() {
            return;
        }
        let (now_ms, boot) = (self.now().0, self.boot());
        let Some(gate) = &mut self.gate else { return };
        if self.inputs[index].is_bulk {
            gate.passed(boot, taken.len());
        }
        let is_fresh = |record: &Delivered| record.timestamp_ms.abs_diff(now_ms) < FRESH_MS;
        if self.inputs[index].is_urgent && taken.iter().any(is_fresh) {
            gate.urged(boot);
        }
    }

    /// Takes up to `limit` of one topic; answers how much it was.
    fn take_topic(&mut self, index: usize, mut limit: Limit, records: &mut Vec<Delivered>) -> Result<Limit, BusError> {
        let before = records.len();
        if let Some(gate) = self.gate.as_ref().filter(|_| self.inputs[index].is_bulk) {
            limit.records = limit.records.min(gate.room(self.boot()));
        }
        if 0 < limit.records && 0 < limit.bytes {
            let topic = Arc::clone(&self.inputs[index].topic);
            self.consumer.take(&topic, limit, records)?;
        }
        let taken = &records[before..];
        self.tell_the_gate(index, taken);
        Ok(Limit { records: taken.len(), bytes: taken.iter().map(Delivered::size_bytes).sum() })
    }
}

impl Inlet {
    /// What is kept back for this topic of a turn with so much room; nothing where there is not even room for one of each.
    fn part_of(&self, room: usize) -> usize {
        room * self.share / 100
    }
}

/// A letter that can't be written undoes the turn like a bus that can't be reached: nothing is lost, and it is tried again.
pub(super) fn letterless(error: Unwritable) -> BusError {
    BusError::Unavailable(format!("a record about a failure can't be written: {error}"))
}

/// A record of a partition whose memory is not at hand must not be passed over.
fn astray(record: &Delivered) -> BusError {
    BusError::Unavailable(format!("{} gives records though it is paused", record.topic_partition()))
}

fn high_watermarks(bus: &dyn Bus, inputs: &[Inlet], partition: u32) -> Result<Vec<(TopicPartition, u64)>, BusError> {
    inputs
        .iter()
        .map(|inlet| {
            let at = TopicPartition { topic: Arc::clone(&inlet.topic), partition };
            bus.watermarks(&at).map(|marks| (at, marks.high))
        })
        .collect()
}
