//! The fleet under test: the demo, which sends, judges and keeps one process of each worker, and a second process of each beside it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sandbox::partner::{RunningSandbox, Sandbox, SandboxOptions};
use tokio::runtime::Runtime;

use crate::cluster::{Deployment, Process, prefix, send, server, told, until};
use crate::faults::{Fault, ROLES};
use crate::proxy::Proxy;
use crate::throughput::Throughput;
use crate::watch::Watch;

pub(crate) struct Fleet {
    deployment: Deployment,
    demo: Process,
    seconds: Vec<Second>,
    watches: Vec<(&'static str, Watch)>,
    pub(crate) throughput: Throughput,
    registry: Proxy,
    partners: Proxy,
    payers: (Runtime, RunningSandbox),
}

/// The second process of a worker.
struct Second {
    role: &'static str,
    process: Process,
    /// How much processes of its name had logged before it.
    logged_before: usize,
}

/// How a run ended.
pub(crate) struct End {
    pub(crate) balances: bool,
    pub(crate) told: String,
}

/// What a process logs once it runs.
const RUNNING: &str = "running stages";
/// How many lines of a process's log show what it ended with.
const LAST_WORDS: usize = 20;
/// How long something is away, or stands still: longer than a session.
const AWAY: Duration = Duration::from_secs(9);

// === impl Fleet ===

impl Fleet {
    pub(crate) fn start(seed: u64, requests: u64, rate: u64) -> Self {
        let mut deployment = Deployment::new();
        let runtime = Runtime::new().expect("a runtime");
        let mut options = SandboxOptions::standard(seed);
        options.scale = 0.2;
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("payers");
        let partners = Proxy::to(&sandbox.address().to_string());
        let url = server("REGISTRY");
        let address = url.trim_start_matches("http://").split('/').next().expect("an address").to_owned();
        let registry = Proxy::to(&address);
        deployment.set("REGISTRY_URL", &url.replace(&address, &registry.address().to_string()));
        let (seed, requests, rate) = (seed.to_string(), requests.to_string(), rate.to_string());
        let payers = format!("http://{}", partners.address());
        let arguments = ["demo", "--dir", "demo", "--seed", &seed, "--requests", &requests, "--rate", &rate];
        let demo = deployment.start("demo", &[&arguments[..], &["--payers", &payers]].concat());
        let is_running = |role: &str| logged(&deployment, role).contains(RUNNING).then_some(());
        ROLES.iter().for_each(|role| until("the first processes", || is_running(role)));
        let seconds = ROLES.map(|role| Second::start(&deployment, role)).into();
        let prefix = prefix(&deployment);
        let watches = ROLES.map(|role| (role, Watch::of(&prefix, role))).into();
        let throughput = Throughput::of(&prefix);
        let fleet =
            Self { deployment, demo, seconds, watches, throughput, registry, partners, payers: (runtime, sandbox) };
        // What befalls a fleet that has not come up yet says nothing of one that works. The demo sends once its workers are ready.
        until("the first requests", || fleet.watch("reconciliation").has_traffic().then_some(()));
        fleet.until_all_served();
        fleet
    }

    pub(crate) fn is_done(&mut self) -> bool {
        self.demo.0.try_wait().expect("a child of ours").is_some()
    }

    /// Has something befall the fleet; how long after it was over, or had struck for good, everything was worked on again. None if the
    /// demo has come to its end before.
    pub(crate) fn suffer(&mut self, fault: Fault) -> Option<Duration> {
        if self.is_done() {
            return None;
        }
        Some(match fault {
            Fault::Kill { role, second: false } => {
                send(self.first(role)?, "KILL");
                self.until_served(role)
            }
            Fault::Kill { role, second: true } => {
                self.replace_second(role, |_, second| drop(second));
                self.until_served(role)
            }
            Fault::Freeze { role } => {
                let frozen = self.first(role)?;
                send(frozen, "STOP");
                let recovery = self.until_served(role);
                std::thread::sleep(AWAY.saturating_sub(recovery));
                send(frozen, "CONT");
                recovery
            }
            Fault::KillBroker(number) => {
                kill_broker(number);
                let recovery = self.until_all_served();
                brokers(&["start", "--nodes", "3"]);
                recovery
            }
            Fault::RestartPostgres => {
                postgres("stop");
                postgres("start");
                self.until_all_served()
            }
            Fault::CutRegistry => away(&self.registry, || self.until_all_served()),
            Fault::CutPartners => away(&self.partners, || self.until_all_served()),
            Fault::RollingRestart => self.restart_all()?,
        })
    }

    /// Waits for the end, in good order.
    pub(crate) fn end(mut self) -> End {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.demo.0.try_wait().expect("a child of ours") {
                break status;
            }
            assert!(began.elapsed() < Duration::from_secs(600), "it hangs: {}", self.deployment.logged("demo"));
            std::thread::sleep(Duration::from_millis(50));
        };
        drop(self.seconds);
        self.payers.0.block_on(self.payers.1.shutdown());
        let mut told = self.deployment.logged("demo");
        let balances = status.success() && told.contains("balance: every submission");
        if !balances {
            ROLES.iter().for_each(|role| told.push_str(&last_words(&self.deployment, role)));
            self.deployment.keep();
        }
        End { balances, told }
    }

    /// The process of a worker that the demo keeps, until it ends.
    fn first(&mut self, role: &str) -> Option<u32> {
        let demo = self.demo.0.id().to_string();
        until("a process of the demo", || {
            if self.is_done() {
                return Some(None);
            }
            let found = Command::new("pgrep").args(["-P", &demo, "-f", &format!("run {role}")]).output();
            String::from_utf8(found.expect("pgrep runs").stdout).ok()?.lines().next()?.parse().ok().map(Some)
        })
    }

    fn watch(&self, role: &str) -> &Watch {
        &self.watches.iter().find(|(name, _)| *name == role).expect("a worker").1
    }

    fn until_served(&self, role: &str) -> Duration {
        self.watch(role).until_taken()
    }

    fn until_all_served(&self) -> Duration {
        let began = Instant::now();
        for role in ROLES {
            self.until_served(role);
        }
        began.elapsed()
    }

    fn restart_all(&mut self) -> Option<Duration> {
        for role in ROLES {
            let before = self.first(role)?;
            send(before, "TERM");
            until("its successor", || Some(self.first(role)).filter(|after| *after != Some(before)))?;
            self.replace_second(role, |deployment, Second { mut process, logged_before, .. }| {
                // Whoever is told to end before it runs has nothing to end in good order.
                let is_running = || deployment.logged(role)[logged_before..].contains(RUNNING).then_some(());
                until("it to run", is_running);
                process.signal("TERM");
                assert!(process.ends(), "{role} does not end well");
            });
        }
        Some(self.until_all_served())
    }

    /// Ends a worker's second process and starts another in its place.
    fn replace_second(&mut self, role: &'static str, end: impl FnOnce(&Deployment, Second)) {
        let index = self.seconds.iter().position(|second| second.role == role).expect("a worker");
        end(&self.deployment, self.seconds.remove(index));
        self.seconds.push(Second::start(&self.deployment, role));
    }
}

// === impl Second ===

impl Second {
    fn start(deployment: &Deployment, role: &'static str) -> Self {
        let logged_before = deployment.logged(role).len();
        let process = deployment.start_beside_demo(role, &["run", role, "--process", &format!("second-{role}")]);
        Self { role, process, logged_before }
    }
}

/// What the process of a worker that the demo keeps has logged.
fn logged(deployment: &Deployment, role: &str) -> String {
    std::fs::read_to_string(deployment.folder().join(format!("demo/{role}.log"))).unwrap_or_default()
}

/// The end of that, which says why it has ended, if it has.
fn last_words(deployment: &Deployment, role: &str) -> String {
    let log = logged(deployment, role);
    let lines: Vec<&str> = log.lines().collect();
    format!("\n--- {role}.log\n{}\n", lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n"))
}

fn away(way: &Proxy, recovered: impl FnOnce() -> Duration) -> Duration {
    way.cut();
    std::thread::sleep(AWAY);
    way.mend();
    recovered()
}

fn script(name: &str) -> Command {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts").join(name);
    let mut command = Command::new(path);
    command.env_remove("WAYBILL_TEST_KAFKA").env_remove("WAYBILL_TEST_POSTGRES");
    command
}

fn brokers(arguments: &[&str]) {
    let output = script("kafka.sh").args(arguments).output().expect("a shell");
    assert!(output.status.success(), "{}", told(&output));
}

fn postgres(verb: &str) {
    let output = script("postgres.sh").arg(verb).output().expect("a shell");
    assert!(output.status.success(), "{}", told(&output));
}

/// The brokers have to be those that `scripts/` started.
fn kill_broker(number: usize) {
    let servers = std::env::var("WAYBILL_SERVERS");
    let servers =
        servers.map_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.waybill/servers"), PathBuf::from);
    let process =
        std::fs::read_to_string(servers.join(format!("kafka-{number}.pid"))).expect("a broker of scripts/kafka.sh");
    send(process.trim().parse().expect("a process id"), "KILL");
}
