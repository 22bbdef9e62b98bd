//! The probe port: the named points of a turn, for failpoints in tests and crashes in the simulation.

use domain::messages::Stage;

/// A point in a turn at which a process may end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Point {
    /// Everything is decided, nothing committed.
    BeforeCommit,
    /// Committed; the calls of the turn are not made.
    BeforeCalls,
    /// The calls of the turn are under way.
    AfterCalls,
    /// Answers are decided, nothing of them is committed.
    BeforeAnswersCommit,
}

/// Is told of every point that is reached. Production does nothing here.
pub trait Probe: Send + Sync {
    /// `stage` has reached `point` with this many calls outstanding.
    fn reached(&self, stage: Stage, point: Point, calls_outstanding: usize);
}

/// The probe of production.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {
    fn reached(&self, _stage: Stage, _point: Point, _calls_outstanding: usize) {}
}

impl Point {
    /// All points, in the order a turn reaches them.
    pub const ALL: [Self; 4] = [Self::BeforeCommit, Self::BeforeAnswersCommit, Self::BeforeCalls, Self::AfterCalls];

    /// The name used to set a failpoint.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeCommit => "before-commit",
            Self::BeforeCalls => "before-calls",
            Self::AfterCalls => "after-calls",
            Self::BeforeAnswersCommit => "before-answers-commit",
        }
    }
}
