//! Where workers meet edges: the only file that knows both.
//!
//! [`Plant::open`] puts the parts of one deployment together; [`Plant::start`] runs workers on them, each slot a thread of its own,
//! with one small runtime for everything that waits on sockets.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread::JoinHandle;

use contracts::{Codec, Topic, Topics};
use domain::messages::Stage;
use domain::phi::Phi;
use domain::{SourceId, Worker};
use fleet::bus::{Bus, Cleanup, TopicPartition, TopicSpec};
use fleet::caller::Caller;
use fleet::clock::Clock;
use fleet::{Pending, Ports, Report, Slot, SlotError, SlotOptions, Stop};
use local::Local;
use telemetry::{Metric, Metrics};
use vault::Vault;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::exit::Failure;
use crate::failpoint::Failpoint;
use crate::standing::Standing;
use crate::tables::Tables;

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
        let options = local::Options { durability: config.durability, ..local::Options::new(Arc::clone(&clock)) };
        let local = Local::open(config.log_dir(), options)?;
        let codec = Codec::bundled();
        let topics = Topics::new("waybill.", config.partitions);
        let is_used = !local.topics()?.is_empty();
        let vault = crate::secrets::open(&config, &codec, is_used)?;
        let plant = Self {
            config: Arc::new(config),
            tables,
            bus: Arc::new(local),
            codec,
            topics,
            clock,
            vault: Arc::new(vault),
            metrics: Metrics::new(),
        };
        plant.bus.create_topics(&plant.topic_specs())?;
        Ok(plant)
    }

    /// Every topic of the deployment, with those of its sources.
    fn topic_specs(&self) -> Vec<TopicSpec> {
        let sources = self.tables.sources.ids().cloned().chain([SourceId::from(UNREGISTERED)]);
        Topic::fixed().chain(sources.map(Topic::Outcomes)).map(|topic| self.topic_spec(&topic)).collect()
    }

    fn topic_spec(&self, topic: &Topic) -> TopicSpec {
        let days = |days: u32| std::time::Duration::from_secs(u64::from(days) * 86_400);
        let cleanup = match topic.row().cleanup {
            contracts::topics::Cleanup::Keep => Cleanup::Keep,
            contracts::topics::Cleanup::Delete { days: kept } => Cleanup::Delete { retention: days(kept) },
            contracts::topics::Cleanup::Compact => Cleanup::Compact,
            contracts::topics::Cleanup::CompactDelete { days: kept } => {
                Cleanup::CompactDelete { retention: days(kept) }
            }
        };
        TopicSpec { name: self.topics.name(topic), partitions: self.topics.partitions(topic), cleanup }
    }

    /// Runs these workers, performing their calls through `caller`.
    pub(crate) fn start(&self, stages: &[Stage], caller: &Arc<dyn Caller>) -> Result<Running, Failure> {
        let mut running = Running { stop: Stop::default(), slots: Vec::new(), standing: Standing::default() };
        for stage in stages {
            self.start_worker(*stage, caller, &mut running)?;
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
                let taken = self.bus.committed(&group(stage), &at)?.unwrap_or(marks.low);
                if taken < marks.stable {
                    untaken.push((at, taken..marks.stable));
                }
            }
        }
        Ok(untaken)
    }

    /// How many records of a worker's inputs it has not taken yet.
    pub(crate) fn lag(&self, stage: Stage) -> Result<u64, Failure> {
        Ok(self.untaken(stage)?.iter().map(|(_, offsets)| offsets.end - offsets.start).sum())
    }

    fn start_worker(&self, stage: Stage, caller: &Arc<dyn Caller>, running: &mut Running) -> Result<(), Failure> {
        let phi: Arc<dyn Phi> = self.vault.clone();
        let (tables, partners) = (&self.tables, &self.tables.partners);
        match stage {
            Stage::Intake => {
                let partitions = NonZeroU32::new(self.config.partitions).unwrap_or(NonZeroU32::MIN);
                let (sources, policy) = (tables.sources.clone(), tables.intake.clone());
                let (partners, clocks) = (Arc::clone(partners), tables.clocks());
                self.spawn(intake::Intake { sources, partners, policy, clocks, partitions, phi }, caller, running)
            }
            Stage::Identity => {
                let (policy, clocks, partners) = (tables.identity.clone(), tables.clocks(), Arc::clone(partners));
                let roster = identity::Roster::default();
                self.spawn(identity::Identity { policy, clocks, partners, phi, roster }, caller, running)
            }
            Stage::Dispatch => {
                let session_timeout = self.config.fleet.session_timeout;
                let options = dispatch::Options { session_timeout, ..dispatch::Options::STANDARD };
                self.spawn(dispatch::Dispatch { registry: Arc::clone(partners), options }, caller, running)
            }
            Stage::Reconciliation => {
                let supervisor = reconciliation::Reconciliation::new(tables.supervision.clone(), Arc::clone(partners));
                self.spawn(supervisor, caller, running)
            }
            Stage::Triage => self.spawn(triage::Triage::default(), caller, running),
        }
    }

    fn spawn<W: Worker>(&self, worker: W, caller: &Arc<dyn Caller>, running: &mut Running) -> Result<(), Failure> {
        let ports = Ports {
            bus: Arc::clone(&self.bus),
            codec: self.codec.clone(),
            topics: self.topics.clone(),
            clock: Arc::clone(&self.clock),
            caller: Arc::clone(caller),
            originals: self.vault.clone(),
            probe: Failpoint::from_environment(),
        };
        let fleet = self.config.fleet;
        let options = SlotOptions {
            instance: Config::instance(W::STAGE, 0),
            group: group(W::STAGE),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            session_timeout: fleet.session_timeout,
            lease_margin: fleet.session_timeout / 5,
            records_max: fleet.turn_records_max,
            bytes_max: fleet.turn_bytes_max,
            turn_target: fleet.turn_target,
            drain: fleet.drain,
        };
        let slot = Slot::join(worker, ports, options)?;
        let (stop, metrics, standing) = (running.stop.clone(), self.metrics.clone(), running.standing.clone());
        let name = W::STAGE.as_str();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let ended = slot.run(&stop, |slot, report, took| {
                observe(&metrics, name, report, took);
                let now = (slot.pending(), slot.is_ready());
                if standing.of(W::STAGE) != Some(now) {
                    show(&metrics, name, now.0);
                    standing.note(W::STAGE, now.0, now.1);
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

/// The consumer group of a worker.
fn group(stage: Stage) -> String {
    format!("waybill.{}", stage.as_str())
}

impl Running {
    /// Whether every worker has its memory and tables at hand.
    pub(crate) fn is_ready(&self) -> bool {
        self.standing.is_ready(self.slots.len())
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
                Ok(Err(error)) => failure = Some(Failure::Other(error.into())),
                Err(_) => failure = Some(Failure::Other(anyhow::anyhow!("a worker panicked"))),
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

fn observe(metrics: &Metrics, stage: &str, report: &Report, took: std::time::Duration) {
    let tally = &report.tally;
    if report.undone {
        metrics.add(Metric::TurnsUndone, stage, 1);
    }
    if tally == &fleet::Tally::default() {
        return;
    }
    metrics.add(Metric::Turns, stage, 1);
    metrics.observe(Metric::TurnSeconds, stage, took.as_secs_f64());
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

fn show(metrics: &Metrics, stage: &str, pending: Pending) {
    let gauges = [
        (Metric::Outstanding, pending.outstanding),
        (Metric::Blocked, pending.blocked),
        (Metric::Parked, pending.parked),
        (Metric::Restoring, pending.restoring),
        (Metric::Entries, pending.entries),
    ];
    gauges.into_iter().for_each(|(metric, value)| metrics.set(metric, stage, value));
}
