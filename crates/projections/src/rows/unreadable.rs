//! Records of the event log that are no facts here: visible, so that nobody takes a gap for completeness.

use crate::fact::Unreadable;
use crate::table::{Conflict, Row, Table, Value, value};

/// The table of [`Unreadable`].
pub(super) const TABLE: Table = Unreadable::TABLE;

impl Row for Unreadable {
    const TABLE: Table = Table {
        name: "unreadable",
        columns: &["log_partition", "log_offset", "appended_at", "request_id", "bytes", "code", "place"],
        key: 2,
        conflict: Conflict::Refuse,
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([
            value(self.position.partition),
            value(self.position.offset),
            value(self.appended_at),
            value(self.request_id),
            value(self.bytes),
            value(self.code.as_str()),
            value(&self.place),
        ]);
    }
}
