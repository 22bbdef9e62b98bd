//! Alarms: what must never happen and did, found in the log itself.

use domain::{RequestId, Timestamp};

use crate::fact::Position;
use crate::table::{Conflict, Row, Table, Value, value};

/// A row of `alarms`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlarmRow {
    /// Where the event stands that gave it away.
    pub position: Position,
    /// What happened.
    pub kind: AlarmKind,
    /// The request.
    pub request_id: RequestId,
    /// When the event was decided.
    pub at: Timestamp,
}

/// What must never happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AlarmKind {
    /// This acceptance shares its idempotency key with another one: something may have been done twice.
    KeyBoundTwice,
    /// The request was closed over other events than those on the log: some were altered, or read differently.
    ChainDiffers,
}

/// The table of [`AlarmRow`].
pub(super) const TABLE: Table = AlarmRow::TABLE;

// === impl AlarmRow ===

impl Row for AlarmRow {
    const TABLE: Table = Table {
        name: "alarms",
        columns: &["log_partition", "log_offset", "kind", "request_id", "at"],
        key: 3,
        conflict: Conflict::Keep,
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([
            value(self.position.partition),
            value(self.position.offset),
            value(self.kind.as_str()),
            value(self.request_id),
            value(self.at),
        ]);
    }
}

// === impl AlarmKind ===

impl AlarmKind {
    /// The name used in tables and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyBoundTwice => "key_bound_twice",
            Self::ChainDiffers => "chain_differs",
        }
    }
}
