//! What sources and the enrolment system do: submit, enrol, hear their outcomes.

use contracts::Topic;
use domain::lifecycle::workflow;
use domain::messages::{Finding, IntakeRequest, Outcome, OutcomeStatus, Workflow};
use domain::person::{Coverage, MemberClaim, RosterMember, SourceRecord};
use domain::{Code, Lane, Message, RecordId, RequestId, SourceId, State, SubmissionId, TerminalOutcome, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Service, lines};
use crate::ask::Lines;
use crate::compose::{Plant, UNREGISTERED};
use crate::exit::Failure;
use crate::feed::Feed;
use crate::log::Tail;

/// What became of submissions.
#[derive(Serialize)]
pub(super) struct Submitted {
    sent: usize,
    requests: Vec<SubmittedRequest>,
}

/// One submission on its way.
#[derive(Serialize)]
struct SubmittedRequest {
    line: usize,
    request_id: RequestId,
    lane: Lane,
}

/// What became of roster records.
#[derive(Serialize)]
pub(super) struct Loaded {
    members: usize,
}

/// A roster record as the enrolment system hands it in.
#[derive(Serialize, Deserialize)]
struct MemberLine {
    member_key: String,
    member: MemberClaim,
    coverages: Vec<Coverage>,
    merged_into: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    as_of: Option<Timestamp>,
    #[serde(default)]
    others: Vec<SourceRecord>,
}

/// What a source was told.
#[derive(Serialize)]
pub(super) struct Told {
    at: String,
    status: OutcomeStatus,
    request_id: Option<RequestId>,
    submission_id: Option<SubmissionId>,
    correlation_id: Option<String>,
    workflow: Option<Workflow>,
    state: Option<State>,
    outcome: Option<TerminalOutcome>,
    code: Option<Code>,
    fields: Vec<String>,
    findings: Vec<Finding>,
    due_by: Option<String>,
    remedy: Option<String>,
}

/// How many roster records go in one transaction.
const BATCH: usize = 200;

/// Sends submissions in one transaction, once every line has proved good.
pub(super) fn submit(service: &Service, lane: Option<Lane>, lines: &Lines) -> Result<Submitted, Failure> {
    let parsed = lines::parse::<IntakeRequest>(&lines.0)?;
    let (mut records, mut requests) = (Vec::with_capacity(parsed.len()), Vec::with_capacity(parsed.len()));
    let mut wrong = Vec::new();
    for (line, request) in parsed {
        let lane = lane.unwrap_or_else(|| workflow::lane(request.sla));
        let key = request.idempotency_key.clone().into_bytes();
        let request_id = service.request_id(request.source.as_str(), &key);
        match service.feed.intake_record(lane, &key, request) {
            Ok(record) => records.push(record),
            Err(Failure::Input(fault)) => wrong.push(format!("line {line}: {fault}")),
            Err(failure) => return Err(failure),
        }
        requests.push(SubmittedRequest { line, request_id, lane });
    }
    if !wrong.is_empty() {
        return Err(Failure::Input(lines::told(&wrong)));
    }
    Ok(Submitted { sent: service.feed.append(records)?, requests })
}

/// Publishes roster records, once every line has proved good.
pub(super) fn load_members(feed: &Feed, lines: &Lines) -> Result<Loaded, Failure> {
    let mut parsed = lines::parse::<MemberLine>(&lines.0)?.into_iter().map(|(_, line)| {
        let MemberLine { member_key, member, coverages, merged_into, source, as_of, others } = line;
        (member_key, RosterMember { member, coverages, merged_into, source, as_of, others })
    });
    let mut members = 0;
    loop {
        let batch: Vec<_> = parsed.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(Loaded { members });
        }
        members += feed.load_members(batch)?;
    }
}

/// The newest `limit` outcomes of a source, oldest first.
pub(super) fn outcomes(
    plant: &Plant,
    source: SourceId,
    id: Option<RecordId>,
    limit: usize,
) -> Result<Vec<Told>, Failure> {
    if source.as_str() != UNREGISTERED && plant.tables.sources.get(&source).is_none() {
        let known: Vec<&str> = plant.tables.sources.ids().map(SourceId::as_str).collect();
        let message = format!("no source of that name is registered; there are {}", known.join(", "));
        return Err(Failure::NotFound(message));
    }
    let is_wanted = |outcome: &Outcome| {
        id.is_none_or(|RecordId(id)| {
            outcome.request_id == Some(RequestId(id))
                || outcome.submission_id.is_some_and(|submission| submission.0 == id)
        })
    };
    let mut found = Vec::new();
    for (_, message) in Tail::of(plant, Topic::Outcomes(source))?.all()? {
        if let Some(Message::Outcome(outcome)) = message
            && is_wanted(&outcome)
        {
            found.push(*outcome);
        }
    }
    found.sort_by_key(|outcome| outcome.at);
    let newest = found.split_off(found.len().saturating_sub(limit));
    Ok(newest.into_iter().map(Told::from).collect())
}

impl From<Outcome> for Told {
    fn from(outcome: Outcome) -> Self {
        Self {
            at: outcome.at.to_string(),
            status: outcome.status,
            request_id: outcome.request_id,
            submission_id: outcome.submission_id,
            correlation_id: outcome.correlation_id,
            workflow: outcome.workflow,
            state: outcome.state,
            outcome: outcome.outcome,
            code: outcome.code,
            fields: outcome.fields,
            findings: outcome.findings,
            due_by: outcome.due_by.map(|due_by| due_by.to_string()),
            remedy: outcome.remedy,
        }
    }
}
