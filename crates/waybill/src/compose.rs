//! Where workers meet edges: the only file that knows both.
//!
//! [`Plant::open`] puts the parts of one deployment together; [`Plant::start`] runs workers on them, each slot a thread of its own,
//! with one small runtime for everything that waits on sockets.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use contracts::{Codec, Topic, Topics};
use domain::Worker;
use domain::messages::Stage;
use domain::phi::Phi;
use fleet::bus::{Bus, TopicPartition};
use fleet::caller::Caller;
use fleet::clock::Clock;
use fleet::shelf::Shelves;
use fleet::{Ages, GateOptions, Pending, Ports, Report, Slot, SlotError, SlotOptions, Stop};
use shelf::{DiskOptions, DiskShelves};
use telemetry::{Metric, Metrics};
use vault::Vault;

use crate::bus::Opened;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::exit::Failure;
use crate::failpoint::Failpoints;
use crate::log;
use crate::standing::Standing;
use crate::tables::Tables;

/// How often the oldest of what is pending is looked for: it takes a look at each call.
const AGES_EVERY: Duration = Duration::from_secs(1);

/// The parts of one deployment, put together and not yet running.
#[derive(Clone)]
pub(crate) struct Plant {
    pub(crate) config: Arc<Config>,
    pub(crate) tables: Tables,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) codec: Codec,
    pub(crate) topics: Topics,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) metrics: Metrics,
}

/// Workers that run.
pub(crate) struct Running {
    stop: Stop,
    slots: Vec<JoinHandle<Result<(), SlotError>>>,
    standing: Standing,
}

/// Whoever hears of refusals that no registered source claims.
pub(crate) const UNREGISTERED: &str = "unregistered";

impl Plant {
    /// Opens everything a configuration names, and makes the topics that are missing.
    pub(crate) fn open(config: Config, tables: Tables) -> Result<Self, Failure> {
        std::fs::create_dir_all(&config.data_dir)
            .map_err(|error| Failure::Disk(format!("{} can't be made: {error}", config.data_dir.display())))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let Opened { bus, codec } = crate::bus::open(&config, &clock)?;
        let topics = Topics::new(&config.prefix, config.partitions);
        let specs = crate::topics::specs(&topics, &tables.sources);
        let is_used = match &config.kafka {
            // On brokers topics are an administrator's: here they are only held against the table.
            Some(_) => {
                crate::topics::require(&*bus, &specs)?;
                crate::topics::are_used(&*bus, &topics)?
            }
            None => !bus.topics()?.is_empty(),
        };
        // Only then is there anything that keys could be missing for.
        let vault = Arc::new(crate::secrets::open(&config, &codec, is_used)?);
        if config.kafka.is_none() {
            bus.create_topics(&specs)?;
        }
        Ok(Self { config: Arc::new(config), tables, bus, codec, topics, clock, vault, metrics: Metrics::new() })
    }

    /// Runs these workers, performing their calls through `caller`.
    pub(crate) fn start(&self, stages: &[Stage], caller: &Arc<dyn Caller>) -> Result<Running, Failure> {
        let mut running = Running { stop: Stop::default(), slots: Vec::new(), standing: Standing::default() };
        for stage in stages {
            for slot in 0..self.config.fleet.slots {
                self.start_worker((*stage, slot), caller, &mut running)?;
            }
        }
        Ok(running)
    }

    /// What a worker's inputs hold that it has not taken yet: for each partition behind, where the worker goes on and where it ends.
    pub(crate) fn untaken(&self, stage: Stage) -> Result<Vec<(TopicPartition, std::ops::Range<u64>)>, Failure> {
        let mut untaken = Vec::new();
        for topic in Topic::inputs(stage) {
            for partition in 0..self.topics.partitions(&topic) {
                let at = TopicPartition::new(self.topics.name(&topic), partition);
                let marks = self.bus.watermarks(&at)?;
                let taken = self.bus.committed(&self.config.group(stage), &at)?.unwrap_or(marks.low);
                if taken < marks.stable {
                    untaken.push((at, taken..marks.stable));
                }
            }
        }
        log::without_empty(&*self.bus, untaken)
    }

    /// How many records of a worker's inputs it has not taken yet.
    pub(crate) fn lag(&self, stage: Stage) -> Result<u64, Failure> {
        Ok(self.untaken(stage)?.iter().map(|(_, offsets)| offsets.end - offsets.start).sum())
    }

    fn start_worker(
        &self,
        (stage, slot): (Stage, usize),
        caller: &Arc<dyn Caller>,
        running: &mut Running,
    ) -> Result<(), Failure> {
        let phi: Arc<dyn Phi> = self.vault.clone();
        let (tables, partners) = (&self.tables, &self.tables.partners);
        match stage {
            Stage::Intake => {
                let partitions = NonZeroU32::new(self.config.partitions).unwrap_or(NonZeroU32::MIN);
                let (sources, policy) = (tables.sources.clone(), tables.intake.clone());
                let (partners, clocks) = (Arc::clone(partners), tables.clocks());
                let worker = intake::Intake { sources, partners, policy, clocks, partitions, phi };
                self.spawn((worker, slot), caller, running)
            }
            Stage::Identity => {
                let (rollout, clocks) = (tables.identity.clone(), tables.clocks());
                let worker = identity::Identity::new(rollout, clocks, Arc::clone(partners), phi);
                self.spawn((worker, slot), caller, running)
            }
            Stage::Dispatch => {
                let session_timeout = self.config.fleet.session_timeout;
                let options = dispatch::Options { session_timeout, ..dispatch::Options::STANDARD };
                let worker = dispatch::Dispatch { registry: Arc::clone(partners), options };
                self.spawn((worker, slot), caller, running)
            }
            Stage::Reconciliation => {
                let supervisor = reconciliation::Reconciliation::new(tables.supervision.clone(), Arc::clone(partners));
                self.spawn((supervisor, slot), caller, running)
            }
            Stage::Triage => self.spawn((triage::Triage::default(), slot), caller, running),
        }
    }

    /// Behind whom bulk waits at a stage: at the first one, since from there on it is in the fleet.
    fn gate(&self, stage: Stage) -> Option<GateOptions> {
        (stage == Stage::Intake).then(|| GateOptions {
            group: self.config.group(Stage::Reconciliation),
            topic: self.topics.name(&Topic::Events),
            lag_max: self.config.fleet.bulk_lag_max,
            beside_urgent_for: GateOptions::BESIDE_URGENT_FOR,
        })
    }

    /// Where a stage's settled entries lie. Intake alone has any, one for each request ever accepted.
    fn shelves(&self, stage: Stage) -> Option<Arc<dyn Shelves>> {
        let config = self.config.shelves.as_ref().filter(|_| stage == Stage::Intake)?;
        // The process may come to own every partition, each of which has a shelf.
        let cache_bytes = config.cache_bytes / u64::from(self.config.partitions.max(1));
        let options = DiskOptions { cache_bytes, ..DiskOptions::default() };
        Some(Arc::new(DiskShelves::new(&self.config.shelves_dir()?, options)))
    }

    fn spawn<W: Worker>(
        &self,
        (worker, number): (W, usize),
        caller: &Arc<dyn Caller>,
        running: &mut Running,
    ) -> Result<(), Failure> {
        let ports = Ports {
            bus: Arc::clone(&self.bus),
            codec: self.codec.clone(),
            topics: self.topics.clone(),
            clock: Arc::clone(&self.clock),
            caller: Arc::clone(caller),
            originals: self.vault.clone(),
            probe: Failpoints::from_environment(),
            shelves: self.shelves(W::STAGE),
        };
        let fleet = self.config.fleet;
        let options = SlotOptions {
            instance: self.config.instance(W::STAGE, number),
            group: self.config.group(W::STAGE),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            session_timeout: fleet.session_timeout,
            lease_margin: fleet.session_timeout / 5,
            records_max: fleet.turn_records_max,
            bytes_max: fleet.turn_bytes_max,
            turn_target: fleet.turn_target,
            drain: fleet.drain,
            gate: self.gate(W::STAGE),
        };
        let slot = Slot::join(worker, ports, options)?;
        let (stop, metrics, standing) = (running.stop.clone(), self.metrics.clone(), running.standing.clone());
        let clock = Arc::clone(&self.clock);
        let name = W::STAGE.as_str();
        let thread = std::thread::Builder::new().name(format!("{name}-{number}")).spawn(move || {
            let mut aged = Duration::ZERO;
            let ended = slot.run(&stop, |slot, report, took| {
                observe(&metrics, name, report, took);
                if standing.note((W::STAGE, number), (slot.pending(), slot.is_ready()))
                    && let Some((pending, _)) = standing.of(W::STAGE)
                {
                    show(&metrics, name, pending);
                }
                if aged + AGES_EVERY <= clock.since_boot() {
                    aged = clock.since_boot();
                    show_ages(&metrics, name, standing.note_ages((W::STAGE, number), slot.ages()));
                }
            });
            if let Err(error) = &ended {
                tracing::error!(stage = name, error = error as &dyn std::error::Error, "the worker has stopped");
            }
            ended
        });
        let thread = thread.map_err(|error| Failure::Other(anyhow::anyhow!("a thread can't be started: {error}")))?;
        running.slots.push(thread);
        Ok(())
    }
}

impl Running {
    /// Whether every worker has its memory and tables at hand.
    pub(crate) fn is_ready(&self) -> bool {
        self.standing.is_ready(self.slots.len())
    }

    /// How many slots there are.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// How the workers stand, for whoever tells others.
    pub(crate) fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Whether some worker has ended by itself.
    pub(crate) fn has_failed(&self) -> bool {
        self.slots.iter().any(JoinHandle::is_finished)
    }

    /// Stops in good order: answers are awaited, commits finished, groups left.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.stop.stop();
        let mut failure = None;
        for slot in self.slots {
            match slot.join() {
                Ok(Ok(())) => {}
                Ok(Err(SlotError::Bus(error))) => failure = Some(error.into()),
                Ok(Err(error @ SlotError::Shelf(_))) => {
                    failure = Some(Failure::Disk(format!("{:#}", anyhow::Error::from(error))));
                }
                Ok(Err(error)) => failure = Some(Failure::Other(error.into())),
                Err(_) => failure = Some(Failure::Other(anyhow::anyhow!("a worker panicked"))),
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

fn observe(metrics: &Metrics, stage: &str, report: &Report, took: Duration) {
    let tally = &report.tally;
    if report.undone {
        metrics.add(Metric::TurnsUndone, stage, 1);
    }
    if tally == &fleet::Tally::default() {
        return;
    }
    metrics.add(Metric::Turns, stage, 1);
    metrics.observe(Metric::TurnSeconds, stage, took.as_secs_f64());
    metrics.observe(Metric::CommitSeconds, stage, report.commit.as_secs_f64());
    if let Some(age) = report.record_age {
        metrics.observe(Metric::RecordAge, stage, age.as_secs_f64());
        metrics.set(Metric::ClockBehind, stage, whole_seconds(report.clock_behind));
    }
    metrics.observe(Metric::TurnRecords, stage, f64::from(u32::try_from(tally.records).unwrap_or(u32::MAX)));
    let counts = [
        (Metric::Records, tally.records),
        (Metric::Written, tally.written),
        (Metric::Events, tally.events),
        (Metric::Letters, tally.letters),
        (Metric::Calls, report.calls_made),
        (Metric::Answers, tally.answers),
        (Metric::Timers, tally.timers),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).for_each(|(metric, count)| metrics.add(metric, stage, count));
}

fn show_ages(metrics: &Metrics, stage: &str, ages: Ages) {
    for (metric, age) in [(Metric::OldestCall, ages.call), (Metric::OldestParked, ages.parked)] {
        metrics.set(metric, stage, whole_seconds(age));
    }
}

fn whole_seconds(time: Duration) -> usize {
    usize::try_from(time.as_secs()).unwrap_or(usize::MAX)
}

fn show(metrics: &Metrics, stage: &str, pending: Pending) {
    let gauges = [
        (Metric::Outstanding, pending.outstanding),
        (Metric::Blocked, pending.blocked),
        (Metric::Parked, pending.parked),
        (Metric::Restoring, pending.restoring),
        (Metric::Unrestored, pending.unrestored),
        (Metric::Entries, pending.entries),
    ];
    gauges.into_iter().for_each(|(metric, value)| metrics.set(metric, stage, value));
}
