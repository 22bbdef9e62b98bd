//! A model of a Kafka cluster, for tests: what brokers do, in one place and in virtual time, and nothing of how they do it.
//!
//! It keeps what `local` leaves out because an embedded log has no use for it: records of an open transaction lie on the log
//! (`log`), so that whoever left one open pins the last stable offset until it is fenced or its time is over (`producer`); a commit
//! is told before its markers are everywhere; a member that sends no heartbeats is put out of its group by the broker's clock,
//! while its own tells it nothing (`groups`); whoever takes over waits until no transaction can move the offsets it starts from
//! (`consumer`). Compaction and retention stop where brokers stop (`upkeep`).
//!
//! Each process has a [`Client`] with a clock of its own. What goes wrong is the affair of a [`Hook`], which is asked at the points
//! at which a process may end, sleep, or lose its connection.

mod consumer;
mod groups;
mod hook;
mod log;
mod producer;
mod reader;
mod state;
mod upkeep;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use fleet::bus::{
    Bus, BusError, Consumer, Isolation, Membership, Producer, Reader, TopicPartition, TopicSpec, Watermarks,
};
use fleet::clock::Clock;
use fleet::sync::locked;

pub use hook::{Commit, Hook, NoHook, Step};

use consumer::ModelConsumer;
use producer::ModelProducer;
use reader::ModelReader;
use state::State;

/// The cluster. Clones are the same one.
#[derive(Clone)]
pub struct ModelBus {
    shared: Arc<Shared>,
}

/// One process that is connected to it.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    name: Arc<str>,
    /// The process's own clock.
    clock: Arc<dyn Clock>,
    hook: Arc<dyn Hook>,
    /// Whether its consumer found nothing when it last asked, and would sleep by now.
    is_asleep: Arc<AtomicBool>,
    /// How many of its readers were last brought less than there was.
    short: Arc<AtomicUsize>,
}

/// What all who are connected share.
struct Shared {
    state: Mutex<State>,
    /// Something has changed that somebody may wait for.
    changed: Condvar,
    /// How often something has.
    changes: AtomicU64,
    /// The brokers' clock.
    clock: Arc<dyn Clock>,
}

/// How long somebody sleeps who waits in real time: sessions end while nobody stirs.
const NAP: Duration = Duration::from_millis(20);

// === impl ModelBus ===

impl ModelBus {
    /// An empty cluster on this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                changed: Condvar::new(),
                changes: AtomicU64::new(0),
                clock,
            }),
        }
    }

    /// Connects a process.
    pub fn client(&self, name: &str, clock: Arc<dyn Clock>, hook: Arc<dyn Hook>) -> Client {
        let (is_asleep, short) = (Arc::default(), Arc::default());
        Client { shared: Arc::clone(&self.shared), name: name.into(), clock, hook, is_asleep, short }
    }

    /// Compacts and deletes what topics no longer want.
    pub fn maintain(&self) {
        let now_ms = self.shared.clock.now_ms();
        self.shared.state().maintain(now_ms);
    }

    /// Brokers have no room, or can't be reached, until this time of their clock.
    pub fn trouble_until(&self, until: Duration, error: BusError) {
        self.shared.state().trouble = Some((until, error));
    }

    /// Until this time a commit is told before its markers are on the log, which come by so much later.
    pub fn slow_markers(&self, until: Duration, by: Duration) {
        self.shared.state().markers_late = Some((until, by));
    }

    /// Whether brokers can be reached and have room.
    pub fn is_well(&self) -> bool {
        self.shared.state().trouble.is_none()
    }

    /// How often something has changed that somebody may wait for.
    pub fn changes(&self) -> u64 {
        self.shared.changes()
    }

    /// Partitions whose last stable offset is held back by an open transaction.
    pub fn pinned(&self) -> usize {
        self.shared.state().pinned()
    }

    /// The member of a group that owns a partition and knows it, by instance.
    pub fn owner(&self, group: &str, partition: &TopicPartition) -> Option<String> {
        self.shared.state().groups.owner(group, partition)
    }

    /// Whether a group has a member of this instance.
    pub fn is_member(&self, group: &str, instance: &str) -> bool {
        self.shared.state().groups.has(group, instance)
    }

    /// How many records a group could take from a partition by now.
    pub fn waiting(&self, group: &str, partition: &TopicPartition) -> Result<usize, BusError> {
        let state = self.shared.state();
        let from = state.start(group, partition)?;
        Ok(state.log(partition)?.count(from))
    }
}

// === impl Client ===

impl Client {
    /// Whether it is a process of a world, and not somebody who looks on.
    fn is_of_the_fleet(&self) -> bool {
        self.name.starts_with("sim-")
    }

    /// The process sends its heartbeats, as a client's own thread does while the process lives and can reach the brokers.
    pub fn beat(&self) {
        let (heard, now) = (self.clock.since_boot(), self.shared.clock.since_boot());
        // Heartbeats were sent all the time, so they come before anything the brokers' clock brings.
        locked(&self.shared.state).beat(&self.name, heard, now);
    }

    /// How often something has changed that somebody may wait for: while this stays as it is, whoever sleeps has nothing to wake for.
    pub fn changes(&self) -> u64 {
        self.shared.changes()
    }

    /// Whether its consumer found nothing when it last asked, and would sleep.
    pub fn is_asleep(&self) -> bool {
        self.is_asleep.load(Ordering::Relaxed)
    }

    /// Whether there is more than its readers were last brought, so that it finds something whenever it looks again.
    pub fn has_more(&self) -> bool {
        self.short.load(Ordering::Relaxed) != 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Bus for Client {
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        self.state().create_topics(topics)
    }

    fn topics(&self) -> Result<Vec<TopicSpec>, BusError> {
        Ok(self.state().specs())
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, BusError> {
        Ok(self.state().specs().iter().find(|spec| *spec.name == *topic).map(|spec| spec.partitions))
    }

    fn consumer(&self, membership: Membership) -> Result<Box<dyn Consumer>, BusError> {
        Ok(Box::new(ModelConsumer::join(self.clone(), membership)?))
    }

    fn producer(&self, transactional_id: &str) -> Result<Box<dyn Producer>, BusError> {
        Ok(Box::new(ModelProducer::new(self.clone(), transactional_id)?))
    }

    fn reader(&self, isolation: Isolation) -> Result<Box<dyn Reader>, BusError> {
        Ok(Box::new(ModelReader::new(self.clone(), isolation)))
    }

    fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, BusError> {
        let state = self.state();
        state.reachable()?;
        Ok(state.log(partition)?.watermarks())
    }

    fn committed(&self, group: &str, partition: &TopicPartition) -> Result<Option<u64>, BusError> {
        let state = self.state();
        state.log(partition)?;
        Ok(state.committed(group, partition))
    }
}

// === impl Shared ===

impl Shared {
    /// The state as of now: what the brokers' clock brings has happened.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = locked(&self.state);
        if state.pass_to(self.clock.since_boot()) {
            self.stir();
        }
        state
    }

    fn changes(&self) -> u64 {
        drop(self.state());
        self.changes.load(Ordering::Relaxed)
    }

    /// Whoever waits looks again.
    fn stir(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Asks until something comes of it, in real time; at most this long. None means that it took too long.
    fn wait<T>(
        &self,
        timeout: Duration,
        mut look: impl FnMut(&mut State) -> Result<Option<T>, BusError>,
    ) -> Result<Option<T>, BusError> {
        let begun = Instant::now();
        let mut state = self.state();
        loop {
            if let Some(found) = look(&mut state)? {
                return Ok(Some(found));
            }
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            let woken = self.changed.wait_timeout(state, left.min(NAP));
            state = woken.unwrap_or_else(std::sync::PoisonError::into_inner).0;
            state.pass_to(self.clock.since_boot());
        }
    }
}
