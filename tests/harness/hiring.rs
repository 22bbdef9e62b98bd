//! Who works in a world: each worker with everything around it, ready to be started as often as it ends.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use contracts::{Topic, Topics};
use domain::Worker;
use domain::messages::Stage;
use domain::partner::Registry;
use domain::phi::Phi;
use fleet::bus::Bus;
use fleet::clock::Clock;
use fleet::{GateOptions, Ports, Slot, SlotOptions};
use intake::Sources;
use vault::Vault;

use crate::chance::Chance;
use crate::clock::{MachineClock, VirtualClock};
use crate::faults::{Faults, Post};
use crate::flaw::Flawed;
use crate::machines::{Machine, Machines};
use crate::partners::Partners;
use crate::plan::{PROCESSES, Who};
use crate::station::{Station, Turning};
use crate::versions::Build;
use crate::world::{Log, PARTITIONS};

/// What workers are hired with.
pub(crate) struct Hiring<'a> {
    pub(crate) log: &'a Log,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) topics: Topics,
    pub(crate) vault: Arc<Vault>,
    pub(crate) partners: Arc<Partners>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) sources: Sources,
    pub(crate) faults: Arc<Faults>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) chance: &'a Chance,
    /// Those that intake's processes run on, who alone have something there that outlives them.
    pub(crate) machines: Machines,
    pub(crate) seed: u64,
    pub(crate) appeal_s: u32,
}

pub(crate) const SESSION: Duration = Duration::from_secs(10);
/// Few enough events that bulk has to wait in most worlds.
const BULK_LAG_MAX: u64 = 20;
/// As in production, or long enough that bulk comes in by the handful most of the time.
const BESIDE_URGENT_FOR: [Duration; 2] = [GateOptions::BESIDE_URGENT_FOR, Duration::from_secs(30)];
/// How wrong the clocks of machines are that nobody sets: two of them differ by less than the margin of the lease.
const SKEW_MS: usize = 900;

/// The supervisor's policy.
fn supervision() -> reconciliation::Policy {
    let clocks = include_str!("../../deploy/policy/clocks.toml");
    reconciliation::Policy::parse(clocks, include_str!("../../deploy/policy/escalation.toml")).expect("policies")
}

/// The consumer group of a stage.
pub fn group(stage: Stage) -> String {
    format!("waybill.{}", stage.as_str())
}

impl Hiring<'_> {
    /// Everybody.
    pub(crate) fn stations(&self) -> Vec<Station> {
        let phi: Arc<dyn Phi> = self.vault.clone();
        let intake_policy = intake::Policy::parse(include_str!("../../deploy/policy/intake.toml")).expect("a policy");
        let supervision = supervision();
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
        let mut stations = self.of_stage(move || intake.clone());
        stations.extend(self.of_stage(self.identity()));
        stations.extend(self.of_stage(move || dispatch.clone()));
        stations.extend(self.of_stage(move || supervisor.clone()));
        stations.extend(self.of_stage(triage::Triage::default));
        stations
    }

    /// Makes identity's worker.
    pub(crate) fn identity(&self) -> impl Fn() -> identity::Identity + Clone + Send + 'static {
        let phi: Arc<dyn Phi> = self.vault.clone();
        let mut policy = identity::Policy::parse(include_str!("../../deploy/policy/identity.toml")).expect("a policy");
        policy.review.appeal_s = self.appeal_s;
        let matching = matching::Policy::parse(include_str!("../../deploy/policy/matching.toml")).expect("a policy");
        let rollout = identity::Rollout::of(policy, matching);
        let (clocks, partners) = (supervision().clocks.clocks, Arc::clone(&self.registry));
        move || identity::Identity::new(rollout.clone(), clocks, Arc::clone(&partners), Arc::clone(&phi))
    }

    /// Over a cluster two processes and room for a visitor, on an embedded log one.
    fn of_stage<W: Worker>(&self, worker: impl Fn() -> W + Clone + Send + 'static) -> Vec<Station> {
        let is_cluster = matches!(self.log, Log::Cluster(_));
        let count = if is_cluster { PROCESSES + 1 } else { 1 };
        let flawed = {
            let (faults, time) = (Arc::clone(&self.faults), Arc::clone(&self.clock));
            move || Flawed { worker: worker(), faults: Arc::clone(&faults), time: Arc::clone(&time) }
        };
        (0..count).map(|number| self.station(Who { stage: W::STAGE, number }, flawed.clone())).collect()
    }

    fn station<W: Worker>(&self, who: Who, worker: impl Fn() -> W + Send + 'static) -> Station {
        let name = format!("sim-{}-{}", W::STAGE.as_str(), who.number);
        let post = Arc::new(Post { who, faults: Arc::clone(&self.faults) });
        let (clock, client) = match self.log {
            Log::Embedded(_) => (MachineClock::new(Arc::clone(&self.clock), 0, Duration::ZERO), None),
            Log::Cluster(brokers) => {
                let wrong_by = i64::try_from(self.chance.below(2 * SKEW_MS + 1)).expect("small") - SKEW_MS as i64;
                let on_for = Duration::from_secs(self.chance.next() % 1_000_000);
                let clock = MachineClock::new(Arc::clone(&self.clock), wrong_by, on_for);
                (clock, Some(brokers))
            }
        };
        let clock = Arc::new(clock);
        let client = client.map(|brokers| brokers.client(&name, clock.clone() as Arc<dyn Clock>, post.clone()));
        let lease = match self.log {
            Log::Embedded(_) => None,
            Log::Cluster(brokers) => Some((brokers.clone(), group(W::STAGE))),
        };
        let bus = client.clone().map_or_else(|| Arc::clone(&self.bus), |client| Arc::new(client) as Arc<dyn Bus>);
        let machine = (W::STAGE == Stage::Intake).then(|| self.machines.of(who.number, self.seed));
        let (partners, process) = (Arc::clone(&self.partners), name.clone());
        let line = move || partners.line(&process, lease.clone());
        let ports = Ports {
            bus,
            codec: Build::Today.codec(),
            topics: self.topics.clone(),
            clock: clock.clone(),
            caller: line(),
            originals: self.vault.clone(),
            probe: post,
            shelves: machine.as_ref().map(Machine::shelves),
        };
        let options = self.options::<W>(&name);
        let start = move |version: u32| {
            let options = SlotOptions { version: format!("sim-{version}"), ..options.clone() };
            let ports = Ports { codec: Build::of(version).codec(), caller: line(), ..ports.clone() };
            let slot = Slot::join(worker(), ports, options)?;
            Ok(Box::new(slot) as Box<dyn Turning>)
        };
        // Of two processes of a stage one may run another build than the other from the beginning.
        let version = if client.is_some() && self.chance.hits(300) { 2 } else { 1 };
        Station { machine, ..Station::new((who, name.into(), version), (client, clock), Box::new(start)) }
    }

    fn options<W: Worker>(&self, instance: &str) -> SlotOptions {
        SlotOptions {
            instance: instance.to_owned(),
            group: group(W::STAGE),
            version: "sim".to_owned(),
            session_timeout: SESSION,
            lease_margin: Duration::from_secs(2),
            records_max: self.chance.pick(&[1, 2, 5, 20, 200]),
            bytes_max: 16 << 20,
            turn_target: Duration::from_secs(3600),
            drain: self.chance.pick(&[Duration::ZERO, Duration::from_secs(3)]),
            gate: (W::STAGE == Stage::Intake).then(|| GateOptions {
                group: group(Stage::Reconciliation),
                topic: self.topics.name(&Topic::Events),
                lag_max: BULK_LAG_MAX,
                beside_urgent_for: self.chance.pick(&BESIDE_URGENT_FOR),
            }),
        }
    }
}
