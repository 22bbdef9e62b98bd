//! What many runs have met: which fault struck which stage and what came of it, which facts and states were reached, and which never.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use domain::State;
use tests::faults::Struck;

use crate::enrolment::{CHANGES, Change};
use crate::run::Run;

/// What was met so far.
#[derive(Default)]
pub(crate) struct Coverage {
    pub(crate) runs: usize,
    pub(crate) requests: usize,
    steps_max: u32,
    kinds: BTreeMap<&'static str, u64>,
    states: BTreeMap<&'static str, u64>,
    struck: Struck,
    payers: BTreeMap<String, u64>,
    met: BTreeMap<&'static str, u64>,
    changes: BTreeMap<(Change, &'static str), u64>,
}

/// All kinds of facts there are.
const KINDS: [&str; 36] = [
    "received",
    "validated",
    "refused",
    "duplicate-suppressed",
    "conflict-refused",
    "diverted",
    "identity-matched",
    "identity-unmatched",
    "review-opened",
    "review-decided",
    "command-passed",
    "partner-dispatched",
    "attempt-failed",
    "outcome-unknown",
    "acknowledged",
    "fulfilled",
    "partner-refused",
    "attempts-exhausted",
    "cancelled",
    "cancel-failed",
    "compensated",
    "compensation-failed",
    "deadline-breached",
    "exception-raised",
    "escalated",
    "cancel-requested",
    "held",
    "released",
    "command-refused",
    "superseded",
    "verification-failed",
    "compensation-started",
    "closed",
    "dead-lettered",
    "letter-replayed",
    "letter-discarded",
];
/// What reviewers, commands and matches have to have met with.
const MET: [&str; 21] = [
    "match withdrawn",
    "review looked at",
    "review taken",
    "review asked",
    "review appealed",
    "first of two verdicts",
    "review decided by one",
    "review decided by two",
    "verdicts-disagree",
    "second-reviewer-missing",
    "not-opened",
    "not-the-owner",
    "not-a-candidate",
    "no-open-review",
    "not-in-this-state",
    "already-done",
    "state-stale",
    "target-unknown",
    "verdict-missing",
    "too-many-attempts",
    "guesser told",
];
/// What many runs need not have met: that two reviewers come to contradict each other is rare.
const NOT_MET: [&str; 7] = [
    "state-stale",
    "target-unknown",
    "verdict-missing",
    "review asked",
    "review appealed",
    "verdicts-disagree",
    "second-reviewer-missing",
];
/// Facts that no worker states yet: there is no workflow that supersedes a request.
const NO_OCCASION: [&str; 1] = ["superseded"];
/// Facts so rare that only thousands of runs are sure to have them.
const RARE: [&str; 1] = ["compensation-failed"];
/// States that no request comes through: effects are undone after the end, and a closed request stays closed.
const NO_STATES: [&str; 3] = ["superseded", "compensating", "compensated"];
/// The stages, and what strikes all of them.
const STAGES: [&str; 6] = ["intake", "identity", "dispatch", "reconciliation", "triage", "all"];

// === impl Coverage ===

impl Coverage {
    /// Takes a run in.
    pub(crate) fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.requests += run.requests;
        self.steps_max = self.steps_max.max(run.steps);
        run.kinds.iter().for_each(|(kind, count)| *self.kinds.entry(kind).or_default() += count);
        run.states.iter().for_each(|(state, count)| *self.states.entry(state).or_default() += count);
        run.struck.iter().for_each(|(key, count)| *self.struck.entry(key.clone()).or_default() += count);
        run.met.iter().for_each(|(name, count)| *self.met.entry(name).or_default() += count);
        run.changes.iter().for_each(|(change, count)| *self.changes.entry(*change).or_default() += count);
        run.payers.iter().for_each(|(fault, count)| *self.payers.entry(fault.clone()).or_default() += count);
    }

    /// What has to be met by many runs and was not.
    pub(crate) fn missing(&self) -> Vec<String> {
        let kinds = self.kinds_missing().filter(|kind| !NO_OCCASION.contains(kind) && !RARE.contains(kind));
        let mut missing: Vec<String> = kinds.map(|kind| format!("no {kind}")).collect();
        let states = self.states_missing().filter(|state| !NO_STATES.contains(state));
        missing.extend(states.map(|state| format!("nobody was {state}")));
        let unmet = self.unmet().filter(|name| !NOT_MET.contains(name));
        missing.extend(unmet.map(|name| format!("nobody met with {name}")));
        let unchanged = CHANGES.iter().filter(|change| !self.changes.keys().any(|(of, _)| of == *change));
        missing.extend(unchanged.map(|change| format!("it never happened that {change}")));
        let names: BTreeSet<&String> = self.struck.keys().map(|(name, ..)| name).collect();
        for name in names {
            let met = self.struck.iter().any(|((of, _, outcome), _)| of == name && *outcome != "not met");
            missing.extend((!met).then(|| format!("{name} struck nobody")));
        }
        missing
    }

    /// All of it, to be read.
    pub(crate) fn table(&self) -> String {
        let Self { runs, requests, steps_max, .. } = self;
        let mut text = format!("{runs} runs, {requests} requests, up to {steps_max} steps each\n\n");
        let _ = write!(text, "{:<40}", "fault");
        for stage in STAGES.iter() {
            let _ = write!(text, "{stage:>15}");
        }
        text.push_str("  what came of it\n");
        let names: BTreeSet<&String> = self.struck.keys().map(|(name, ..)| name).collect();
        for name in names {
            let _ = write!(text, "{name:<40}");
            for stage in STAGES {
                let of = |((fault, at, outcome), _): &(&(String, &str, &str), &u64)| {
                    fault == name && *at == stage && *outcome != "not met"
                };
                let count: u64 = self.struck.iter().filter(of).map(|(_, count)| *count).sum();
                let _ = write!(text, "{count:>15}");
            }
            let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
            let its = self.struck.iter().filter(|((fault, ..), _)| fault == name);
            its.for_each(|((.., outcome), count)| *outcomes.entry(outcome).or_default() += count);
            let told: Vec<String> = outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
            let _ = writeln!(text, "  {}", told.join(", "));
        }
        let listed = |counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        };
        let named =
            |counts: &BTreeMap<&str, u64>| counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let _ = writeln!(text, "\npayers: {}", listed(&self.payers));
        let _ = writeln!(text, "facts: {}", listed(&named(&self.kinds)));
        let _ = writeln!(text, "states: {}", listed(&named(&self.states)));
        let _ = writeln!(text, "reviews, commands, matches: {}", listed(&named(&self.met)));
        text.push_str(&self.changes_table());
        let never: Vec<&str> = self.unmet().collect();
        let _ = writeln!(
            text,
            "never met with: {}",
            if never.is_empty() { "nothing".to_owned() } else { never.join(", ") }
        );
        let never: Vec<&str> = self.kinds_missing().collect();
        let _ =
            writeln!(text, "facts never met: {}", if never.is_empty() { "none".to_owned() } else { never.join(", ") });
        let never: Vec<&str> = self.states_missing().collect();
        let _ =
            writeln!(text, "states never met: {}", if never.is_empty() { "none".to_owned() } else { never.join(", ") });
        text
    }

    /// How the roster changed, and at which facts about a request of the member.
    fn changes_table(&self) -> String {
        let moments: BTreeSet<&str> = self.changes.keys().map(|(_, on)| *on).collect();
        let mut text = String::from("\nthe roster changes at\n");
        for on in moments {
            let _ = write!(text, "  {on:<20}");
            for change in CHANGES {
                let count = self.changes.get(&(change, on)).copied().unwrap_or(0);
                let _ = write!(text, " {change:?} {count}");
            }
            text.push('\n');
        }
        text
    }

    fn unmet(&self) -> impl Iterator<Item = &'static str> {
        MET.into_iter().filter(|name| !self.met.contains_key(name))
    }

    fn states_missing(&self) -> impl Iterator<Item = &'static str> {
        State::ALL.map(State::as_str).into_iter().filter(|state| !self.states.contains_key(state))
    }

    fn kinds_missing(&self) -> impl Iterator<Item = &'static str> {
        KINDS.into_iter().filter(|kind| !self.kinds.contains_key(kind))
    }
}
