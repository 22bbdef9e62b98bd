//! The whole fleet in one thread: five workers as they run in production, an in-memory log, partners, upstream and an operator.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use contracts::topics::Reading;
use contracts::{Codec, Topic, Topics};
use domain::messages::Stage;
use domain::partner::Registry;
use domain::phi::Phi;
use domain::{SourceId, Timestamp, Worker};
use fleet::bus::{Bus, Cleanup, TopicSpec};
use fleet::clock::Clock;
use fleet::{GateOptions, Ports, Report, Slot, SlotOptions};
use intake::sources::UNREGISTERED;
use intake::{Mode, Sources};
use local::Local;
use sandbox::partner::{FaultLevel, Payer, RefusalRates, standard_payers};
use vault::Vault;

use crate::chance::{Chance, Crash, Crashes};
use crate::clock::VirtualClock;
use crate::partners::Partners;

/// The name of our own payer, as the intake policy has it.
pub const PAYER: &str = "waybill-demo-payer";
/// The upstream source that every world has; it need not sign.
pub const SOURCE: &str = "enrolment";

/// How many idle steps in a row count as rest, when who takes them is left to chance.
pub const REST_STEPS: u32 = 40;
/// The same in rounds of everybody: whoever has lost its partitions in a long leap of time needs a few to have them back.
const REST_ROUNDS: u32 = 8;

/// What a world is made of.
pub struct Setup {
    /// The seed of all chance.
    pub seed: u64,
    /// How many processes end at most.
    pub crashes: u32,
    /// The partner payers.
    pub payers: Vec<Payer>,
    /// The registrations of upstream sources, each with its file name.
    pub sources: Vec<(String, String)>,
    /// What seals.
    pub vault: Vault,
    /// Whether payers are given an address to call back. Whoever says so carries the callbacks to the log.
    pub callbacks: bool,
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
    /// What ends processes.
    pub crashes: Arc<Crashes>,
    /// The upstream sources.
    pub sources: Sources,
    log: Arc<Local>,
    stations: Vec<Station>,
}

/// One worker's process.
struct Station {
    stage: Stage,
    slot: Option<Box<dyn Turning>>,
    start: Box<dyn Fn() -> Box<dyn Turning>>,
    /// After a crash: when it comes back.
    down_until_ms: i64,
}

/// A slot of any worker.
trait Turning {
    fn turn(&mut self) -> Report;
    fn idle(&self, wait: Duration) -> Duration;
}

impl<W: Worker> Turning for Slot<W> {
    fn turn(&mut self) -> Report {
        Slot::turn(self, Duration::ZERO).unwrap_or_else(|error| panic!("a slot stopped: {error:?}"))
    }

    fn idle(&self, wait: Duration) -> Duration {
        Slot::idle(self, wait)
    }
}

const PARTITIONS: u32 = 3;
const SESSION: Duration = Duration::from_secs(10);
/// Few enough events that bulk has to wait in most worlds.
const BULK_LAG_MAX: u64 = 20;

impl World {
    /// A world with an empty log.
    pub fn new(setup: Setup) -> Self {
        let Setup { seed, crashes, payers, sources, vault, callbacks } = setup;
        let clock = Arc::<VirtualClock>::default();
        let options =
            local::Options { dirty_records_min: 40, ..local::Options::new(Arc::clone(&clock) as Arc<dyn Clock>) };
        let log = Arc::new(Local::in_memory(options).expect("a log in memory"));
        let bus: Arc<dyn Bus> = log.clone();
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
        let mut world = Self {
            chance: Chance::new(seed),
            bus,
            codec: Codec::bundled(),
            topics,
            vault: Arc::new(vault),
            partners,
            registry,
            crashes: Arc::new(Crashes::new(seed, crashes, 4)),
            clock,
            sources,
            log,
            stations: Vec::new(),
        };
        world.stations = world.workers();
        world
    }

    /// One step of one worker, chosen by chance; whether anything happened.
    pub fn step(&mut self) -> bool {
        let index = self.chance.below(self.stations.len());
        self.turn(index)
    }

    fn turn(&mut self, index: usize) -> bool {
        let now = self.clock.now_ms();
        let station = &mut self.stations[index];
        if station.slot.is_none() {
            if now < station.down_until_ms {
                return false;
            }
            station.slot = Some((station.start)());
        }
        let slot = station.slot.as_mut().expect("started above");
        match catch_unwind(AssertUnwindSafe(|| slot.turn())) {
            Ok(report) => report != Report::default(),
            Err(payload) if payload.is::<Crash>() => {
                station.slot = None;
                station.down_until_ms = now + i64::try_from(self.chance.below(20_000)).expect("short");
                if station.stage == Stage::Dispatch {
                    self.partners.hang_up();
                }
                true
            }
            Err(payload) => resume_unwind(payload),
        }
    }

    /// Lets so much time pass; whoever has something to do does it in time.
    pub fn pass(&mut self, span: Duration) {
        let until = self.clock.since_boot() + span;
        let mut idle = 0;
        loop {
            let arrived = self.partners.deliver();
            let moved = (0..self.stations.len()).filter(|index| self.turn(*index)).count();
            idle = if 0 < arrived + moved { 0 } else { idle + 1 };
            if idle < REST_ROUNDS {
                continue;
            }
            let left = until.saturating_sub(self.clock.since_boot());
            if left.is_zero() {
                return;
            }
            self.clock.advance(self.idle(left).max(Duration::from_millis(1)));
            idle = 0;
        }
    }

    /// Does the log's upkeep: changelogs are compacted.
    pub fn maintain(&self) {
        while self.log.maintain().expect("the log is kept").is_unfinished {}
    }

    /// How long there is nothing to do, at most `left`.
    fn idle(&self, left: Duration) -> Duration {
        let now = Timestamp(self.clock.now_ms());
        let answer = self.partners.next_ms().map(|at| Timestamp(at).since(now));
        let slots = self.stations.iter().map(|station| match &station.slot {
            Some(slot) => slot.idle(left),
            None => Timestamp(station.down_until_ms).since(now),
        });
        slots.chain(answer).fold(left, Duration::min)
    }

    /// All topics, those of sources included.
    pub fn all_topics(&self) -> Vec<Topic> {
        Topic::fixed().chain(outcomes(&self.sources)).collect()
    }

    /// Whether some worker is down.
    pub fn is_anyone_down(&self) -> bool {
        self.stations.iter().any(|station| station.slot.is_none())
    }

    fn workers(&self) -> Vec<Station> {
        let phi: Arc<dyn Phi> = self.vault.clone();
        let intake_policy = intake::Policy::parse(include_str!("../../deploy/policy/intake.toml")).expect("a policy");
        let identity_policy =
            identity::Policy::parse(include_str!("../../deploy/policy/identity.toml")).expect("a policy");
        let supervision = reconciliation::Policy::parse(
            include_str!("../../deploy/policy/clocks.toml"),
            include_str!("../../deploy/policy/escalation.toml"),
        )
        .expect("policies");
        let (clocks, partners) = (supervision.clocks.clocks, Arc::clone(&self.registry));
        let dispatch_options = dispatch::Options { session_timeout: SESSION, ..dispatch::Options::STANDARD };
        let intake = intake::Intake {
            sources: self.sources.clone(),
            partners: Arc::clone(&partners),
            policy: intake_policy,
            clocks,
            partitions: NonZeroU32::new(PARTITIONS).expect("not zero"),
            phi: Arc::clone(&phi),
        };
        let dispatch = dispatch::Dispatch { registry: Arc::clone(&partners), options: dispatch_options };
        let supervisor = reconciliation::Reconciliation::new(supervision, Arc::clone(&partners));
        vec![
            self.station(move || intake.clone()),
            self.station(move || identity::Identity {
                policy: identity_policy.clone(),
                clocks,
                partners: Arc::clone(&partners),
                phi: Arc::clone(&phi),
                roster: identity::Roster::default(),
            }),
            self.station(move || dispatch.clone()),
            self.station(move || supervisor.clone()),
            self.station(triage::Triage::default),
        ]
    }

    fn station<W: Worker>(&self, worker: impl Fn() -> W + 'static) -> Station {
        let ports = Ports {
            bus: Arc::clone(&self.bus),
            codec: self.codec.clone(),
            topics: self.topics.clone(),
            clock: self.clock.clone(),
            caller: self.partners.clone(),
            originals: self.vault.clone(),
            probe: self.crashes.clone(),
        };
        let options = SlotOptions {
            instance: format!("sim-{}", W::STAGE.as_str()),
            group: format!("waybill.{}", W::STAGE.as_str()),
            version: "sim".to_owned(),
            session_timeout: SESSION,
            lease_margin: Duration::from_secs(2),
            records_max: 1 + self.chance.below(200),
            bytes_max: 16 << 20,
            turn_target: Duration::from_secs(3600),
            drain: Duration::ZERO,
            gate: (W::STAGE == Stage::Intake).then(|| GateOptions {
                group: format!("waybill.{}", Stage::Reconciliation.as_str()),
                topic: self.topics.name(&Topic::Events),
                lag_max: BULK_LAG_MAX,
            }),
        };
        let start = move || {
            let slot = Slot::join(worker(), ports.clone(), options.clone()).expect("a slot joins");
            Box::new(slot) as Box<dyn Turning>
        };
        Station { stage: W::STAGE, slot: None, start: Box::new(start), down_until_ms: 0 }
    }
}

// === impl Setup ===

impl Setup {
    /// A world on a bad day: all kinds of payers, all of them rough, and one source. Nobody crashes.
    pub fn rough(seed: u64) -> Self {
        let payers = standard_payers(seed).into_iter().map(|payer| payer.at_level(FaultLevel::Rough)).collect();
        let source = include_str!("../../deploy/sources/enrolment.toml");
        let sources = vec![("enrolment.toml".to_owned(), source.to_owned())];
        Self { seed, crashes: 0, payers, sources, vault: Vault::in_memory(seed), callbacks: false }
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
