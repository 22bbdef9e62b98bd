//! The end of a turn: commit and settle, or undo.

use std::time::Duration;

use domain::{Change, Worker};

use super::trial::Trial;
use super::{Report, Slot, SlotError, changelog};
use crate::blocking::{FleetEntry, FleetKey};
use crate::bus::{BusError, TopicPartition};
use crate::changelog::records;
use crate::pace::Settled;
use crate::probe::Point;
use crate::shelved::shelved;
use crate::turn::{Span, Turn};

impl<W: Worker> Slot<W> {
    /// Decides one turn, commits it and makes its calls, or undoes it.
    pub(super) fn work(&mut self) -> Result<Report, SlotError> {
        let began = self.boot();
        let mut turn = Turn::at(self.now());
        if let Err(error) = self.fill(&mut turn) {
            self.undo(turn);
            return Err(error.into());
        }
        if let Some(error) = self.blind() {
            self.undo(turn);
            return Err(error.into());
        }
        if turn.inputs() == 0 {
            self.advance_trial(&turn);
            return Ok(Report { calls_made: self.make_calls(), ..Report::default() });
        }
        let decided_at = self.boot();
        let took = decided_at.saturating_sub(began);
        if let Err(error) = self.commit(&mut turn) {
            let is_split = self.suspect(&turn, &error);
            self.undo(turn);
            if error.is_transient() || !is_split {
                return Err(error.into());
            }
            // The bus is well, so the parts are tried at once.
            tracing::warn!(stage = W::STAGE.as_str(), %error, "the turn was undone");
            return Ok(Report { undone: true, ..Report::default() });
        }
        if 0 < self.pace.failures() {
            let (stage, failures) = (W::STAGE.as_str(), self.pace.failures());
            tracing::info!(stage, failures, "turns are committed again");
        }
        let (inputs, may_grow, is_urgent) = (turn.inputs(), self.trial.is_none(), turn.is_urgent());
        let at = self.boot();
        let commit = at.saturating_sub(decided_at);
        self.pace.settled(&Settled { inputs, took, commit, may_grow, is_urgent, at });
        let (record_age, clock_behind) = self.compare_clocks(&turn);
        Ok(Report { commit, record_age, clock_behind, ..self.settle(turn, began) })
    }

    fn commit(&mut self, turn: &mut Turn<W>) -> Result<(), BusError> {
        self.note_progress(turn);
        for number in &turn.touched {
            let Some(partition) = self.partitions.get(number) else { continue };
            let (to, first) = (changelog::<W>(&self.ports.topics, *number), turn.outgoing.len());
            records(partition, &self.desk.codec, &to, turn.now.0, (&mut turn.paper, &mut turn.outgoing))
                .map_err(|error| BusError::Abort(error.to_string()))?;
            if partition.shelf.is_some() {
                let written = turn.outgoing.get(first..).unwrap_or_default();
                turn.shelved.insert(*number, (shelved::<W>(written), None));
            }
        }
        if turn.is_void() {
            return Ok(());
        }
        let points = [(!turn.answers.is_empty()).then_some(Point::BeforeAnswersCommit), Some(Point::BeforeCommit)];
        points.into_iter().flatten().for_each(|point| self.reach(point));
        self.look_for_checkpoint(turn);
        turn.tally.written = turn.outgoing.len();
        let next = self.offsets(turn)?;
        self.transact(std::mem::take(&mut turn.outgoing), &next)
    }

    /// How far inputs are taken is remembered as well as told to the group, in the same transaction: brokers have been seen to lose
    /// the mark that ends a transaction on a group's offsets, which nobody can read from then on. Where the process may be ending
    /// again and again, the mark that says so stands.
    fn note_progress(&mut self, turn: &Turn<W>) {
        if self.trial.as_ref().is_some_and(|trial| trial.is_on_record) {
            return;
        }
        for (at, Span { next, .. }) in &turn.taken {
            if let Some(partition) = self.partitions.get_mut(&at.partition) {
                let mark = FleetEntry::Progress { offset: *next, starts: 0, attempts: 0 };
                partition.fleet_overlay.record(Change::Put(FleetKey::Progress(at.topic.to_string()), mark));
            }
        }
    }

    /// From where the group goes on in every partition the turn has touched.
    fn offsets(&self, turn: &Turn<W>) -> Result<Vec<(TopicPartition, u64)>, BusError> {
        let mut next: Vec<_> = turn.taken.iter().map(|(at, span)| (at.clone(), span.next)).collect();
        for number in &turn.touched {
            if !turn.taken.keys().any(|at| at.partition == *number) {
                next.push(self.foothold(*number)?);
            }
        }
        Ok(next)
    }

    /// What the turn decided is true now.
    fn settle(&mut self, mut turn: Turn<W>, decided_at: Duration) -> Report {
        self.advance_trial(&turn);
        for number in &turn.touched {
            if let Some(partition) = self.partitions.get_mut(number) {
                partition.settle(turn.shelved.remove(number).unwrap_or_default());
            }
        }
        for (number, key, due, to) in &turn.displaced {
            if let Some(partition) = self.partitions.get_mut(number) {
                partition.displace(key, *due, *to);
            }
        }
        for (number, call) in turn.calls {
            if let Some(partition) = self.partitions.get_mut(&number) {
                partition.calls.add(call, decided_at);
            }
        }
        for number in &turn.unanswered {
            if let Some(partition) = self.partitions.get_mut(number) {
                partition.adopt_calls();
            }
        }
        self.desk.quarantine.clear();
        self.reach(Point::BeforeCalls);
        let calls_made = self.make_calls();
        if calls_made > 0 {
            self.reach(Point::AfterCalls);
        }
        Report { tally: turn.tally, calls_made, ..Report::default() }
    }

    /// Drops what the turn would have changed; its records are taken again, its answers are held.
    fn undo(&mut self, turn: Turn<W>) {
        self.abort();
        for partition in self.partitions.values_mut() {
            partition.forget_turn();
        }
        for (at, span) in &turn.taken {
            if let Err(error) = self.consumer.seek(at, span.first) {
                // Who can't be rewound must not go on from here, unless the partition has gone anyway.
                tracing::debug!(stage = W::STAGE.as_str(), %at, %error, "not rewound");
                self.standing.must_rejoin |= self.consumer.assignment().contains(at);
            }
        }
        for (number, answer, trace) in turn.answers.into_iter().rev() {
            if let Some(partition) = self.partitions.get_mut(&number) {
                partition.calls.undecided((answer, trace));
            }
        }
    }

    /// Drops the open transaction. A producer that can't do so is of no use any more.
    pub(super) fn abort(&mut self) {
        if let Err(error) = self.producer.abort() {
            tracing::debug!(stage = W::STAGE.as_str(), %error, "the abort failed: the producer will be replaced");
            self.standing.must_rejoin = true;
        }
    }

    /// A turn that fails for what is in it is tried again in parts, until the input to blame stands alone and becomes a letter.
    /// Answers whether it is.
    fn suspect(&mut self, turn: &Turn<W>, error: &BusError) -> bool {
        if !error.may_blame_content() {
            return false;
        }
        let culprit = self.pace.split(turn.inputs(), turn.first);
        self.desk.quarantine.extend(culprit);
        if self.trial.is_none() {
            self.trial = Some(Trial::of(turn));
            self.standing.is_unruly = true;
        }
        true
    }

    fn advance_trial(&mut self, turn: &Turn<W>) {
        let Some(trial) = &mut self.trial else { return };
        let consumer = &self.consumer;
        let is_over = trial.advance(&turn.tally, |at| consumer.position(at).unwrap_or(u64::MAX));
        if is_over {
            self.trial = None;
        }
        self.standing.is_unruly = true;
    }

    /// Makes the calls that are committed, if the lease on the partitions still holds: Kafka fences records, not HTTP.
    fn make_calls(&mut self) -> usize {
        let mut made = 0;
        let lease = self.lease();
        // Whoever takes over gives a call up a session and its timeout after it was decided, by a clock that may be ahead: what clocks
        // may differ by is the margin of the lease.
        let since = self.boot().saturating_sub(lease);
        let caller = self.ports.caller.as_ref();
        for (number, partition) in self.partitions.iter_mut().filter(|(_, partition)| !partition.is_leaving) {
            while partition.calls.has_ready() {
                if lease <= self.consumer.heartbeat_age() {
                    if !std::mem::replace(&mut self.standing.has_lapsed, true) {
                        tracing::warn!(stage = W::STAGE.as_str(), "the lease has lapsed: calls wait");
                    }
                    return made;
                }
                made += usize::from(partition.calls.perform(since, caller, (&self.inbox, *number)));
            }
        }
        self.standing.has_lapsed = false;
        made
    }

    fn reach(&self, point: Point) {
        let outstanding = self.partitions.values().map(|partition| partition.calls.open()).sum();
        self.ports.probe.reached(W::STAGE, point, outstanding);
    }
}
