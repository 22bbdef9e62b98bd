//! What follows from another worker's fact. The supervisor's own facts are only folded: it acted on their cause.

use domain::lifecycle::event::Resolution;
use domain::lifecycle::{Anomaly, Progress, Step};
use domain::messages::{AttemptRef, Route};
use domain::person::ConsentPolicy;
use domain::{
    Code, Decision, EventBody, FailureClass, LetterId, LifecycleEvent, OperationId, State, TerminalOutcome, Timestamp,
};

use crate::case::{Case, is_own};
use crate::memory::Undo;
use crate::{Entry, Key};

/// Folds an event that was read, whose bytes on the log are `value`, and does what follows from it.
pub(crate) fn on_event(mut case: Case<'_>, event: &LifecycleEvent, value: &[u8]) -> Decision<Key, Entry> {
    let step = case.read(event, value);
    if !is_own(event) {
        case.react(&event.body, step);
    }
    case.finish()
}

impl Case<'_> {
    fn react(&mut self, body: &EventBody, step: Step) {
        if step == Step::Advanced {
            // Whatever letter there was, the request has moved on without it.
            self.request.blocked_by = None;
        }
        match body {
            EventBody::Validated { consent, consent_end, .. } => self.consented(*consent, *consent_end),
            EventBody::Diverted { to, .. } => self.request.context.lane = *to,
            EventBody::DuplicateSuppressed { submission_id } => self.repeat(*submission_id),
            EventBody::Refused { code, .. } | EventBody::IdentityUnmatched { code, .. } => {
                self.end(step, TerminalOutcome::Rejected, Some(*code));
            }
            EventBody::CommandPassed { command_id, action, review: None } => self.pass_on(*command_id, *action),
            EventBody::VerificationFailed { withdrawn: Some(_), .. } => self.match_withdrawn(),
            EventBody::PartnerDispatched { partner, bucket, .. } => {
                let route = Route { partner: partner.clone(), bucket: *bucket };
                self.request.route.get_or_insert(route);
            }
            EventBody::AttemptFailed { .. } => self.request.unresolved = false,
            EventBody::OutcomeUnknown { operation_id, attempt, resolution } => {
                self.unknown(*operation_id, *attempt, *resolution);
            }
            EventBody::Acknowledged { reference, .. } => self.acknowledged(reference),
            EventBody::Fulfilled { operation_id, manifest, received } => match step {
                Step::Advanced => self.verify(manifest, received),
                Step::Anomalous(Anomaly::EffectAfterEnd) => self.undo(*operation_id),
                Step::Anomalous(Anomaly::OutOfOrder | Anomaly::AfterEnd) | Step::Noted => {}
            },
            EventBody::PartnerRefused { .. } => {
                self.end(step, TerminalOutcome::Rejected, Some(Code::PartnerRefused));
            }
            EventBody::AttemptsExhausted { operation_id, class, .. } => self.exhausted(*operation_id, *class),
            EventBody::Cancelled { .. } => self.cancelled(step),
            EventBody::CancelFailed { code, .. } => self.cancel_failed(*code),
            EventBody::Superseded { .. } => self.end(step, TerminalOutcome::Superseded, None),
            EventBody::Compensated { .. } => self.undone(),
            EventBody::CompensationFailed { .. } => {
                self.request.unresolved = false;
                self.undo_failed(Code::CompensationFailed);
            }
            EventBody::DeadLettered { letter_id, .. } => self.request.blocked_by = Some(*letter_id),
            EventBody::LetterReplayed { .. } => self.request.blocked_by = None,
            EventBody::LetterDiscarded { letter_id, .. } => self.letter_discarded(*letter_id),
            EventBody::Received { .. }
            | EventBody::ConflictRefused { .. }
            | EventBody::IdentityMatched { .. }
            | EventBody::ReviewOpened { .. }
            | EventBody::ReviewDecided { .. }
            | EventBody::DeadlineBreached { .. }
            | EventBody::ExceptionRaised { .. }
            | EventBody::Escalated { .. }
            | EventBody::CancelRequested { .. }
            | EventBody::Held { .. }
            | EventBody::Released { .. }
            | EventBody::CommandRefused { .. }
            | EventBody::CommandPassed { .. }
            | EventBody::VerificationFailed { .. }
            | EventBody::CompensationStarted { .. }
            | EventBody::Closed { .. } => {}
        }
    }

    /// It was stopped, for an operator or because its match was taken back.
    fn cancelled(&mut self, step: Step) {
        self.end(step, TerminalOutcome::Cancelled, Some(self.why_cancelled()));
    }

    fn why_cancelled(&self) -> Code {
        if self.is_withdrawn() { Code::MatchWithdrawn } else { Code::CancelledByOperator }
    }

    /// An end that stands first in the log is the one.
    fn end(&mut self, step: Step, outcome: TerminalOutcome, code: Option<Code>) {
        if step == Step::Advanced {
            self.close(outcome, code);
        }
    }

    /// The log says of a workflow that needs no consent that it ended in 1970.
    fn consented(&mut self, policy: ConsentPolicy, end: Timestamp) {
        self.request.context.consent = policy;
        self.request.context.consent_end = Some(end).filter(|end| *end != Timestamp(0));
    }

    /// An owner has to act, unless the request may not go on because the consent has ended: then nobody can, and it is rejected. What
    /// may have taken effect for a request that has ended without it is undone.
    fn exhausted(&mut self, operation: OperationId, class: FailureClass) {
        if let Some(TerminalOutcome::Rejected | TerminalOutcome::Cancelled | TerminalOutcome::Superseded) =
            self.request.ended
        {
            let may_stand = class == FailureClass::OutcomeUnknown || Progress::Acknowledged <= self.shown().progress;
            if may_stand {
                self.undo(operation);
            }
            return;
        }
        let may_not = class == FailureClass::Authorisation;
        let consent_ended = self.request.context.consent_end.is_some_and(|end| end < self.now);
        if may_not && consent_ended && self.request.ended.is_none() && !self.shown().has_ended() {
            self.close(TerminalOutcome::Rejected, Some(Code::ConsentExpired));
        } else {
            self.raise_while_open(Code::AttemptsExhausted);
        }
    }

    fn acknowledged(&mut self, reference: &str) {
        self.request.unresolved = false;
        self.request.reference = Some(reference.to_owned());
    }

    fn unknown(&mut self, operation_id: OperationId, attempt: u32, resolution: Resolution) {
        self.request.unresolved = resolution == Resolution::Review;
        self.request.unknown = self.request.unresolved.then(|| Box::new(AttemptRef { operation_id, attempt }));
        match resolution {
            Resolution::Query | Resolution::Resend => {}
            Resolution::Review if self.request.ended.is_some() => self.undo_failed(Code::OutcomeUnknownUnresolved),
            Resolution::Review => self.raise(Code::OutcomeUnknownUnresolved),
        }
    }

    /// Where nothing runs any more, the cancel has what it wanted. Where nobody knows what ran, somebody has to find out first.
    fn cancel_failed(&mut self, code: Code) {
        if self.request.ended.is_some() {
            return;
        }
        if code == Code::NotInThisState {
            self.close(TerminalOutcome::Cancelled, Some(self.why_cancelled()));
        } else if code == Code::OutcomeUnknownUnresolved {
            self.raise(code);
        }
    }

    /// The work that the letter holds will never be done. A cancel that waited behind it has what it wanted, and what was delivered
    /// and is in dispute goes on being its owner's to settle.
    fn letter_discarded(&mut self, letter: LetterId) {
        if self.request.blocked_by != Some(letter) {
            return;
        }
        if let Some(outcome) = self.request.ended {
            // It may have held the stop, without which whatever dispatch keeps for the request would be kept for ever.
            if outcome != TerminalOutcome::Fulfilled && self.request.route.is_some() {
                self.stop();
            }
            return;
        }
        if self.shown().has_ended() {
            return;
        }
        // The letter may have held an answer to a review: that is open still.
        if self.request.route.is_some() || self.shown().progress == Progress::InReview {
            self.stop();
        }
        if self.shown().state == State::Cancelling {
            self.close(TerminalOutcome::Cancelled, Some(self.why_cancelled()));
        } else {
            self.close(TerminalOutcome::Rejected, Some(Code::LetterDiscarded));
        }
    }

    fn undone(&mut self) {
        self.request.unresolved = false;
        match self.request.undo {
            Undo::Running | Undo::Failed => self.request.undo = Undo::Done,
            Undo::None | Undo::Done => {}
        }
        if self.shown().state == State::Compensated {
            let outcome = self.shown().outcome.unwrap_or(TerminalOutcome::Cancelled);
            self.close(outcome, self.request.code);
        }
    }
}
