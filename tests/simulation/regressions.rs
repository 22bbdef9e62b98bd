//! Scenarios that have broken a promise once, shrunk, each with what was wrong. They run as they were found, fault by fault, so that
//! a change of how plans are drawn does not lose them.

mod answers;
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
    let is_kept = |key: &String| kept.iter().any(|number| key.ends_with(&format!("-{number:08}")));
    let left_out = keys(seed, PAYER).into_iter().filter(|key| !is_kept(key)).collect();
    Scenario { seed, left_out, plan: tests::plan::Plan::default(), orders: Vec::new() }
}

/// The scenario of a seed in which these of its submissions are not sent, and nothing goes wrong yet.
fn without(seed: u64, left_out: impl IntoIterator<Item = u32>) -> Scenario {
    let left_out: Vec<String> = left_out.into_iter().map(|number| format!("-{number:08}")).collect();
    let kept = |key: &String| !left_out.iter().any(|end| key.ends_with(end));
    Scenario { left_out: keys(seed, PAYER).into_iter().filter(|key| !kept(key)).collect(), ..only(seed, &[]) }
}
