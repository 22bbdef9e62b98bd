//! Dead letters: records a stage could not decide, and what people did with them.

use domain::ids::OperatorId;
use domain::messages::Stage;
use domain::{Code, CommandId, FailureClass, LetterId, RequestId, Timestamp, Token};

use super::{Mergeable, Place, complete};
use crate::table::{Conflict, Row, Table, Value, value};

/// A row of `dead_letters`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LetterRow {
    /// Where the request's events stand.
    pub place: Place,
    /// The letter.
    pub letter_id: LetterId,
    /// The request; the letter's own id where the record named none.
    pub request_id: RequestId,
    /// The stage that gave up.
    pub worker: Option<Stage>,
    /// The class of failure.
    pub failure: Option<FailureClass>,
    /// The code within the class.
    pub code: Option<Code>,
    /// Letters of one cause share it.
    pub signature: Option<Token>,
    /// When it was written.
    pub lettered_at: Option<Timestamp>,
    /// Where it stands.
    pub state: LetterState,
    /// When a person last acted on it.
    pub settled_at: Option<Timestamp>,
    /// Who.
    pub operator: Option<OperatorId>,
    /// By which command.
    pub command_id: Option<CommandId>,
}

/// What became of a letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LetterState {
    /// It waits for a person.
    Open,
    /// It was sent back to its stage.
    Replayed,
    /// It was put aside for good.
    Discarded,
}

/// The table of [`LetterRow`].
pub(super) const TABLE: Table = LetterRow::TABLE;

// === impl LetterRow ===

impl LetterRow {
    /// A letter of which only its state is known.
    pub fn new(request_id: RequestId, place: Place, letter_id: LetterId, state: LetterState) -> Self {
        Self {
            place,
            letter_id,
            request_id,
            worker: None,
            failure: None,
            code: None,
            signature: None,
            lettered_at: None,
            state,
            settled_at: None,
            operator: None,
            command_id: None,
        }
    }
}

impl Mergeable for LetterRow {
    type Key = (Place, LetterId);

    fn key(&self) -> Self::Key {
        (self.place, self.letter_id)
    }

    fn merge(&mut self, later: Self) {
        complete(&mut self.worker, later.worker);
        complete(&mut self.failure, later.failure);
        complete(&mut self.code, later.code);
        complete(&mut self.signature, later.signature);
        complete(&mut self.lettered_at, later.lettered_at);
        complete(&mut self.settled_at, later.settled_at);
        complete(&mut self.operator, later.operator);
        complete(&mut self.command_id, later.command_id);
        self.state = later.state;
    }
}

impl Row for LetterRow {
    const TABLE: Table = Table {
        name: "dead_letters",
        columns: &[
            "log_partition",
            "first_offset",
            "letter_id",
            "request_id",
            "worker",
            "failure_class",
            "code",
            "signature",
            "lettered_at",
            "state",
            "settled_at",
            "operator",
            "command_id",
        ],
        key: 3,
        conflict: Conflict::Complete,
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([
            value(self.place.partition),
            value(self.place.offset),
            value(self.letter_id),
            value(self.request_id),
            value(self.worker.map(Stage::as_str)),
            value(self.failure.map(FailureClass::as_str)),
            value(self.code.map(Code::as_str)),
            value(self.signature),
            value(self.lettered_at),
            value(self.state.as_str()),
            value(self.settled_at),
            value(self.operator.as_ref()),
            value(self.command_id),
        ]);
    }
}

// === impl LetterState ===

impl LetterState {
    /// The name used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }
}
