//! What follows from an answer, or from a callback, that says something certain.

use std::time::Duration;

use domain::messages::{Manifest, PartnerMessage, PartnerStatus, ReceivedData, Stage};
use domain::{CallResult, Code, CommandId, EventBody, FailureClass};

use super::desk::{Case, Desk};
use super::failure::Failure;
use crate::admission::Health;
use crate::memory::{Breaker, Effect, Finish, Phase, Step};

impl<'a> Desk<'a> {
    /// Frees the slot of an answered call for those who wait for it; answers whether the call was a probe that failed.
    pub(super) fn settle(&mut self, health: Health) -> bool {
        let probing = matches!(self.load.breaker, Breaker::Probing {});
        let rest = self.partner.map_or(0, |partner| partner.retry.backoff_ms_max);
        self.load.settle(health, self.now(), Duration::from_millis(rest));
        self.release();
        probing && health == Health::Ill
    }

    /// Judges an answer. After a failed probe the operation is not to blame.
    pub(super) fn answered(&mut self, case: Case<'a>, result: &CallResult, probe_failed: bool) {
        let step = case.operation.step;
        match result {
            CallResult::Completed { reference, manifest, received } => {
                self.completed(case, reference, *manifest, received.clone());
            }
            CallResult::Pending { reference, retry_after } if step != Step::Cancel => {
                self.accepted(case, reference, *retry_after);
            }
            CallResult::Refused { class, code } => self.refused(case, *class, code),
            CallResult::Failed { class, code, retry_after } => {
                let failure = Failure { class: *class, code, retry_after: *retry_after, probe_failed };
                self.failed(case, &failure);
            }
            CallResult::NotFound if step == Step::Query => self.not_found(case),
            CallResult::NotFound if step == Step::Poll => self.refused(case, FailureClass::Permanent, "not-found"),
            CallResult::Cancelled => self.withdrawn(case),
            CallResult::CancelTooLate if step == Step::Cancel => self.cancel_failed(case, Code::EffectTookPlace),
            CallResult::Compensated if case.is_compensation() => self.compensated(case),
            CallResult::Lost => self.failed(case, &Failure::lost()),
            CallResult::Pending { .. } | CallResult::NotFound | CallResult::CancelTooLate | CallResult::Compensated => {
                self.failed(case, &Failure::unexpected(probe_failed));
            }
        }
    }

    fn completed(&mut self, mut case: Case<'a>, reference: &str, manifest: Manifest, received: ReceivedData) {
        if case.is_compensation() {
            return self.compensated(case);
        }
        if let Some(command_id) = case.operation.cancel.take() {
            self.say(&case, EventBody::CancelFailed { command_id, code: Code::EffectTookPlace });
        }
        case.operation.reference.get_or_insert_with(|| reference.to_owned());
        self.fulfilled(case, manifest, received);
    }

    pub(super) fn fulfilled(&mut self, case: Case<'a>, manifest: Manifest, received: ReceivedData) {
        self.say(&case, EventBody::Fulfilled { operation_id: case.id, manifest, received });
        self.finish(case, Finish::Fulfilled);
    }

    pub(super) fn compensated(&mut self, case: Case<'a>) {
        self.say(&case, EventBody::Compensated { operation_id: case.id });
        self.finish(case, Finish::Compensated);
    }

    fn accepted(&mut self, mut case: Case<'a>, reference: &str, retry_after: Option<Duration>) {
        self.acknowledge(&mut case, reference);
        case.operation.failures = 0;
        let nudged = std::mem::take(&mut case.operation.nudged);
        if case.operation.cancel.is_some() {
            case.operation.step = Step::Cancel;
            self.go(case);
        } else if nudged {
            case.operation.step = Step::Poll;
            self.go(case);
        } else {
            self.wait_to_poll(case, retry_after);
        }
    }

    /// The partner knows the operation under a name of its own: its effect is certain.
    fn acknowledge(&mut self, case: &mut Case<'a>, reference: &str) {
        case.operation.effect = Effect::Accepted;
        if case.operation.reference.is_none() {
            case.operation.reference = Some(reference.to_owned());
            if !case.is_compensation() {
                let reference = reference.to_owned();
                self.say(case, EventBody::Acknowledged { operation_id: case.id, reference });
            }
        }
    }

    /// The partner knows nothing of it, so that sending is safe, unless somebody has confirmed the effect meanwhile.
    fn not_found(&mut self, mut case: Case<'a>) {
        match (case.operation.effect, case.operation.cancel) {
            (Effect::Accepted, _) if case.operation.reference.is_some() => {
                case.operation.step = Step::Poll;
                self.go(case);
            }
            (Effect::Accepted, _) => self.exhaust(case, FailureClass::OutcomeUnknown),
            (Effect::None | Effect::Possible, Some(command_id)) => self.cancelled(case, command_id),
            (Effect::None | Effect::Possible, None) => {
                case.operation.effect = Effect::None;
                case.operation.step = case.effective_step();
                self.go(case);
            }
        }
    }

    /// It was taken back at the partner, on our request or of the partner's own accord.
    fn withdrawn(&mut self, case: Case<'a>) {
        match case.operation.cancel {
            Some(command_id) => self.cancelled(case, command_id),
            None => self.refused(case, FailureClass::Permanent, "cancelled-by-partner"),
        }
    }

    pub(super) fn cancelled(&mut self, case: Case<'a>, command_id: CommandId) {
        self.say(&case, EventBody::Cancelled { command_id, stage: Stage::Dispatch });
        self.finish(case, Finish::Cancelled);
    }

    /// The cancel is answered; the operation goes on as if it had not been.
    pub(super) fn cancel_failed(&mut self, mut case: Case<'a>, code: Code) {
        if let Some(command_id) = case.operation.cancel.take() {
            self.say(&case, EventBody::CancelFailed { command_id, code });
        }
        case.operation.step = Step::Poll;
        case.operation.failures = 0;
        self.go(case);
    }

    /// Looks at once what a callback is about, or as soon as the call under way is answered.
    pub(super) fn called_back(&mut self, mut case: Case<'a>, message: &PartnerMessage) {
        let news = message.status != PartnerStatus::Accepted || case.operation.reference.is_none();
        self.acknowledge(&mut case, &message.reference);
        let cancelling = case.operation.step == Step::Cancel;
        match case.operation.phase {
            Phase::Calling { .. } => {
                case.operation.nudged |= news;
                self.keep(case);
            }
            Phase::Queued { .. } | Phase::Waiting { .. } | Phase::Held {} | Phase::Unresolved { .. }
                if cancelling || !news =>
            {
                self.keep(case);
            }
            Phase::Queued { .. } => {
                case.operation.step = case.look();
                self.keep(case);
            }
            Phase::Waiting { .. } | Phase::Held {} | Phase::Unresolved { .. } => {
                case.operation.step = case.look();
                case.operation.failures = 0;
                self.go(case);
            }
        }
    }
}

// === impl Case ===

impl Case<'_> {
    /// The step that is next once the effect is certain.
    pub(super) fn look(&self) -> Step {
        if self.operation.cancel.is_some() { Step::Cancel } else { Step::Poll }
    }
}
