//! What left us or came to us about one member: the accounting a member may ask for.

use domain::Token;
use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};
use crate::table::value;

/// One disclosure.
#[derive(Clone, PartialEq, Eq, Debug, FromRow, Serialize)]
pub struct Disclosure {
    /// When it was decided.
    pub at: i64,
    /// sent or received.
    pub direction: String,
    /// request, answer or records.
    pub what: String,
    /// To or from whom.
    pub counterparty: String,
    /// What for: the workflow.
    pub purpose: String,
    /// How much the consent it relied on covers.
    pub consent: Option<String>,
    /// The request.
    pub request_id: String,
    /// The account it was matched to, as a token.
    pub member_token: String,
    /// How many records, where records went.
    pub records: Option<i64>,
}

/// The disclosures about a member, under whichever of these tokens, in time's order: each account that was merged into theirs has one.
pub async fn of_member(database: &Database, member_tokens: &[Token]) -> Result<Vec<Disclosure>, StoreError> {
    let sql = "SELECT at, direction, what, counterparty, purpose, consent, request_id, matched_token AS member_token, \
                      records FROM disclosures WHERE matched_token = $1 ORDER BY at, log_partition, log_offset";
    let mut all: Vec<Disclosure> = Vec::new();
    for token in member_tokens {
        all.extend(database.rows(sql, vec![value(*token)]).await?);
    }
    all.sort_by_key(|disclosure| disclosure.at);
    Ok(all)
}
