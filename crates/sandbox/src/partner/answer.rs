//! What a payer gives back: an answer, when it comes, and in which state it arrives.

use super::fault::Fault;
use super::wire::{ExchangeState, Problem, ProblemKind};

/// The outcome of one request to a payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How long the caller waits for it.
    pub after_ms: u64,
    /// What the caller gets then.
    pub delivery: Delivery,
}

/// In which state an answer arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// As it was meant.
    Whole(Answer),
    /// With a body that does not parse.
    Malformed(Answer),
    /// With a body that breaks off, and the connection with it.
    Truncated(Answer),
    /// Not at all: the connection closes.
    Closed,
}

/// One HTTP answer without HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<RetryAfter>,
    /// The body.
    pub body: AnswerBody,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerBody {
    /// Where an exchange stands.
    State(ExchangeState),
    /// Why not.
    Problem(Problem),
    /// The records, newline-delimited JSON.
    Data(String),
}

/// When to try again, in the two forms HTTP has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// After so many milliseconds.
    Wait {
        /// The wait.
        wait_ms: u64,
    },
    /// Not before this time.
    Date {
        /// Milliseconds since the epoch.
        at_ms: i64,
    },
}

// === impl Reply ===

impl Reply {
    /// An answer that arrives as it was meant.
    pub(super) fn whole(after_ms: u64, answer: Answer) -> Self {
        Self { after_ms, delivery: Delivery::Whole(answer) }
    }

    /// No answer.
    pub(super) fn closed(after_ms: u64) -> Self {
        Self { after_ms, delivery: Delivery::Closed }
    }

    /// An answer to work that was done, as `fault` lets it arrive. `hung_ms` is longer than any caller waits.
    pub(super) fn spoiled(fault: Option<Fault>, after_ms: u64, hung_ms: u64, answer: Answer) -> Self {
        let (after_ms, delivery) = match fault {
            Some(Fault::ClosedAfter) => (after_ms, Delivery::Closed),
            Some(Fault::HungAfter) => (hung_ms, Delivery::Closed),
            Some(Fault::Malformed) => (after_ms, Delivery::Malformed(answer)),
            Some(Fault::Truncated) => (after_ms, Delivery::Truncated(answer)),
            None
            | Some(
                Fault::LatencyTail
                | Fault::ServerError
                | Fault::Throttled
                | Fault::ClosedBefore
                | Fault::WrongManifest
                | Fault::CallbackDuplicate
                | Fault::CallbackLate
                | Fault::CallbackContradictory,
            ) => (after_ms, Delivery::Whole(answer)),
        };
        Self { after_ms, delivery }
    }
}

// === impl Answer ===

impl Answer {
    /// Where an exchange stands.
    pub(super) fn state(status: u16, retry_after: Option<RetryAfter>, state: ExchangeState) -> Self {
        Self { status, retry_after, body: AnswerBody::State(state) }
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self { status: problem.status, retry_after: None, body: AnswerBody::Problem(problem) }
    }
}

impl From<ProblemKind> for Answer {
    fn from(kind: ProblemKind) -> Self {
        Problem::from(kind).into()
    }
}
