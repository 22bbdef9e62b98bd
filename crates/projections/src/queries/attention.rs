//! What waits for a person: exceptions with their owners, reviews, and what must never happen.

use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};
use crate::table::value;

/// A request beyond automatic means.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Exception {
    /// The request.
    pub request_id: String,
    /// The upstream system.
    pub source: Option<String>,
    /// The other payer.
    pub counterparty: Option<String>,
    /// The lane.
    pub lane: Option<String>,
    /// Why.
    pub code: Option<String>,
    /// Who owns it.
    pub owner: Option<String>,
    /// How far it was escalated.
    pub tier: Option<i64>,
    /// Since when.
    pub state_since: i64,
    /// When it must have ended.
    pub due_by: Option<i64>,
}

/// A review that waits for its decision.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Review {
    /// The request.
    pub request_id: String,
    /// The upstream system.
    pub source: Option<String>,
    /// The lane.
    pub lane: Option<String>,
    /// The other payer.
    pub counterparty: Option<String>,
    /// Why a person has to decide.
    pub code: Option<String>,
    /// How many candidates there are.
    pub candidates: Option<i64>,
    /// When it was opened.
    pub opened_at: Option<i64>,
    /// When the decision is due.
    pub due_by: Option<i64>,
}

/// Something that must never happen and did.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Alarm {
    /// Partition of the log.
    pub log_partition: i64,
    /// The event that gave it away.
    pub log_offset: i64,
    /// What happened.
    pub kind: String,
    /// The request.
    pub request_id: String,
    /// When the event was decided.
    pub at: i64,
}

/// Open exceptions, the oldest first.
pub async fn exceptions(database: &Database, limit: u32) -> Result<Vec<Exception>, StoreError> {
    let sql = "SELECT request_id, source, counterparty, lane, code, owner, tier, state_since, due_by \
               FROM requests WHERE closed_at IS NULL AND state = 'exception' ORDER BY state_since, request_id LIMIT $1";
    database.rows(sql, vec![value(limit)]).await
}

/// Open reviews, the most pressing first.
pub async fn reviews(database: &Database, limit: u32) -> Result<Vec<Review>, StoreError> {
    let sql = "SELECT request_id, source, lane, counterparty, code, candidates, opened_at, due_by \
               FROM v_reviews_open ORDER BY due_by, request_id LIMIT $1";
    database.rows(sql, vec![value(limit)]).await
}

/// Alarms, in log order.
pub async fn alarms(database: &Database, limit: u32) -> Result<Vec<Alarm>, StoreError> {
    let sql = "SELECT log_partition, log_offset, kind, request_id, at FROM alarms \
               ORDER BY log_partition, log_offset, kind LIMIT $1";
    database.rows(sql, vec![value(limit)]).await
}
