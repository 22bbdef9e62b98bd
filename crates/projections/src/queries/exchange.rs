//! One exchange: a member, two payers, and what has become of its requests.

use domain::ExchangeId;
use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};
use crate::table::value;

/// An exchange.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Exchange {
    /// The exchange.
    pub exchange_id: String,
    /// The other payer.
    pub counterparty: String,
    /// How many requests it has.
    pub requests: i64,
    /// How many of them are not closed.
    pub open_requests: i64,
    /// How many were fulfilled.
    pub fulfilled: i64,
    /// When its first request was received.
    pub first_received_at: i64,
    /// When one of them last changed its state.
    pub last_change_at: i64,
}

/// One of an exchange's requests.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Member {
    /// The request.
    pub request_id: String,
    /// The request it refers to.
    pub parent_request_id: Option<String>,
    /// What it is to do.
    pub workflow: String,
    /// Where it stands.
    pub state: String,
    /// How it ended.
    pub outcome: Option<String>,
    /// When it was received.
    pub received_at: i64,
}

/// The exchange of this id.
pub async fn by_id(database: &Database, exchange_id: ExchangeId) -> Result<Option<Exchange>, StoreError> {
    let sql = "SELECT exchange_id, counterparty, requests, open_requests, fulfilled, first_received_at, last_change_at \
               FROM exchanges WHERE exchange_id = $1";
    database.row(sql, vec![value(exchange_id)]).await
}

/// Its requests, in the order they were received.
pub async fn requests(database: &Database, exchange_id: ExchangeId) -> Result<Vec<Member>, StoreError> {
    let sql = "SELECT request_id, parent_request_id, workflow, state, outcome, received_at \
               FROM requests WHERE exchange_id = $1 ORDER BY received_at, request_id";
    database.rows(sql, vec![value(exchange_id)]).await
}
