//! A slot: one thread's worth of a worker. It owns a consumer, a transactional producer and the memory of its partitions, and
//! turns the crank. Several slots of a worker, in one process or many, share the partitions between them.
//!
//! The slot never loops by itself: [`Slot::turn`] takes one step, so that production ([`Slot::run`]) and the simulation drive the
//! very same code.

mod committing;
mod membership;
mod running;
mod suspects;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use contracts::{Codec, Topic, Topics};
use domain::messages::Lane;
use domain::{Timestamp, Worker};

use crate::bus::{Bus, BusError, Consumer, Delivered, Limit, Membership, Producer, TopicPartition};
use crate::caller::Caller;
use crate::calls::Inbox;
use crate::changelog::UnreadableEntry;
use crate::clock::Clock;
use crate::desk::Desk;
use crate::envelope::Postman;
use crate::originals::Originals;
use crate::partition::Partition;
use crate::probe::Probe;
use crate::tables::Tables;
use crate::turn::{Tally, Turn, Unwritable};

pub use running::Stop;

/// The ports a slot works through.
#[derive(Clone)]
pub struct Ports {
    /// The log.
    pub bus: Arc<dyn Bus>,
    /// Messages as bytes.
    pub codec: Codec,
    /// Names and partition counts.
    pub topics: Topics,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Partners.
    pub caller: Arc<dyn Caller>,
    /// The sealing of dead letters.
    pub originals: Arc<dyn Originals>,
    /// Named points for tests.
    pub probe: Arc<dyn Probe>,
}

/// How a slot behaves.
#[derive(Clone, Debug)]
pub struct SlotOptions {
    /// The slot's stable name: its group instance and transactional id. Two processes must never share it.
    pub instance: String,
    /// The consumer group, one per worker.
    pub group: String,
    /// The worker's version, as its events show it.
    pub version: String,
    /// How long the group waits for this slot when it is silent.
    pub session_timeout: Duration,
    /// How long before the session ends calls are no longer made.
    pub lease_margin: Duration,
    /// The most records of one turn; turns grow to it with the backlog.
    pub records_max: usize,
    /// The most bytes of one turn.
    pub bytes_max: usize,
    /// How long a turn should take at most; it sizes the next one.
    pub turn_target: Duration,
    /// How long answers are awaited when the slot stops or gives up partitions.
    pub drain: Duration,
}

/// One slot of a worker.
pub struct Slot<W: Worker> {
    desk: Desk<W>,
    ports: Ports,
    options: SlotOptions,
    inputs: Vec<(Arc<str>, Share)>,
    consumer: Box<dyn Consumer>,
    producer: Box<dyn Producer>,
    inbox: Arc<Inbox>,
    tables: Tables,
    /// Owned and restored: these are worked on.
    partitions: BTreeMap<u32, Partition<W>>,
    /// Owned, their memory on its way.
    restoring: BTreeMap<u32, membership::Restore<W>>,
    /// Given up a moment ago, kept in case they come straight back.
    kept: BTreeMap<u32, (Partition<W>, u64)>,
    /// Up to which changelog offset each owned partition's memory was read.
    restored_to: BTreeMap<u32, u64>,
    /// How many records the next turn may take.
    appetite: usize,
    /// Turns in a row that failed, with what the failing turn had taken.
    failures: u32,
    /// When the slot may try again after a failure.
    rest_until: Timestamp,
}

/// What one step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What the turn decided and wrote; all zero if there was nothing to do.
    pub tally: Tally,
    /// Calls made.
    pub calls_made: usize,
    /// Whether the turn was undone.
    pub undone: bool,
}

/// What a slot can't mend by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The bus failed for good.
    #[error("the bus failed")]
    Bus(#[source] BusError),
    /// Memory can't be read back.
    #[error("memory can't be restored")]
    Memory(#[source] UnreadableEntry),
    /// A letter can't be written: nothing may be lost, so the slot stops.
    #[error("a dead letter can't be written")]
    Letter(#[source] Unwritable),
}

/// A share of a turn, in per cent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Share(usize);

/// The smallest turn when there is a backlog.
const APPETITE_MIN: usize = 32;

impl<W: Worker> Slot<W> {
    /// Joins the worker's group. Partitions come with the first turns.
    pub fn join(worker: W, ports: Ports, options: SlotOptions) -> Result<Self, BusError> {
        let inputs: Vec<(Arc<str>, Share)> =
            Topic::inputs(W::STAGE).iter().map(|topic| (ports.topics.name(topic), share(topic))).collect();
        let producer = ports.bus.producer(&options.instance)?;
        let consumer = ports.bus.consumer(Membership {
            group: options.group.clone(),
            instance: options.instance.clone(),
            topics: inputs.iter().map(|(topic, _)| Arc::clone(topic)).collect(),
            session_timeout: options.session_timeout,
        })?;
        let inbox = Inbox::new(consumer.waker());
        let tables = Tables::of(W::STAGE, &ports)?;
        let desk = Desk {
            worker,
            codec: ports.codec.clone(),
            postman: Postman::new(ports.codec.clone(), ports.topics.clone(), W::STAGE),
            topics: ports.topics.clone(),
            originals: Arc::clone(&ports.originals),
            version: options.version.clone(),
            quarantine: std::collections::BTreeSet::new(),
        };
        Ok(Self {
            desk,
            ports,
            appetite: options.records_max.min(APPETITE_MIN),
            options,
            inputs,
            consumer,
            producer,
            inbox,
            tables,
            partitions: BTreeMap::new(),
            restoring: BTreeMap::new(),
            kept: BTreeMap::new(),
            restored_to: BTreeMap::new(),
            failures: 0,
            rest_until: Timestamp(0),
        })
    }

    /// One step: follow the group, take in shared tables, restore what is new, then decide and commit one turn and make its
    /// calls. Waits at most `wait` when there is nothing to do.
    pub fn turn(&mut self, wait: Duration) -> Result<Report, SlotError> {
        let now = self.now();
        let wait = if self.has_work(now) { Duration::ZERO } else { self.until_next(now, wait) };
        match self.consumer.wait(wait) {
            Ok(wake) => self.follow(wake)?,
            Err(error) => return self.troubled(error),
        }
        if let Err(error) = self.tables.catch_up(&mut self.desk) {
            return self.troubled(error);
        }
        self.restore()?;
        let now = self.now();
        if now < self.rest_until || !self.tables.is_ready() {
            return Ok(Report::default());
        }
        let mut turn = Turn::at(now);
        if let Err(error) = self.fill(&mut turn) {
            self.undo(turn);
            return self.troubled(error);
        }
        self.finish(turn)
    }

    /// The partitions whose memory is at hand.
    pub fn ready(&self) -> impl Iterator<Item = u32> {
        self.partitions.keys().copied()
    }

    /// Whether everything that is owned is restored and the shared tables are read.
    pub fn is_ready(&self) -> bool {
        self.tables.is_ready() && self.restoring.is_empty() && !self.partitions.is_empty()
    }

    /// What is pending here, for metrics and readiness.
    pub fn pending(&self) -> Pending {
        let mut pending = Pending { restoring: self.restoring.len(), ..Pending::default() };
        for partition in self.partitions.values() {
            let (blocked, parked) = partition.parked();
            pending.blocked += blocked;
            pending.parked += parked;
            pending.outstanding += partition.calls.under_way() + partition.calls.ready();
            pending.timers += partition.timers.len();
            pending.entries += partition.memory.len();
        }
        pending
    }

    /// A look at the memory of one partition, for the accounts of tests and the simulation.
    pub fn memory(&self, partition: u32) -> Option<&domain::Memory<W::Key, W::Entry>> {
        self.partitions.get(&partition).map(|partition| &partition.memory)
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.ports.clock.now_ms())
    }

    fn has_work(&self, now: Timestamp) -> bool {
        !self.restoring.is_empty()
            || !self.tables.is_ready()
            || self.partitions.values().any(|p| p.calls.has_answers() || p.calls.next().is_some_and(|at| at <= now))
    }

    /// How long to wait: until something comes due, at most `wait`.
    fn until_next(&self, now: Timestamp, wait: Duration) -> Duration {
        let due = self.partitions.values().flat_map(|p| [p.timers.next(), p.calls.next()]).flatten();
        let rest = (now < self.rest_until).then_some(self.rest_until);
        due.chain(rest).min().map_or(wait, |due| due.since(now).min(wait))
    }

    /// Takes inputs into the turn and decides them: answers first, then timers, then records by lane.
    fn fill(&mut self, turn: &mut Turn<W>) -> Result<(), BusError> {
        for (partition, answer) in self.inbox.take() {
            if let Some(partition) = self.partitions.get_mut(&partition) {
                partition.calls.hold(answer);
            } else if let Some((partition, _)) = self.kept.get_mut(&partition) {
                partition.calls.hold(answer);
            }
        }
        self.decide_answers(turn).and_then(|()| self.decide_timers(turn))?;
        self.decide_records(turn)
    }

    fn decide_answers(&mut self, turn: &mut Turn<W>) -> Result<(), BusError> {
        for (number, partition) in &mut self.partitions {
            partition.calls.give_up(turn.now);
            for (answer, trace) in partition.calls.answers(self.appetite) {
                self.desk.answer(partition, turn, (*number, &answer, trace)).map_err(letterless)?;
            }
        }
        Ok(())
    }

    fn decide_timers(&mut self, turn: &mut Turn<W>) -> Result<(), BusError> {
        for (number, partition) in &mut self.partitions {
            let fire_at = match W::TIMERS {
                domain::worker::TimerRule::WhenDue => Some(turn.now),
                domain::worker::TimerRule::CaughtUp => {
                    let (consumer, bus, inputs) = (&self.consumer, &self.ports.bus, &self.inputs);
                    partition.timers.caught_up(
                        turn.now,
                        |at| consumer.position(at).unwrap_or(0),
                        || high_watermarks(bus.as_ref(), inputs, *number),
                    )?
                }
            };
            let Some(fire_at) = fire_at else { continue };
            let due = partition.timers.due(fire_at, self.appetite);
            if due.len() < self.appetite {
                partition.timers.lift_barrier();
            }
            for key in due {
                self.desk.timer(partition, turn, (*number, &key)).map_err(letterless)?;
            }
        }
        Ok(())
    }

    fn decide_records(&mut self, turn: &mut Turn<W>) -> Result<(), BusError> {
        let careful = self.has_suspects();
        let mut room = if careful { 1 } else { self.appetite.saturating_sub(turn.inputs()).max(1) };
        let total = room;
        let mut taken: Vec<Delivered> = Vec::with_capacity(room);
        let mut bytes = self.options.bytes_max;
        for (index, (topic, _)) in self.inputs.iter().enumerate() {
            let kept_back: usize = self.inputs[index + 1..].iter().map(|(_, share)| total * share.0 / 100).sum();
            let limit = Limit { records: room.saturating_sub(kept_back).max(usize::from(!careful)), bytes };
            if careful && room == 0 {
                break;
            }
            let before = taken.len();
            self.consumer.take(topic, if careful { Limit { records: room, bytes } } else { limit }, &mut taken)?;
            room = room.saturating_sub(taken.len() - before);
            bytes = bytes.saturating_sub(taken[before..].iter().map(Delivered::size_bytes).sum()).max(1);
        }
        if careful {
            return self.decide_carefully(turn, taken);
        }
        taken.iter().for_each(|record| turn.took(record));
        for record in &taken {
            if let Some(partition) = self.partitions.get_mut(&record.partition) {
                self.desk.take_in(partition, turn, record).map_err(letterless)?;
            }
        }
        Ok(())
    }
}

/// What is pending in a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Partitions whose memory is on its way.
    pub restoring: usize,
    /// Requests that wait behind a letter.
    pub blocked: usize,
    /// Records parked behind them.
    pub parked: usize,
    /// Calls committed and not answered.
    pub outstanding: usize,
    /// Timers armed.
    pub timers: usize,
    /// Entries remembered.
    pub entries: usize,
}

/// A letter that can't be written undoes the turn like a failing bus: nothing is lost, and it is tried again.
fn letterless(error: Unwritable) -> BusError {
    BusError::Abort(error.to_string())
}

/// The share of a turn kept back for a topic, so that what stands before it can't starve it. In per cent.
fn share(topic: &Topic) -> Share {
    match topic.lane() {
        Some(Lane::Urgent) => Share(0),
        Some(Lane::Bulk) => Share(10),
        Some(Lane::Standard) | None => Share(20),
    }
}

fn high_watermarks(
    bus: &dyn Bus,
    inputs: &[(Arc<str>, Share)],
    partition: u32,
) -> Result<Vec<(TopicPartition, u64)>, BusError> {
    inputs
        .iter()
        .map(|(topic, _)| {
            let at = TopicPartition { topic: Arc::clone(topic), partition };
            bus.watermarks(&at).map(|marks| (at, marks.high))
        })
        .collect()
}

/// The changelog partition beside an input partition.
fn changelog<W: Worker>(topics: &Topics, partition: u32) -> TopicPartition {
    TopicPartition { topic: topics.name(&Topic::Memory(W::STAGE)), partition }
}
