//! Servers that go away for a while: what can go on does, and the rest comes back by itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{Deployment, Process, SESSION_MS, example, send, server, told, until};
use crate::proxy::Proxy;

const WORKERS: [&str; 5] = ["intake", "identity", "dispatch", "reconciliation", "triage"];

/// Every worker and the projections, each a process.
fn fleet(deployment: &Deployment) -> Vec<Process> {
    let roles = WORKERS.into_iter().chain(["projections"]);
    let processes = roles.map(|role| deployment.start(role, &["run", role])).collect();
    for role in WORKERS.into_iter().chain(["projections"]) {
        until("a process to run", || deployment.logged(role).contains("running").then_some(()));
    }
    processes
}

/// Waits until every worker has its partitions, its memory and the roster.
fn until_ready(deployment: &Deployment) {
    for role in WORKERS {
        until("a worker to be ready", || {
            let log = deployment.logged(role);
            let address = log.split("the admin endpoint is open address=").nth(1)?.split_whitespace().next()?;
            let mut stream = TcpStream::connect(address).ok()?;
            stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            answer.starts_with("HTTP/1.1 200").then_some(())
        });
    }
}

/// The state of every request, once there are so many.
fn states(deployment: &Deployment, count: usize) -> Vec<Value> {
    until("the requests", || {
        let output = deployment.waybill(&["--json", "requests"]);
        let listed: Vec<Value> = serde_json::from_slice(&output.stdout).ok()?;
        let ended = listed.iter().filter(|request| request["state"] == "closed").count();
        (ended == count).then_some(listed)
    })
}

/// The broker of these tests, one that `scripts/` started, as it is to everybody while it is cut off: nothing it was sent is answered.
/// A lone broker that ends instead may leave transactions without an end behind, which nobody can mend but an administrator; chaos
/// kills brokers that have copies.
struct BrokerAway(u32);

impl BrokerAway {
    fn cut() -> Self {
        let servers = std::env::var("WAYBILL_SERVERS").map(PathBuf::from);
        let servers = servers.unwrap_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.waybill/servers"));
        let process = std::fs::read_to_string(servers.join("kafka-1.pid")).expect("a broker of scripts/kafka.sh");
        let process = process.trim().parse().expect("a process id");
        send(process, "STOP");
        Self(process)
    }
}

impl Drop for BrokerAway {
    /// It comes back whatever happens to the test: others need it.
    fn drop(&mut self) {
        send(self.0, "CONT");
    }
}

#[test]
fn the_fleet_waits_for_brokers_and_goes_on() {
    let deployment = Deployment::prepared();
    let payers = deployment.start("sandbox", &["sandbox", "--faults", "none"]);
    // Identity reads the roster there is before its first turn; one that comes later it may learn of after the requests.
    deployment.answer(&["members", "load", &example("members.jsonl")]);
    let processes = fleet(&deployment);
    until_ready(&deployment);
    deployment.answer(&["submit", &example("requests.jsonl")]);
    let away = BrokerAway::cut();
    let began = Instant::now();
    let asked = deployment.waybill(&["submit", &example("requests.jsonl")]);
    assert_eq!(asked.status.code(), Some(69), "{}", told(&asked));
    assert!(told(&asked).contains("see that they run"), "{}", told(&asked));
    // Away for longer than sessions and transactions last: everybody has lost what there is to lose.
    std::thread::sleep(Duration::from_millis(2 * SESSION_MS).saturating_sub(began.elapsed()));
    drop(away);
    let ended = states(&deployment, 3);
    assert!(ended.iter().all(|request| request["outcome"] == "fulfilled"), "{ended:?}");
    deployment.answer(&["submit", &example("requests.jsonl")]);
    until("the duplicates to be told", || (deployment.answer(&["status"])["duplicates"] == 3).then_some(()));
    for mut process in processes {
        process.signal("TERM");
        assert!(process.ends());
    }
    drop(payers);
}

#[test]
fn a_start_without_the_registry_works_from_the_ids_it_gave_before() {
    let mut deployment = Deployment::prepared();
    let registry = server("REGISTRY");
    let address = registry.trim_start_matches("http://").split('/').next().expect("an address").to_owned();
    let proxy = Proxy::to(&address);
    deployment.set("REGISTRY_URL", &registry.replace(&address, &proxy.address().to_string()));
    proxy.cut();
    let told = deployment.refusal(69, &["status"]);
    assert!(told.contains("start the registry"), "no ids were ever given: {told}");
    proxy.mend();
    let processes = fleet(&deployment);
    proxy.cut();
    deployment.answer(&["members", "load", &example("members.jsonl")]);
    deployment.answer(&["submit", &example("requests.jsonl")]);
    drop(processes);
    let processes = fleet(&deployment);
    until("intake to go on without it", || {
        let output = deployment.waybill(&["--json", "requests"]);
        let listed: Vec<Value> = serde_json::from_slice(&output.stdout).ok()?;
        (listed.len() == 3).then_some(())
    });
    assert!(
        deployment.logged("intake").contains("schema ids are taken from the cache"),
        "{}",
        deployment.logged("intake")
    );
    drop(processes);
}

#[test]
fn projections_wait_for_postgres_and_go_on() {
    let mut deployment = Deployment::prepared();
    let postgres = server("POSTGRES");
    let address = postgres.split('@').nth(1).and_then(|rest| rest.split('/').next()).expect("an address").to_owned();
    let proxy = Proxy::to(&address);
    deployment.set("PROJECTIONS_URL", &postgres.replace(&address, &proxy.address().to_string()));
    let payers = deployment.start("sandbox", &["sandbox", "--faults", "none"]);
    let processes = fleet(&deployment);
    deployment.answer(&["members", "load", &example("members.jsonl")]);
    proxy.cut();
    deployment.answer(&["submit", &example("requests.jsonl")]);
    let asked = deployment.waybill(&["status"]);
    assert_eq!(asked.status.code(), Some(69), "{}", told(&asked));
    proxy.mend();
    let ended = states(&deployment, 3);
    assert!(ended.iter().all(|request| request["outcome"] == "fulfilled"), "{ended:?}");
    drop((processes, payers));
}
