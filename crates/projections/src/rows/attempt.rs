//! Attempts: each time a partner was asked, and what came of it.

use domain::lifecycle::event::Resolution;
use domain::{FailureClass, OperationId, PartnerId, RequestId, Timestamp};

use super::{Mergeable, Place, complete};
use crate::table::{Conflict, Row, Table, Value, value};

/// A row of `attempts`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttemptRow {
    /// Where the request's events stand.
    pub place: Place,
    /// The side effect.
    pub operation_id: OperationId,
    /// Which attempt at the operation, from 1: each ends when a call fails, or with the operation.
    pub attempt: u32,
    /// The request.
    pub request_id: RequestId,
    /// The partner.
    pub partner: Option<PartnerId>,
    /// When it was due to begin. It may have begun earlier, when the partner called back, or later, when others were first.
    pub due_at: Option<Timestamp>,
    /// When the partner confirmed it.
    pub acknowledged_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What came of it; none while it is under way.
    pub result: Option<AttemptResult>,
    /// The class of failure.
    pub failure: Option<FailureClass>,
    /// The code of failure.
    pub code: Option<String>,
    /// How an unknown outcome is resolved.
    pub resolution: Option<Resolution>,
}

/// What came of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttemptResult {
    /// The partner confirmed and works on it.
    Acknowledged,
    /// The partner delivered.
    Fulfilled,
    /// The partner refused for good.
    Refused,
    /// It failed.
    Failed,
    /// Nobody knows yet.
    Unknown,
    /// The effect it was to undo is undone.
    Compensated,
}

/// The table of [`AttemptRow`].
pub(super) const TABLE: Table = AttemptRow::TABLE;

// === impl AttemptRow ===

impl AttemptRow {
    /// An attempt of which nothing else is known.
    pub fn new(request_id: RequestId, place: Place, operation_id: OperationId, attempt: u32) -> Self {
        Self {
            place,
            operation_id,
            attempt,
            request_id,
            partner: None,
            due_at: None,
            acknowledged_at: None,
            ended_at: None,
            result: None,
            failure: None,
            code: None,
            resolution: None,
        }
    }
}

impl Mergeable for AttemptRow {
    type Key = (Place, OperationId, u32);

    fn key(&self) -> Self::Key {
        (self.place, self.operation_id, self.attempt)
    }

    fn merge(&mut self, later: Self) {
        complete(&mut self.partner, later.partner);
        complete(&mut self.due_at, later.due_at);
        complete(&mut self.acknowledged_at, later.acknowledged_at);
        complete(&mut self.ended_at, later.ended_at);
        complete(&mut self.result, later.result);
        complete(&mut self.failure, later.failure);
        complete(&mut self.code, later.code);
        complete(&mut self.resolution, later.resolution);
    }
}

impl Row for AttemptRow {
    const TABLE: Table = Table {
        name: "attempts",
        columns: &[
            "log_partition",
            "first_offset",
            "operation_id",
            "attempt",
            "request_id",
            "partner",
            "due_at",
            "acknowledged_at",
            "ended_at",
            "result",
            "failure_class",
            "code",
            "resolution",
        ],
        key: 4,
        conflict: Conflict::Complete,
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([
            value(self.place.partition),
            value(self.place.offset),
            value(self.operation_id),
            value(self.attempt),
            value(self.request_id),
            value(self.partner.as_ref()),
            value(self.due_at),
            value(self.acknowledged_at),
            value(self.ended_at),
            value(self.result.map(AttemptResult::as_str)),
            value(self.failure.map(FailureClass::as_str)),
            value(self.code.as_ref()),
            value(self.resolution.map(Resolution::as_str)),
        ]);
    }
}

// === impl AttemptResult ===

impl AttemptResult {
    /// The name used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Fulfilled => "fulfilled",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Compensated => "compensated",
        }
    }
}
