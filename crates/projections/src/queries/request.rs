//! One request.

use domain::{Code, PartnerId, RequestId, SourceId, State, Token};
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

/// A request in a list.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Listed {
    /// The request.
    pub request_id: String,
    /// The upstream system.
    pub source: Option<String>,
    /// What is to be done.
    pub workflow: Option<String>,
    /// The lane.
    pub lane: Option<String>,
    /// The other payer.
    pub counterparty: Option<String>,
    /// Where it stands.
    pub state: String,
    /// How it ended, once it has.
    pub outcome: Option<String>,
    /// Why, where there is something to explain.
    pub code: Option<String>,
    /// Who owns it, beyond automatic means.
    pub owner: Option<String>,
    /// When it entered its state.
    pub state_since: i64,
    /// When it must have ended.
    pub due_by: Option<i64>,
}

/// What listed requests have in common; none means all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// The state they are in.
    pub state: Option<State>,
    /// The reason of it.
    pub code: Option<Code>,
    /// The upstream system.
    pub source: Option<SourceId>,
    /// The other payer.
    pub counterparty: Option<PartnerId>,
    /// Only those that have not ended.
    pub open: bool,
}

/// The requests that a filter lets through, those that have been in their state longest first.
pub async fn list(database: &Database, filter: &Filter, limit: u32) -> Result<Vec<Listed>, StoreError> {
    // A condition that is not asked for holds for all. Its parameter is a text, so that every engine knows its type.
    let sql = "SELECT request_id, source, workflow, lane, counterparty, state, outcome, code, owner, state_since, due_by \
               FROM requests \
               WHERE source IS NOT NULL AND ($1 = '' OR state = $1) AND ($2 = '' OR code = $2) \
                 AND ($3 = '' OR source = $3) AND ($4 = '' OR counterparty = $4) AND ($5 = '' OR closed_at IS NULL) \
               ORDER BY state_since, request_id LIMIT $6";
    let text = |text: Option<&str>| value(&text.unwrap_or_default().to_owned());
    let values = vec![
        text(filter.state.map(State::as_str)),
        text(filter.code.map(Code::as_str)),
        text(filter.source.as_ref().map(SourceId::as_str)),
        text(filter.counterparty.as_ref().map(PartnerId::as_str)),
        text(filter.open.then_some("open")),
        value(limit),
    ];
    database.rows(sql, values).await
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
