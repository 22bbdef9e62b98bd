//! What people did: commands and the settling of dead letters.

use domain::ids::OperatorId;
use domain::messages::CommandAction;
use domain::{Code, CommandId, EventBody, LetterId};

use super::Projected;
use crate::rows::{CommandResult, CommandRow, LetterRow, LetterState};

impl Projected<'_> {
    pub(super) fn command(&mut self, command_id: CommandId, action: CommandAction, result: CommandResult) {
        let row = self.command_row(command_id, action, result);
        self.rows.commands.put(row);
    }

    /// A person's command took hold. A cancel is only on its way then; hold and release are done.
    pub(super) fn asked(&mut self, command_id: CommandId, operator: &OperatorId, action: CommandAction) {
        let is_under_way = action == CommandAction::Cancel;
        let result = if is_under_way { CommandResult::Accepted } else { CommandResult::Done };
        let row = self.command_row(command_id, action, result);
        self.rows.commands.put(CommandRow { operator: Some(operator.clone()), ..row });
    }

    pub(super) fn cancelled(&mut self, command_id: CommandId) {
        self.command(command_id, CommandAction::Cancel, CommandResult::Done);
        self.explain(Code::CancelledByOperator);
    }

    /// Where nothing runs any more and the request has not ended otherwise, the cancel has what it wanted.
    pub(super) fn cancel_failed(&mut self, command_id: CommandId, code: Code) {
        if code == Code::NotInThisState && !self.request.lifecycle.has_ended() {
            return self.command(command_id, CommandAction::Cancel, CommandResult::Done);
        }
        let row = self.command_row(command_id, CommandAction::Cancel, CommandResult::Failed);
        self.rows.commands.put(CommandRow { code: Some(code), ..row });
    }

    pub(super) fn command_refused(&mut self) {
        let EventBody::CommandRefused { command_id, action, code, operator } = &self.fact.event.body else { return };
        let row = self.command_row(*command_id, *action, CommandResult::Refused);
        self.rows.commands.put(CommandRow { code: Some(*code), operator: operator.clone(), ..row });
    }

    pub(super) fn lettered(&mut self) {
        let EventBody::DeadLettered { letter_id, class, code, signature } = &self.fact.event.body else { return };
        self.explain(*code);
        self.rows.letters.put(LetterRow {
            worker: Some(self.fact.event.by),
            failure: Some(*class),
            code: Some(*code),
            signature: Some(*signature),
            lettered_at: Some(self.fact.event.at),
            ..LetterRow::new(self.request.request_id, self.request.place, *letter_id, LetterState::Open)
        });
    }

    pub(super) fn letter_settled(
        &mut self,
        letter_id: LetterId,
        state: LetterState,
        command_id: CommandId,
        operator: &OperatorId,
    ) {
        let action = match state {
            LetterState::Discarded => CommandAction::DiscardLetter,
            LetterState::Open | LetterState::Replayed => CommandAction::ReplayLetter,
        };
        let row = self.command_row(command_id, action, CommandResult::Done);
        self.rows.commands.put(CommandRow { operator: Some(operator.clone()), ..row });
        self.rows.letters.put(LetterRow {
            settled_at: Some(self.fact.event.at),
            operator: Some(operator.clone()),
            command_id: Some(command_id),
            ..LetterRow::new(self.request.request_id, self.request.place, letter_id, state)
        });
    }

    pub(super) fn command_row(
        &self,
        command_id: CommandId,
        action: CommandAction,
        result: CommandResult,
    ) -> CommandRow {
        CommandRow {
            place: self.request.place,
            command_id,
            request_id: self.request.request_id,
            action,
            operator: None,
            at: self.fact.event.at,
            result,
            code: None,
        }
    }
}
