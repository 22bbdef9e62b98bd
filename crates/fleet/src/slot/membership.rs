//! Following the group: partitions come, are restored, go, and may come straight back.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{Change, Worker};

use super::restoring::Restore;
use super::{Report, Slot, SlotError, Standing, changelog, membership};
use crate::blocking::{FleetEntry, FleetKey};
use crate::bus::{BusError, Headers, Outgoing, TopicPartition, Wake};
use crate::changelog::fleet_key;

/// Partitions the group wants back. Until then the answers of their calls are awaited.
#[derive(Debug)]
pub(super) struct Handover {
    numbers: BTreeSet<u32>,
    /// The boot time at which they are given up whatever is under way.
    until: Duration,
}

/// Memory that was out of the group's sight for longer is read back whole: what was deleted meanwhile may leave no trace in a
/// compacted changelog.
const KEPT_MAX: Duration = Duration::from_secs(60 * 60);
/// How long a slot waits for word of the group after its commit was refused as of an earlier generation.
const STALE_REST: Duration = Duration::from_millis(10);

impl Handover {
    /// How long it may still last.
    pub(super) fn left(&self, now: Duration) -> Duration {
        self.until.saturating_sub(now)
    }
}

impl<W: Worker> Slot<W> {
    /// Acts on what the group says.
    pub(super) fn follow(&mut self, wake: Wake) {
        match wake {
            Wake::Ready | Wake::Woken | Wake::TimedOut => {}
            Wake::Assigned(partitions) => self.take_over(&numbers(&partitions)),
            Wake::Revoked { partitions, lost: false } => self.prepare_handover(numbers(&partitions)),
            Wake::Revoked { partitions, lost: true } => {
                self.lose(&numbers(&partitions));
                self.handover = None;
                self.standing.is_member = false;
            }
        }
    }

    /// New partitions get their memory back first; their inputs wait meanwhile.
    fn take_over(&mut self, numbers: &BTreeSet<u32>) {
        self.standing = Standing { is_member: true, is_unruly: true, ..self.standing };
        (self.trial, self.handover) = (None, None);
        let mut kept = std::mem::take(&mut self.kept);
        if self.standing.is_closed {
            return;
        }
        for number in numbers {
            if !self.partitions.contains_key(number) && !self.restoring.contains_key(number) {
                let at = changelog::<W>(&self.ports.topics, *number);
                self.restoring.insert(*number, Restore::new(at, kept.remove(number)));
                self.tables.renew();
            }
        }
    }

    /// Partitions are to be given up: nothing new is begun in them.
    fn prepare_handover(&mut self, numbers: BTreeSet<u32>) {
        for number in &numbers {
            if let Some(partition) = self.partitions.get_mut(number) {
                partition.is_leaving = true;
            }
        }
        self.standing.is_unruly = true;
        self.trial = None;
        self.handover = Some(Handover { numbers, until: self.boot() + self.options.drain });
    }

    /// Whether nothing is under way any more in the partitions that are to be given up.
    pub(super) fn has_settled_handover(&self) -> bool {
        self.handover.as_ref().is_some_and(|handover| handover.numbers.iter().all(|number| self.has_settled(*number)))
    }

    pub(super) fn has_settled(&self, number: u32) -> bool {
        self.partitions.get(&number).is_none_or(|partition| partition.calls.unsettled() == 0)
    }

    /// Gives up what the group wants back, as soon as nothing is under way there or the time for that is over.
    pub(super) fn hand_over(&mut self) -> Result<(), SlotError> {
        let boot = self.boot();
        let is_over = self.handover.as_ref().is_some_and(|handover| handover.left(boot).is_zero());
        if !is_over && !self.has_settled_handover() {
            return Ok(());
        }
        let Some(Handover { numbers, .. }) = self.handover.take() else { return Ok(()) };
        if !self.standing.must_rejoin && self.note_unmade(&numbers).is_ok() {
            self.note_end(&numbers);
        }
        self.put_aside(&numbers);
        self.standing.is_member = false;
        let released = self.consumer.release();
        self.standing.must_rejoin |= released.is_err();
        Ok(released?)
    }

    /// Of a partition at hand all that was ever written is in memory: if it comes straight back there is nothing to read. This is
    /// not so of one whose memory is on its way, nor after a commit of which nobody knows whether it succeeded, nor if there may
    /// have been another owner by the time the end was looked up.
    pub(super) fn note_end(&mut self, numbers: &BTreeSet<u32>) {
        for number in numbers {
            let marks = self.ports.bus.watermarks(&changelog::<W>(&self.ports.topics, *number));
            let is_ours = self.consumer.heartbeat_age() < self.lease();
            if let (Ok(marks), Some(partition)) = (marks, self.partitions.get_mut(number).filter(|_| is_ours)) {
                partition.read_to = marks.stable;
                partition.note_checkpoint(marks.stable, self.ports.clock.now_ms());
            }
        }
    }

    /// For how long after its last heartbeat the slot may take its partitions for its own.
    pub(super) fn lease(&self) -> Duration {
        self.options.session_timeout.saturating_sub(self.options.lease_margin)
    }

    /// Writes down which calls of partitions that are given up were never made, so that the next owner need not treat them as lost.
    /// Whether or not that succeeds, they are not made here any more.
    pub(super) fn note_unmade(&mut self, numbers: &BTreeSet<u32>) -> Result<(), BusError> {
        let mut noted = Vec::new();
        for (number, partition) in &mut self.partitions {
            if !numbers.contains(number) || !partition.calls.has_ready() {
                continue;
            }
            for (operation, attempt) in partition.calls.drop_ready() {
                let mark = Change::Put(FleetKey::Unmade(operation, attempt), FleetEntry::Unmade {});
                partition.fleet_overlay.record(mark);
            }
            noted.push(*number);
        }
        self.write_down(&noted).inspect_err(|error| {
            tracing::warn!(stage = W::STAGE.as_str(), %error, "calls that were not made will count as lost");
            self.standing.must_rejoin = true;
        })
    }

    /// Keeps partitions aside, as they may come straight back.
    fn put_aside(&mut self, numbers: &BTreeSet<u32>) {
        for number in numbers {
            let restoring = self.restoring.remove(number).map(Restore::into_partition);
            if let Some(mut partition) = self.partitions.remove(number).or(restoring) {
                partition.forget_turn();
                partition.is_leaving = false;
                // Whoever is next on this machine takes it up.
                partition.shelf = None;
                self.kept.insert(*number, partition);
            }
        }
        self.trial = None;
    }

    /// Puts partitions aside that may have had another owner by now: calls that were not made are not made any more.
    fn lose(&mut self, numbers: &BTreeSet<u32>) {
        self.put_aside(numbers);
        let is_long_ago = KEPT_MAX < self.consumer.heartbeat_age();
        for number in numbers {
            if is_long_ago {
                self.kept.remove(number);
            } else if let Some(partition) = self.kept.get_mut(number) {
                partition.calls.drop_ready().for_each(drop);
            }
        }
    }

    /// What an error of the bus means for the slot: rejoin, wait and try again, or stop.
    pub(super) fn troubled(&mut self, error: BusError) -> Result<Report, SlotError> {
        let (stage, boot) = (W::STAGE.as_str(), self.boot());
        match error {
            BusError::Fenced => {
                // If somebody has taken our name, the group will say so; if only the transaction took too long, it won't.
                tracing::warn!(stage, "the producer was fenced");
                self.pace.pause(boot, self.options.session_timeout / 3);
                self.standing.must_rejoin = true;
            }
            BusError::OutcomeUnknown(_) => {
                tracing::warn!(stage, %error, "rejoining the group");
                self.standing.must_rejoin = true;
            }
            BusError::StaleGeneration => self.pace.pause(boot, STALE_REST),
            BusError::Unavailable(_) | BusError::Abort(_) | BusError::Full(_) => {
                // Said once: it may last for hours, and every worker of the fleet is in the same trouble.
                if self.pace.failed(boot) {
                    tracing::warn!(stage, %error, "turns can't be committed; they are tried again until they can");
                } else {
                    tracing::debug!(stage, %error, rest_ms = self.pace.rest(boot).as_millis(), "the turn was undone");
                }
            }
            BusError::TooLarge { .. }
            | BusError::UnknownPartition(_)
            | BusError::PartitionCount { .. }
            | BusError::Locked(_)
            | BusError::Damaged(_)
            | BusError::Refused(_)
            | BusError::Fatal(_) => return Err(SlotError::Bus(error)),
        }
        Ok(Report { undone: true, ..Report::default() })
    }

    /// The group has another member of this name. That may be another slot; or it is this one, whose word of joining was answered
    /// and the answer lost, as happens when brokers go away. Another slot has taken the name of the producer as well, before it
    /// joined, so a transaction tells: one that nobody will see.
    pub(super) fn expelled(&mut self) -> Result<Report, SlotError> {
        // Where taking the name again has failed, the producer at hand may have been fenced by this very slot.
        if !self.standing.is_retaking_name {
            match self.producer.abort() {
                Ok(()) => match self.producer.send(self.nothing()).and_then(|()| self.producer.abort()) {
                    Ok(()) => {}
                    Err(BusError::Fenced) => return Err(SlotError::Replaced),
                    // Whoever can't be told apart is asked again.
                    Err(error) => return self.troubled(error),
                },
                Err(BusError::Fenced) => return Err(SlotError::Replaced),
                // A producer that can't drop its transaction tells nothing, however often it is asked: a commit whose answer never came
                // can't be taken back. The name is taken again; another slot of this name learns so from its own producer.
                Err(error) => {
                    tracing::debug!(stage = W::STAGE.as_str(), %error, "the producer can't tell who has the name");
                }
            }
            tracing::warn!(stage = W::STAGE.as_str(), "the group has mistaken this slot for another; it joins again");
        }
        self.rejoin()?;
        Ok(Report { undone: true, ..Report::default() })
    }

    /// A record that means nothing: for transactions that are given up.
    fn nothing(&self) -> Outgoing {
        let TopicPartition { topic, partition } = changelog::<W>(&self.ports.topics, 0);
        // It forgets what was never remembered.
        let key = Some(fleet_key(&FleetKey::Progress(String::new())));
        Outgoing { topic, partition, timestamp_ms: self.now().0, key, value: None, headers: Headers::default() }
    }

    /// Drops all work in progress and comes back as a new member with a new producer. Nothing is lost: what was decided was not
    /// committed, and what was committed is read back.
    pub(super) fn rejoin(&mut self) -> Result<(), BusError> {
        self.standing.is_retaking_name = true;
        self.producer = self.ports.bus.producer(&self.options.instance)?;
        // Who fences this one is somebody else, even if there is no joining now.
        self.standing.is_retaking_name = false;
        let consumer = self.ports.bus.consumer(membership(&self.options, &self.inputs))?;
        let all: BTreeSet<u32> = self.partitions.keys().chain(self.restoring.keys()).copied().collect();
        self.lose(&all);
        self.handover = None;
        self.inbox.rewire(consumer.waker());
        self.consumer = consumer;
        self.standing = Standing { is_closed: self.standing.is_closed, ..Standing::default() };
        Ok(())
    }

    /// Lets records come from where they may be decided now, and from nowhere else: records that may not be taken would end
    /// every wait at once.
    pub(super) fn regulate(&mut self, may_work: bool) -> Result<(), BusError> {
        if !self.standing.is_unruly && self.standing.may_work == may_work {
            return Ok(());
        }
        let assigned = self.consumer.assignment();
        let (open, shut): (Vec<_>, Vec<_>) = assigned.into_iter().partition(|at| {
            let is_at_hand = self.partitions.get(&at.partition).is_some_and(|partition| !partition.is_leaving);
            let is_its_turn = match &self.trial {
                Some(trial) => trial.focus() == Some(at),
                None => !self.has_to_wait(&at.topic),
            };
            may_work && is_at_hand && is_its_turn
        });
        self.consumer.pause(&shut)?;
        self.consumer.resume(&open)?;
        self.standing = Standing { may_work, is_unruly: false, ..self.standing };
        Ok(())
    }

    /// Whether records of a topic wait at the gate.
    fn has_to_wait(&self, topic: &str) -> bool {
        let is_shut = self.gate.as_ref().is_some_and(|gate| gate.is_shut(self.boot()));
        is_shut && self.inputs.iter().any(|inlet| inlet.is_bulk && *inlet.topic == *topic)
    }

    /// A partition's input and the offset the group stands at, for a transaction that consumes nothing of it: so that it carries
    /// proof of membership.
    pub(super) fn foothold(&self, number: u32) -> Result<(TopicPartition, u64), BusError> {
        let topic = self.inputs.first().map(|inlet| inlet.topic.clone()).unwrap_or_default();
        let at = TopicPartition { topic, partition: number };
        let position = self.consumer.position(&at)?;
        Ok((at, position))
    }
}

fn numbers(partitions: &[TopicPartition]) -> BTreeSet<u32> {
    partitions.iter().map(|at| at.partition).collect()
}
