//! The timeline of a request: every step of machines and people, with what each took.

use domain::RequestId;
use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};
use crate::table::value;

/// One event on a timeline.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Entry {
    /// Partition of the log.
    pub log_partition: i64,
    /// Offset within it: the order of a request's facts.
    pub log_offset: i64,
    /// When it was appended to the log.
    pub appended_at: i64,
    /// When the worker decided it.
    pub at: i64,
    /// Milliseconds since the request's first event.
    pub elapsed_ms: i64,
    /// The worker.
    pub worker: String,
    /// The worker's version.
    pub version: String,
    /// What happened.
    pub kind: String,
    /// What it did: advanced, noted, or why it should not have happened.
    pub step: String,
    /// The state afterwards.
    pub state: String,
    /// The state it ended.
    pub left_state: Option<String>,
    /// How long that state had lasted, in milliseconds.
    pub spent_ms: Option<i64>,
    /// The event's own fields, as JSON text.
    pub detail: String,
    /// The record that caused it.
    pub cause: String,
}

/// A record of the log under a request's key that can't be read: a gap in its timeline.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Gap {
    /// Partition of the log.
    pub log_partition: i64,
    /// Offset within it.
    pub log_offset: i64,
    /// When it was appended to the log.
    pub appended_at: i64,
    /// Why it can't be read.
    pub code: String,
    /// Where reading failed.
    pub place: String,
}

/// An attempt at a partner.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Attempt {
    /// The side effect.
    pub operation_id: String,
    /// Which attempt, from 1.
    pub attempt: i64,
    /// The partner.
    pub partner: Option<String>,
    /// When it was due to begin.
    pub due_at: Option<i64>,
    /// When the partner confirmed it.
    pub acknowledged_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// What came of it.
    pub result: Option<String>,
    /// The class of failure.
    pub failure_class: Option<String>,
    /// The code of failure.
    pub code: Option<String>,
    /// How an unknown outcome is resolved.
    pub resolution: Option<String>,
}

/// The events of a request, or of a refused submission by its submission id, in log order.
pub async fn of(database: &Database, id: RequestId) -> Result<Vec<Entry>, StoreError> {
    let sql = "SELECT t.log_partition, t.log_offset, t.appended_at, t.at, t.at - first_value(t.at) OVER story AS elapsed_ms, \
                      t.worker, t.version, t.kind, t.step, t.state, t.left_state, t.spent_ms, t.detail, t.cause \
               FROM (SELECT log_partition, first_offset FROM requests WHERE request_id = $1 \
                     UNION ALL \
                     SELECT log_partition, log_offset FROM submissions WHERE submission_id = $1) AS place \
               JOIN timeline AS t ON t.log_partition = place.log_partition AND t.first_offset = place.first_offset \
               WINDOW story AS (ORDER BY t.log_partition, t.log_offset) \
               ORDER BY t.log_partition, t.log_offset";
    database.rows(sql, vec![value(id)]).await
}

/// The gaps in a request's timeline. There are next to none in all, so that looking through all of them costs nothing.
pub async fn gaps(database: &Database, request_id: RequestId) -> Result<Vec<Gap>, StoreError> {
    let sql = "SELECT log_partition, log_offset, appended_at, code, place FROM unreadable \
               WHERE request_id = $1 ORDER BY log_partition, log_offset";
    database.rows(sql, vec![value(request_id)]).await
}

/// The attempts a request took, in the order they began.
pub async fn attempts(database: &Database, request_id: RequestId) -> Result<Vec<Attempt>, StoreError> {
    let sql = "SELECT a.operation_id, a.attempt, a.partner, a.due_at, a.acknowledged_at, a.ended_at, a.result, \
                      a.failure_class, a.code, a.resolution \
               FROM requests AS r \
               JOIN attempts AS a ON a.log_partition = r.log_partition AND a.first_offset = r.first_offset \
               WHERE r.request_id = $1 \
               ORDER BY min(a.due_at) OVER (PARTITION BY a.operation_id) NULLS FIRST, a.operation_id, a.attempt";
    database.rows(sql, vec![value(request_id)]).await
}
