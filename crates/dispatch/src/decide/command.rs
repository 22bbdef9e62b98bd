//! What people want of an operation, forwarded by reconciliation: every command has an outcome wherever the operation stands.

use domain::lifecycle::workflow::steps;
use domain::messages::{CommandAction, DispatchTask, DispatchWork, Manifest, ReceivedData};
use domain::{Code, CommandId, Decision, EventBody, FailureClass, Moment, View};

use super::desk::{Case, Desk};
use crate::Dispatch;
use crate::memory::{Effect, Entry, Finish, Key, Phase, Step};

/// Decides a command.
pub(super) fn decide<'a>(
    dispatch: &'a Dispatch,
    view: &'a View<'a, Key, Entry>,
    work: &'a DispatchWork,
    moment: &'a Moment,
) -> Decision<Key, Entry> {
    match Case::find(view, work.operation_id) {
        Some(case) => {
            let mut desk = Desk::new(dispatch, view, moment, &case.work.route);
            desk.obey(case, work);
            desk.close()
        }
        None => match view.get(&Key::Operation(work.operation_id)) {
            Some(Entry::Ended { finish, .. }) => after_the_end(work, *finish),
            Some(Entry::Early { cancel, held, .. }) => before_the_beginning(dispatch, work, moment, *cancel, *held),
            Some(Entry::Underway { .. } | Entry::Asked { .. } | Entry::Loaded { .. } | Entry::Queuing { .. })
            | None => before_the_beginning(dispatch, work, moment, None, false),
        },
    }
}

/// The operation has ended: there is nothing to stop, and nothing to hold.
fn after_the_end(work: &DispatchWork, finish: Finish) -> Decision<Key, Entry> {
    let mut decision = Decision::nothing();
    let request_id = work.context.request_id;
    match &work.task {
        DispatchTask::CancelDispatch { command_id } => {
            let code = match finish {
                Finish::Fulfilled => Code::EffectTookPlace,
                Finish::Refused
                | Finish::Cancelled
                | Finish::Exhausted
                | Finish::Compensated
                | Finish::CompensationFailed => Code::NotInThisState,
            };
            decision.event(request_id, EventBody::CancelFailed { command_id: *command_id, code });
        }
        DispatchTask::ResolveUnknown { command_id, .. } => decision.event(request_id, unresolvable(*command_id)),
        DispatchTask::HoldDispatch { .. }
        | DispatchTask::ReleaseDispatch { .. }
        | DispatchTask::Send { .. }
        | DispatchTask::Compensate { .. } => {}
    }
    decision
}

/// The operation has not arrived: lanes may let a command overtake it. What was wanted is remembered until it comes.
fn before_the_beginning(
    dispatch: &Dispatch,
    work: &DispatchWork,
    moment: &Moment,
    cancel: Option<CommandId>,
    held: bool,
) -> Decision<Key, Entry> {
    let mut decision = Decision::nothing();
    let before = (cancel, held);
    let (cancel, held) = match &work.task {
        DispatchTask::CancelDispatch { command_id } => (cancel.or(Some(*command_id)), held),
        DispatchTask::HoldDispatch { .. } => (cancel, true),
        DispatchTask::ReleaseDispatch { .. } => (cancel, false),
        DispatchTask::ResolveUnknown { command_id, .. } => {
            decision.event(work.context.request_id, unresolvable(*command_id));
            return decision;
        }
        DispatchTask::Send { .. } | DispatchTask::Compensate { .. } => return decision,
    };
    let key = Key::Operation(work.operation_id);
    let forget_at = moment.now + dispatch.options.retention;
    match (cancel, held) {
        same if same == before => {}
        (None, false) => decision.forget(key),
        (cancel, held) => decision.put(key, Entry::Early { cancel, held, forget_at }),
    }
    decision
}

fn unresolvable(command_id: CommandId) -> EventBody {
    let (action, code) = (CommandAction::ResolveUnknown, Code::NotInThisState);
    EventBody::CommandRefused { command_id, action, code, operator: None }
}

impl<'a> Desk<'a> {
    /// What lets an operation go on brings the time it has for that.
    fn obey(&mut self, mut case: Case<'a>, work: &DispatchWork) {
        match work.task {
            DispatchTask::CancelDispatch { command_id } => {
                case.extend(work.context.due_by);
                self.cancel(case, command_id);
            }
            DispatchTask::HoldDispatch { .. } => self.hold(case),
            DispatchTask::ReleaseDispatch { .. } => {
                case.extend(work.context.due_by);
                self.let_go(case);
            }
            DispatchTask::ResolveUnknown { command_id, took_effect } => {
                case.extend(work.context.due_by);
                self.learn(case, command_id, took_effect);
            }
            DispatchTask::Send { .. } | DispatchTask::Compensate { .. } => {}
        }
    }

    /// A cancel lifts a hold: what stands still can't be taken back.
    fn cancel(&mut self, mut case: Case<'a>, command_id: CommandId) {
        if case.is_compensation() {
            return self.say(&case, EventBody::CancelFailed { command_id, code: Code::NotInThisState });
        }
        let is_stop = command_id == CommandId::of_stop(case.work.context.request_id);
        if case.operation.cancel.is_some() && !matches!(case.operation.phase, Phase::Unresolved { .. }) {
            // One cancel is on its way; its answer is the answer. What an operator wanted is answered and over where the outcome stays
            // unknown, and a stop is not: it is the one that stands.
            if is_stop && case.operation.cancel != Some(command_id) {
                case.operation.cancel = Some(command_id);
                self.keep(case);
            }
            return;
        }
        match (case.operation.phase, case.operation.effect) {
            (Phase::Unresolved { .. }, _) => {
                let code = Code::OutcomeUnknownUnresolved;
                self.say(&case, EventBody::CancelFailed { command_id, code });
                // Nothing may be sent any more: the request is over, or its match was withdrawn. That stands when the question is answered.
                if is_stop {
                    case.operation.cancel = Some(command_id);
                    let give_up_at = Some(self.give_up_at(&case, is_stop));
                    case.operation.phase = Phase::Unresolved { give_up_at };
                    self.keep(case);
                }
            }
            (Phase::Calling { .. }, _) => {
                case.operation.cancel = Some(command_id);
                case.operation.held = false;
                self.keep(case);
            }
            (Phase::Queued { .. } | Phase::Waiting { .. } | Phase::Held {}, Effect::None) => {
                self.unqueue(&case);
                self.cancelled(case, command_id);
            }
            (Phase::Queued { .. } | Phase::Waiting { .. } | Phase::Held {}, Effect::Possible) => {
                // First it has to be found out whether there is anything to take back.
                case.operation.cancel = Some(command_id);
                self.let_go(case);
            }
            (Phase::Queued { .. } | Phase::Waiting { .. } | Phase::Held {}, Effect::Accepted) => {
                self.unqueue(&case);
                case.operation.cancel = Some(command_id);
                case.operation.held = false;
                case.operation.step = Step::Cancel;
                case.operation.failures = 0;
                self.go(case);
            }
        }
    }

    /// What is being taken back is not held: it has to come to its end.
    fn hold(&mut self, mut case: Case<'a>) {
        if case.operation.cancel.is_some() {
            return;
        }
        case.operation.held = true;
        match case.operation.phase {
            Phase::Queued { .. } | Phase::Waiting { .. } => {
                self.unqueue(&case);
                case.operation.phase = Phase::Held {};
            }
            Phase::Calling { .. } | Phase::Held {} | Phase::Unresolved { .. } => {}
        }
        self.keep(case);
    }

    fn let_go(&mut self, mut case: Case<'a>) {
        case.operation.held = false;
        match case.operation.phase {
            Phase::Held {} => self.go(case),
            Phase::Queued { place, .. } => {
                case.operation.phase = Phase::Queued { place, due_by: case.due_by() };
                self.keep(case);
            }
            Phase::Waiting { .. } | Phase::Calling { .. } | Phase::Unresolved { .. } => self.keep(case),
        }
    }

    /// A person has found out what the machine could not. If it took effect, its result is fetched by whatever means the partner has;
    /// where there is none, the supervisor decides, since a delivery can't be claimed that nobody received.
    fn learn(&mut self, mut case: Case<'a>, command_id: CommandId, took_effect: bool) {
        if !matches!(case.operation.phase, Phase::Unresolved { .. }) {
            return self.say(&case, unresolvable(command_id));
        }
        case.operation.failures = 0;
        let stopped = case.operation.cancel.filter(|_| !took_effect);
        if let Some(stop) = stopped {
            return self.cancelled(case, stop);
        }
        if !took_effect {
            case.operation.effect = Effect::None;
            case.operation.step = case.effective_step();
            return self.go(case);
        }
        case.operation.effect = Effect::Accepted;
        if case.is_compensation() {
            return self.compensated(case);
        }
        let (query, again) =
            self.partner.map_or((false, false), |partner| (partner.status_query, partner.deduplicates));
        if case.operation.reference.is_some() {
            case.operation.step = case.look();
        } else if query {
            case.operation.step = Step::Query;
        } else if again {
            case.operation.step = Step::Send;
        } else if !steps(case.work.context.workflow).data {
            return self.fulfilled(case, Manifest::default(), ReceivedData::default());
        } else {
            return self.exhaust(case, FailureClass::OutcomeUnknown);
        }
        self.go(case);
    }
}
