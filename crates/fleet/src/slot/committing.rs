//! The end of a turn: commit and settle, or undo. A turn that fails again and again is cut in half until the record that brings
//! it down stands alone, and that one becomes a letter.

use domain::Worker;

use super::{APPETITE_MIN, Report, Slot, SlotError, changelog};
use crate::bus::{BusError, Consumed};
use crate::changelog::records;
use crate::probe::Point;
use crate::turn::Turn;

/// How often one record may bring a turn down, alone, before it becomes a letter.
const SOLO_FAILURES_MAX: u32 = 3;

impl<W: Worker> Slot<W> {
    /// Commits the turn and makes its calls, or undoes it.
    pub(super) fn finish(&mut self, mut turn: Turn<W>) -> Result<Report, SlotError> {
        if turn.is_empty() && self.changes_nothing() {
            let calls_made = self.make_calls();
            return Ok(Report { calls_made, ..Report::default() });
        }
        let points = [(!turn.answers.is_empty()).then_some(Point::BeforeAnswersCommit), Some(Point::BeforeCommit)];
        points.into_iter().flatten().for_each(|point| self.reach(point));
        match self.commit(&mut turn) {
            Ok(()) => Ok(self.settle(turn)),
            Err(error) => {
                let taken = turn.taken.clone();
                let inputs = turn.inputs();
                self.undo(turn);
                if matches!(error, BusError::Abort(_) | BusError::TooLarge { .. }) {
                    self.bisect(inputs, taken.into_iter().map(|(at, span)| (at, span.first)).next());
                    return self.troubled(BusError::Abort(error.to_string()));
                }
                self.troubled(error)
            }
        }
    }

    /// Drops what the turn would have changed; its records are taken again, its answers are held.
    pub(super) fn undo(&mut self, turn: Turn<W>) {
        if let Err(error) = self.producer.abort() {
            tracing::debug!(stage = W::STAGE.as_str(), %error, "the abort failed: the producer will be replaced");
        }
        for partition in self.partitions.values_mut() {
            partition.forget_turn();
        }
        for (at, span) in &turn.taken {
            if let Err(error) = self.consumer.seek(at, span.first) {
                tracing::debug!(stage = W::STAGE.as_str(), %at, %error, "not rewound: the partition has gone");
            }
        }
        for (number, answer, trace) in turn.answers.into_iter().rev() {
            if let Some(partition) = self.partitions.get_mut(&number) {
                partition.calls.undecided(std::iter::once((answer, trace)));
            }
        }
    }

    fn commit(&mut self, turn: &mut Turn<W>) -> Result<(), BusError> {
        for (number, partition) in &self.partitions {
            let to = changelog::<W>(&self.ports.topics, *number);
            records(partition, &self.desk.codec, &to, turn.now.0, &mut turn.outgoing)
                .map_err(|error| BusError::Abort(error.to_string()))?;
        }
        turn.tally.written = turn.outgoing.len();
        for record in turn.outgoing.drain(..) {
            self.producer.send(record)?;
        }
        let group = self.consumer.group();
        let next: Vec<_> = turn.taken.iter().map(|(at, span)| (at.clone(), span.next)).collect();
        self.producer.commit(Some(Consumed { group: &group, next: &next }))
    }

    /// What the turn decided is true now.
    fn settle(&mut self, turn: Turn<W>) -> Report {
        for partition in self.partitions.values_mut() {
            partition.settle();
        }
        for (number, key) in &turn.muted {
            if let Some(partition) = self.partitions.get_mut(number) {
                partition.timers.mute(key);
            }
        }
        for (number, call) in turn.calls {
            if let Some(partition) = self.partitions.get_mut(&number) {
                partition.calls.add(call);
            }
        }
        self.failures = 0;
        self.desk.quarantine.clear();
        self.size_next_turn(turn.now, turn.tally.records);
        self.reach(Point::BeforeCalls);
        let calls_made = self.make_calls();
        if calls_made > 0 {
            self.reach(Point::AfterCalls);
        }
        Report { tally: turn.tally, calls_made, undone: false }
    }

    /// Makes the calls that are committed, if the lease on the partitions still holds: Kafka fences records, not HTTP.
    fn make_calls(&mut self) -> usize {
        if self.partitions.values().all(|partition| partition.calls.ready() == 0) {
            return 0;
        }
        let lease = self.options.session_timeout.saturating_sub(self.options.lease_margin);
        if lease <= self.consumer.heartbeat_age() {
            tracing::warn!(stage = W::STAGE.as_str(), "the lease has lapsed: calls wait");
            return 0;
        }
        let caller = self.ports.caller.as_ref();
        self.partitions.iter_mut().map(|(number, p)| p.calls.perform(*number, caller, &self.inbox)).sum()
    }

    /// Turns grow with the backlog and shrink when they take too long.
    fn size_next_turn(&mut self, began: domain::Timestamp, records: usize) {
        let took = self.now().since(began);
        if self.options.turn_target < took {
            self.appetite = (self.appetite / 2).max(APPETITE_MIN.min(self.options.records_max));
        } else if self.appetite <= records {
            self.appetite = (self.appetite * 2).min(self.options.records_max);
        }
    }

    /// Halves the next turn; a record that fails alone, three times, is set aside for a letter.
    fn bisect(&mut self, inputs: usize, first: Option<(crate::bus::TopicPartition, u64)>) {
        self.appetite = (inputs / 2).max(1);
        if inputs == 1
            && SOLO_FAILURES_MAX <= self.failures + 1
            && let Some(record) = first
        {
            self.desk.quarantine.insert(record);
        }
    }

    fn changes_nothing(&self) -> bool {
        self.partitions.values().all(|partition| partition.overlay.is_empty() && partition.fleet_overlay.is_empty())
    }

    fn reach(&self, point: Point) {
        let outstanding = self.partitions.values().map(|p| p.calls.under_way() + p.calls.ready()).sum();
        self.ports.probe.reached(W::STAGE, point, outstanding);
    }
}
