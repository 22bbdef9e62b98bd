//! Histories of requests, as the workers write them.

use contracts::Codec;
use domain::ids::derive;
use domain::lifecycle::{Lifecycle, PolicyRef, fold};
use domain::messages::{Lane, Manifest, Message, PayerRole, ReceivedData, Stage, Workflow};
use domain::person::ConsentPolicy;
use domain::{
    EventBody, ExchangeId, LifecycleEvent, OperationId, RecordId, RequestId, SubmissionId, TerminalOutcome, Timestamp,
    Token,
};

/// When all histories begin.
pub(crate) const START_MS: i64 = 1_763_700_000_000;
/// The time between two events of a history.
pub(crate) const STEP_MS: i64 = 40;

/// The request of a number.
pub(crate) fn request(number: u64) -> RequestId {
    RequestId(derive(&[b"request", &number.to_be_bytes()]))
}

/// What stands for something about a request of this number.
pub(crate) fn token(name: &str, number: u64) -> [u8; 16] {
    derive(&[name.as_bytes(), &number.to_be_bytes()])
}

/// The `step`-th event of a request.
pub(crate) fn event(request_id: RequestId, step: i64, body: EventBody) -> LifecycleEvent {
    LifecycleEvent {
        request_id,
        at: Timestamp(START_MS + step * STEP_MS),
        by: Stage::Intake,
        version: "0.1.0".to_owned(),
        cause: RecordId(derive(&[&request_id.0, &step.to_be_bytes()])),
        body,
    }
}

/// The receipt of the request of a number.
pub(crate) fn received(number: u64) -> EventBody {
    EventBody::Received {
        submission_id: SubmissionId(token("submission", number)),
        source: "enrolment".into(),
        key_token: Token(token("key", number)),
        exchange_id: ExchangeId(token("exchange", number)),
        parent_request_id: None,
        workflow: Workflow::RequestData,
        role: PayerRole::Requester,
        lane: Lane::Standard,
        counterparty: "evergreen".into(),
        member_token: Token(token("member", number)),
        due_by: Timestamp(START_MS + 86_400_000),
        signed: true,
        correlation_id: None,
    }
}

/// A request from receipt to its close, with the hash the supervisor signs for.
pub(crate) fn fulfilled(codec: &Codec, number: u64) -> Vec<LifecycleEvent> {
    let request_id = request(number);
    let operation_id = OperationId::of_send(request_id);
    let policy = PolicyRef::of(1, "policy");
    let bodies = [
        received(number),
        EventBody::Validated { consent: ConsentPolicy::Regular, consent_end: Timestamp(START_MS * 2), policy },
        EventBody::IdentityMatched {
            member_token: Token(token("matched", number)),
            rule: "member-id-birth-date-name".to_owned(),
            candidates: 1,
            policy,
            roster_version: 4_711,
            evidence: None,
        },
        EventBody::PartnerDispatched { operation_id, partner: "evergreen".into(), bucket: 3 },
        EventBody::Acknowledged { operation_id, reference: format!("EV-{number}") },
        EventBody::Fulfilled {
            operation_id,
            manifest: Manifest { records: 12, sha256: [7; 32] },
            received: ReceivedData { records: 12, sha256: [7; 32], evidence: Some(format!("evidence/{number}")) },
        },
    ];
    let mut events: Vec<_> = bodies.into_iter().zip(0..).map(|(body, step)| event(request_id, step, body)).collect();
    let chain = chain(codec, &events);
    let body = EventBody::Closed { outcome: TerminalOutcome::Fulfilled, code: None, events: 6, chain };
    events.push(event(request_id, 6, body));
    events
}

/// The running hash of events as they will stand on the log.
fn chain(codec: &Codec, events: &[LifecycleEvent]) -> [u8; 32] {
    let mut lifecycle = Lifecycle::default();
    for event in events {
        let mut value = Vec::new();
        codec.encode(&Message::Event(Box::new(event.clone())), &mut value).expect("an event fits its schema");
        lifecycle.fold(&event.body, event.at, &fold::digest(&value));
    }
    lifecycle.chain
}
