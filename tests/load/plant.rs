//! The embedded fleet on disk, each worker a thread, with a partner in the process that answers at once.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use contracts::{Codec, Topic, Topics};
use domain::messages::{Manifest, ReceivedData};
use domain::partner::Registry;
use domain::phi::Phi;
use domain::{Answer, Call, CallResult, SourceId, Worker};
use fleet::bus::{Bus, Cleanup, TopicSpec};
use fleet::caller::{Caller, Reply};
use fleet::clock::Clock;
use fleet::probe::NoProbe;
use fleet::{Ports, Slot, SlotError, SlotOptions, Stop};
use local::Local;
use vault::Vault;

/// The source of the load.
pub(crate) const SOURCE: &str = "enrolment";
/// Our payer.
pub(crate) const PAYER: &str = "waybill-demo-payer";
/// The one partner.
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
    pub(crate) local: Local,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) codec: Codec,
    pub(crate) topics: Topics,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) vault: Arc<Vault>,
    stop: Stop,
    slots: Vec<JoinHandle<Result<(), SlotError>>>,
}

/// Real time.
struct SystemClock(Instant);

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

impl Plant {
    /// An empty log in a directory, every commit synced.
    pub(crate) fn open(directory: &Path) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock(Instant::now()));
        let local = Local::open(directory, local::Options::new(Arc::clone(&clock))).expect("a log");
        let topics = Topics::new("waybill.", 4);
        let bus: Arc<dyn Bus> = Arc::new(local.clone());
        let outcomes = [SOURCE, "unregistered"].map(|name| Topic::Outcomes(SourceId::from(name)));
        let spec = |topic: Topic| TopicSpec {
            name: topics.name(&topic),
            partitions: topics.partitions(&topic),
            cleanup: Cleanup::Keep,
        };
        bus.create_topics(&Topic::fixed().chain(outcomes).map(spec).collect::<Vec<_>>()).expect("topics");
        Self {
            local,
            bus,
            codec: Codec::bundled(),
            topics,
            clock,
            vault: Arc::new(Vault::in_memory(1)),
            stop: Stop::default(),
            slots: Vec::new(),
        }
    }

    /// Starts all five workers.
    pub(crate) fn start(&mut self) {
        let phi: Arc<dyn Phi> = self.vault.clone();
        let partner = toml::from_str(PARTNER_FILE).expect("a partner");
        let partners = Arc::new(Registry::new([partner]).expect("a registry"));
        let intake_policy = intake::Policy::parse(include_str!("../../deploy/policy/intake.toml")).expect("a policy");
        let policy = identity::Policy::parse(include_str!("../../deploy/policy/identity.toml")).expect("a policy");
        let clocks = include_str!("../../deploy/policy/clocks.toml");
        let escalation = include_str!("../../deploy/policy/escalation.toml");
        let supervision = reconciliation::Policy::parse(clocks, escalation).expect("policies");
        let source = include_str!("../../deploy/sources/enrolment.toml");
        let sources = intake::Sources::parse([("enrolment", source)], intake::Mode::Development).expect("a source");
        let clocks = supervision.clocks.clocks;
        self.spawn(intake::Intake {
            sources,
            partners: Arc::clone(&partners),
            policy: intake_policy,
            clocks,
            partitions: NonZeroU32::new(4).expect("not zero"),
            phi: Arc::clone(&phi),
        });
        let roster = identity::Roster::default();
        self.spawn(identity::Identity { policy, clocks, partners: Arc::clone(&partners), phi, roster });
        self.spawn(dispatch::Dispatch { registry: Arc::clone(&partners), options: dispatch::Options::STANDARD });
        self.spawn(reconciliation::Reconciliation::new(supervision, partners));
        self.spawn(triage::Triage::default());
    }

    /// Stops the workers in good order.
    pub(crate) fn stop(&mut self) {
        self.stop.stop();
        for slot in self.slots.drain(..) {
            slot.join().expect("no panic").expect("an orderly end");
        }
    }

    fn spawn<W: Worker>(&mut self, worker: W) {
        let ports = Ports {
            bus: Arc::clone(&self.bus),
            codec: self.codec.clone(),
            topics: self.topics.clone(),
            clock: Arc::clone(&self.clock),
            caller: Arc::new(InstantPartner),
            originals: self.vault.clone(),
            probe: Arc::new(NoProbe),
        };
        let options = SlotOptions {
            instance: format!("load-{}", W::STAGE.as_str()),
            group: format!("waybill.{}", W::STAGE.as_str()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            session_timeout: Duration::from_secs(10),
            lease_margin: Duration::from_secs(2),
            records_max: 4_096,
            bytes_max: 16 << 20,
            turn_target: Duration::from_millis(20),
            drain: Duration::from_secs(5),
        };
        let stop = self.stop.clone();
        let slot = Slot::join(worker, ports, options).expect("a slot joins");
        let thread = std::thread::Builder::new().name(W::STAGE.as_str().to_owned());
        self.slots.push(thread.spawn(move || slot.run(&stop, |_, _, _| {})).expect("a thread"));
    }
}
