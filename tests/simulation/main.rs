//! Deterministic simulation of the whole fleet.
//!
//! One seed makes one scenario (`scenario`): members, traffic with records that come twice, partners with faults that call back, late
//! and again, people who interfere at the worst moment, and a plan of what goes wrong with processes, clocks and brokers. Two
//! processes of each worker run in one thread over a model of a Kafka cluster in virtual time (`run`); outsiders do their part
//! (`upstream`), and a judge that knows nothing of the workers' code reads every record as it comes (`oracle`). When everything has come
//! to rest the accounts must balance: nothing lost, nothing twice, nothing hanging.
//!
//! `SEEDS=17..18` runs these seeds, `SECONDS=180` as many as there is time for; `FIRST="9 14"` begins with these. A seed that fails is
//! made smaller (`shrink`), told in plain words (`story`), and becomes a regression; `UNSHRUNK=1` tells it as it is.

mod coverage;
mod enrolment;
mod errors;
mod guessing;
mod leaks;
mod oracle;
mod race;
mod regressions;
mod remains;
mod run;
mod scenario;
mod sending;
mod shrink;
mod story;
mod upstream;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tests::PAYER;
use tests::plan::{Fault, Kind};

use crate::coverage::Coverage;
use crate::run::{Failure, Run, run, run_beside_calm};
use crate::scenario::{CALM_EVERY, Scenario};
use crate::sending::keys;

/// The product's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How many seeds run unless somebody asks for others.
const SEEDS: u64 = 900;
/// How many runs are many enough that everything has to have happened.
const MANY: usize = 150;

/// What is to be run.
struct Asked {
    first: Vec<u64>,
    from: u64,
    to: u64,
    until: Option<Instant>,
}

/// The seeds to run.
fn asked() -> Asked {
    let named = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let range = named("SEEDS").and_then(|text| {
        let (from, to) = text.split_once("..")?;
        Some((from.parse().ok()?, to.parse().ok()?))
    });
    let seconds = named("SECONDS").and_then(|text| text.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (from, to) = range.unwrap_or((0, if until.is_some() { u64::MAX } else { SEEDS }));
    let first = named("FIRST").map(|text| text.split(' ').filter_map(|seed| seed.parse().ok()).collect());
    Asked { first: first.unwrap_or_default(), from, to, until }
}

/// Runs a scenario; every eighth seed also without anything that goes wrong.
fn judged(scenario: &Scenario) -> Result<Run, Failure> {
    if scenario.seed.is_multiple_of(CALM_EVERY) { run_beside_calm(scenario) } else { run(scenario) }
}

/// Runs seeds on all cores until they or the time are over, or one fails: the first to fail is the answer.
fn run_all(asked: &Asked) -> (Vec<Run>, Option<(u64, Failure)>) {
    let next = AtomicU64::new(0);
    let count = (asked.to - asked.from).saturating_add(asked.first.len() as u64);
    let nth = |nth: u64| asked.first.get(usize::try_from(nth).ok()?).copied();
    let seed_of = |at: u64| nth(at).unwrap_or_else(|| asked.from + at - asked.first.len() as u64);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let work = || {
        let (mut runs, mut failed) = (Vec::new(), None);
        while asked.until.is_none_or(|until| Instant::now() < until) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if count <= at {
                break;
            }
            let seed = seed_of(at);
            match judged(&Scenario::of(seed)) {
                Ok(run) => runs.push(run),
                Err(failure) => {
                    failed = Some((seed, failure));
                    next.store(count, Ordering::Relaxed);
                    break;
                }
            }
        }
        (runs, failed)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let ended = threads.into_iter().map(|thread| thread.join().expect("a run does not panic"));
        let (mut runs, mut failures) = (Vec::new(), Vec::new());
        for (ran, failed) in ended {
            runs.extend(ran);
            failures.extend(failed);
        }
        failures.sort_by_key(|(seed, _)| *seed);
        (runs, failures.into_iter().next())
    })
}

#[test]
fn the_accounts_balance_for_every_seed() {
    let began = Instant::now();
    let (runs, failed) = run_all(&asked());
    if let Some((seed, failure)) = failed {
        // Who only wants to know whether something is wrong need not wait for it to be made small.
        let is_wanted_small = std::env::var("UNSHRUNK").is_err();
        let found = (Scenario::of(seed), failure);
        let (scenario, failure) = if is_wanted_small { shrink::shrink(found.0, found.1, judged) } else { found };
        panic!("{}", story::tell(&scenario, &failure));
    }
    let mut coverage = Coverage::default();
    runs.iter().for_each(|run| coverage.add(run));
    let seconds = began.elapsed().as_secs_f64();
    println!("{}", coverage.table());
    println!("{:.0} histories a second, {:.1} s in all", coverage.requests as f64 / seconds, seconds);
    let missing = coverage.missing();
    assert!(coverage.runs < MANY || missing.is_empty(), "a simulation without it proves nothing about it: {missing:?}");
}

#[test]
fn a_seed_replays_exactly() {
    for seed in [3, 14] {
        let [one, other] = [(); 2].map(|()| run(&Scenario::of(seed)).expect("balanced"));
        assert_eq!(one, other);
    }
}

#[test]
fn a_failure_is_made_small_and_told() {
    // A promise that a crash and one submission break stands for any: nothing else is left of the scenario.
    let scenario = Scenario::of(9);
    let guilty = keys(9, PAYER).into_iter().nth(11).expect("there are more");
    let is_crash = |fault: &Fault| matches!(fault.kind, Kind::Crash { .. });
    let broken = |of: &str| Failure { wrong: vec![format!("{of}: a promise is broken")], facts: Vec::new() };
    let judge = |scenario: &Scenario| {
        let fails = !scenario.left_out.contains(&guilty) && scenario.plan.0.iter().any(is_crash);
        let others = Failure { wrong: vec!["another one is".to_owned()], facts: Vec::new() };
        if fails { Err(broken("request 7f-1")) } else { Err(others) }
    };
    let (smallest, failure) = shrink::shrink(scenario, broken("request 8e-22"), judge);
    assert_eq!((smallest.plan.0.len(), smallest.orders.len()), (1, 0));
    assert_eq!(keys(9, PAYER).len() - smallest.left_out.len(), 1);
    let told = story::tell(&smallest, &failure);
    assert!(told.contains("seed 9 breaks a promise:\n  request 7f-1: a promise is broken"), "{told}");
    assert!(told.contains("crash"), "{told}");
}
