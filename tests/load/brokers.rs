//! The fleet over Kafka on this machine, beside a bare chain over librdkafka in the same run.
//!
//! - **Drain**: a backlog on the intake topics, with a partner in the process; with the sandbox's payers over HTTP; with those and
//!   projections into Postgres, where `WAYBILL_TEST_POSTGRES` names one.
//! - **Chain**: the same backlog through the same hops without a fleet, at several sizes of its transactions: what these brokers and
//!   this machine can do at best. Ratios to it mean more than figures, since both share whatever else the machine does.
//! - **Steady**: how long requests take at 200 a second, by the broker's clock; the chain's the same way.
//! - **Flood**: how long urgent requests take while 100,000 of bulk are queued, and without.
//! - **Keys**: a slot of intake reads a million entries back.
//!
//! Everything measured has a process of its own (`part`), and topics and names of its own. The broker is warmed first: until some
//! 100,000 requests went by, its machine code is not what it will be. A part that fails leaves the others what they are, and is named
//! in the report. `SCALE=0.1` does a tenth of everything, to try it out, `ONLY=chain,http,steady,flood,keys` some of what follows the
//! drain, and `WARMING=0` spares a broker that is warm. How fast projections are rebuilt is measured by
//! `crates/projections/benches/rebuild.rs`.

mod broker;
mod chain;
mod fleet;
mod flood;
mod goals;
mod keys;
mod latency;
mod part;
mod payers;
mod projecting;
mod table;
mod trickle;
mod usage;
mod weigh;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::fleet::clock::Clock;
use kafka::{Kafka, Settings};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::machine;
use crate::plant::{PARTNER, Plant, SystemClock, knob};
use crate::upstream::{Upstream, submissions};
use broker::Broker;
use latency::{Runner, Waits, latencies};
use part::{Order, Part};
use weigh::{Bytes, Weights};

pub(crate) use part::{PART, part};

/// Everything measured over Kafka.
#[derive(Debug, Default, Serialize)]
pub(crate) struct OverKafka {
    pub(crate) load_before: String,
    pub(crate) load_after: String,
    pub(crate) drain: fleet::Run,
    /// By the most inputs of a transaction.
    pub(crate) chain: BTreeMap<usize, usage::Usage>,
    pub(crate) bytes: Bytes,
    pub(crate) over_http: fleet::Run,
    pub(crate) over_http_into_postgres: Option<fleet::Run>,
    pub(crate) steady: Steady,
    pub(crate) flood: flood::Flood,
    /// A large memory that is read back.
    pub(crate) restored: keys::Restored,
    /// The same that lies on a shelf.
    pub(crate) taken_over: keys::Restored,
    /// What could not be measured, and why.
    pub(crate) failed: Vec<String>,
    /// All that is aimed at, and whether it was reached.
    pub(crate) goals: Vec<goals::Goal>,
}

/// A steady trickle: from the submission to each event.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Steady {
    pub(crate) requests_per_s: u32,
    pub(crate) fleet: BTreeMap<String, Waits>,
    pub(crate) chain: BTreeMap<String, Waits>,
    pub(crate) fleet_run: fleet::Run,
    pub(crate) chain_usage: usage::Usage,
}

/// A run: its names, its size, and what it has made.
struct Run {
    address: String,
    name: String,
    scale: f64,
    broker: Broker,
    directory: tempfile::TempDir,
}

const WARMING: u64 = 100_000;
const DRAINED: u64 = 200_000;
const DRAINED_INTO_POSTGRES: u64 = 60_000;
const STEADY_RATE: u32 = 200;
const STEADY_SECONDS: u64 = 30;
/// The first seconds of a trickle do not count.
const SETTLING_MS: i64 = 5_000;
const KEYS: u64 = 1_000_000;
const BATCHES: [usize; 3] = [2_000, 4_000, 10_000];

/// Measures everything, one after the other.
pub(crate) fn run(address: &str) -> OverKafka {
    let scale = knob("SCALE", 1.0);
    let name = format!("load-{}-{}", std::process::id(), SystemClock::default().now_ms());
    let directory = tempfile::tempdir().expect("a directory");
    let run = Run { address: address.to_owned(), name, scale, broker: Broker::at(address), directory };
    let mut report = OverKafka { load_before: machine::load(), ..OverKafka::default() };
    let mut failed = Vec::new();
    if 0 < knob("WARMING", WARMING) {
        attempt("warming the broker", &mut failed, || run.warm());
    }
    let weights = attempt("drain", &mut failed, || run.drained(&mut report));
    for batch in BATCHES.into_iter().filter(|_| wanted("chain")) {
        let chain = || run.chain(&format!("chain-{batch}"), batch, DRAINED);
        let usage = attempt(&format!("chain, {batch} to a transaction"), &mut failed, chain);
        report.chain.extend(usage.map(|usage| (batch, usage)));
    }
    if wanted("http") {
        attempt("over HTTP", &mut failed, || run.over_http(&mut report));
    }
    if wanted("steady") {
        attempt("steady", &mut failed, || run.steady(&mut report.steady));
    }
    if wanted("flood") {
        report.flood = attempt("flood", &mut failed, || run.flood()).unwrap_or_default();
    }
    if let Some(weights) = weights.filter(|_| wanted("keys")) {
        let keys = attempt("memory of many keys", &mut failed, || run.keys(&weights));
        (report.restored, report.taken_over) = keys.unwrap_or_default();
    }
    report.failed = failed;
    report.load_after = machine::load();
    report.goals = report.goals();
    report
}

/// Whether something is to be measured: `ONLY` names what, if not all of it.
pub(crate) fn wanted(what: &str) -> bool {
    std::env::var("ONLY").map_or(true, |only| only.split(',').any(|one| one == what))
}

/// Measures one thing. If that fails, the others are worth reading all the same.
pub(crate) fn attempt<T>(what: &str, failed: &mut Vec<String>, measure: impl FnOnce() -> T) -> Option<T> {
    say(what);
    let measured = catch_unwind(AssertUnwindSafe(measure));
    let reason = |panic: &(dyn Any + Send)| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        text.unwrap_or("a panic without words").to_owned()
    };
    measured.map_err(|panic| failed.push(format!("{what}: {}", reason(&*panic)))).ok()
}

#[expect(clippy::print_stderr, reason = "a run takes minutes")]
fn say(what: &str) {
    eprintln!("{what} ...");
}

// === impl Run ===

impl Run {
    fn warm(&self) {
        self.drain("warm", knob("WARMING", WARMING), None, None);
        self.sweep("warm");
    }

    /// The drain that all else is compared with, and what it left.
    fn drained(&self, report: &mut OverKafka) -> Weights {
        let (drain, plant) = self.drain("drain", DRAINED, None, None);
        report.drain = drain;
        let weights = self.weigh(&plant, report.drain.usage.requests);
        report.bytes = weights.bytes(&plant, &self.broker);
        self.sweep("drain");
        weights
    }

    /// A backlog through the fleet; what it took, and where it left its records.
    fn drain(&self, short: &str, count: u64, payers: Option<&str>, projections: Option<String>) -> (fleet::Run, Plant) {
        let (prefix, requests) = (self.prefix(short), self.scaled(count));
        let plant = plant(&self.address, &prefix);
        self.fill(&plant, requests, payers.is_some());
        let order = fleet::Order {
            broker: self.address.clone(),
            prefix,
            requests,
            payers: payers.map(str::to_owned),
            projections,
        };
        let mut part = Part::start(&Order::Fleet(order));
        part.ready();
        (part.answer(), plant)
    }

    /// The same through the bare chain.
    fn chain(&self, short: &str, batch: usize, count: u64) -> usage::Usage {
        let requests = self.scaled(count);
        let plant = plant(&self.address, &self.prefix(short));
        self.fill(&plant, requests, false);
        let mut part = Part::start(&self.chain_order(short, batch, requests));
        part.ready();
        let usage = part.answer();
        self.sweep(short);
        usage
    }

    fn chain_order(&self, short: &str, batch: usize, requests: u64) -> Order {
        Order::Chain(chain::Order {
            broker: self.address.clone(),
            prefix: self.prefix(short),
            requests,
            batch,
            weights: self.weights().display().to_string(),
        })
    }

    fn over_http(&self, report: &mut OverKafka) {
        let mut payers = Part::start(&Order::Payers);
        let address = payers.ready();
        report.over_http = self.drain("http", DRAINED, Some(&address), None).0;
        self.sweep("http");
        if let Ok(url) = std::env::var("WAYBILL_TEST_POSTGRES") {
            say("over HTTP, projected into Postgres");
            let url = format!("{url}?schema={}", self.name.replace('-', "_"));
            let run = self.drain("postgres", DRAINED_INTO_POSTGRES, Some(&address), Some(url));
            report.over_http_into_postgres = Some(run.0);
            self.sweep("postgres");
        }
    }

    /// The same trickle through the fleet, then through the chain.
    fn steady(&self, steady: &mut Steady) {
        let count = self.scaled(STEADY_SECONDS * u64::from(STEADY_RATE)).max(1_000);
        steady.requests_per_s = STEADY_RATE;
        let skipped_ms = SETTLING_MS.min(i64::try_from(count).unwrap_or(0) * 500 / i64::from(STEADY_RATE));
        let (prefix, broker) = (self.prefix("steady"), self.address.clone());
        let plant = stamped(&self.address, &prefix);
        let mut upstream = Upstream::new(&plant);
        upstream.enrol(&plant);
        let order = fleet::Order { broker, prefix, requests: count, payers: None, projections: None };
        let trickle = submissions(&plant, &[PARTNER], count);
        let mut part = Part::start(&Order::Fleet(order));
        part.ready();
        trickle::send(&self.address, &plant, &upstream, &trickle, STEADY_RATE);
        steady.fleet_run = part.answer();
        steady.fleet = latencies(&plant, Runner::Fleet, skipped_ms);
        self.weigh(&plant, count);
        self.sweep("steady");

        let plant = stamped(&self.address, &self.prefix("even"));
        let upstream = Upstream::new(&plant);
        let mut part = Part::start(&self.chain_order("even", 1_000, count));
        part.ready();
        trickle::send(&self.address, &plant, &upstream, &trickle, STEADY_RATE);
        steady.chain_usage = part.answer();
        steady.chain = latencies(&plant, Runner::Chain, skipped_ms);
        self.sweep("even");
    }

    fn keys(&self, weights: &Weights) -> (keys::Restored, keys::Restored) {
        let (prefix, keys) = (self.prefix("keys"), self.scaled(KEYS));
        let plant = plant(&self.address, &prefix);
        plant.create_topics();
        keys::fill(&plant, weights, keys);
        let shelves = tempfile::tempdir().expect("a directory");
        let start = || {
            let (broker, prefix, shelves) = (self.address.clone(), prefix.clone(), shelves.path().to_owned());
            Part::start(&Order::Keys(keys::Order { broker, prefix, keys, shelves })).answer()
        };
        let restored = (start(), start());
        self.sweep("keys");
        restored
    }

    /// Puts a backlog on the intake topics of a new deployment.
    fn fill(&self, plant: &Plant, requests: u64, over_http: bool) {
        plant.create_topics();
        let mut upstream = Upstream::new(plant);
        upstream.enrol(plant);
        let ids = if over_http { payers::ids() } else { vec![PARTNER.to_owned()] };
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        upstream.send(plant, &submissions(plant, &ids, requests));
    }

    /// What the fleet has left, kept for the chain.
    fn weigh(&self, plant: &Plant, requests: u64) -> Weights {
        let weights = Weights::of(plant, requests);
        assert_eq!(weights.closed(), requests, "every request is closed once");
        std::fs::write(self.weights(), serde_json::to_string(&weights).expect("JSON")).expect("a file");
        weights
    }

    fn weights(&self) -> std::path::PathBuf {
        Path::new(self.directory.path()).join("weights.json")
    }

    /// Deletes the topics of a part: logs of gigabytes would get in the way of the next one.
    fn sweep(&self, short: &str) {
        let specs = plant(&self.address, &self.prefix(short)).topic_specs();
        let names: Vec<&str> = specs.iter().map(|spec| &*spec.name).collect();
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &self.address).create().expect("an administrator");
        runtime().block_on(admin.delete_topics(&names, &AdminOptions::new())).expect("deleted");
    }

    fn prefix(&self, short: &str) -> String {
        format!("{}-{short}.", self.name)
    }

    fn scaled(&self, count: u64) -> u64 {
        (count as f64 * self.scale).ceil() as u64
    }
}

/// A deployment on these brokers.
fn plant(address: &str, prefix: &str) -> Plant {
    connected(Settings::new(address, prefix), prefix)
}

/// A deployment whose topics say when the broker has appended a record.
fn stamped(address: &str, prefix: &str) -> Plant {
    let mut settings = Settings::new(address, prefix);
    settings.topic_properties.insert("message.timestamp.type".into(), "LogAppendTime".into());
    let plant = connected(settings, prefix);
    plant.create_topics();
    plant
}

fn connected(mut settings: Settings, prefix: &str) -> Plant {
    settings.header_names = contracts::headers::NAMES;
    settings.prefetch_bytes = knob("PREFETCH_KIB", settings.prefetch_bytes >> 10) << 10;
    settings.compression = knob("COMPRESSION", settings.compression);
    settings.linger =
        Duration::from_micros(knob("LINGER_US", u64::try_from(settings.linger.as_micros()).expect("short")));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    Plant::new(Arc::new(Kafka::connect(settings).expect("good settings")), clock, prefix)
}

/// Where conversations with payers and databases run: as many threads as the product has for them.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}
