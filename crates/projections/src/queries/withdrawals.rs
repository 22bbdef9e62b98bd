//! Matches that were withdrawn, and with whom data lies because of them.

use domain::Timestamp;
use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};
use crate::table::value;

/// A match that the roster no longer bears out.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Withdrawal {
    /// The request.
    pub request_id: String,
    /// The member it named.
    pub withdrawn_token: String,
    /// When it was withdrawn.
    pub at: i64,
    /// open or closed: what the request was by then. Of one that was open the supervisor has stopped what was under way.
    pub request_was: String,
    /// The fields it rested on that the roster says otherwise, as a JSON list; an empty one where the account itself is gone.
    pub fields: Option<String>,
    /// What was left of its probability, in parts per million.
    pub probability_ppm: Option<i64>,
    /// The upstream system.
    pub source: Option<String>,
    /// What for: the workflow.
    pub purpose: Option<String>,
    /// The other payer.
    pub counterparty: Option<String>,
    /// requester or responder: whether we asked the other payer or were asked.
    pub role: Option<String>,
    /// When the partner, or our own system of record, was first asked.
    pub dispatched_at: Option<i64>,
    /// When data came.
    pub fulfilled_at: Option<i64>,
    /// How many records.
    pub received_records: Option<i64>,
    /// Where the request stands today.
    pub state: String,
    /// How it ended.
    pub outcome: Option<String>,
    /// Who owns it, beyond automatic means.
    pub owner: Option<String>,
}

/// Withdrawals from a moment on, the newest first.
pub async fn since(database: &Database, since: Timestamp, limit: u32) -> Result<Vec<Withdrawal>, StoreError> {
    let sql = "SELECT request_id, withdrawn_token, at, request_was, fields, probability_ppm, source, purpose, counterparty, role, \
                      dispatched_at, fulfilled_at, received_records, state, outcome, owner \
               FROM withdrawals WHERE $1 <= at ORDER BY at DESC, log_partition, log_offset LIMIT $2";
    database.rows(sql, vec![value(since), value(limit)]).await
}
