//! Chaos: the whole fleet as processes, two of each worker, over three brokers with everything replicated, while a seeded schedule
//! kills, stops and cuts off what it stands on. In the end the accounts must balance as seen from outside: the log, the partners'
//! books and the projections.
//!
//! `make chaos` starts the servers, runs it and prints the report; `REQUESTS`, `RATE` (a second), `FAULTS` and `SEED` make it longer or
//! other, `ONLY=broker` has nothing but that befall it. Without servers these tests fail rather than pass for nothing, and `cargo test`
//! leaves them out.

#[expect(dead_code, reason = "the tests over Kafka use more of it")]
#[path = "../over_kafka/cluster.rs"]
mod cluster;
mod faults;
mod fleet;
#[path = "../over_kafka/proxy.rs"]
mod proxy;
mod report;
mod throughput;
mod watch;

use std::time::{Duration, Instant};

use crate::faults::Schedule;
use crate::fleet::Fleet;
use crate::report::Report;

/// How long the fleet is left alone between what befalls it.
const REST: Duration = Duration::from_secs(2);

/// A number the environment may change.
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().filter(|text| !text.is_empty()).map_or(usual, |text| text.parse().expect("a number"))
}

#[test]
fn nothing_is_lost_doubled_or_hung_whatever_befalls_the_fleet() {
    let (requests, rate) = (number("REQUESTS", 1_600), number("RATE", 10));
    let (count, seed) = (number("FAULTS", 7), number("SEED", 1));
    let mut fleet = Fleet::start(seed, requests, rate);
    let mut report = Report::new(requests, count, seed);
    let only = std::env::var("ONLY").unwrap_or_default();
    for fault in Schedule::new(seed, &only).take(usize::try_from(count).expect("a small number")) {
        eprintln!("{fault}");
        let since = Instant::now();
        let Some(recovery) = fleet.suffer(fault) else { break };
        std::thread::sleep(REST);
        report.note(fault, recovery, (since, Instant::now()));
    }
    report.weigh(&fleet.throughput);
    report.conclude(fleet.end());
}
