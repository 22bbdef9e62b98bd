//! One request: what was asked, what it has come to, and why.

use domain::lifecycle::{Lifecycle, Progress};
use domain::messages::{Lane, PayerRole, Workflow};
use domain::person::ConsentPolicy;
use domain::{
    Code, ExchangeId, FailureClass, OperationId, PartnerId, RequestId, SourceId, State, SubmissionId, TerminalOutcome,
    Timestamp, Token,
};

use super::Place;
use crate::table::{Conflict, Row, Table, Value, value};

/// A row of `requests`, and all that projecting the request's next fact needs to know of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestRow {
    /// The request.
    pub request_id: RequestId,
    /// Where its events stand.
    pub place: Place,
    /// The offset of its last event.
    pub last_offset: u64,
    /// What was accepted; none for an id that a dead letter gave to a record nobody could read.
    pub accepted: Option<Accepted>,
    /// The lane its work takes.
    pub lane: Option<Lane>,
    /// How much the consent covers, and until when.
    pub consent: Option<(ConsentPolicy, Timestamp)>,
    /// The member as identity found them.
    pub matched_token: Option<Token>,
    /// The rule that found them.
    pub rule: Option<String>,
    /// How many were candidates.
    pub candidates: Option<u32>,
    /// The offset that opened the review under way.
    pub open_review: Option<u64>,
    /// The latest operation at the partner.
    pub operation: Option<Operation>,
    /// When the partner was first asked.
    pub dispatched_at: Option<Timestamp>,
    /// When it first confirmed.
    pub acknowledged_at: Option<Timestamp>,
    /// When it first delivered.
    pub fulfilled_at: Option<Timestamp>,
    /// The partner's own reference.
    pub reference: Option<String>,
    /// How many attempts failed and were followed by another.
    pub retries: u32,
    /// How many records came.
    pub received_records: Option<u64>,
    /// Where the sealed evidence lies.
    pub evidence: Option<String>,
    /// The class of the last failure.
    pub failure: Option<FailureClass>,
    /// The partner's code, when it refused.
    pub partner_code: Option<String>,
    /// How many clocks ran out.
    pub breaches: u32,
    /// What its events come to.
    pub lifecycle: Lifecycle,
    /// Why it is in this state, where there is something to explain.
    pub code: Option<Code>,
    /// Who owns it, beyond automatic means.
    pub owner: Option<String>,
    /// How often it moved up a tier.
    pub tier: Option<u32>,
    /// The request that took its place.
    pub superseded_by: Option<RequestId>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

/// What was accepted: the fields of [`Received`](domain::EventBody::Received).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// The arrival.
    pub submission_id: SubmissionId,
    /// The upstream system.
    pub source: SourceId,
    /// HMAC of source and idempotency key.
    pub key_token: Token,
    /// The exchange.
    pub exchange_id: ExchangeId,
    /// The request it refers to.
    pub parent_request_id: Option<RequestId>,
    /// What is to be done.
    pub workflow: Workflow,
    /// Our side.
    pub role: PayerRole,
    /// The other payer.
    pub counterparty: PartnerId,
    /// The member the submission is about.
    pub member_token: Token,
    /// When it must have ended.
    pub due_by: Timestamp,
    /// Whether it was signed.
    pub signed: bool,
    /// When it was received.
    pub received_at: Timestamp,
}

/// What the partner is asked at present.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// The side effect.
    pub operation_id: OperationId,
    /// The partner.
    pub partner: PartnerId,
    /// The attempt under way, from 1.
    pub attempt: u32,
}

/// The table of [`RequestRow`].
pub(super) const TABLE: Table = RequestRow::TABLE;

// === impl RequestRow ===

impl RequestRow {
    /// A request nothing is known of yet; its first event stands at `place`.
    pub fn new(request_id: RequestId, place: Place) -> Self {
        Self {
            request_id,
            place,
            last_offset: place.offset,
            accepted: None,
            lane: None,
            consent: None,
            matched_token: None,
            rule: None,
            candidates: None,
            open_review: None,
            operation: None,
            dispatched_at: None,
            acknowledged_at: None,
            fulfilled_at: None,
            reference: None,
            retries: 0,
            received_records: None,
            evidence: None,
            failure: None,
            partner_code: None,
            breaches: 0,
            lifecycle: Lifecycle::default(),
            code: None,
            owner: None,
            tier: None,
            superseded_by: None,
            closed_at: None,
        }
    }

    /// The partner it is asked of, or is to be asked of.
    pub fn partner(&self) -> Option<&PartnerId> {
        let asked = self.operation.as_ref().map(|operation| &operation.partner);
        asked.or_else(|| self.accepted.as_ref().map(|accepted| &accepted.counterparty))
    }

    /// The attempt under way at an operation; the first one for operations that are not the latest.
    pub fn attempt_of(&self, operation_id: OperationId) -> u32 {
        match &self.operation {
            Some(operation) if operation.operation_id == operation_id => operation.attempt,
            Some(_) | None => 1,
        }
    }
}

impl Row for RequestRow {
    const TABLE: Table = Table {
        name: "requests",
        columns: &[
            "request_id",
            "log_partition",
            "first_offset",
            "submission_id",
            "source",
            "key_token",
            "exchange_id",
            "parent_request_id",
            "workflow",
            "role",
            "counterparty",
            "member_token",
            "due_by",
            "signed",
            "received_at",
            "last_offset",
            "lane",
            "consent",
            "consent_end",
            "matched_token",
            "rule",
            "candidates",
            "open_review",
            "operation_id",
            "partner",
            "attempt",
            "dispatched_at",
            "acknowledged_at",
            "fulfilled_at",
            "reference",
            "retries",
            "received_records",
            "evidence",
            "failure_class",
            "partner_code",
            "breaches",
            "state",
            "progress",
            "outcome",
            "state_since",
            "events",
            "anomalies",
            "chain",
            "code",
            "owner",
            "tier",
            "superseded_by",
            "closed_at",
        ],
        key: 1,
        conflict: Conflict::Replace { fixed: 15 },
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([value(self.request_id), value(self.place.partition), value(self.place.offset)]);
        asked(self.accepted.as_ref(), out);
        let operation = self.operation.as_ref();
        let lifecycle = &self.lifecycle;
        out.extend([
            value(self.last_offset),
            value(self.lane.map(Lane::as_str)),
            value(self.consent.map(|(policy, _)| policy.as_str())),
            value(self.consent.map(|(_, end)| end)),
            value(self.matched_token),
            value(self.rule.as_ref()),
            value(self.candidates),
            value(self.open_review),
            value(operation.map(|operation| operation.operation_id)),
            value(operation.map(|operation| &operation.partner)),
            value(operation.map(|operation| operation.attempt)),
            value(self.dispatched_at),
            value(self.acknowledged_at),
            value(self.fulfilled_at),
            value(self.reference.as_ref()),
            value(self.retries),
            value(self.received_records),
            value(self.evidence.as_ref()),
            value(self.failure.map(FailureClass::as_str)),
            value(self.partner_code.as_ref()),
            value(self.breaches),
            value(State::as_str(lifecycle.state)),
            value(Progress::as_str(lifecycle.progress)),
            value(lifecycle.outcome.map(TerminalOutcome::as_str)),
            value(lifecycle.since),
            value(lifecycle.events),
            value(lifecycle.anomalies),
            value(&lifecycle.chain),
            value(self.code.map(Code::as_str)),
            value(self.owner.as_ref()),
            value(self.tier),
            value(self.superseded_by),
            value(self.closed_at),
        ]);
    }
}

/// The columns that never change once the request was accepted.
fn asked(accepted: Option<&Accepted>, out: &mut Vec<Value>) {
    out.extend([
        value(accepted.map(|asked| asked.submission_id)),
        value(accepted.map(|asked| &asked.source)),
        value(accepted.map(|asked| asked.key_token)),
        value(accepted.map(|asked| asked.exchange_id)),
        value(accepted.and_then(|asked| asked.parent_request_id)),
        value(accepted.map(|asked| asked.workflow.as_str())),
        value(accepted.map(|asked| asked.role.as_str())),
        value(accepted.map(|asked| &asked.counterparty)),
        value(accepted.map(|asked| asked.member_token)),
        value(accepted.map(|asked| asked.due_by)),
        value(accepted.map(|asked| asked.signed)),
        value(accepted.map(|asked| asked.received_at)),
    ]);
}
