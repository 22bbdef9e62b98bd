//! What a person asks for. Every command has a defined outcome in every state: carried out, or refused with a reason that is a
//! fact on the log.

pub mod table;

use std::time::Duration;

use domain::lifecycle::Progress;
use domain::lifecycle::evidence::ReviewStep;
use domain::messages::{Command, CommandAction, DispatchTask, IdentityTask, Verdict};
use domain::{Code, CommandId, Decision, EventBody, Moment, OperationId, RequestId, State, TerminalOutcome, View};

use crate::case::Case;
use crate::errands::Errand;
use crate::memory::{EarlyCommand, EarlyCommands, EndedRequest, Undo};
use crate::{Entry, Key, Reconciliation};
use table::{Condition, Judgement, judge};

/// How many commands are remembered, so that one that comes again is not judged again.
const REMEMBERED: usize = 32;
/// How long a command waits for a request that nobody has heard of: intake may have it before itself still.
const UNHEARD_OF: Duration = Duration::from_secs(5);
/// What is due in the moment it was given would be covered by a look at the log that was taken before it.
const NEXT_MOMENT: Duration = Duration::from_millis(1);

/// Judges a command. What can be carried out is carried out at once.
///
/// What can't is not refused yet: the fact that gives it its place may be on the log and not read. It is remembered as due in
/// the next moment, and since timers wait until the log was read to its end, it is judged once more by all that was there when it came.
/// Where nobody has heard of the request, intake gets a while. Later commands about the same request queue behind it.
pub(crate) fn on_command(
    judge: &Reconciliation,
    view: &View<'_, Key, Entry>,
    (request_id, command): (RequestId, &Command),
    moment: &Moment,
) -> Decision<Key, Entry> {
    let mut early = match view.get(&Key::Early(request_id)) {
        Some(Entry::EarlyCommands(early)) => early.clone(),
        Some(Entry::WatchedRequest(_) | Entry::EndedRequest(_)) | None => Box::default(),
    };
    if early.commands.is_empty() {
        match view.get(&Key::Request(request_id)) {
            Some(Entry::WatchedRequest(watched)) => {
                let mut case = Case::of(judge, watched.clone(), moment);
                if case.has_judged(command) {
                    return Decision::nothing();
                }
                if case.carry_out(command).is_ok() {
                    case.remember(command);
                    return case.finish();
                }
            }
            Some(Entry::EndedRequest(_)) => {
                return judged(judge, view, (request_id, std::slice::from_ref(command)), moment);
            }
            Some(Entry::EarlyCommands(_)) | None => {}
        }
    }
    let mut decision = Decision::nothing();
    if early.commands.iter().any(|waiting| waiting.command_id == command.command_id) {
        return decision;
    }
    let is_known = view.get(&Key::Request(request_id)).is_some();
    if early.commands.len() == REMEMBERED {
        let (id, code) = match is_known {
            true => (request_id, Code::NotInThisState),
            false => (RequestId(command.command_id.0), Code::TargetUnknown),
        };
        decision.event(id, refusal(command, code));
        return decision;
    }
    early.judge_at = moment.now + if is_known { NEXT_MOMENT } else { UNHEARD_OF };
    early.commands.push(EarlyCommand::of(command));
    decision.put(Key::Early(request_id), Entry::EarlyCommands(early));
    decision
}

/// Has commands judged that waited for a request, now that its first fact was read.
pub(crate) fn request_is_heard_of(
    decision: &mut Decision<Key, Entry>,
    view: &View<'_, Key, Entry>,
    request_id: RequestId,
    moment: &Moment,
) {
    if let Some(Entry::EarlyCommands(early)) = view.get(&Key::Early(request_id)) {
        let early = EarlyCommands { judge_at: moment.now + NEXT_MOMENT, ..(**early).clone() };
        decision.put(Key::Early(request_id), Entry::EarlyCommands(Box::new(early)));
    }
}

/// Judges the commands that could not be carried out at once, now that the log was read to its end.
pub(crate) fn on_early_commands(
    judge: &Reconciliation,
    view: &View<'_, Key, Entry>,
    (request_id, early): (RequestId, &EarlyCommands),
    moment: &Moment,
) -> Decision<Key, Entry> {
    let commands: Vec<Command> = early.commands.iter().map(|early| early.to_command(request_id)).collect();
    let mut decision = judged(judge, view, (request_id, &commands), moment);
    decision.forget(Key::Early(request_id));
    decision
}

/// Carries commands out or refuses them, in the order they came.
fn judged(
    judge: &Reconciliation,
    view: &View<'_, Key, Entry>,
    (request_id, commands): (RequestId, &[Command]),
    moment: &Moment,
) -> Decision<Key, Entry> {
    let mut decision = Decision::nothing();
    match view.get(&Key::Request(request_id)) {
        Some(Entry::WatchedRequest(watched)) => {
            let mut case = Case::of(judge, watched.clone(), moment);
            commands.iter().for_each(|command| case.judge_command(command));
            return case.finish();
        }
        Some(Entry::EndedRequest(ended)) => {
            let mut remembers = ended.clone();
            for command in commands {
                if !remembers.commands.contains(&command.command_id) {
                    decision.event(request_id, without_place(command, after_the_end(ended, command)));
                    remember_in(&mut remembers.commands, command);
                }
            }
            if remembers.commands != ended.commands {
                decision.put(Key::Request(request_id), Entry::EndedRequest(remembers));
            }
        }
        Some(Entry::EarlyCommands(_)) | None => {
            // The request's own story must begin with its acceptance, should it come to be: what is refused about nothing stands
            // under the command's id.
            let stands_under = |command: &Command| RequestId(command.command_id.0);
            let refused = |command: &Command| (stands_under(command), refusal(command, Code::TargetUnknown));
            commands.iter().map(refused).for_each(|(id, body)| decision.event(id, body));
        }
    }
    decision
}

/// Remembers that a command was judged, and forgets the oldest where there are too many.
fn remember_in(commands: &mut Vec<CommandId>, command: &Command) {
    if REMEMBERED <= commands.len() {
        commands.remove(0);
    }
    commands.push(command.command_id);
}

/// Why nothing can be done any more for a request that is no longer watched.
fn after_the_end(ended: &EndedRequest, command: &Command) -> Code {
    match judge(end_state(ended.outcome), command.action) {
        _ if is_stale(command, State::Closed) => Code::StateStale,
        Judgement::Refused(code) | Judgement::Only(_, code) => code,
        Judgement::CarriedOut => Code::NotInThisState,
    }
}

/// What becomes of a command about a known request that has no place in its state. A look needs none: it changes nothing, and that it
/// was taken is what has to stand on record.
fn without_place(command: &Command, code: Code) -> EventBody {
    let Command { command_id, action, verdict, ref operator, ref reason, .. } = *command;
    let is_look = action == CommandAction::DecideReview && verdict == Some(Verdict::Look {});
    if !is_look || !matches!(code, Code::NoOpenReview | Code::OnHold) {
        return refusal(command, code);
    }
    let note = Some(reason.clone()).filter(|reason| !reason.is_empty());
    let review = Some(ReviewStep::of(ReviewStep::LOOKED, operator.clone(), note));
    EventBody::CommandPassed { command_id, action, review }
}

/// The answer to a command that has no place.
fn refusal(command: &Command, code: Code) -> EventBody {
    let Command { command_id, action, ref operator, .. } = *command;
    EventBody::CommandRefused { command_id, action, code, operator: Some(operator.clone()) }
}

impl Case<'_> {
    fn judge_command(&mut self, command: &Command) {
        if self.has_judged(command) {
            return;
        }
        self.remember(command);
        if let Err(code) = self.carry_out(command) {
            self.write(without_place(command, code));
        }
    }

    fn has_judged(&self, command: &Command) -> bool {
        self.request.commands.contains(&command.command_id)
    }

    fn remember(&mut self, command: &Command) {
        remember_in(&mut self.request.commands, command);
    }

    /// Carries a command out, or says why it has no place and changes nothing.
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
            Condition::HeldOrDisputed => self.request.held_since.is_some() || self.is_disputed(),
            Condition::UnderReview => self.shown().progress == Progress::InReview,
            Condition::Unresolved => self.request.unresolved,
            Condition::NotDelivered => !self.shown().has_ended(),
        }
    }

    fn cancel(&mut self, command: &Command) {
        let Command { command_id, ref operator, .. } = *command;
        self.lift_hold();
        self.write(EventBody::CancelRequested { command_id, operator: operator.clone() });
        self.tell_stage(Errand::Cancel, command_id);
    }

    fn hold(&mut self, command: &Command) {
        let Command { command_id, ref operator, .. } = *command;
        self.request.held_since.get_or_insert(self.now);
        self.write(EventBody::Held { command_id, operator: operator.clone() });
        self.tell_stage(Errand::Hold, command_id);
    }

    /// The time of a hold does not count: the request's end moves by as much, also where it is lifted by a cancel, which takes its time.
    fn lift_hold(&mut self) {
        if let Some(since) = self.request.held_since.take() {
            let due_by = self.request.context.due_by;
            self.request.context.due_by = due_by + self.now.since(since);
        }
    }

    /// Whether the request was delivered and its owner has to settle what is wrong with that.
    fn is_disputed(&self) -> bool {
        let shown = self.shown();
        (shown.state, shown.outcome) == (State::Exception, Some(TerminalOutcome::Escalated))
    }

    /// An owner who has settled a disputed delivery lets the request go to its end.
    fn release(&mut self, command: &Command) {
        let Command { command_id, ref operator, .. } = *command;
        if self.is_disputed() {
            self.write(EventBody::Released { command_id, operator: operator.clone() });
            return self.close(TerminalOutcome::Escalated, self.request.code);
        }
        let is_exception = self.shown().state == State::Exception;
        let raised_meanwhile = self.request.code.filter(|code| is_exception && *code != Code::HoldOverdue);
        self.lift_hold();
        self.write(EventBody::Released { command_id, operator: operator.clone() });
        self.tell_stage(Errand::Release, command_id);
        // What came over the hold and was not of its making goes on being somebody's to settle.
        if let Some(code) = raised_meanwhile {
            self.raise(code);
        }
    }

    fn decide_review(&mut self, command: &Command) -> Result<(), Code> {
        let Command { command_id, ref operator, verdict, .. } = *command;
        let verdict = verdict.filter(|verdict| verdict.is_of_review()).ok_or(Code::VerdictMissing)?;
        let (operator, reason) = (operator.clone(), command.reason.clone());
        let task = IdentityTask::DecideReview { command_id, operator, verdict, reason };
        self.ask_identity_until(self.time_to_act(), task);
        Ok(())
    }

    /// Whether an answer is about the attempt in question. One about an earlier attempt, taken for an answer to this question, may
    /// have an attempt made again that took effect. When it was given does not tell: the person may not have seen this question yet.
    fn is_about_what_is_unknown(&self, command: &Command) -> Result<bool, Code> {
        let about = command.about.ok_or(Code::VerdictMissing)?;
        // Memory of an earlier version does not say which attempt it is; what was given before it was in question is not about it.
        Ok(self.request.unknown.as_ref().map_or(self.shown().since <= command.issued_at, |unknown| **unknown == about))
    }

    /// The first answer is the one: what follows from it may be a second attempt. With it the request is out of its owner's hands,
    /// until dispatch says that it gets no further.
    fn resolve_unknown(&mut self, command: &Command) -> Result<(), Code> {
        let Command { command_id, ref operator, verdict, .. } = *command;
        let (verdict, took_effect) = match verdict {
            Some(verdict @ Verdict::TookEffect {}) => (verdict, true),
            Some(verdict @ Verdict::TookNoEffect {}) => (verdict, false),
            Some(
                Verdict::IsMember { .. }
                | Verdict::IsNobody {}
                | Verdict::Look {}
                | Verdict::Take {}
                | Verdict::AskMore {}
                | Verdict::Appeal {},
            )
            | None => return Err(Code::VerdictMissing),
        };
        if self.request.held_since.is_some() && self.shown().state == State::Exception {
            // It would hide the hold that lies beneath: that is released first.
            return Err(Code::NotInThisState);
        }
        if !self.is_about_what_is_unknown(command)? {
            return Err(Code::StateStale);
        }
        let reason = Some(command.reason.clone()).filter(|reason| !reason.is_empty());
        self.write(EventBody::ReviewDecided { command_id, operator: operator.clone(), verdict, reason });
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
