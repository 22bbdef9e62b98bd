//! How many requests there are, by what people ask for first.

use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};

/// Requests of one kind.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Count {
    /// What they have in common.
    pub name: String,
    /// How many there are.
    pub requests: i64,
    /// When the one that has been there longest entered its state.
    pub oldest_since: i64,
}

/// Requests in one state for one reason.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Reason {
    /// The outcome of those that have one, else the state.
    pub name: String,
    /// The reason code.
    pub code: String,
    /// How many there are.
    pub requests: i64,
}

/// Requests that ended in one way.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct End {
    /// The outcome.
    pub outcome: String,
    /// How many there are.
    pub requests: i64,
}

/// All requests by state.
pub async fn by_state(database: &Database) -> Result<Vec<Count>, StoreError> {
    let sql = "SELECT state AS name, count(*) AS requests, min(state_since) AS oldest_since \
               FROM requests WHERE source IS NOT NULL GROUP BY state ORDER BY state";
    database.rows(sql, Vec::new()).await
}

/// Requests that are not closed, by state.
pub async fn open_by_state(database: &Database) -> Result<Vec<Count>, StoreError> {
    let sql = "SELECT state AS name, count(*) AS requests, min(state_since) AS oldest_since \
               FROM requests WHERE closed_at IS NULL AND source IS NOT NULL GROUP BY state ORDER BY state";
    database.rows(sql, Vec::new()).await
}

/// Requests that are not closed, by lane.
pub async fn open_by_lane(database: &Database) -> Result<Vec<Count>, StoreError> {
    let sql = "SELECT lane AS name, count(*) AS requests, min(state_since) AS oldest_since \
               FROM requests WHERE closed_at IS NULL AND lane IS NOT NULL GROUP BY lane ORDER BY lane";
    database.rows(sql, Vec::new()).await
}

/// Requests that are closed, by outcome.
pub async fn closed_by_outcome(database: &Database) -> Result<Vec<End>, StoreError> {
    let sql = "SELECT outcome, count(*) AS requests FROM requests \
               WHERE closed_at IS NOT NULL AND outcome IS NOT NULL AND source IS NOT NULL GROUP BY outcome ORDER BY outcome";
    database.rows(sql, Vec::new()).await
}

/// Requests whose state or outcome has a reason, the most frequent first.
pub async fn by_reason(database: &Database) -> Result<Vec<Reason>, StoreError> {
    let sql = "SELECT coalesce(outcome, state) AS name, code, count(*) AS requests \
               FROM requests WHERE code IS NOT NULL AND source IS NOT NULL \
               GROUP BY coalesce(outcome, state), code ORDER BY count(*) DESC, name, code";
    database.rows(sql, Vec::new()).await
}
