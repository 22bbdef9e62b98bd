//! What follows from a failure: the class decides, and whether the call could have had an effect.

use std::time::Duration;

use domain::failure::Remedy;
use domain::lifecycle::event::Resolution;
use domain::{Code, CommandId, EventBody, FailureClass, Timestamp};

use super::desk::{Case, Desk};
use crate::backoff::pause;
use crate::memory::{Effect, Finish, Phase, Step};

/// From how many calls on an operation's failures count whoever is to blame, so that its story stays finite.
const CALLS_SPARED_MAX: u32 = 100;

/// A call that failed.
pub(super) struct Failure<'f> {
    pub(super) class: FailureClass,
    pub(super) code: &'f str,
    /// How long the partner asks us to wait.
    pub(super) retry_after: Option<Duration>,
    /// The call was the breaker's probe: its failure says something of the partner and nothing of the operation.
    pub(super) probe_failed: bool,
}

/// What to do about a failed call.
enum Course {
    /// The same again, after a pause: it is certain, or does not matter, that nothing happened.
    Retry,
    /// Find out first what happened.
    Resolve,
    /// No repetition helps; a person has to look.
    GiveUp,
    /// The partner has judged.
    Refuse,
}

impl<'a> Desk<'a> {
    pub(super) fn failed(&mut self, mut case: Case<'a>, failure: &Failure<'_>) {
        let known = case.operation.effect == Effect::Accepted && case.operation.reference.is_some();
        let looks = matches!(case.operation.step, Step::Poll | Step::Cancel);
        if known && !looks {
            // A callback came in before this answer: the outcome is not unknown any more.
            case.operation.step = case.look();
            self.attempt_failed(&case, failure, Some(self.now()));
            return self.go(case);
        }
        match course(case.operation.step, failure.class) {
            Course::Retry => self.retry(case, failure),
            Course::Resolve => self.resolve(case, failure),
            Course::GiveUp => self.give_up(case, failure),
            Course::Refuse => self.refused(case, failure.class, failure.code),
        }
    }

    fn retry(&mut self, mut case: Case<'a>, failure: &Failure<'_>) {
        let Some(partner) = self.partner else { return self.give_up(case, failure) };
        let nothing_happened = case.operation.step == Step::Send && case.operation.effect == Effect::None;
        if let (Some(command_id), true) = (case.operation.cancel, nothing_happened) {
            self.attempt_failed(&case, failure, None);
            return self.cancelled(case, command_id);
        }
        let until =
            self.now() + pause(&partner.retry, case.operation.failures + 1, failure.retry_after, self.moment.id);
        if self.count(&mut case, failure) || case.ends_before(until) {
            return self.give_up(case, failure);
        }
        self.attempt_failed(&case, failure, Some(until));
        if case.operation.step == Step::Poll {
            case.operation.step = case.look();
        }
        self.wait(case, until);
    }

    fn resolve(&mut self, mut case: Case<'a>, failure: &Failure<'_>) {
        case.operation.effect = Effect::Possible;
        let Some(partner) = self.partner else { return self.give_up(case, failure) };
        let backoff = pause(&partner.retry, case.operation.failures + 1, failure.retry_after, self.moment.id);
        let (resolution, wait) = match (partner.status_query, partner.deduplicates) {
            (true, _) => (Resolution::Query, self.settling(&case, failure, backoff)),
            (false, true) => (Resolution::Resend, backoff),
            (false, false) => return self.give_up(case, failure),
        };
        let until = self.now() + wait;
        if self.count(&mut case, failure) || case.ends_before(until) {
            return self.give_up(case, failure);
        }
        self.attempt_failed(&case, failure, Some(until));
        self.say(
            &case,
            EventBody::OutcomeUnknown { operation_id: case.id, attempt: case.operation.attempt, resolution },
        );
        if resolution == Resolution::Query {
            case.operation.step = Step::Query;
        }
        self.wait(case, until);
    }

    /// How long to wait before a query. While the partner may still be at work, "not found" would not mean "never".
    fn settling(&self, case: &Case<'a>, failure: &Failure<'_>, backoff: Duration) -> Duration {
        let lost_at = if let Phase::Calling { lost_at } = case.operation.phase { lost_at } else { self.now() };
        if failure.code == LOST {
            lost_at.since(self.now())
        } else if failure.class == FailureClass::Schema {
            backoff
        } else {
            self.timeout()
        }
    }

    /// Counts a failure; answers whether it was one too many. What is not the operation's fault lengthens its pauses but is never the
    /// last straw.
    fn count(&mut self, case: &mut Case<'a>, failure: &Failure<'_>) -> bool {
        let limit = self.partner.map_or(0, |partner| partner.retry.attempts_max);
        let failures = case.operation.failures + 1;
        let spared = failure.is_nobodys_fault() && case.operation.attempt < CALLS_SPARED_MAX;
        case.operation.failures = if spared { failures.min(limit.saturating_sub(1)) } else { failures };
        limit <= case.operation.failures
    }

    fn give_up(&mut self, case: Case<'a>, failure: &Failure<'_>) {
        self.attempt_failed(&case, failure, None);
        self.exhaust(case, failure.class);
    }

    /// No more calls of this kind. What may have had an effect waits for a person, and nothing else hangs.
    pub(super) fn exhaust(&mut self, mut case: Case<'a>, class: FailureClass) {
        if case.operation.step == Step::Cancel {
            return self.cancel_failed(case, Code::AttemptsExhausted);
        }
        let (operation_id, attempt) = (case.id, case.operation.attempt);
        let cancel = case.operation.cancel.take();
        match (case.operation.effect, cancel) {
            (Effect::Possible, _) => {
                let resolution = Resolution::Review;
                self.say(&case, EventBody::OutcomeUnknown { operation_id, attempt, resolution });
                if let Some(command_id) = cancel {
                    let code = Code::OutcomeUnknownUnresolved;
                    self.say(&case, EventBody::CancelFailed { command_id, code });
                }
                let stop = CommandId::of_stop(case.work.context.request_id);
                // A stop stands: whatever a person finds out, nothing is sent again.
                case.operation.cancel = cancel.filter(|command_id| *command_id == stop);
                let give_up_at = Some(self.give_up_at(&case, cancel == Some(stop)));
                case.operation.phase = Phase::Unresolved { give_up_at };
                self.keep(case);
            }
            (Effect::None | Effect::Accepted, _) if case.is_compensation() => self.compensation_failed(case, class),
            (Effect::None, Some(command_id)) => self.cancelled(case, command_id),
            (Effect::None | Effect::Accepted, _) => {
                if let Some(command_id) = cancel {
                    self.say(&case, EventBody::CancelFailed { command_id, code: Code::AttemptsExhausted });
                }
                self.say(&case, EventBody::AttemptsExhausted { operation_id, attempts: attempt, class });
                self.finish(case, Finish::Exhausted);
            }
        }
    }

    /// Nobody has found out in time whether it took effect: the operation ends, and that the question stayed open is on the log.
    pub(super) fn give_up_asking(&mut self, case: Case<'a>) {
        let class = FailureClass::OutcomeUnknown;
        if case.is_compensation() {
            return self.compensation_failed(case, class);
        }
        let (operation_id, attempts) = (case.id, case.operation.attempt);
        self.say(&case, EventBody::AttemptsExhausted { operation_id, attempts, class });
        self.finish(case, Finish::Exhausted);
    }

    pub(super) fn refused(&mut self, case: Case<'a>, class: FailureClass, code: &str) {
        let failure = Failure { class, code, retry_after: None, probe_failed: false };
        if case.operation.step == Step::Cancel {
            self.attempt_failed(&case, &failure, None);
            return self.cancel_failed(case, Code::PartnerRefused);
        }
        if case.is_compensation() {
            self.attempt_failed(&case, &failure, None);
            return self.compensation_failed(case, class);
        }
        if let Some(command_id) = case.operation.cancel {
            // Nothing will happen at the partner, which is what the cancel asked for.
            self.attempt_failed(&case, &failure, None);
            return self.cancelled(case, command_id);
        }
        self.say(&case, EventBody::PartnerRefused { operation_id: case.id, class, code: code.to_owned() });
        self.finish(case, Finish::Refused);
    }

    fn compensation_failed(&mut self, case: Case<'a>, class: FailureClass) {
        self.say(&case, EventBody::CompensationFailed { operation_id: case.id, class });
        self.finish(case, Finish::CompensationFailed);
    }

    fn attempt_failed(&mut self, case: &Case<'a>, failure: &Failure<'_>, retry_at: Option<Timestamp>) {
        let (class, code) = (failure.class, failure.code.to_owned());
        let attempt = case.operation.attempt;
        self.say(case, EventBody::AttemptFailed { operation_id: case.id, attempt, class, code, retry_at });
    }
}

fn course(step: Step, class: FailureClass) -> Course {
    let resolve = if step.is_unsafe() { Course::Resolve } else { Course::Retry };
    match class.remedy() {
        Remedy::Retry => Course::Retry,
        Remedy::Resolve => resolve,
        Remedy::Review => Course::GiveUp,
        // A query that is not understood leaves the question open.
        Remedy::Reject if step == Step::Query => Course::GiveUp,
        Remedy::Reject => Course::Refuse,
        // Ours, before anything was sent.
        Remedy::DeadLetter if class == FailureClass::Defect => Course::GiveUp,
        // There was an answer, only it can't be read: the effect may well have taken place.
        Remedy::DeadLetter => resolve,
    }
}

// === impl Failure ===

const LOST: &str = "lost";

impl Failure<'static> {
    /// A call whose process ended before the answer was on record.
    pub(super) fn lost() -> Self {
        Self { class: FailureClass::OutcomeUnknown, code: LOST, retry_after: None, probe_failed: false }
    }

    /// An answer that does not fit its call.
    pub(super) fn unexpected(probe_failed: bool) -> Self {
        Self { class: FailureClass::Schema, code: "unexpected-answer", retry_after: None, probe_failed }
    }
}

impl Failure<'_> {
    fn is_nobodys_fault(&self) -> bool {
        self.probe_failed || self.class == FailureClass::Throttled
    }
}
