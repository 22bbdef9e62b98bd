//! The fleet on any bus, each worker a thread, with a partner in the process that answers at once unless another is given.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use contracts::{Codec, Topic, Topics};
use domain::messages::{Manifest, ReceivedData};
use domain::partner::Registry;
use domain::phi::Phi;
use domain::{Answer, Call, CallResult, SourceId, Stage, Worker};
use fleet::bus::{Bus, Cleanup, TopicSpec};
use fleet::caller::{Caller, Reply};
use fleet::clock::Clock;
use fleet::probe::NoProbe;
use fleet::shelf::Shelves;
use fleet::{GateOptions, Pending, Ports, Report, Slot, SlotError, SlotOptions, Stop};
use shelf::{DiskOptions, DiskShelves};
use vault::Vault;

/// The source of the load.
pub(crate) const SOURCE: &str = "enrolment";
/// Our payer.
pub(crate) const PAYER: &str = "waybill-demo-payer";
/// The partner in the process.
pub(crate) const PARTNER: &str = "evergreen";

const PARTNER_FILE: &str = r#"
id = "evergreen"
name = "Evergreen Health Plan"
adapter = "rest"
base_url = "http://in-process.example"
deduplicates = true
status_query = true
completion = "immediate"
[limits]
outstanding_max = 100000
timeout_ms = 2000
[retry]
attempts_max = 5
backoff_ms = 100
backoff_ms_max = 1000
"#;

/// Everything a load runs on.
pub(crate) struct Plant {
    /// What the names of topics, groups and slots begin with.
    prefix: String,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) codec: Codec,
    pub(crate) topics: Topics,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) vault: Arc<Vault>,
    stop: Stop,
    slots: Vec<JoinHandle<Result<(), SlotError>>>,
    /// Where large memories lie; none where they lie in memory.
    pub(crate) shelves: Option<PathBuf>,
}

/// Of the topics that are keyed by request.
const PARTITIONS: u32 = 4;

/// A number from the environment, to try out what it changes; the product's default otherwise.
pub(crate) fn knob<N: FromStr>(name: &str, otherwise: N) -> N {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Whom the fleet calls.
pub(crate) struct Partners {
    pub(crate) registry: Arc<Registry>,
    pub(crate) caller: Arc<dyn Caller>,
}

/// What a slot has just done.
pub(crate) struct Turned<'a> {
    pub(crate) stage: Stage,
    pub(crate) report: &'a Report,
    pub(crate) took: Duration,
    pub(crate) pending: &'a dyn Fn() -> Pending,
    /// Whether all its slot owns is at hand.
    pub(crate) is_ready: bool,
}

/// Is told of every turn, by the thread that took it.
pub(crate) type Observer = Arc<dyn Fn(&Turned<'_>) + Send + Sync>;

/// Puts slots to work.
pub(crate) trait Employer {
    fn employ<W: Worker>(&mut self, slot: Slot<W>);
}

/// Each slot in a thread of its own.
struct Threads {
    stop: Stop,
    observer: Observer,
    slots: Vec<JoinHandle<Result<(), SlotError>>>,
}

/// Real time.
pub(crate) struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        i64::try_from(since.as_millis()).expect("before the year 292 million")
    }

    fn since_boot(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Answers every call at once, as done.
struct InstantPartner;

impl Caller for InstantPartner {
    fn perform(&self, call: Call, reply: Reply) {
        let (manifest, received) = (Manifest { records: 12, sha256: [7; 32] }, ReceivedData::default());
        let received = ReceivedData { records: 12, sha256: [7; 32], ..received };
        let result = CallResult::Completed { reference: call.operation_id.to_string(), manifest, received };
        reply(Answer { operation_id: call.operation_id, attempt: call.attempt, result });
    }
}

impl Partners {
    /// One partner, in the process.
    pub(crate) fn instant() -> Self {
        let partner = toml::from_str(PARTNER_FILE).expect("a partner");
        Self { registry: Arc::new(Registry::new([partner]).expect("a registry")), caller: Arc::new(InstantPartner) }
    }
}

impl Plant {
    /// The parts of a fleet whose topics, groups and slots have names that begin so.
    pub(crate) fn new(bus: Arc<dyn Bus>, clock: Arc<dyn Clock>, prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            bus,
            codec: Codec::bundled(),
            topics: Topics::new(prefix, PARTITIONS),
            clock,
            vault: Arc::new(Vault::in_memory(1)),
            stop: Stop::default(),
            slots: Vec::new(),
            shelves: None,
        }
    }

    /// What the names of its topics, groups and slots begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// All topics of the deployment, empty.
    pub(crate) fn create_topics(&self) {
        self.bus.create_topics(&self.topic_specs()).expect("topics");
    }

    /// The topics of the deployment.
    pub(crate) fn topic_specs(&self) -> Vec<TopicSpec> {
        let outcomes = [SOURCE, "unregistered"].map(|name| Topic::Outcomes(SourceId::from(name)));
        let spec = |topic: Topic| TopicSpec {
            name: self.topics.name(&topic),
            partitions: self.topics.partitions(&topic),
            cleanup: Cleanup::Keep,
        };
        Topic::fixed().chain(outcomes).map(spec).collect()
    }

    /// Starts workers, all five or some, each in a thread.
    pub(crate) fn start(&mut self, stages: &[Stage], partners: &Partners, observer: &Observer) {
        let mut threads = Threads { stop: self.stop.clone(), observer: Arc::clone(observer), slots: Vec::new() };
        self.hire(stages, partners, &mut threads);
        self.slots.append(&mut threads.slots);
    }

    /// Has workers join, all five or some.
    pub(crate) fn hire(&self, stages: &[Stage], partners: &Partners, employer: &mut impl Employer) {
        let phi: Arc<dyn Phi> = self.vault.clone();
        let registry = &partners.registry;
        let intake_policy = intake::Policy::parse(include_str!("../../deploy/policy/intake.toml")).expect("a policy");
        let policy = identity::Policy::parse(include_str!("../../deploy/policy/identity.toml")).expect("a policy");
        let matching = matching::Policy::parse(include_str!("../../deploy/policy/matching.toml")).expect("a policy");
        let rollout = identity::Rollout::of(policy, matching);
        let clocks = include_str!("../../deploy/policy/clocks.toml");
        let escalation = include_str!("../../deploy/policy/escalation.toml");
        let supervision = reconciliation::Policy::parse(clocks, escalation).expect("policies");
        let source = include_str!("../../deploy/sources/enrolment.toml");
        let sources = intake::Sources::parse([("enrolment", source)], intake::Mode::Development).expect("a source");
        let clocks = supervision.clocks.clocks;
        let caller = &partners.caller;
        for stage in stages {
            let (phi, partners) = (Arc::clone(&phi), Arc::clone(registry));
            match stage {
                Stage::Intake => {
                    let (sources, policy) = (sources.clone(), intake_policy.clone());
                    let partitions = NonZeroU32::new(PARTITIONS).expect("not zero");
                    employer.employ(
                        self.join(intake::Intake { sources, partners, policy, clocks, partitions, phi }, caller),
                    );
                }
                Stage::Identity => {
                    let worker = identity::Identity::new(rollout.clone(), clocks, partners, phi);
                    employer.employ(self.join(worker, caller));
                }
                Stage::Dispatch => {
                    employer.employ(
                        self.join(
                            dispatch::Dispatch { registry: partners, options: dispatch::Options::STANDARD },
                            caller,
                        ),
                    );
                }
                Stage::Reconciliation => {
                    employer
                        .employ(self.join(reconciliation::Reconciliation::new(supervision.clone(), partners), caller));
                }
                Stage::Triage => employer.employ(self.join(triage::Triage::default(), caller)),
            }
        }
    }

    /// Stops the workers in good order.
    pub(crate) fn stop(&mut self) {
        self.stop.stop();
        for slot in self.slots.drain(..) {
            slot.join().expect("no panic").expect("an orderly end");
        }
    }

    /// Where intake's settled entries lie, if the plant was given a folder for them.
    fn shelves<W: Worker>(&self) -> Option<Arc<dyn Shelves>> {
        let folder = self.shelves.as_ref().filter(|_| W::STAGE == Stage::Intake)?;
        Some(Arc::new(DiskShelves::new(folder, DiskOptions::default())))
    }

    fn join<W: Worker>(&self, worker: W, caller: &Arc<dyn Caller>) -> Slot<W> {
        let ports = Ports {
            bus: Arc::clone(&self.bus),
            codec: self.codec.clone(),
            topics: self.topics.clone(),
            clock: Arc::clone(&self.clock),
            caller: Arc::clone(caller),
            originals: self.vault.clone(),
            probe: Arc::new(NoProbe),
            shelves: self.shelves::<W>(),
        };
        let options = SlotOptions {
            instance: format!("{}{}", self.prefix, W::STAGE.as_str()),
            group: format!("{}{}", self.prefix, W::STAGE.as_str()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            session_timeout: Duration::from_secs(10),
            lease_margin: Duration::from_secs(2),
            records_max: knob("TURN_RECORDS", 8_192),
            bytes_max: 16 << 20,
            turn_target: Duration::from_millis(knob("TURN_MS", 250)),
            drain: Duration::from_secs(5),
            gate: (W::STAGE == Stage::Intake).then(|| GateOptions {
                group: format!("{}{}", self.prefix, Stage::Reconciliation.as_str()),
                topic: self.topics.name(&Topic::Events),
                lag_max: knob("BULK_LAG", 2_000),
                beside_urgent_for: GateOptions::BESIDE_URGENT_FOR,
            }),
        };
        Slot::join(worker, ports, options).expect("a slot joins")
    }
}

// === impl Threads ===

impl Employer for Threads {
    fn employ<W: Worker>(&mut self, slot: Slot<W>) {
        let (stop, observer) = (self.stop.clone(), Arc::clone(&self.observer));
        let observe = move |slot: &Slot<W>, report: &Report, took: Duration| {
            let (pending, is_ready) = (&|| slot.pending(), slot.is_ready());
            observer(&Turned { stage: W::STAGE, report, took, pending, is_ready });
        };
        let thread = std::thread::Builder::new().name(W::STAGE.as_str().to_owned());
        self.slots.push(thread.spawn(move || slot.run(&stop, observe)).expect("a thread"));
    }
}
