//! Deterministic simulation of the whole fleet.

mod errors;
mod oracle;
mod remains;
mod run;
mod scenario;
mod upstream;

use crate::run::run;
use crate::scenario::Scenario;

/// The seeds to run: `SEEDS=from..to`, or the first ones.
fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("SEEDS").unwrap_or_default();
    let parse = |text: &str| text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    parse(&asked).unwrap_or(0..200)
}

#[test]
fn every_seed_balances() {
    for seed in seeds() {
        let scenario = Scenario::of(seed);
        let began = std::time::Instant::now();
        match run(&scenario) {
            Ok(run) => println!("seed {seed}: {} requests {} commits {} steps {}", run.requests, run.commits, run.steps, run.hash),
            Err(failure) => {
                println!("FAIL {scenario} {:#?}", failure.wrong);
            }
        }
        println!("took {:?}", began.elapsed());
    }
}

#[test]
fn a_seed_replays_exactly() {
    assert_eq!(run(&Scenario::of(3)).expect("balanced"), run(&Scenario::of(3)).expect("balanced"));
}
