//! A slot: one thread's worth of a worker. It owns a consumer, a transactional producer and the memory of its partitions, and
//! turns the crank. Several slots of a worker, in one process or many, share the partitions between them.
//!
//! The slot never loops by itself: [`Slot::turn`] takes one step, so that production ([`Slot::run`]) and the simulation drive the
//! very same code. The parts of a step, in the order of the files: `membership` follows the group, `restoring` reads memory back,
//! `shelving` begins that where a shelf ends, `filling` takes inputs, bulk only where the `gate` lets it in, and decides them,
//! `committing` makes the turn true or undoes it. `trial` finds the input that can't be committed, `suspects` the one that ends the
//! process. `pending` tells what waits, `skew` that clocks disagree.

mod membership;
mod restoring;
mod shelving;
mod stirring;
mod filling;
mod gate;
mod committing;
mod trial;
mod suspects;
mod pending;
mod skew;
mod running;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use contracts::{Codec, Topic, Topics};
use domain::messages::Lane;
use domain::{Memory, Timestamp, Worker};

use crate::blocking::FleetEntry;
use crate::bus::{Bus, BusError, Consumer, Membership, Producer, TopicPartition};
use crate::caller::Caller;
use crate::calls::Inbox;
use crate::changelog::{UnreadableEntry, fleet_key};
use crate::clock::Clock;
use crate::desk::Desk;
use crate::envelope::Postman;
use crate::originals::Originals;
use crate::pace::Pace;
use crate::partition::Partition;
use crate::probe::Probe;
use crate::shelf::{ShelfError, Shelves};
use crate::tables::Tables;
use crate::turn::Tally;

use gate::Gate;
use membership::Handover;
use restoring::Restore;
use trial::Trial;

pub use gate::GateOptions;
pub use pending::{Ages, Pending};
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
    /// Where settled entries lie; none where they lie in memory with the others.
    pub shelves: Option<Arc<dyn Shelves>>,
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
    /// The most inputs of one turn; turns grow to it with the backlog.
    pub records_max: usize,
    /// The most bytes of records one turn takes.
    pub bytes_max: usize,
    /// How long deciding a turn should take at most; while urgent records are to be expected as long as its commit, and 15 ms at least.
    /// It sizes the next one.
    pub turn_target: Duration,
    /// How long answers are awaited when the slot stops or gives up partitions. The group waits meanwhile.
    pub drain: Duration,
    /// Behind whom bulk waits, for whoever lets work into the fleet.
    pub gate: Option<GateOptions>,
}

/// One slot of a worker.
pub struct Slot<W: Worker> {
    desk: Desk<W>,
    ports: Ports,
    options: SlotOptions,
    inputs: Vec<Inlet>,
    consumer: Box<dyn Consumer>,
    producer: Box<dyn Producer>,
    inbox: Arc<Inbox>,
    tables: Tables,
    pace: Pace,
    /// Owned and restored: these are worked on.
    partitions: BTreeMap<u32, Partition<W>>,
    /// Owned, their memory on its way.
    restoring: BTreeMap<u32, Restore<W>>,
    /// Given up a moment ago, kept in case they come straight back.
    kept: BTreeMap<u32, Partition<W>>,
    /// Partitions the group wants back.
    handover: Option<Handover>,
    /// Inputs that are tried apart from everything else.
    trial: Option<Trial>,
    /// What bulk has to pass.
    gate: Option<Gate>,
    /// What is so at this moment.
    standing: Standing,
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
    /// How long the commit took.
    pub commit: Duration,
    /// How long the oldest record it took had been on its topic; nothing if it took none.
    pub record_age: Option<Duration>,
    /// How far this clock is behind that of whoever wrote the newest of them.
    pub clock_behind: Duration,
}

/// What a slot can't mend by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The bus failed for good.
    #[error("the bus failed")]
    Bus(#[from] BusError),
    /// Memory can't be read back.
    #[error("memory can't be restored")]
    Memory(#[from] UnreadableEntry),
    /// What lies on the shelf can't be looked up, or nothing can be put there.
    #[error("what is remembered on disk can't be used")]
    Shelf(#[from] ShelfError),
    /// Another slot of the same name works: this one must not come back, or the two would fence each other for ever. As a rule the
    /// older one goes. One that could not reach brokers, or stood still, for longer than they leave a transaction open can't tell
    /// that it was replaced and takes its name back; then it is the newer one that goes, and whoever starts that again settles it.
    #[error("another slot has taken this one's name")]
    Replaced,
}

/// One input topic.
struct Inlet {
    topic: Arc<str>,
    /// The share of a turn kept back for it, so that what stands before it can't starve it. In per cent.
    share: usize,
    /// Its records should not wait behind long turns.
    is_urgent: bool,
    /// Its records wait while the gate is shut.
    is_bulk: bool,
}

/// What is so at this moment, beyond what the slot holds.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// The group has told an assignment, perhaps an empty one.
    is_member: bool,
    /// Inputs may not be paused and resumed as they should be.
    is_unruly: bool,
    /// Records may be taken; else all inputs are paused.
    may_work: bool,
    /// The producer and consumer are to be replaced.
    must_rejoin: bool,
    /// Tables or memory could not be read on in the last step.
    is_stalled: bool,
    /// Calls wait for the lease, which was said once.
    has_lapsed: bool,
    /// The slot has begun to take its own name again and has no new producer yet: the one it has may be fenced by the slot itself.
    is_retaking_name: bool,
    /// Records bear times to come, which was said once.
    is_behind: bool,
    /// The slot stops.
    is_closed: bool,
}

/// How long a step waits that can't read tables or memory on yet, and how often calls look for the lease.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

impl<W: Worker> Slot<W> {
    /// Joins the worker's group. Partitions come with the first turns.
    pub fn join(worker: W, ports: Ports, options: SlotOptions) -> Result<Self, BusError> {
        let inputs: Vec<Inlet> = Topic::inputs(W::STAGE).iter().map(|topic| Inlet::of(topic, &ports.topics)).collect();
        let producer = ports.bus.producer(&options.instance)?;
        let consumer = ports.bus.consumer(membership(&options, &inputs))?;
        let inbox = Inbox::new(consumer.waker());
        let tables = Tables::of(W::STAGE, &ports)?;
        let named = |topic: Topic| (ports.topics.name(&topic), topic);
        let desk = Desk {
            worker,
            codec: ports.codec.clone(),
            postman: Postman::new(ports.codec.clone(), ports.topics.clone(), W::STAGE),
            topics: ports.topics.clone(),
            inputs: Topic::inputs(W::STAGE).into_iter().map(named).collect(),
            originals: Arc::clone(&ports.originals),
            version: options.version.clone(),
            quarantine: std::collections::BTreeSet::new(),
        };
        Ok(Self {
            desk,
            ports,
            pace: Pace::new(options.records_max, options.turn_target),
            gate: options.gate.clone().map(Gate::new),
            options,
            inputs,
            consumer,
            producer,
            inbox,
            tables,
            partitions: BTreeMap::new(),
            restoring: BTreeMap::new(),
            kept: BTreeMap::new(),
            handover: None,
            trial: None,
            standing: Standing::default(),
        })
    }

    /// One step: follow the group, take in shared tables, restore what is new, then decide and commit one turn and make its
    /// calls. Waits at most `wait` when there is nothing to do.
    pub fn turn(&mut self, wait: Duration) -> Result<Report, SlotError> {
        match self.step(wait) {
            Err(SlotError::Bus(error)) => self.troubled(error),
            ended => ended,
        }
    }

    /// How long there will be nothing to do unless something comes in, at most `wait`; zero if there is something to do now.
    pub fn idle(&self, wait: Duration) -> Duration {
        let (now, boot) = (self.now(), self.boot());
        let rest = self.pace.rest(boot);
        if !rest.is_zero() {
            return rest.min(wait);
        }
        let reading = !self.restoring.is_empty() || !self.tables.is_ready();
        let at_once = self.standing.must_rejoin
            || reading && !self.standing.is_stalled
            || !self.inbox.is_empty()
            || self.has_settled_handover();
        if at_once {
            return Duration::ZERO;
        }
        let gate = self.gate.as_ref().and_then(|gate| gate.looks_in(boot));
        let waits = [reading.then_some(LOOK_AGAIN), self.handover.as_ref().map(|handover| handover.left(boot)), gate];
        let due = self.partitions.values().filter_map(|partition| wakes_in(partition, now));
        due.chain(waits.into_iter().flatten()).fold(wait, Duration::min)
    }

    /// The partitions whose memory is at hand.
    pub fn ready(&self) -> impl Iterator<Item = u32> {
        self.partitions.keys().copied()
    }

    /// Whether everything that is owned, which may be nothing, is restored and the shared tables are read.
    pub fn is_ready(&self) -> bool {
        self.standing.is_member && self.tables.is_ready() && self.restoring.is_empty()
    }

    /// A look at the memory of one partition, for the accounts of tests and the simulation; none while it is not known whether the
    /// last turn is part of it.
    pub fn memory(&self, partition: u32) -> Option<&Memory<W::Key, W::Entry>> {
        self.partitions.get(&partition).filter(|_| !self.standing.must_rejoin).map(|partition| &partition.memory)
    }

    /// What lies on the shelf under a key of the changelog, as it stands there, for the same accounts.
    pub fn shelved(&self, partition: u32, key: &[u8]) -> Option<Bytes> {
        self.partitions.get(&partition)?.shelf.as_ref()?.value(key)
    }

    /// What the fleet itself remembers of one partition, by the keys of its changelog, for the same accounts.
    pub fn fleet_memory(&self, partition: u32) -> impl Iterator<Item = (Bytes, &FleetEntry)> {
        let partition = self.partitions.get(&partition);
        partition.into_iter().flat_map(|partition| partition.fleet.iter()).map(|(key, entry)| (fleet_key(key), entry))
    }

    fn step(&mut self, wait: Duration) -> Result<Report, SlotError> {
        match self.consumer.wait(self.idle(wait)) {
            Ok(wake) => self.follow(wake),
            // Whoever could not find out who is meant asks again in its own time.
            Err(BusError::Fenced) if 0 < self.pace.failures() && !self.pace.rest(self.boot()).is_zero() => {
                return Ok(Report::default());
            }
            Err(BusError::Fenced) => return self.expelled(),
            Err(error) => return Err(error.into()),
        }
        self.hand_over()?;
        if !self.pace.rest(self.boot()).is_zero() {
            self.regulate(false)?;
            return Ok(Report::default());
        }
        if self.standing.must_rejoin {
            self.rejoin()?;
        }
        let has_learnt = self.tables.catch_up(&mut self.desk, self.ports.bus.as_ref())?;
        let has_restored = self.restore()?;
        self.standing.is_stalled = !has_learnt && !has_restored;
        let is_ready = self.tables.is_ready();
        self.mind_the_gate();
        self.regulate(is_ready)?;
        if !is_ready {
            return Ok(Report::default());
        }
        self.stir();
        self.work()
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.ports.clock.now_ms())
    }

    fn boot(&self) -> Duration {
        self.ports.clock.since_boot()
    }
}

/// When a partition has something to do by itself.
fn wakes_in<W: Worker>(partition: &Partition<W>, now: Timestamp) -> Option<Duration> {
    let calls = &partition.calls;
    if calls.has_answers() {
        return Some(Duration::ZERO);
    }
    if partition.is_leaving {
        return None;
    }
    let due = [partition.timers.wakes_at(W::TIMERS, now), calls.next_loss()].into_iter().flatten().min();
    let lease = calls.has_ready().then_some(LOOK_AGAIN);
    [due.map(|due| due.since(now)), lease].into_iter().flatten().min()
}

fn membership(options: &SlotOptions, inputs: &[Inlet]) -> Membership {
    Membership {
        group: options.group.clone(),
        instance: options.instance.clone(),
        topics: inputs.iter().map(|inlet| Arc::clone(&inlet.topic)).collect(),
        session_timeout: options.session_timeout,
    }
}

/// The changelog partition beside an input partition.
fn changelog<W: Worker>(topics: &Topics, partition: u32) -> TopicPartition {
    TopicPartition { topic: topics.name(&Topic::Memory(W::STAGE)), partition }
}

impl Inlet {
    fn of(topic: &Topic, topics: &Topics) -> Self {
        let share = match topic.lane() {
            Some(Lane::Urgent) => 30,
            Some(Lane::Bulk) => 10,
            Some(Lane::Standard) | None => 20,
        };
        let is_of = |lane| topic.lane() == Some(lane);
        Self { topic: topics.name(topic), share, is_urgent: is_of(Lane::Urgent), is_bulk: is_of(Lane::Bulk) }
    }
}
