//! One request.

use domain::{RequestId, SourceId, Token};
use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};
use crate::table::value;

/// A request as its row has it: see `requests` in the crate's README for each column.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
#[expect(missing_docs, reason = "the columns of `requests`, described once in the migration that makes them")]
pub struct Request {
    pub request_id: String,
    pub log_partition: i64,
    pub first_offset: i64,
    pub submission_id: Option<String>,
    pub source: Option<String>,
    pub key_token: Option<String>,
    pub exchange_id: Option<String>,
    pub parent_request_id: Option<String>,
    pub workflow: Option<String>,
    pub role: Option<String>,
    pub counterparty: Option<String>,
    pub member_token: Option<String>,
    pub due_by: Option<i64>,
    pub signed: Option<bool>,
    pub received_at: Option<i64>,
    pub last_offset: i64,
    pub lane: Option<String>,
    pub consent: Option<String>,
    pub consent_end: Option<i64>,
    pub matched_token: Option<String>,
    pub rule: Option<String>,
    pub candidates: Option<i64>,
    pub open_review: Option<i64>,
    pub operation_id: Option<String>,
    pub partner: Option<String>,
    pub attempt: Option<i64>,
    pub dispatched_at: Option<i64>,
    pub acknowledged_at: Option<i64>,
    pub fulfilled_at: Option<i64>,
    pub reference: Option<String>,
    pub retries: i64,
    pub received_records: Option<i64>,
    pub evidence: Option<String>,
    pub failure_class: Option<String>,
    pub partner_code: Option<String>,
    pub breaches: i64,
    pub state: String,
    pub progress: String,
    pub outcome: Option<String>,
    pub state_since: i64,
    pub events: i64,
    pub anomalies: i64,
    pub chain: String,
    pub code: Option<String>,
    pub owner: Option<String>,
    pub tier: Option<i64>,
    pub superseded_by: Option<String>,
    pub closed_at: Option<i64>,
}

/// The request of this id.
pub async fn by_id(database: &Database, request_id: RequestId) -> Result<Option<Request>, StoreError> {
    database.row("SELECT * FROM requests WHERE request_id = $1", vec![value(request_id)]).await
}

/// The request a source's key names; the token is the HMAC that intake makes of the key.
pub async fn by_key(database: &Database, source: &SourceId, key_token: Token) -> Result<Option<Request>, StoreError> {
    let sql = "SELECT requests.* FROM acceptances JOIN requests USING (request_id) \
               WHERE acceptances.source = $1 AND acceptances.key_token = $2";
    database.row(sql, vec![value(source), value(key_token)]).await
}
