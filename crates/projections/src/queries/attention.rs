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

/// How much waits for a person, and since when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromRow, Serialize)]
pub struct Pending {
    /// Reviews.
    pub reviews: i64,
    /// When the oldest was opened.
    pub reviews_since: Option<i64>,
    /// Requests beyond automatic means.
    pub exceptions: i64,
    /// When the oldest came to be so.
    pub exceptions_since: Option<i64>,
    /// Dead letters.
    pub letters: i64,
    /// When the oldest was written.
    pub letters_since: Option<i64>,
    /// Causes these letters have.
    pub letter_groups: i64,
    /// Records of the log that can't be read.
    pub unreadable: i64,
    /// What must never happen and did.
    pub alarms: i64,
}

/// How much waits.
pub async fn pending(database: &Database) -> Result<Pending, StoreError> {
    let sql = "SELECT (SELECT count(*) FROM v_reviews_open) AS reviews, \
                      (SELECT min(opened_at) FROM v_reviews_open) AS reviews_since, \
                      (SELECT count(*) FROM requests WHERE closed_at IS NULL AND state = 'exception') AS exceptions, \
                      (SELECT min(state_since) FROM requests WHERE closed_at IS NULL AND state = 'exception') \
                          AS exceptions_since, \
                      (SELECT count(*) FROM dead_letters WHERE state = 'open') AS letters, \
                      (SELECT min(lettered_at) FROM dead_letters WHERE state = 'open') AS letters_since, \
                      (SELECT count(DISTINCT signature) FROM dead_letters WHERE state = 'open') AS letter_groups, \
                      (SELECT count(*) FROM unreadable) AS unreadable, \
                      (SELECT count(*) FROM alarms) AS alarms";
    Ok(database.row(sql, Vec::new()).await?.unwrap_or_default())
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
               FROM v_reviews_open ORDER BY due_by NULLS FIRST, request_id LIMIT $1";
    database.rows(sql, vec![value(limit)]).await
}

/// Alarms, in log order.
pub async fn alarms(database: &Database, limit: u32) -> Result<Vec<Alarm>, StoreError> {
    let sql = "SELECT log_partition, log_offset, kind, request_id, at FROM alarms \
               ORDER BY log_partition, log_offset, kind LIMIT $1";
    database.rows(sql, vec![value(limit)]).await
}
