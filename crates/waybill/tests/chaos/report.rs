//! What befell the fleet, and what became of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::faults::Fault;
use crate::fleet::End;

pub(crate) struct Report {
    requests: u64,
    seed: u64,
    began: Instant,
    recoveries: BTreeMap<&'static str, Vec<Duration>>,
}

// === impl Report ===

impl Report {
    pub(crate) fn new(requests: u64, seed: u64) -> Self {
        Self { requests, seed, began: Instant::now(), recoveries: BTreeMap::new() }
    }

    pub(crate) fn note(&mut self, fault: Fault, recovery: Duration) {
        self.recoveries.entry(fault.kind()).or_default().push(recovery);
    }

    /// Prints the table, and fails unless the accounts balance.
    pub(crate) fn conclude(&self, End { balances, told }: End) {
        println!("{} submissions, seed {}, {:.0} s", self.requests, self.seed, self.began.elapsed().as_secs_f64());
        println!("{:24} {:>5} {:>12} {:>12}", "what befell the fleet", "times", "median back", "worst back");
        for (kind, recoveries) in &self.recoveries {
            let mut sorted = recoveries.clone();
            sorted.sort_unstable();
            let (median, worst) = (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
            println!("{kind:24} {:>5} {:>10.1} s {:>10.1} s", sorted.len(), median.as_secs_f64(), worst.as_secs_f64());
        }
        assert!(balances, "the accounts do not balance:\n{told}");
        let accounts = told.split("The accounts").nth(1).and_then(|rest| rest.split("To look further").next());
        println!("nothing lost, nothing doubled, nothing hung:{}", accounts.unwrap_or_default().trim_end());
    }
}
