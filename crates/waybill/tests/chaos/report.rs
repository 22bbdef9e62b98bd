//! What befell the fleet, and what became of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::faults::Fault;
use crate::fleet::End;
use crate::throughput::{Dip, Throughput};

pub(crate) struct Report {
    requests: u64,
    /// How much was to befall it: less does if its traffic ends before.
    planned: u64,
    seed: u64,
    began: Instant,
    befell: BTreeMap<&'static str, Vec<Befallen>>,
}

/// One thing that befell the fleet.
struct Befallen {
    recovery: Duration,
    /// From when it began until a while after it was over.
    span: (Instant, Instant),
    dip: Dip,
}

// === impl Report ===

impl Report {
    pub(crate) fn new(requests: u64, planned: u64, seed: u64) -> Self {
        Self { requests, planned, seed, began: Instant::now(), befell: BTreeMap::new() }
    }

    pub(crate) fn note(&mut self, fault: Fault, recovery: Duration, span: (Instant, Instant)) {
        self.befell.entry(fault.kind()).or_default().push(Befallen { recovery, span, dip: Dip::default() });
    }

    /// Sees how far throughput fell each time, now that it is known what is usual.
    pub(crate) fn weigh(&mut self, throughput: &Throughput) {
        for befallen in self.befell.values_mut().flatten() {
            let (since, until) = befallen.span;
            befallen.dip = throughput.dip(since, until);
        }
    }

    /// Prints the table, and fails unless the accounts balance.
    #[expect(clippy::print_stdout, reason = "the table is what a run is for")]
    pub(crate) fn conclude(&self, End { balances, told }: End) {
        let (took, befell) = (self.began.elapsed().as_secs_f64(), self.befell.values().flatten().count());
        println!("{} submissions, {befell} of {} faults, seed {}, {took:.0} s", self.requests, self.planned, self.seed);
        let head = ["times", "median back", "worst back", "lowest rate", "below half"];
        let [times, median, worst, lowest, below] = head;
        println!("{:24} {times:>5} {median:>12} {worst:>12} {lowest:>12} {below:>12}", "what befell the fleet");
        for (kind, befallen) in &self.befell {
            let mut back: Vec<Duration> = befallen.iter().map(|one| one.recovery).collect();
            back.sort_unstable();
            let (median, worst) = (back[back.len() / 2].as_secs_f64(), back[back.len() - 1].as_secs_f64());
            let lowest = 100.0 * befallen.iter().map(|one| one.dip.lowest).fold(f64::INFINITY, f64::min);
            let below = befallen.iter().map(|one| one.dip.below_half).max().unwrap_or_default().as_secs_f64();
            let times = back.len();
            println!("{kind:24} {times:>5} {median:>10.1} s {worst:>10.1} s {lowest:>10.0} % {below:>10.1} s");
        }
        assert!(balances, "the accounts do not balance:\n{told}");
        let accounts = told.split("The accounts").nth(1).and_then(|rest| rest.split("To look further").next());
        println!("nothing lost, nothing doubled, nothing hung:{}", accounts.unwrap_or_default().trim_end());
    }
}
