//! What became of arrivals: acceptances, which bind a key, and those that came to nothing.

use domain::{Code, RequestId, SourceId, SubmissionId, Timestamp, Token};

use crate::fact::Position;
use crate::table::{Conflict, Row, Table, Value, value};

/// A row of `acceptances`: a key names one request for ever, and this table's key holds it to that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AcceptanceRow {
    /// The upstream system.
    pub source: SourceId,
    /// HMAC of source and idempotency key.
    pub key_token: Token,
    /// The request it names.
    pub request_id: RequestId,
    /// Where the acceptance stands.
    pub position: Position,
    /// When it was decided.
    pub at: Timestamp,
}

/// A row of `submissions`: an arrival that named no new request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubmissionRow {
    /// Where the fact stands.
    pub position: Position,
    /// The arrival.
    pub submission_id: SubmissionId,
    /// What became of it.
    pub result: SubmissionResult,
    /// The request its key names already, unless it was refused.
    pub request_id: Option<RequestId>,
    /// The upstream system, as claimed or as the request's.
    pub source: Option<SourceId>,
    /// Why.
    pub code: Option<Code>,
    /// The fields at fault or in conflict, joined by commas.
    pub fields: Option<String>,
    /// When it was decided.
    pub at: Timestamp,
}

/// What became of an arrival that named no new request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SubmissionResult {
    /// Refused; its key stays free.
    Refused,
    /// The same as an accepted one.
    Duplicate,
    /// The key of an accepted one with another payload.
    Conflict,
}

/// The table of [`AcceptanceRow`].
pub(super) const ACCEPTANCES: Table = AcceptanceRow::TABLE;
/// The table of [`SubmissionRow`].
pub(super) const SUBMISSIONS: Table = SubmissionRow::TABLE;

// === impl AcceptanceRow ===

impl Row for AcceptanceRow {
    const TABLE: Table = Table {
        name: "acceptances",
        columns: &["source", "key_token", "request_id", "log_partition", "log_offset", "at"],
        key: 2,
        conflict: Conflict::Keep,
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([
            value(&self.source),
            value(self.key_token),
            value(self.request_id),
            value(self.position.partition),
            value(self.position.offset),
            value(self.at),
        ]);
    }
}

// === impl SubmissionRow ===

impl Row for SubmissionRow {
    const TABLE: Table = Table {
        name: "submissions",
        columns: &[
            "log_partition",
            "log_offset",
            "submission_id",
            "result",
            "request_id",
            "source",
            "code",
            "fields",
            "at",
        ],
        key: 2,
        conflict: Conflict::Refuse,
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([
            value(self.position.partition),
            value(self.position.offset),
            value(self.submission_id),
            value(self.result.as_str()),
            value(self.request_id),
            value(self.source.as_ref()),
            value(self.code.map(Code::as_str)),
            value(self.fields.as_ref()),
            value(self.at),
        ]);
    }
}

// === impl SubmissionResult ===

impl SubmissionResult {
    /// The name used in tables, as outcomes have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
        }
    }
}
