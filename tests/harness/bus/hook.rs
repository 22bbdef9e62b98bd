//! Where a process may end, sleep, or lose its connection while it talks to the brokers.

use fleet::bus::BusError;

/// A point in a transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    /// Some of its records are on the log.
    Sending,
    /// All its records are there, and its offsets have passed the group's check.
    Committing,
    /// It has committed, and the process is about to hear of it.
    Committed,
}

/// What becomes of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It succeeds.
    Succeeds,
    /// The brokers abort it, and say this.
    Fails(BusError),
    /// It succeeds, and the answer is lost.
    Unheard,
    /// The request to commit is lost: the transaction stays open, and nobody knows.
    Lost,
}

/// Is asked at each step of one process.
pub trait Hook: Send + Sync {
    /// The process has come to a step. It may end here by unwinding, or sleep by letting the others go on.
    fn reached(&self, _step: Step) {}
    /// What becomes of a commit.
    fn judge(&self) -> Commit {
        Commit::Succeeds
    }
    /// How a commit went, as the process hears it.
    fn ended(&self, _outcome: &Result<(), BusError>) {}
}

/// Nothing goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHook;

impl Hook for NoHook {}
