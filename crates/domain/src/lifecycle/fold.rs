//! The fold: a request's events, in log order, become its lifecycle. It is total: every event has a defined result in every state,
//! and what should not have happened is counted as an [`Anomaly`], never an error.
//!
//! Invariants, held by the properties in `fold/tests.rs`:
//! - Progress never falls, and the first terminal outcome in the log stays; but a fulfilment whose verification fails was none:
//!   the request is in a named owner's hands, which is the outcome escalated.
//! - A state steps back only by a compensating event, a release, a replay or a recovery from an exception.
//! - `Closed` is final: later events count, and change nothing else.
//! - fold(a ++ b) = fold b from fold(a).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{EventBody, Progress, State, TerminalOutcome};
use crate::Timestamp;
use crate::messages::Verdict;
use crate::trace::fixed;

/// What a request has come to. Small and `Copy`: a supervisor holds millions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Lifecycle {
    /// The state it shows.
    pub state: State,
    /// How far it came; never falls.
    pub progress: Progress,
    /// How it ended, once it has.
    pub outcome: Option<TerminalOutcome>,
    /// When the state was entered.
    pub since: Timestamp,
    /// How many events there were.
    pub events: u32,
    /// How many of them should not have happened.
    pub anomalies: u32,
    /// The running hash of the events' values.
    #[serde(with = "fixed")]
    pub chain: [u8; 32],
}

/// What one event did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The state changed.
    Advanced,
    /// A fact for the record; the state stays.
    Noted,
    /// It should not have happened here; the state stays.
    Anomalous(Anomaly),
}

/// What should not have happened, for the supervisor's judgement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Anomaly {
    /// A step that had been taken before, or lies behind.
    OutOfOrder,
    /// A step after the request had ended.
    AfterEnd,
    /// An effect at the partner after the request had ended otherwise: it must be undone.
    EffectAfterEnd,
}

impl Lifecycle {
    /// Folds one event, decided at `at`, with `digest` the SHA-256 of its value on the log.
    pub fn fold(&mut self, body: &EventBody, at: Timestamp, digest: &[u8; 32]) -> Step {
        let is_first = self.events == 0;
        self.events += 1;
        self.chain = chain(&self.chain, digest);
        let before = self.state;
        let step = self.step(body);
        if is_first || self.state != before {
            self.since = at;
        }
        if matches!(step, Step::Anomalous(_)) {
            self.anomalies += 1;
        }
        step
    }

    /// Whether the request has ended, closed or about to be.
    pub fn has_ended(&self) -> bool {
        self.outcome.is_some() || self.state == State::Closed
    }

    fn step(&mut self, body: &EventBody) -> Step {
        match body {
            EventBody::Received { .. } => self.advance(Progress::Received),
            EventBody::Validated { .. } => self.advance(Progress::Validated),
            EventBody::ReviewOpened { .. } => self.advance(Progress::InReview),
            EventBody::IdentityMatched { .. } => self.advance(Progress::IdentityMatched),
            EventBody::PartnerDispatched { .. } => self.advance(Progress::PartnerDispatched),
            EventBody::Acknowledged { .. } => self.advance(Progress::Acknowledged),
            EventBody::Fulfilled { .. } => self.fulfil(),
            EventBody::Refused { .. } | EventBody::IdentityUnmatched { .. } | EventBody::PartnerRefused { .. } => {
                self.end(TerminalOutcome::Rejected, State::Rejected)
            }
            EventBody::Cancelled { .. } => self.end(TerminalOutcome::Cancelled, State::Cancelled),
            EventBody::Superseded { .. } => self.end(TerminalOutcome::Superseded, State::Superseded),
            EventBody::CancelRequested { .. } => self.overlay(State::Cancelling),
            EventBody::CancelFailed { .. } => self.resume(State::Cancelling),
            EventBody::Held { .. } => self.overlay(State::Held),
            EventBody::Released { .. } => self.release(),
            EventBody::ExceptionRaised { .. } => self.except(),
            EventBody::DeadLettered { .. } => self.overlay(State::DeadLettered),
            EventBody::LetterReplayed { .. } => self.resume(State::DeadLettered),
            EventBody::CompensationStarted { .. } => self.compensate(State::Compensating),
            EventBody::Compensated { .. } => self.compensate(State::Compensated),
            EventBody::Closed { outcome, .. } => self.close(*outcome),
            EventBody::VerificationFailed { withdrawn, .. } => self.dispute(withdrawn.is_some()),
            EventBody::ReviewDecided { verdict, .. } => self.answered(*verdict),
            EventBody::DuplicateSuppressed { .. }
            | EventBody::ConflictRefused { .. }
            | EventBody::Diverted { .. }
            | EventBody::CommandPassed { .. }
            | EventBody::AttemptFailed { .. }
            | EventBody::OutcomeUnknown { .. }
            | EventBody::AttemptsExhausted { .. }
            | EventBody::CompensationFailed { .. }
            | EventBody::DeadlineBreached { .. }
            | EventBody::Escalated { .. }
            | EventBody::CommandRefused { .. }
            | EventBody::LetterDiscarded { .. } => Step::Noted,
        }
    }

    /// A step on the main line. It recovers an exception or a replayed letter, and waits beneath a hold or a cancel.
    fn advance(&mut self, to: Progress) -> Step {
        if self.has_ended() {
            return Step::Anomalous(Anomaly::AfterEnd);
        }
        if to <= self.progress {
            return Step::Anomalous(Anomaly::OutOfOrder);
        }
        self.progress = to;
        if !matches!(self.state, State::Held | State::Cancelling | State::Compensating | State::Compensated) {
            self.state = to.state();
        }
        Step::Advanced
    }

    /// Delivery ends the request, whatever lay over it, unless it had ended otherwise: then the effect is one too many.
    fn fulfil(&mut self) -> Step {
        if self.progress == Progress::Fulfilled {
            return Step::Anomalous(Anomaly::OutOfOrder);
        }
        if self.has_ended() {
            return Step::Anomalous(Anomaly::EffectAfterEnd);
        }
        self.progress = Progress::Fulfilled;
        self.outcome = Some(TerminalOutcome::Fulfilled);
        self.state = State::Fulfilled;
        Step::Advanced
    }

    fn end(&mut self, outcome: TerminalOutcome, state: State) -> Step {
        if self.has_ended() {
            return Step::Anomalous(Anomaly::AfterEnd);
        }
        self.outcome = Some(outcome);
        self.state = state;
        Step::Advanced
    }

    /// A state that lies over the main line until it is lifted.
    fn overlay(&mut self, state: State) -> Step {
        if self.has_ended() {
            return Step::Anomalous(Anomaly::AfterEnd);
        }
        if self.state == state {
            return Step::Anomalous(Anomaly::OutOfOrder);
        }
        self.state = state;
        Step::Advanced
    }

    /// Lifts an overlay; without one there is nothing to lift.
    fn resume(&mut self, from: State) -> Step {
        if self.state != from {
            return Step::Anomalous(if self.has_ended() { Anomaly::AfterEnd } else { Anomaly::OutOfOrder });
        }
        self.state = self.progress.state();
        Step::Advanced
    }

    /// Lifts a hold, also one that lasted so long that it became an exception. What was delivered and is in dispute only goes to its
    /// end by it.
    fn release(&mut self) -> Step {
        if self.state == State::Exception && self.outcome == Some(TerminalOutcome::Escalated) {
            return Step::Noted;
        }
        let lies_over_the_hold = self.state == State::Exception && !self.has_ended();
        self.resume(if lies_over_the_hold { State::Exception } else { State::Held })
    }

    /// A person has found out what became of an attempt: the machine can go on, and the request is in nobody's hands any more.
    /// Whose member it is, is for identity to act upon.
    fn answered(&mut self, verdict: Verdict) -> Step {
        match verdict {
            Verdict::TookEffect {} | Verdict::TookNoEffect {}
                if self.state == State::Exception && !self.has_ended() =>
            {
                self.resume(State::Exception)
            }
            Verdict::TookEffect {}
            | Verdict::TookNoEffect {}
            | Verdict::IsMember { .. }
            | Verdict::IsNobody {}
            | Verdict::Look {}
            | Verdict::Take {}
            | Verdict::AskMore {}
            | Verdict::Appeal {} => Step::Noted,
        }
    }

    /// What was delivered is not what was announced. That is judged of each delivery, also where it is read after another end was
    /// written; a match that is taken back after the end changes nothing any more.
    fn dispute(&mut self, is_withdrawal: bool) -> Step {
        let is_in_time = self.state != State::Closed || !is_withdrawal;
        if is_in_time && self.outcome == Some(TerminalOutcome::Fulfilled) {
            self.outcome = Some(TerminalOutcome::Escalated);
        }
        Step::Noted
    }

    /// An exception may also follow a fulfilment that fails its verification, or a compensation that fails; only closing ends it.
    fn except(&mut self) -> Step {
        if self.state == State::Closed {
            return Step::Anomalous(Anomaly::AfterEnd);
        }
        if self.state == State::Exception {
            return Step::Anomalous(Anomaly::OutOfOrder);
        }
        self.state = State::Exception;
        Step::Advanced
    }

    /// Undoing an effect is the one way back from an end; the outcome that stood first stays.
    fn compensate(&mut self, to: State) -> Step {
        if self.state == State::Closed {
            return Step::Anomalous(Anomaly::AfterEnd);
        }
        if self.state == to {
            return Step::Anomalous(Anomaly::OutOfOrder);
        }
        self.state = to;
        Step::Advanced
    }

    fn close(&mut self, outcome: TerminalOutcome) -> Step {
        if self.state == State::Closed {
            return Step::Anomalous(Anomaly::AfterEnd);
        }
        self.state = State::Closed;
        self.outcome.get_or_insert(outcome);
        Step::Advanced
    }
}

/// The running hash: SHA-256 of the hash so far and the event's own digest. Anyone with the log can recompute it.
pub fn chain(so_far: &[u8; 32], digest: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(so_far);
    hash.update(digest);
    hash.finalize().into()
}

/// The digest of an event's value on the log, as [`Lifecycle::fold`] takes it.
pub fn digest(value: &[u8]) -> [u8; 32] {
    Sha256::digest(value).into()
}

#[cfg(test)]
mod tests;
