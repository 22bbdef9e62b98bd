//! One run as data: a seed, which of its submissions are sent, what goes wrong, and what people order at the worst moment.

use std::collections::BTreeSet;
use std::fmt;

use sandbox::upstream::Submission;
use tests::chance::Chance;
use tests::plan::Plan;

use crate::enrolment::{CHANGES, Change};

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// Members, submissions, payers and the order of turns derive from it.
    pub(crate) seed: u64,
    /// The idempotency keys that are left out.
    pub(crate) left_out: BTreeSet<String>,
    /// What goes wrong.
    pub(crate) plan: Plan,
    /// What people order.
    pub(crate) orders: Vec<Order>,
}

/// What a person orders once something has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// The kind of fact that gives rise to it.
    pub(crate) on: &'static str,
    /// Which fact of this kind.
    pub(crate) nth: u32,
    /// What is ordered.
    pub(crate) act: Act,
}

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Cancel,
    /// Cancelled by two people at once.
    CancelTwice,
    /// Held, and let go after so long.
    Hold {
        for_ms: u32,
    },
    /// Let go although nobody held it.
    Release,
    /// Two people answer one review.
    DecideTwice,
    /// Several people race for one review; the seed says how.
    Race {
        seed: u32,
    },
    /// The account of its member changes, and is as it was after so long.
    Change {
        change: Change,
        back_ms: Option<u32>,
    },
}

/// The moments at which the roster changes.
const CHANGES_AT: [&str; 14] = [
    "received",
    "validated",
    "validated",
    "identity-matched",
    "identity-matched",
    "partner-dispatched",
    "partner-dispatched",
    "attempt-failed",
    "outcome-unknown",
    "acknowledged",
    "review-opened",
    "held",
    "exception-raised",
    "closed",
];
/// Every so many seeds the roster stays as it is, and a calm run stands beside.
pub(crate) const CALM_EVERY: u64 = 8;

/// How many submissions a run has.
pub(crate) const SUBMISSIONS: u64 = 40;
/// About how often a run's processes commit.
const COMMITS: u32 = 240;
/// The moments at which people interfere.
const MOMENTS: [&str; 10] = [
    "validated",
    "identity-matched",
    "partner-dispatched",
    "partner-dispatched",
    "attempt-failed",
    "attempt-failed",
    "outcome-unknown",
    "acknowledged",
    "fulfilled",
    "exception-raised",
];

// === impl Scenario ===

impl Scenario {
    /// The scenario of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let chance = Chance::new(seed ^ 0x0de5);
        let count = 3 + chance.below(10);
        let mut orders: Vec<Order> = (0..count).map(|_| Order::drawn(&chance)).collect();
        if chance.hits(600) {
            orders.push(Order { on: "review-opened", nth: 1, act: Act::DecideTwice });
        }
        if !seed.is_multiple_of(CALM_EVERY) {
            orders.extend(Order::of_people(&Chance::new(seed ^ 0x1d3a)));
        }
        Self { seed, left_out: BTreeSet::new(), plan: Plan::of(seed, COMMITS), orders }
    }

    /// How long a reviewer's word that it is nobody can be appealed, in seconds.
    pub(crate) fn appeal_s(&self) -> u32 {
        let is_raced = self.orders.iter().any(|order| matches!(order.act, Act::Race { .. }));
        if is_raced { [0, 3_000, 90_000][usize::try_from(self.seed % 3).expect("few")] } else { 0 }
    }

    /// Whether the roster changes at all.
    pub(crate) fn changes_the_roster(&self) -> bool {
        self.orders.iter().any(|order| matches!(order.act, Act::Change { .. }))
    }

    /// Whether a submission is sent.
    pub(crate) fn has(&self, submission: &Submission) -> bool {
        !self.left_out.contains(&submission.request.idempotency_key)
    }
}

// === impl Order ===

impl Order {
    fn drawn(chance: &Chance) -> Self {
        let act = match chance.below(10) {
            0..3 => Act::Cancel,
            3 => Act::CancelTwice,
            4 => Act::Release,
            _ => Act::Hold { for_ms: chance.pick(&[0, 40_000, 7_200_000, 30_000_000, 1_300_000_000]) },
        };
        Self { on: chance.pick(&MOMENTS), nth: 1 + u32::try_from(chance.below(12)).expect("few"), act }
    }

    /// Reviewers who race, and an enrolment system that changes its mind.
    fn of_people(chance: &Chance) -> Vec<Self> {
        let few = |below: usize| u32::try_from(chance.below(below)).expect("few");
        let mut orders = Vec::new();
        for nth in 1..=3 {
            if chance.hits(650) {
                orders.push(Self { on: "review-opened", nth, act: Act::Race { seed: few(1 << 20) } });
            }
        }
        for _ in 0..3 + chance.below(8) {
            let back_ms = chance.hits(300).then(|| chance.pick(&[0, 400, 20_000, 7_200_000, 90_000_000]));
            let act = Act::Change { change: chance.pick(&CHANGES), back_ms };
            let on = chance.pick(&CHANGES_AT);
            // There are few reviews, and few holds.
            let nth = 1 + if matches!(on, "review-opened" | "held") { few(2) } else { few(12) };
            orders.push(Self { on, nth, act });
        }
        orders
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { on, nth, act } = self;
        write!(f, "at the {nth}. {on}: ")?;
        match act {
            Act::Cancel => f.write_str("cancel it"),
            Act::CancelTwice => f.write_str("two people cancel it"),
            Act::Hold { for_ms } => write!(f, "hold it for {for_ms} ms"),
            Act::Release => f.write_str("release it"),
            Act::DecideTwice => f.write_str("two people decide its review"),
            Act::Race { seed } => write!(f, "people race for its review, as {seed} has it"),
            Act::Change { change, back_ms: None } => write!(f, "{change}"),
            Act::Change { change, back_ms: Some(after) } => write!(f, "{change}, and is as it was after {after} ms"),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, left_out, plan, orders } = self;
        writeln!(f, "seed {seed}, {} keys left out", left_out.len())?;
        plan.0.iter().try_for_each(|fault| writeln!(f, "  {fault}"))?;
        orders.iter().try_for_each(|order| writeln!(f, "  {order}"))
    }
}
