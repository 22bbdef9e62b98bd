//! How a request ends, how it gets an owner when it does not, and how an effect that came too late is undone.

use domain::messages::DispatchTask;
use domain::{Code, EventBody, OperationId, State, TerminalOutcome};

use crate::case::Case;
use crate::memory::Undo;

impl Case<'_> {
    /// Closes the request and tells its source.
    ///
    /// When the log turns out to hold another end before the one that was written, that one stands: the source is told again, and
    /// nothing is closed twice.
    pub(crate) fn close(&mut self, outcome: TerminalOutcome, code: Option<Code>) {
        let overtaken = self.request.ended.replace(outcome).is_some();
        self.request.code = code;
        if !overtaken {
            self.write_end(outcome, code);
        }
        self.tell_end(outcome, code);
    }

    /// The last fact of a request, with what the log held up to here.
    pub(crate) fn write_end(&mut self, outcome: TerminalOutcome, code: Option<Code>) {
        let (events, chain) = (self.request.lifecycle.events, self.request.lifecycle.chain);
        self.request.settled_at = self.now;
        self.write(EventBody::Closed { outcome, code, events, chain });
    }

    /// Names an owner for an open request.
    pub(crate) fn raise_while_open(&mut self, code: Code) {
        if self.request.ended.is_none() {
            self.raise(code);
        }
    }

    /// Names an owner, unless there is one.
    pub(crate) fn raise(&mut self, code: Code) {
        if self.shown().state == State::Exception {
            return;
        }
        if self.request.ended.is_none() {
            self.request.code = Some(code);
            self.request.tier = 0;
        }
        self.write(self.policy().escalation.raised(code));
    }

    /// Moves an exception to its next owner; after the last the request ends, and whatever still runs is stopped.
    pub(crate) fn escalate(&mut self) {
        let code = self.request.code.unwrap_or(Code::StageOverdue);
        let tier = self.request.tier + 1;
        match self.policy().escalation.owner(code, tier) {
            Some(owner) => {
                self.request.tier = tier;
                self.write(EventBody::Escalated { tier, owner: owner.to_owned() });
            }
            None => {
                if !self.shown().has_ended() {
                    self.stop();
                }
                self.close(TerminalOutcome::Escalated, Some(Code::NobodyActed));
            }
        }
    }

    /// Has dispatch undo an effect that took place after the request had ended otherwise. Once is enough.
    pub(crate) fn undo(&mut self, undoes: OperationId) {
        if self.request.undo != Undo::None {
            return;
        }
        self.request.undo = Undo::Running;
        self.request.settled_at = self.now;
        let operation_id = OperationId::of_compensation(undoes);
        self.write(EventBody::CompensationStarted { operation_id, code: Code::EffectAfterEnd });
        let reference = self.request.reference.clone();
        // It has a time of its own: the request's may be over.
        self.ask_dispatch_until(self.time_to_settle(), operation_id, DispatchTask::Compensate { undoes, reference });
    }

    /// An effect can't be undone by machine, or not in time.
    pub(crate) fn undo_failed(&mut self, code: Code) {
        let undoing = self.request.undo == Undo::Running;
        if undoing {
            self.request.undo = Undo::Failed;
        }
        if undoing || self.shown().state == State::Compensating {
            self.raise(code);
        }
    }
}
