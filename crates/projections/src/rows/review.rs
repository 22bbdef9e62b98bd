//! Reviews: questions a person had to answer.

use domain::ids::OperatorId;
use domain::messages::Verdict;
use domain::{Code, CommandId, RequestId, Timestamp};

use super::{Mergeable, Place, complete};
use crate::table::{Conflict, Row, Table, Value, value};

/// A row of `reviews`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReviewRow {
    /// Where the request's events stand.
    pub place: Place,
    /// The offset of the event that opened it.
    pub opened_offset: u64,
    /// The request.
    pub request_id: RequestId,
    /// Why a person has to decide.
    pub code: Option<Code>,
    /// How many candidates there are.
    pub candidates: Option<u32>,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
    /// When the decision is due.
    pub due_by: Option<Timestamp>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub operator: Option<OperatorId>,
    /// What was decided.
    pub verdict: Option<Verdict>,
    /// The command that carried the decision.
    pub command_id: Option<CommandId>,
}

/// The table of [`ReviewRow`].
pub(super) const TABLE: Table = ReviewRow::TABLE;

// === impl ReviewRow ===

impl ReviewRow {
    /// A review of which nothing else is known.
    pub fn new(request_id: RequestId, place: Place, opened_offset: u64) -> Self {
        Self {
            place,
            opened_offset,
            request_id,
            code: None,
            candidates: None,
            opened_at: None,
            due_by: None,
            decided_at: None,
            operator: None,
            verdict: None,
            command_id: None,
        }
    }
}

impl Mergeable for ReviewRow {
    type Key = (Place, u64);

    fn key(&self) -> Self::Key {
        (self.place, self.opened_offset)
    }

    fn merge(&mut self, later: Self) {
        complete(&mut self.code, later.code);
        complete(&mut self.candidates, later.candidates);
        complete(&mut self.opened_at, later.opened_at);
        complete(&mut self.due_by, later.due_by);
        complete(&mut self.decided_at, later.decided_at);
        complete(&mut self.operator, later.operator);
        complete(&mut self.verdict, later.verdict);
        complete(&mut self.command_id, later.command_id);
    }
}

impl Row for ReviewRow {
    const TABLE: Table = Table {
        name: "reviews",
        columns: &[
            "log_partition",
            "first_offset",
            "opened_offset",
            "request_id",
            "code",
            "candidates",
            "opened_at",
            "due_by",
            "decided_at",
            "operator",
            "verdict",
            "command_id",
        ],
        key: 3,
        conflict: Conflict::Complete,
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([
            value(self.place.partition),
            value(self.place.offset),
            value(self.opened_offset),
            value(self.request_id),
            value(self.code.map(Code::as_str)),
            value(self.candidates),
            value(self.opened_at),
            value(self.due_by),
            value(self.decided_at),
            value(self.operator.as_ref()),
            value(self.verdict.map(verdict_name)),
            value(self.command_id),
        ]);
    }
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::IsMember { .. } => "is_member",
        Verdict::IsNobody {} => "is_nobody",
        Verdict::TookEffect {} => "took_effect",
        Verdict::TookNoEffect {} => "took_no_effect",
        Verdict::Look {} => "look",
        Verdict::Take {} => "take",
        Verdict::AskMore {} => "ask_more",
        Verdict::Appeal {} => "appeal",
    }
}
