//! The accounts: what came in, and what has become of it. They must balance.

use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};

/// What one source sent, and what has become of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, FromRow, Serialize)]
pub struct SourceAccount {
    /// The source, as claimed; empty where nobody could tell.
    pub source: String,
    /// Arrivals that named a new request.
    pub accepted: i64,
    /// Arrivals that were refused.
    pub refused: i64,
    /// Arrivals that said what an accepted one had said.
    pub duplicates: i64,
    /// Arrivals that said something else under an accepted key.
    pub conflicts: i64,
    /// Accepted requests that were delivered.
    pub fulfilled: i64,
    /// Accepted requests that were refused with a reason.
    pub rejected: i64,
    /// Accepted requests that were cancelled.
    pub cancelled: i64,
    /// Accepted requests that another one replaced.
    pub superseded: i64,
    /// Accepted requests that a named owner has.
    pub escalated: i64,
    /// Accepted requests without an outcome.
    pub pending: i64,
    /// Accepted requests that are not closed.
    pub open: i64,
    /// Attempts that failed and were followed by another.
    pub retries: i64,
}

/// What the log itself is accountable for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromRow, Serialize)]
pub struct LogAccount {
    /// Events on timelines.
    pub events: i64,
    /// Events that should not have happened when they did.
    pub anomalies: i64,
    /// Records that can't be read.
    pub unreadable: i64,
    /// What must never happen and did.
    pub alarms: i64,
    /// Dead letters that wait.
    pub open_letters: i64,
    /// Groups of dead letters.
    pub letter_groups: i64,
}

/// The accounts of every source, by name.
pub async fn by_source(database: &Database) -> Result<Vec<SourceAccount>, StoreError> {
    let sql = "SELECT source, \
                      CAST(sum(accepted) AS BIGINT) AS accepted, CAST(sum(refused) AS BIGINT) AS refused, \
                      CAST(sum(duplicates) AS BIGINT) AS duplicates, CAST(sum(conflicts) AS BIGINT) AS conflicts, \
                      CAST(sum(fulfilled) AS BIGINT) AS fulfilled, CAST(sum(rejected) AS BIGINT) AS rejected, \
                      CAST(sum(cancelled) AS BIGINT) AS cancelled, CAST(sum(superseded) AS BIGINT) AS superseded, \
                      CAST(sum(escalated) AS BIGINT) AS escalated, CAST(sum(pending) AS BIGINT) AS pending, \
                      CAST(sum(open) AS BIGINT) AS open, CAST(sum(retries) AS BIGINT) AS retries \
               FROM (SELECT source, 1 AS accepted, 0 AS refused, 0 AS duplicates, 0 AS conflicts, \
                            CASE outcome WHEN 'fulfilled' THEN 1 ELSE 0 END AS fulfilled, \
                            CASE outcome WHEN 'rejected' THEN 1 ELSE 0 END AS rejected, \
                            CASE outcome WHEN 'cancelled' THEN 1 ELSE 0 END AS cancelled, \
                            CASE outcome WHEN 'superseded' THEN 1 ELSE 0 END AS superseded, \
                            CASE outcome WHEN 'escalated' THEN 1 ELSE 0 END AS escalated, \
                            CASE WHEN outcome IS NULL THEN 1 ELSE 0 END AS pending, \
                            CASE WHEN closed_at IS NULL THEN 1 ELSE 0 END AS open, retries \
                     FROM requests WHERE source IS NOT NULL \
                     UNION ALL \
                     SELECT coalesce(source, ''), 0, CASE result WHEN 'refused' THEN 1 ELSE 0 END, \
                            CASE result WHEN 'duplicate' THEN 1 ELSE 0 END, CASE result WHEN 'conflict' THEN 1 ELSE 0 END, \
                            0, 0, 0, 0, 0, 0, 0, 0 \
                     FROM submissions) AS arrivals \
               GROUP BY source ORDER BY source";
    database.rows(sql, Vec::new()).await
}

/// The account of the log.
pub async fn of_log(database: &Database) -> Result<LogAccount, StoreError> {
    let sql = "SELECT (SELECT count(*) FROM timeline) AS events, \
                      (SELECT coalesce(CAST(sum(anomalies) AS BIGINT), 0) FROM requests) AS anomalies, \
                      (SELECT count(*) FROM unreadable) AS unreadable, \
                      (SELECT count(*) FROM alarms) AS alarms, \
                      (SELECT count(*) FROM dead_letters WHERE state = 'open') AS open_letters, \
                      (SELECT count(*) FROM letter_groups) AS letter_groups";
    Ok(database.row(sql, Vec::new()).await?.unwrap_or_default())
}
