//! Carries a plan out: at each point at which a process can be struck, looks whether it is its turn.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use domain::messages::Stage;
use fleet::bus::BusError;
use fleet::probe::{Point, Probe};
use fleet::sync::locked;

use crate::bus::{Commit, Hook, Step};
use crate::crew::Crew;
use crate::plan::{Fault, Kind, Place, Plan, Who};

/// The faults of a run.
#[derive(Default)]
pub struct Faults {
    state: Mutex<State>,
    crew: OnceLock<Weak<Crew>>,
}

/// How often what was struck where, and what came of it.
pub type Struck = BTreeMap<(String, &'static str, &'static str), u64>;

#[derive(Default)]
struct State {
    /// Not armed yet, the next one last.
    planned: Vec<Fault>,
    armed: Vec<Kind>,
    /// What strikes the world.
    due: Vec<Kind>,
    commits: u32,
    struck: Struck,
    /// Who was struck and has not come to a commit since.
    watched: BTreeMap<Who, String>,
    /// Stages whose judgement has a flaw, and until when.
    flawed: BTreeMap<Stage, Duration>,
}

/// A process's place in the plan.
pub(crate) struct Post {
    pub(crate) who: Who,
    pub(crate) faults: Arc<Faults>,
}

/// The payload of an unwinding that stands for the end of a process.
pub(crate) struct Crash {
    pub(crate) down: Duration,
}

// === impl Faults ===

impl Faults {
    /// The faults of a plan.
    pub fn new(plan: &Plan) -> Arc<Self> {
        let planned = plan.0.iter().rev().copied().collect();
        Arc::new(Self { state: Mutex::new(State { planned, ..State::default() }), crew: OnceLock::new() })
    }

    pub(crate) fn lead(&self, crew: &Arc<Crew>) {
        self.crew.get_or_init(|| Arc::downgrade(crew));
    }

    /// Nothing goes wrong any more.
    pub fn stop(&self) {
        let state = &mut *locked(&self.state);
        state.flawed.clear();
        for kind in state.planned.drain(..).map(|fault| fault.kind).chain(state.armed.drain(..)) {
            *state.struck.entry((kind.name(), kind.stage(), "not met")).or_default() += 1;
        }
    }

    /// What is to strike the world now.
    pub fn due(&self) -> Vec<Kind> {
        std::mem::take(&mut locked(&self.state).due)
    }

    /// How many commits were tried.
    pub fn commits(&self) -> u32 {
        locked(&self.state).commits
    }

    /// What was struck so far.
    pub fn struck(&self) -> Struck {
        locked(&self.state).struck.clone()
    }

    /// Counts what strikes no process in its turn.
    pub fn count(&self, kind: &Kind, outcome: &'static str) {
        *locked(&self.state).struck.entry((kind.name(), kind.stage(), outcome)).or_default() += 1;
    }

    /// The judgement of a stage has a flaw until then.
    pub(crate) fn flaw(&self, stage: Stage, until: Duration) {
        locked(&self.state).flawed.insert(stage, until);
    }

    /// Whether the judgement of a stage has a flaw at this time.
    pub(crate) fn is_flawed(&self, stage: Stage, now: Duration) -> bool {
        locked(&self.state).flawed.get(&stage).is_some_and(|until| now < *until)
    }

    /// What came of a process that was struck.
    pub(crate) fn came_of(&self, who: Who, outcome: &'static str) {
        let state = &mut *locked(&self.state);
        if let Some(name) = state.watched.remove(&who) {
            *state.struck.entry((name, who.stage.as_str(), outcome)).or_default() += 1;
        }
    }

    /// A process has come to a place: what strikes it there, if anything.
    fn strikes(&self, who: Who, place: Option<Place>) -> Option<Kind> {
        let state = &mut *locked(&self.state);
        let found = state.armed.iter().position(|kind| kind.victim() == Some((who, place)))?;
        let kind = state.armed.remove(found);
        state.watched.insert(who, kind.name());
        Some(kind)
    }

    fn arm(&self) {
        let state = &mut *locked(&self.state);
        state.commits += 1;
        while let Some(fault) = state.planned.pop_if(|fault| fault.after < state.commits) {
            let list = if fault.kind.victim().is_some() { &mut state.armed } else { &mut state.due };
            list.push(fault.kind);
        }
    }

    fn reached(&self, who: Who, place: Place) {
        let crew = || self.crew.get().and_then(Weak::upgrade);
        match self.strikes(who, Some(place)) {
            Some(Kind::Crash { down_ms, .. }) => {
                self.came_of(who, "started again");
                resume_unwind(Box::new(Crash { down: ms(down_ms) }));
            }
            Some(Kind::Pause { span_ms, .. }) => {
                if let Some(crew) = crew() {
                    crew.pause(who, ms(span_ms), false);
                }
            }
            Some(Kind::Replace { span_ms, .. }) => {
                if let Some(crew) = crew() {
                    crew.pause(who, ms(span_ms), true);
                }
            }
            Some(_) | None => {}
        }
    }
}

// === impl Post ===

impl Probe for Post {
    fn reached(&self, _stage: Stage, point: Point, _calls_outstanding: usize) {
        self.faults.reached(self.who, Place::At(point));
    }
}

impl Hook for Post {
    fn reached(&self, step: Step) {
        self.faults.reached(self.who, Place::In(step));
    }

    fn judge(&self) -> Commit {
        self.faults.arm();
        match self.faults.strikes(self.who, None) {
            Some(Kind::Abort { .. }) => Commit::Fails(BusError::Abort("the coordinator aborts".into())),
            Some(Kind::Unheard { .. }) => Commit::Unheard,
            Some(Kind::Lost { .. }) => Commit::Lost,
            Some(_) | None => Commit::Succeeds,
        }
    }

    fn ended(&self, outcome: &Result<(), BusError>) {
        let outcome = match outcome {
            Ok(()) => "went on",
            Err(BusError::Fenced) => "was fenced",
            Err(BusError::StaleGeneration) => "was stale",
            Err(BusError::OutcomeUnknown(_)) => "rejoined",
            Err(_) => "tried again",
        };
        self.faults.came_of(self.who, outcome);
    }
}

fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}
