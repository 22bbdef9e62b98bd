//! Work the supervisor sends back to the stages.

use domain::messages::{CommandAction, Context, DispatchTask, DispatchWork, IdentityTask, IdentityWork, Route};
use domain::{Code, CommandId, Destination, EventBody, Forward, Message, OperationId, TerminalOutcome, Timestamp};

use crate::case::Case;

/// What a stage is told about the work it has of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Errand {
    /// Stop it if it has not taken effect.
    Cancel,
    /// Let it stand still.
    Hold,
    /// Let it go on.
    Release,
}

impl Case<'_> {
    /// Tells the stage where the request is. It enters at identity until dispatch is known to have it; if the item has left identity
    /// by then, identity says so and [`Case::pass_on`] sends it on.
    pub(crate) fn tell_stage(&mut self, errand: Errand, command_id: CommandId) {
        if self.request.route.is_some() {
            self.tell_dispatch(errand, command_id);
        } else {
            self.ask_identity(match errand {
                Errand::Cancel => IdentityTask::CancelIdentity { command_id },
                Errand::Hold => IdentityTask::HoldIdentity { command_id },
                Errand::Release => IdentityTask::ReleaseIdentity { command_id },
            });
        }
    }

    /// Stops whatever still runs, without anybody's command: the request is about to end.
    pub(crate) fn stop(&mut self) {
        self.tell_stage(Errand::Cancel, CommandId::of_stop(self.id()));
    }

    /// A command reached identity after the item had left it. It goes on to dispatch if it still stands: a hold that was released
    /// in the meantime must not arrive after its release.
    pub(crate) fn pass_on(&mut self, command_id: CommandId, action: CommandAction) {
        let open = self.request.ended.is_none();
        let held = self.request.held_since.is_some();
        let still_to_stop = self.request.ended != Some(TerminalOutcome::Fulfilled);
        match action {
            CommandAction::Cancel if still_to_stop => self.tell_dispatch(Errand::Cancel, command_id),
            CommandAction::Hold if open && held => self.tell_dispatch(Errand::Hold, command_id),
            CommandAction::Release if open && !held => self.tell_dispatch(Errand::Release, command_id),
            CommandAction::Cancel | CommandAction::Hold | CommandAction::Release => {}
            CommandAction::DecideReview
            | CommandAction::ResolveUnknown
            | CommandAction::ReplayLetter
            | CommandAction::DiscardLetter => {
                let code = Code::NotInThisState;
                self.write(EventBody::CommandRefused { command_id, action, code, operator: None });
            }
        }
    }

    /// Sends work to identity.
    pub(crate) fn ask_identity(&mut self, task: IdentityTask) {
        self.ask_identity_until(self.request.context.due_by, task);
    }

    /// Sends work to identity that has until then.
    pub(crate) fn ask_identity_until(&mut self, due_by: Timestamp, task: IdentityTask) {
        let context = Context { due_by, ..self.request.context.clone() };
        let to = Destination::Identity(context.lane, context.request_id);
        self.forward(to, Message::Identity(Box::new(IdentityWork { context, task })));
    }

    /// Sends work about an operation to dispatch that has until then.
    pub(crate) fn ask_dispatch_until(&mut self, due_by: Timestamp, operation_id: OperationId, task: DispatchTask) {
        let context = Context { due_by, ..self.request.context.clone() };
        let route = self.request.route.clone().unwrap_or_else(|| {
            let buckets = self.judge.partners().get(&context.counterparty).map_or(1, |partner| partner.buckets);
            Route::of(&context.counterparty, buckets, context.request_id)
        });
        let to = Destination::Dispatch(context.lane, route.clone());
        self.forward(to, Message::Dispatch(Box::new(DispatchWork { context, route, operation_id, task })));
    }

    /// Until when what begins now may take to settle, whatever time its request had.
    pub(crate) fn time_to_settle(&self) -> Timestamp {
        self.now + self.policy().clocks.clocks.settle.of(self.request.context.lane)
    }

    /// Until when what a person has answered may take: the request's own time, or enough to act on the answer. An answer that comes
    /// late is still to be carried out; that the request is overdue is a fact of its own.
    pub(crate) fn time_to_act(&self) -> Timestamp {
        self.request.context.due_by.max(self.time_to_settle())
    }

    /// Sends a message that belongs to the request's trace.
    pub(crate) fn forward(&mut self, to: Destination, message: Message) {
        self.decision.forward.push(Forward { to, message, trace: Some(self.request.trace) });
    }

    fn tell_dispatch(&mut self, errand: Errand, command_id: CommandId) {
        let task = match errand {
            Errand::Cancel => DispatchTask::CancelDispatch { command_id },
            Errand::Hold => DispatchTask::HoldDispatch { command_id },
            Errand::Release => DispatchTask::ReleaseDispatch { command_id },
        };
        self.ask_dispatch_until(self.request.context.due_by, OperationId::of_send(self.id()), task);
    }
}
