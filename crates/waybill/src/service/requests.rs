//! Requests in a list, by what they have in common.

use projections::queries::request::{self, Filter, Listed};
use serde::Serialize;

use super::told;
use crate::exit::Failure;
use crate::read_model::Rows;

/// A request in a list.
#[derive(Serialize)]
pub(super) struct Line {
    request_id: String,
    state: String,
    outcome: Option<String>,
    code: Option<String>,
    owner: Option<String>,
    since: String,
    due_by: Option<String>,
    source: Option<String>,
    workflow: Option<String>,
    lane: Option<String>,
    counterparty: Option<String>,
}

/// The requests that the filter lets through, those that have been in their state longest first.
pub(super) fn list(rows: &Rows, filter: &Filter, limit: u32) -> Result<Vec<Line>, Failure> {
    let found = rows.get(|database| request::list(database, filter, limit))?;
    Ok(found.into_iter().map(Line::from).collect())
}

impl From<Listed> for Line {
    fn from(listed: Listed) -> Self {
        Self {
            request_id: listed.request_id,
            state: listed.state,
            outcome: listed.outcome,
            code: listed.code,
            owner: listed.owner,
            since: told(listed.state_since),
            due_by: listed.due_by.map(told),
            source: listed.source,
            workflow: listed.workflow,
            lane: listed.lane,
            counterparty: listed.counterparty,
        }
    }
}
