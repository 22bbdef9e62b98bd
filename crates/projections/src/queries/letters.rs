//! Dead letters and their groups. The letters themselves, sealed, are triage's; here is what the log says of them.

use domain::{LetterId, Token};
use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};
use crate::table::value;

/// A dead letter.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Letter {
    /// The letter.
    pub letter_id: String,
    /// The request; the letter's own id where the record named none.
    pub request_id: String,
    /// The stage that gave up.
    pub worker: Option<String>,
    /// The class of failure.
    pub failure_class: Option<String>,
    /// The code within the class.
    pub code: Option<String>,
    /// Letters of one cause share it.
    pub signature: Option<String>,
    /// When it was written.
    pub lettered_at: Option<i64>,
    /// open, replayed or discarded.
    pub state: String,
    /// When a person last acted on it.
    pub settled_at: Option<i64>,
    /// Who.
    pub operator: Option<String>,
}

/// Letters of one cause.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Group {
    /// What they share.
    pub signature: String,
    /// The stage that gave up.
    pub worker: Option<String>,
    /// The class of failure.
    pub failure_class: Option<String>,
    /// The code within the class.
    pub code: Option<String>,
    /// How many there are.
    pub letters: i64,
    /// How many of them wait.
    pub open_letters: i64,
    /// How many requests they hold up or held up.
    pub requests: i64,
    /// When the first came.
    pub first_at: Option<i64>,
    /// When the last came.
    pub last_at: Option<i64>,
}

/// Letters of one stage that wait.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct StageLetters {
    /// The stage that gave up.
    pub worker: String,
    /// How many wait.
    pub letters: i64,
    /// When the oldest was written.
    pub oldest_at: Option<i64>,
}

/// Letters, the newest first; only open ones if asked for.
pub async fn list(database: &Database, only_open: bool, limit: u32) -> Result<Vec<Letter>, StoreError> {
    let sql = "SELECT letter_id, request_id, worker, failure_class, code, signature, lettered_at, state, settled_at, operator \
               FROM dead_letters WHERE $1 = 0 OR state = 'open' ORDER BY lettered_at DESC NULLS LAST, letter_id LIMIT $2";
    database.rows(sql, vec![value(i64::from(only_open)), value(limit)]).await
}

/// The letters of one cause, the newest first.
pub async fn of_group(database: &Database, signature: Token, limit: u32) -> Result<Vec<Letter>, StoreError> {
    let sql = "SELECT letter_id, request_id, worker, failure_class, code, signature, lettered_at, state, settled_at, operator \
               FROM dead_letters WHERE signature = $1 ORDER BY lettered_at DESC NULLS LAST, letter_id LIMIT $2";
    database.rows(sql, vec![value(signature), value(limit)]).await
}

/// One letter.
pub async fn show(database: &Database, letter_id: LetterId) -> Result<Option<Letter>, StoreError> {
    let sql = "SELECT letter_id, request_id, worker, failure_class, code, signature, lettered_at, state, settled_at, operator \
               FROM dead_letters WHERE letter_id = $1";
    database.row(sql, vec![value(letter_id)]).await
}

/// Groups, those with the most open letters first.
pub async fn groups(database: &Database, limit: u32) -> Result<Vec<Group>, StoreError> {
    let sql = "SELECT signature, worker, failure_class, code, letters, open_letters, requests, first_at, last_at \
               FROM letter_groups ORDER BY open_letters DESC, letters DESC, signature LIMIT $1";
    database.rows(sql, vec![value(limit)]).await
}

/// How many letters wait, by the stage that gave up.
pub async fn open_by_stage(database: &Database) -> Result<Vec<StageLetters>, StoreError> {
    let sql = "SELECT worker, count(*) AS letters, min(lettered_at) AS oldest_at FROM dead_letters \
               WHERE state = 'open' AND worker IS NOT NULL GROUP BY worker ORDER BY worker";
    database.rows(sql, Vec::new()).await
}
