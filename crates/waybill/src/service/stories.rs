//! One request's story: what was asked, every step of machines and people, and the attempts at the partner.

use domain::{RequestId, SubmissionId};
use projections::queries::request::{self, Request};
use projections::queries::submission;
use projections::queries::timeline::{self, Attempt, Entry};
use serde::Serialize;
use serde_json::Value;

use super::told;
use crate::exit::Failure;
use crate::read_model::Rows;

/// Where a request stands and how it got there.
#[derive(Serialize)]
pub(super) struct Story {
    request_id: String,
    source: Option<String>,
    workflow: Option<String>,
    counterparty: Option<String>,
    lane: Option<String>,
    exchange_id: Option<String>,
    parent_request_id: Option<String>,
    state: Option<String>,
    outcome: Option<String>,
    code: Option<String>,
    owner: Option<String>,
    due_by: Option<String>,
    took_ms: Option<i64>,
    retries: Option<i64>,
    events: usize,
    anomalies: usize,
    unreadable: usize,
    timeline: Vec<Step>,
    attempts: Vec<Try>,
}

/// One step of a timeline, of a machine or of a person.
#[derive(Serialize)]
struct Step {
    at: String,
    /// Since the step before.
    after_ms: i64,
    by: String,
    operator: Option<String>,
    event: String,
    /// The state afterwards.
    state: String,
    /// How long the state had lasted that this step ended.
    spent_ms: Option<i64>,
    code: Option<String>,
    /// Why the step should not have happened.
    anomaly: Option<String>,
    version: String,
    detail: Value,
}

/// One attempt at the partner.
#[derive(Serialize)]
struct Try {
    attempt: i64,
    partner: Option<String>,
    due_at: Option<String>,
    acknowledged_after_ms: Option<i64>,
    ended_after_ms: Option<i64>,
    result: Option<String>,
    class: Option<String>,
    code: Option<String>,
    resolution: Option<String>,
    operation_id: String,
}

/// The timeline of a request, or of a submission that was refused. A submission that repeated another one has the story of that; a
/// request whose submissions were all refused has that of the last of them.
pub(super) fn trace(rows: &Rows, id: RequestId) -> Result<Story, Failure> {
    let mut id = id;
    let mut request = rows.get(|database| request::by_id(database, id))?;
    if request.is_none()
        && let Some(named) = named_by_submission(rows, id)?
    {
        id = named;
        request = rows.get(|database| request::by_id(database, id))?;
    }
    if request.is_none()
        && let Some(refused) = rows.get(|database| submission::refused(database, id))?.last()
    {
        id = refused.submission_id.parse().unwrap_or(id);
    }
    let entries = rows.get(|database| timeline::of(database, id))?;
    if entries.is_empty() {
        let message = format!("nothing is on the log about {id}; a submission shows once intake has judged it");
        return Err(Failure::NotFound(message));
    }
    let attempts = rows.get(|database| timeline::attempts(database, id))?;
    let unreadable = rows.get(|database| timeline::gaps(database, id))?.len();
    Ok(story(id, request.as_ref(), &entries, &attempts, unreadable))
}

const REFUSED: &str = "refused";

/// The request whose key a repeated submission came under.
fn named_by_submission(rows: &Rows, id: RequestId) -> Result<Option<RequestId>, Failure> {
    let found = rows.get(|database| submission::by_id(database, SubmissionId(id.0)))?;
    let repeated = found.filter(|submission| submission.result != REFUSED);
    Ok(repeated.and_then(|submission| submission.request_id?.parse().ok()))
}

fn story(
    id: RequestId,
    request: Option<&Request>,
    entries: &[Entry],
    attempts: &[Attempt],
    unreadable: usize,
) -> Story {
    let befores = std::iter::once(None).chain(entries.iter().map(|entry| Some(entry.at)));
    let timeline: Vec<Step> = entries.iter().zip(befores).map(|(entry, before)| step(entry, before)).collect();
    let of = |field: fn(&Request) -> &Option<String>| request.and_then(|request| field(request).clone());
    Story {
        request_id: id.to_string(),
        source: of(|request| &request.source),
        workflow: of(|request| &request.workflow),
        counterparty: of(|request| &request.counterparty),
        lane: of(|request| &request.lane),
        exchange_id: of(|request| &request.exchange_id),
        parent_request_id: of(|request| &request.parent_request_id),
        state: entries.last().map(|last| last.state.clone()),
        outcome: of(|request| &request.outcome),
        code: of(|request| &request.code),
        owner: of(|request| &request.owner),
        due_by: request.and_then(|request| request.due_by).map(told),
        took_ms: request.and_then(|request| Some(request.closed_at? - request.received_at?)),
        retries: request.map(|request| request.retries),
        events: timeline.len(),
        anomalies: timeline.iter().filter(|step| step.anomaly.is_some()).count(),
        unreadable,
        timeline,
        attempts: attempts.iter().map(Try::of).collect(),
    }
}

fn step(entry: &Entry, before: Option<i64>) -> Step {
    let detail: Value = serde_json::from_str(&entry.detail).unwrap_or_default();
    let text = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
    let is_in_order = matches!(entry.step.as_str(), "advanced" | "noted");
    Step {
        at: told(entry.at),
        after_ms: before.map_or(0, |before| entry.at.saturating_sub(before)),
        by: entry.worker.clone(),
        operator: text("operator").or_else(|| detail.pointer("/review/operator")?.as_str().map(str::to_owned)),
        event: entry.kind.clone(),
        state: entry.state.clone(),
        spent_ms: entry.spent_ms,
        code: text("code"),
        anomaly: (!is_in_order).then(|| entry.step.clone()),
        version: entry.version.clone(),
        detail,
    }
}

// === impl Try ===

impl Try {
    fn of(attempt: &Attempt) -> Self {
        // A call back may have made it begin before it was due.
        let since_start = |at: Option<i64>| Some(at?.saturating_sub(attempt.due_at?).max(0));
        Self {
            attempt: attempt.attempt,
            partner: attempt.partner.clone(),
            due_at: attempt.due_at.map(told),
            acknowledged_after_ms: since_start(attempt.acknowledged_at),
            ended_after_ms: since_start(attempt.ended_at),
            result: attempt.result.clone(),
            class: attempt.failure_class.clone(),
            code: attempt.code.clone(),
            resolution: attempt.resolution.clone(),
            operation_id: attempt.operation_id.clone(),
        }
    }
}
