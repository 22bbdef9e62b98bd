//! Makes a failing scenario as small as it can within so many runs: first fewer requests, then fewer orders and faults, one by one.
//! What breaks another promise than the first failure did is another story.

use std::collections::BTreeSet;

use tests::PAYER;
use tests::plan::Plan;

use crate::run::{Failure, Run};
use crate::scenario::Scenario;
use crate::sending::keys;

/// How many runs a failure is worth.
const RUNS_MAX: usize = 300;

/// A scenario that fails, and how.
struct Shrinking<R> {
    scenario: Scenario,
    failure: Failure,
    run: R,
    runs_left: usize,
}

/// The smallest scenario found that fails too, and how it does.
pub(crate) fn shrink(
    scenario: Scenario,
    failure: Failure,
    run: impl Fn(&Scenario) -> Result<Run, Failure>,
) -> (Scenario, Failure) {
    let mut shrinking = Shrinking { scenario, failure, run, runs_left: RUNS_MAX };
    shrinking.leave_out_requests();
    loop {
        let before = shrinking.scenario.plan.0.len() + shrinking.scenario.orders.len();
        shrinking.leave_out_faults();
        let after = shrinking.scenario.plan.0.len() + shrinking.scenario.orders.len();
        if after == before || shrinking.runs_left == 0 {
            break;
        }
    }
    (shrinking.scenario, shrinking.failure)
}

// === impl Shrinking ===

impl<R: Fn(&Scenario) -> Result<Run, Failure>> Shrinking<R> {
    /// Tries a smaller scenario, and keeps it if it fails.
    fn keeps(&mut self, smaller: Scenario) -> bool {
        if self.runs_left == 0 {
            return false;
        }
        self.runs_left -= 1;
        match (self.run)(&smaller) {
            Ok(_) => false,
            Err(failure) if !failure.is_like(&self.failure) => false,
            Err(failure) => {
                (self.scenario, self.failure) = (smaller, failure);
                true
            }
        }
    }

    /// Halves, quarters, and so on of the keys that are still sent.
    fn leave_out_requests(&mut self) {
        let all: Vec<String> = keys(self.scenario.seed, PAYER).into_iter().collect();
        let mut share = all.len().div_ceil(2);
        loop {
            let left: Vec<String> = all.iter().filter(|key| !self.scenario.left_out.contains(*key)).cloned().collect();
            for part in left.chunks(share.max(1)) {
                let left_out: BTreeSet<String> = self.scenario.left_out.iter().chain(part.iter()).cloned().collect();
                if left_out.len() < all.len() {
                    self.keeps(Scenario { left_out, ..self.scenario.clone() });
                }
            }
            if share <= 1 {
                return;
            }
            share = share.div_ceil(2);
        }
    }

    fn leave_out_faults(&mut self) {
        for index in (0..self.scenario.plan.0.len()).rev() {
            let mut faults = self.scenario.plan.0.clone();
            faults.remove(index);
            self.keeps(Scenario { plan: Plan(faults), ..self.scenario.clone() });
        }
        for index in (0..self.scenario.orders.len()).rev() {
            let mut orders = self.scenario.orders.clone();
            orders.remove(index);
            self.keeps(Scenario { orders, ..self.scenario.clone() });
        }
    }
}
