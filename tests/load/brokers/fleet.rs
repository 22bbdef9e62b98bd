//! The fleet as a part of the run: until so many requests are closed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use domain::Stage;
use fleet::sync::locked;
use serde::{Deserialize, Serialize};

use super::broker::Broker;
use super::payers;
use super::projecting::Projecting;
use super::usage::{Moment, Usage};
use crate::plant::{Observer, Partners, Turned};

/// What the fleet is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) broker: String,
    pub(super) prefix: String,
    pub(super) requests: u64,
    /// Where the payers are; in the process, if nowhere else.
    pub(super) payers: Option<String>,
    /// Where projections are kept, if they are.
    pub(super) projections: Option<String>,
}

/// What the fleet has done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) usage: Usage,
    pub(crate) turns: BTreeMap<String, Turns>,
}

/// The turns of one worker.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Turns {
    /// Turns that took anything.
    pub(crate) count: u64,
    /// Records, answers and timers they took.
    pub(crate) inputs: u64,
    /// Records they wrote.
    pub(crate) written: u64,
    /// How long they took in all, commits and calls included.
    pub(crate) ms: u64,
    /// Turns that were undone.
    pub(crate) undone: u64,
}

/// How far the fleet is.
struct Progress {
    broker: Broker,
    goal: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ready: BTreeSet<Stage>,
    begun: Option<Moment>,
    ended: Option<Moment>,
    closed: u64,
    turns: BTreeMap<String, Turns>,
}

/// Runs the fleet. Time counts from the first submission that intake takes until the last request is closed, or projected.
pub(super) fn run(order: &Order, ready: impl FnOnce()) -> Run {
    let broker = Broker::at(&order.broker);
    let progress = Arc::new(Progress {
        broker: broker.clone(),
        goal: order.requests,
        state: Mutex::default(),
        changed: Condvar::new(),
    });
    let runtime = super::runtime();
    let partners = match &order.payers {
        None => Partners::instant(),
        Some(address) => payers::partners(address, &super::plant(&order.broker, &order.prefix), runtime.handle()),
    };
    let mut plant = super::plant(&order.broker, &order.prefix);
    // As in production: what is settled goes to the disk.
    let shelves = tempfile::tempdir().expect("a directory");
    plant.shelves = Some(shelves.path().to_owned());
    let projecting = order.projections.as_ref().map(|url| Projecting::start(&plant, url, &runtime));
    let observer: Observer = {
        let progress = Arc::clone(&progress);
        Arc::new(move |turned| progress.note(turned))
    };
    // Intake comes last, so that its first turn finds everybody at work.
    let (intake, others): (Vec<Stage>, Vec<Stage>) = Stage::ALL.into_iter().partition(|stage| *stage == Stage::Intake);
    plant.start(&others, &partners, &observer);
    progress.until(|state| state.ready.len() == others.len());
    plant.start(&intake, &partners, &observer);
    progress.until(|state| state.ready.len() == Stage::ALL.len());
    ready();
    progress.until(|state| state.ended.is_some());
    let projected = projecting.as_ref().map(|projecting| {
        projecting.catch_up(&plant, &runtime);
        Moment::now(&broker)
    });
    let (begun, ended, turns) = {
        let mut state = locked(&progress.state);
        (state.begun.take(), state.ended.take(), state.turns.clone())
    };
    let ended = projected.or(ended).expect("it has ended");
    let usage = begun.expect("it has begun").until(&ended, order.requests, &broker);
    plant.stop();
    if let Some(projecting) = projecting {
        projecting.stop(&runtime);
    }
    Run { usage, turns }
}

// === impl Progress ===

impl Progress {
    fn note(&self, turned: &Turned<'_>) {
        let mut state = locked(&self.state);
        let tally = &turned.report.tally;
        let inputs = count(tally.records + tally.answers + tally.timers);
        if turned.is_ready && state.ready.insert(turned.stage) {
            self.changed.notify_all();
        }
        if inputs == 0 && !turned.report.undone {
            return;
        }
        if turned.stage == Stage::Intake && state.begun.is_none() {
            state.begun = Some(Moment::now(&self.broker));
        }
        let turns = state.turns.entry(turned.stage.as_str().to_owned()).or_default();
        turns.count += 1;
        turns.inputs += inputs;
        turns.written += count(tally.written);
        turns.ms += u64::try_from(turned.took.as_millis()).unwrap_or(u64::MAX);
        turns.undone += u64::from(turned.report.undone);
        // All that the supervisor says of a request that goes well is that it is closed.
        if turned.stage == Stage::Reconciliation {
            state.closed += count(tally.events);
        }
        if self.goal <= state.closed && state.ended.is_none() {
            state.ended = Some(Moment::now(&self.broker));
            self.changed.notify_all();
        }
    }

    fn until(&self, is_so: impl Fn(&State) -> bool) {
        let mut state = locked(&self.state);
        let mut closed = state.closed;
        while !is_so(&state) {
            let (next, waited) = self.changed.wait_timeout(state, STUCK).expect("no panic");
            state = next;
            assert!(!waited.timed_out() || closed < state.closed, "nothing has moved: {closed} are closed");
            closed = state.closed;
        }
    }
}

/// Who closes nothing for so long is stuck.
const STUCK: Duration = Duration::from_secs(60);

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
