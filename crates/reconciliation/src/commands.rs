//! What a person asks for. Every command has a defined outcome in every state: carried out, or refused with a reason that is a
//! fact on the log.

pub mod table;

use domain::lifecycle::Progress;
use domain::messages::{Command, CommandAction, DispatchTask, IdentityTask, Verdict};
use domain::{Code, Decision, EventBody, OperationId, RequestId, State, TerminalOutcome};

use crate::case::Case;
use crate::errands::Errand;
use crate::memory::{EndedRequest, Undo};
use crate::{Entry, Key};
use table::{Condition, Judgement, judge};

/// How many commands are remembered, so that one that comes again is not judged again.
const REMEMBERED: usize = 8;

/// Judges a command about a watched request.
pub(crate) fn on_command(mut case: Case<'_>, command: &Command) -> Decision<Key, Entry> {
    if case.request.commands.contains(&command.command_id) {
        return Decision::nothing();
    }
    if case.request.commands.len() == REMEMBERED {
        case.request.commands.remove(0);
    }
    case.request.commands.push(command.command_id);
    if let Err(code) = case.carry_out(command) {
        let Command { command_id, action, .. } = *command;
        case.write(EventBody::CommandRefused { command_id, action, code });
    }
    case.finish()
}

/// Judges a command about a request that is no longer watched: nothing can be done for it any more.
pub(crate) fn on_command_after_the_end(
    request_id: RequestId,
    ended: &EndedRequest,
    command: &Command,
) -> Decision<Key, Entry> {
    if ended.commands.contains(&command.command_id) {
        return Decision::nothing();
    }
    let code = match judge(end_state(ended.outcome), command.action) {
        _ if is_stale(command, State::Closed) => Code::StateStale,
        Judgement::Refused(code) | Judgement::Only(_, code) => code,
        Judgement::CarriedOut => Code::NotInThisState,
    };
    refused(request_id, command, code)
}

/// The answer to a command that has no place.
pub(crate) fn refused(request_id: RequestId, command: &Command, code: Code) -> Decision<Key, Entry> {
    let mut decision = Decision::nothing();
    let Command { command_id, action, .. } = *command;
    decision.event(request_id, EventBody::CommandRefused { command_id, action, code });
    decision
}

impl Case<'_> {
    fn carry_out(&mut self, command: &Command) -> Result<(), Code> {
        let shown = self.shown().state;
        if is_stale(command, shown) {
            return Err(Code::StateStale);
        }
        let state = self.request.ended.map_or(shown, end_state);
        match judge(state, command.action) {
            Judgement::CarriedOut => {}
            Judgement::Only(condition, code) if !self.meets(condition) => return Err(code),
            Judgement::Only(..) => {}
            Judgement::Refused(code) => return Err(code),
        }
        match command.action {
            CommandAction::Cancel => self.cancel(command),
            CommandAction::Hold => self.hold(command),
            CommandAction::Release => self.release(command),
            CommandAction::DecideReview => return self.decide_review(command),
            CommandAction::ResolveUnknown => return self.resolve_unknown(command),
            CommandAction::ReplayLetter | CommandAction::DiscardLetter => return Err(Code::NotInThisState),
        }
        Ok(())
    }

    fn meets(&self, condition: Condition) -> bool {
        match condition {
            Condition::Held => self.request.held_since.is_some(),
            Condition::UnderReview => self.shown().progress == Progress::InReview,
            Condition::Unresolved => self.request.unresolved,
            Condition::NotDelivered => !self.shown().has_ended(),
        }
    }

    fn cancel(&mut self, command: &Command) {
        let Command { command_id, ref operator, .. } = *command;
        self.request.held_since = None;
        self.write(EventBody::CancelRequested { command_id, operator: operator.clone() });
        self.tell_stage(Errand::Cancel, command_id);
    }

    fn hold(&mut self, command: &Command) {
        let Command { command_id, ref operator, .. } = *command;
        self.request.held_since.get_or_insert(self.now);
        self.write(EventBody::Held { command_id, operator: operator.clone() });
        self.tell_stage(Errand::Hold, command_id);
    }

    /// The time of the hold does not count: the request's end moves by as much.
    fn release(&mut self, command: &Command) {
        let Command { command_id, ref operator, .. } = *command;
        if let Some(since) = self.request.held_since.take() {
            let due_by = self.request.context.due_by;
            self.request.context.due_by = due_by + self.now.since(since);
        }
        self.write(EventBody::Released { command_id, operator: operator.clone() });
        self.tell_stage(Errand::Release, command_id);
    }

    fn decide_review(&mut self, command: &Command) -> Result<(), Code> {
        let Command { command_id, ref operator, verdict, .. } = *command;
        let verdict = match verdict {
            Some(verdict @ (Verdict::IsMember { .. } | Verdict::IsNobody {})) => verdict,
            Some(Verdict::TookEffect {} | Verdict::TookNoEffect {}) | None => return Err(Code::VerdictMissing),
        };
        let task = IdentityTask::DecideReview { command_id, operator: operator.clone(), verdict };
        self.ask_identity_until(self.time_to_act(), task);
        Ok(())
    }

    /// The first answer is the one: what follows from it may be a second attempt.
    fn resolve_unknown(&mut self, command: &Command) -> Result<(), Code> {
        let command_id = command.command_id;
        let took_effect = match command.verdict {
            Some(Verdict::TookEffect {}) => true,
            Some(Verdict::TookNoEffect {}) => false,
            Some(Verdict::IsMember { .. } | Verdict::IsNobody {}) | None => return Err(Code::VerdictMissing),
        };
        self.request.unresolved = false;
        let send = OperationId::of_send(self.id());
        let (due_by, operation) = match self.request.undo {
            Undo::None => (self.time_to_act(), send),
            Undo::Running | Undo::Done | Undo::Failed => {
                // It is the compensation nobody knew of. It runs again, until it is done or its time is over.
                self.request.undo = Undo::Running;
                self.request.settled_at = self.now;
                (self.time_to_settle(), OperationId::of_compensation(send))
            }
        };
        self.ask_dispatch_until(due_by, operation, DispatchTask::ResolveUnknown { command_id, took_effect });
        Ok(())
    }
}

fn is_stale(command: &Command, state: State) -> bool {
    command.expected_state.is_some_and(|expected| expected != state)
}

/// The state whose row judges commands about an ended request.
fn end_state(outcome: TerminalOutcome) -> State {
    match outcome {
        TerminalOutcome::Fulfilled => State::Fulfilled,
        TerminalOutcome::Rejected => State::Rejected,
        TerminalOutcome::Cancelled => State::Cancelled,
        TerminalOutcome::Superseded => State::Superseded,
        TerminalOutcome::Escalated => State::Closed,
    }
}
