//! Commands: what people wanted, and what came of it.

use domain::ids::OperatorId;
use domain::messages::CommandAction;
use domain::{Code, CommandId, RequestId, Timestamp};

use super::{Mergeable, Place, complete};
use crate::table::{Conflict, Row, Table, Value, value};

/// A row of `commands`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandRow {
    /// Where the request's events stand.
    pub place: Place,
    /// The intent.
    pub command_id: CommandId,
    /// The request it is about.
    pub request_id: RequestId,
    /// What is wanted.
    pub action: CommandAction,
    /// Who wants it, where the facts say.
    pub operator: Option<OperatorId>,
    /// When the fleet last acted on it.
    pub at: Timestamp,
    /// What came of it.
    pub result: CommandResult,
    /// Why it came to that, where there is something to explain.
    pub code: Option<Code>,
}

/// What came of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommandResult {
    /// It is being carried out.
    Accepted,
    /// A stage had passed the request on before it came; it follows.
    Passed,
    /// It was carried out.
    Done,
    /// It came too late.
    Failed,
    /// It has no place in the request's state.
    Refused,
}

/// The table of [`CommandRow`].
pub(super) const TABLE: Table = CommandRow::TABLE;

// === impl CommandRow ===

impl Mergeable for CommandRow {
    type Key = (Place, CommandId);

    fn key(&self) -> Self::Key {
        (self.place, self.command_id)
    }

    fn merge(&mut self, later: Self) {
        complete(&mut self.operator, later.operator);
        complete(&mut self.code, later.code);
        (self.action, self.at, self.result) = (later.action, later.at, later.result);
    }
}

impl Row for CommandRow {
    const TABLE: Table = Table {
        name: "commands",
        columns: &[
            "log_partition",
            "first_offset",
            "command_id",
            "request_id",
            "action",
            "operator",
            "at",
            "result",
            "code",
        ],
        key: 3,
        conflict: Conflict::Complete,
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([
            value(self.place.partition),
            value(self.place.offset),
            value(self.command_id),
            value(self.request_id),
            value(self.action.as_str()),
            value(self.operator.as_ref()),
            value(self.at),
            value(self.result.as_str()),
            value(self.code.map(Code::as_str)),
        ]);
    }
}

// === impl CommandResult ===

impl CommandResult {
    /// The name used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Passed => "passed",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}
