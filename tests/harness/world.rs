//! The whole fleet in one thread: five workers as they run in production, an in-memory log, partners, upstream and an operator.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use contracts::topics::Reading;
use contracts::{Codec, Topic, Topics};
use domain::SourceId;
use domain::messages::Stage;
use domain::partner::Registry;
use fleet::bus::{Bus, BusError, Cleanup, TopicPartition, TopicSpec};
use fleet::clock::Clock;
use fleet::sync::locked;
use intake::sources::UNREGISTERED;
use intake::{Mode, Sources};
use local::Local;
use sandbox::partner::{FaultLevel, Payer, RefusalRates, standard_payers};
use vault::Vault;

use crate::bus::{ModelBus, NoHook};
use crate::chance::Chance;
use crate::clock::VirtualClock;
use crate::crew::Crew;
use crate::faults::Faults;
use crate::hiring::{Hiring, group};
use crate::machines::Machines;
use crate::partners::Partners;
use crate::plan::{Kind, PROCESSES, Plan, Who};
use crate::versions::Build;

/// The name of our own payer, as the intake policy has it.
pub const PAYER: &str = "waybill-demo-payer";
/// The upstream source that every world has; it need not sign.
pub const SOURCE: &str = "enrolment";

/// How many idle rounds of everybody in a row count as rest: whoever has lost its partitions in a long leap of time needs a few to
/// have them back.
const REST_ROUNDS: u32 = 8;

/// In so many leaps a span of time passes in which everybody rests now and then.
const LEAPS_MAX: u32 = 2_000;

/// What a world is made of.
pub struct Setup {
    /// The seed of all chance.
    pub seed: u64,
    /// What goes wrong, and that there is a cluster of brokers and two processes of each worker to suffer it; without, the log is
    /// an embedded one and there is a process of each.
    pub plan: Option<Plan>,
    /// The partner payers.
    pub payers: Vec<Payer>,
    /// The registrations of upstream sources, each with its file name.
    pub sources: Vec<(String, String)>,
    /// What seals.
    pub vault: Vault,
    /// Whether payers are given an address to call back. Whoever says so carries the callbacks to the log.
    pub callbacks: bool,
    /// How long, in seconds, a reviewer's word that it is nobody can be appealed.
    pub appeal_s: u32,
}

/// Everything there is.
pub struct World {
    /// What happens next is drawn from here.
    pub chance: Chance,
    /// Virtual time.
    pub clock: Arc<VirtualClock>,
    /// The log.
    pub bus: Arc<dyn Bus>,
    /// Messages as bytes.
    pub codec: Codec,
    /// Names and partition counts.
    pub topics: Topics,
    /// What seals.
    pub vault: Arc<Vault>,
    /// The payers.
    pub partners: Arc<Partners>,
    /// The payers, as they are registered.
    pub registry: Arc<Registry>,
    /// What goes wrong.
    pub faults: Arc<Faults>,
    /// The processes.
    pub crew: Arc<Crew>,
    /// The upstream sources.
    pub sources: Sources,
    /// Makes identity's worker as its processes have it, before it has read any table.
    pub identity: Box<dyn Fn() -> identity::Identity>,
    log: Log,
    /// How much the brokers had seen when memories were last compared with their changelogs.
    compared_at: AtomicU64,
}

/// What keeps the records.
pub(crate) enum Log {
    Embedded(Local),
    Cluster(ModelBus),
}

/// How many partitions topics have that are not partitioned otherwise.
pub const PARTITIONS: u32 = 3;

impl World {
    /// A world with an empty log.
    pub fn new(setup: Setup) -> Self {
        let Setup { seed, plan, payers, sources, vault, callbacks, appeal_s } = setup;
        let clock = Arc::<VirtualClock>::default();
        let log = Log::new(plan.is_some(), &clock);
        let bus = log.outsiders(&clock);
        let topics = Topics::new("waybill.", PARTITIONS);
        let files = sources.iter().map(|(file, text)| (file.as_str(), text.as_str()));
        let sources = Sources::parse(files, Mode::Development).expect("registrations");
        let spec = |topic: Topic| TopicSpec {
            name: topics.name(&topic),
            partitions: topics.partitions(&topic),
            cleanup: cleanup(&topic),
        };
        let specs: Vec<TopicSpec> = Topic::fixed().chain(outcomes(&sources)).map(spec).collect();
        bus.create_topics(&specs).expect("topics");
        let registry = Arc::new(registry(&payers));
        let partners = Partners::new(seed, payers, &registry, Arc::clone(&clock), callbacks);
        let (codec, vault, chance) = (Build::Today.codec(), Arc::new(vault), Chance::new(seed));
        let faults = Faults::new(&plan.unwrap_or_default());
        let hiring = Hiring {
            log: &log,
            bus: Arc::clone(&bus),
            topics: topics.clone(),
            vault: Arc::clone(&vault),
            partners: Arc::clone(&partners),
            registry: Arc::clone(&registry),
            sources: sources.clone(),
            faults: Arc::clone(&faults),
            clock: Arc::clone(&clock),
            chance: &chance,
            machines: Machines::new(seed),
            seed,
            appeal_s,
        };
        let identity = Box::new(hiring.identity());
        let stations = hiring.stations();
        let crew = Crew::new(seed, (Arc::clone(&clock), Arc::clone(&partners)), &faults, stations);
        Self {
            chance,
            clock,
            bus,
            codec,
            topics,
            vault,
            partners,
            registry,
            faults,
            crew,
            sources,
            identity,
            log,
            compared_at: AtomicU64::new(0),
        }
    }

    /// Lets so much time pass; whoever has something to do does it in time.
    pub fn pass(&mut self, span: Duration) {
        let until = self.clock.since_boot() + span;
        let (mut idle, mut leaps) = (0, 0);
        loop {
            let arrived = self.partners.deliver();
            let moved = self.crew.sweep();
            idle = if 0 < arrived + moved { 0 } else { idle + 1 };
            if idle < REST_ROUNDS {
                continue;
            }
            let left = until.saturating_sub(self.clock.since_boot());
            if left.is_zero() {
                return;
            }
            // Somebody who never rests does not keep the others from what comes later.
            let least = if LEAPS_MAX < leaps { span / LEAPS_MAX } else { Duration::ZERO };
            self.crew.advance(self.crew.idle(left).max(least).max(Duration::from_millis(1)));
            (idle, leaps) = (0, leaps + 1);
        }
    }

    /// Does the log's upkeep: changelogs are compacted.
    pub fn maintain(&self) {
        match &self.log {
            Log::Embedded(log) => while log.maintain().expect("the log is kept").is_unfinished {},
            Log::Cluster(brokers) => brokers.maintain(),
        }
    }

    /// The brokers, if there are any.
    pub fn brokers(&self) -> Option<&ModelBus> {
        match &self.log {
            Log::Embedded(_) => None,
            Log::Cluster(brokers) => Some(brokers),
        }
    }

    /// Whether outsiders can write now.
    pub fn is_well(&self) -> bool {
        self.brokers().is_none_or(ModelBus::is_well)
    }

    /// All topics, those of sources included.
    pub fn all_topics(&self) -> Vec<Topic> {
        Topic::fixed().chain(outcomes(&self.sources)).collect()
    }

    /// Strikes the world with what its plan has for it by now; what is left is for others to carry out.
    pub fn strike(&self) -> Vec<Kind> {
        let mut left = Vec::new();
        for kind in self.faults.due() {
            let until = |span_ms: u32| self.clock.since_boot() + Duration::from_millis(u64::from(span_ms));
            let brokers = self.brokers().expect("a plan has brokers");
            match kind {
                Kind::Visit { stage, span_ms } => {
                    self.crew.invite(Who { stage, number: 0 }, Duration::from_millis(u64::from(span_ms)));
                }
                Kind::Halt { stage, span_ms } => {
                    let span = Duration::from_millis(u64::from(span_ms));
                    (0..PROCESSES).for_each(|number| self.crew.halt(Who { stage, number }, span));
                }
                Kind::Upgrade { stage } => (0..PROCESSES).for_each(|number| self.crew.upgrade(Who { stage, number })),
                Kind::Flaw { stage, span_ms } => self.faults.flaw(stage, until(span_ms)),
                Kind::Jump { who, to_ms } => {
                    let place = self.crew.place(who);
                    locked(&self.crew.stations)[place].clock.set(i64::from(to_ms));
                }
                Kind::Full { span_ms } => {
                    brokers.trouble_until(until(span_ms), BusError::Full("no space left on device".into()));
                }
                Kind::Unreachable { span_ms } => {
                    brokers.trouble_until(until(span_ms), BusError::Unavailable("no broker answers".into()));
                }
                Kind::SlowMarkers { span_ms } => {
                    brokers.slow_markers(until(span_ms), Duration::from_millis(u64::from(span_ms) / 20));
                }
                Kind::Outage { payer, span_ms } => {
                    self.partners.cut_off(payer, self.clock.now_ms() + i64::from(span_ms));
                }
                other => {
                    left.push(other);
                    continue;
                }
            }
            self.faults.count(&kind, "struck");
        }
        left
    }

    /// Whether somebody has records to take, at the gate too.
    pub fn has_waiting(&self) -> bool {
        let Some(brokers) = self.brokers() else { return false };
        let inputs =
            Stage::ALL.into_iter().flat_map(|stage| Topic::inputs(stage).into_iter().map(move |topic| (stage, topic)));
        let mut places = inputs.flat_map(|(stage, topic)| {
            let name = self.topics.name(&topic);
            (0..self.topics.partitions(&topic)).map(move |at| (stage, TopicPartition::new(name.clone(), at)))
        });
        places.any(|(stage, at)| brokers.waiting(&group(stage), &at) != Ok(0))
    }

    /// Compares what processes remember with their changelogs: where they differ.
    pub fn forgetful(&self) -> Vec<String> {
        // Behind an open transaction nobody sees what was committed.
        let Some(brokers) = self.brokers().filter(|brokers| brokers.pinned() == 0) else { return Vec::new() };
        let changes = brokers.changes();
        if self.compared_at.swap(changes, Ordering::Relaxed) == changes {
            return Vec::new();
        }
        let mut found = Vec::new();
        for stage in Stage::ALL {
            let changelog = crate::reading::read(self, &Topic::Memory(stage));
            let stations = locked(&self.crew.stations);
            let of_stage = stations.iter().filter(|station| station.who.stage == stage);
            for (station, slot) in of_stage.filter_map(|station| Some((station, station.sound()?))) {
                for partition in 0..PARTITIONS {
                    let input = self.topics.name(&Topic::inputs(stage)[0]);
                    let owner = brokers.owner(&group(stage), &TopicPartition::new(input, partition));
                    let is_owner = owner.as_deref() == Some(&*station.name);
                    let mut of_partitions = changelog.chunk_by(|one, next| one.partition == next.partition);
                    let own = of_partitions.find(|records| records[0].partition == partition).unwrap_or_default();
                    found.extend(is_owner.then(|| slot.differs(&self.codec, partition, own)).flatten());
                }
            }
        }
        found
    }
}

// === impl Log ===

impl Log {
    fn new(is_cluster: bool, clock: &Arc<VirtualClock>) -> Self {
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        if is_cluster {
            return Self::Cluster(ModelBus::new(clock));
        }
        let options = local::Options { dirty_records_min: 40, ..local::Options::new(clock) };
        Self::Embedded(Local::in_memory(options).expect("a log in memory"))
    }

    /// The connection of everybody outside the fleet: they are spared.
    fn outsiders(&self, clock: &Arc<VirtualClock>) -> Arc<dyn Bus> {
        match self {
            Self::Embedded(log) => Arc::new(log.clone()),
            Self::Cluster(brokers) => {
                Arc::new(brokers.client("outside", Arc::clone(clock) as Arc<dyn Clock>, Arc::new(NoHook)))
            }
        }
    }
}

// === impl Setup ===

impl Setup {
    /// A world on a bad day: all kinds of payers, all of them rough, and one source. Nobody crashes.
    pub fn rough(seed: u64) -> Self {
        let payers = standard_payers(seed).into_iter().map(|payer| payer.at_level(FaultLevel::Rough)).collect();
        let source = include_str!("../../deploy/sources/enrolment.toml");
        let sources = vec![("enrolment.toml".to_owned(), source.to_owned())];
        Self {
            seed,
            plan: None,
            payers,
            sources,
            vault: Vault::in_memory_with(seed, Build::Today.codec()),
            callbacks: false,
            appeal_s: 0,
        }
    }

    /// A world on a good day: no payer fails or refuses.
    pub fn calm(seed: u64) -> Self {
        let refusals = RefusalRates { no_match: 0, multiple_matches: 0, consent: 0 };
        let calm = |payer: Payer| Payer { refusals, ..payer }.at_level(FaultLevel::Calm);
        Self { payers: standard_payers(seed).into_iter().map(calm).collect(), ..Self::rough(seed) }
    }
}

/// Changelogs are compacted as in production. All else is kept: it is what a test looks at.
fn cleanup(topic: &Topic) -> Cleanup {
    match topic.row().reading {
        Reading::Changelog => Cleanup::Compact,
        Reading::Stream | Reading::Table => Cleanup::Keep,
    }
}

/// Where sources are answered, those included that are none of ours.
fn outcomes(sources: &Sources) -> impl Iterator<Item = Topic> {
    sources.ids().cloned().chain([SourceId::from(UNREGISTERED)]).map(Topic::Outcomes)
}

/// The registry that the payers' own partner files make.
fn registry(payers: &[Payer]) -> Registry {
    let partner = |payer: &Payer| {
        let text = payer.partner_toml("http://sim.example");
        toml::from_str::<domain::partner::Partner>(&text).expect("a partner file")
    };
    Registry::new(payers.iter().map(partner)).expect("a registry")
}
