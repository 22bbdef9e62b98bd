//! Servers that go away for a while: what can go on does, and the rest comes back by itself.

use serde_json::Value;

use crate::cluster::{Deployment, Process, example, server, until};
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

/// The state of every request, once there are so many.
fn states(deployment: &Deployment, count: usize) -> Vec<Value> {
    until("the requests", || {
        let output = deployment.waybill(&["--json", "requests"]);
        let listed: Vec<Value> = serde_json::from_slice(&output.stdout).ok()?;
        let ended = listed.iter().filter(|request| request["state"] == "closed").count();
        (ended == count).then_some(listed)
    })
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
    let accepted = until("intake to go on without it", || {
        let output = deployment.waybill(&["--json", "requests"]);
        let listed: Vec<Value> = serde_json::from_slice(&output.stdout).ok()?;
        (listed.len() == 3).then_some(())
    });
    assert_eq!(accepted, ());
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
    let told = deployment.waybill(&["status"]);
    assert_eq!(told.status.code(), Some(69), "{}", crate::cluster::told(&told));
    proxy.mend();
    let ended = states(&deployment, 3);
    assert!(ended.iter().all(|request| request["outcome"] == "fulfilled"), "{ended:?}");
    drop((processes, payers));
}
