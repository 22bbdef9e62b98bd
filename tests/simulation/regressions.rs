//! Scenarios that have broken a promise once, shrunk, each with what was wrong. They run as they were found, fault by fault, so that
//! a change of how plans are drawn does not lose them.

mod answers;
mod letters;
mod withdrawals;

use tests::PAYER;

use crate::run::run;
use crate::scenario::Scenario;
use crate::sending::keys;

/// Runs a scenario that has to balance by now.
fn balances(scenario: &Scenario) {
    if let Err(failure) = run(scenario) {
        panic!("{}", crate::story::tell(scenario, &failure));
    }
}

/// The scenario of a seed in which only these of its submissions are sent, and nothing goes wrong yet.
fn only(seed: u64, kept: &[u32]) -> Scenario {
    sending(seed, |number| kept.contains(&number))
}

/// The same in which these are not sent.
fn without(seed: u64, left_out: impl IntoIterator<Item = u32>) -> Scenario {
    let left_out: Vec<u32> = left_out.into_iter().collect();
    sending(seed, |number| !left_out.contains(&number))
}

fn sending(seed: u64, is_sent: impl Fn(u32) -> bool) -> Scenario {
    let number = |key: &str| key.rsplit('-').next().and_then(|end| end.parse().ok()).expect("keys end in numbers");
    let left_out = keys(seed, PAYER).into_iter().filter(|key| !is_sent(number(key))).collect();
    Scenario { seed, left_out, plan: tests::plan::Plan::default(), orders: Vec::new() }
}
