//! How long requests stay in each state, and how long they take in all.

use domain::Timestamp;
use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};
use crate::table::value;

/// The durations of one state, in milliseconds.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Durations {
    /// The state that ended; `whole` from receipt to close.
    pub state: String,
    /// How many requests left it.
    pub requests: i64,
    /// The median.
    pub p50_ms: i64,
    /// The slowest hundredth begins here.
    pub p99_ms: i64,
    /// The slowest.
    pub max_ms: i64,
}

/// The durations of every state left since a moment, and of requests closed since then as a whole.
pub async fn durations(database: &Database, since: Timestamp) -> Result<Vec<Durations>, StoreError> {
    let sql = "SELECT state, count(*) AS requests, \
                      min(CASE WHEN 0.50 <= place THEN spent_ms END) AS p50_ms, \
                      min(CASE WHEN 0.99 <= place THEN spent_ms END) AS p99_ms, \
                      max(spent_ms) AS max_ms \
               FROM (SELECT state, spent_ms, cume_dist() OVER (PARTITION BY state ORDER BY spent_ms) AS place \
                     FROM (SELECT left_state AS state, spent_ms FROM timeline WHERE left_state IS NOT NULL AND $1 <= at \
                           UNION ALL \
                           SELECT 'whole', closed_at - received_at FROM requests \
                           WHERE $1 <= closed_at AND received_at IS NOT NULL) AS spans) AS placed \
               GROUP BY state ORDER BY state = 'whole', min(spent_ms), state";
    database.rows(sql, vec![value(since)]).await
}
