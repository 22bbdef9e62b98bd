//! Facts for tests.

use domain::ids::derive;
use domain::messages::{Lane, PayerRole, Stage, Workflow};
use domain::{EventBody, LifecycleEvent, OperationId, RecordId, RequestId, Timestamp, Token};

use crate::fact::{Fact, Position};
use crate::project::project;
use crate::rows::{RequestRow, Rows};

pub(crate) const REQUEST: RequestId = RequestId([7; 16]);
pub(crate) const OPERATION: OperationId = OperationId([8; 16]);

/// The fact at an offset, decided as many seconds after the epoch.
pub(crate) fn fact(offset: u64, body: EventBody) -> Fact {
    let event = LifecycleEvent {
        request_id: REQUEST,
        at: Timestamp(i64::try_from(offset).expect("a small number") * 1_000),
        by: Stage::Dispatch,
        version: "0.1.0".to_owned(),
        cause: RecordId(derive(&[&offset.to_be_bytes()])),
        body,
    };
    Fact::new(Position { partition: 3, offset }, event.at, event, &offset.to_be_bytes())
}

/// What a history comes to, its first event at offset 1.
pub(crate) fn projected(history: impl IntoIterator<Item = EventBody>) -> (Option<Box<RequestRow>>, Rows) {
    let (mut request, mut rows) = (None, Rows::default());
    for (body, offset) in history.into_iter().zip(1..) {
        project(&mut request, &fact(offset, body), &mut rows);
    }
    (request, rows)
}

pub(crate) fn received() -> EventBody {
    EventBody::Received {
        submission_id: Default::default(),
        source: "enrolment".into(),
        key_token: Token([1; 16]),
        exchange_id: Default::default(),
        parent_request_id: Some(RequestId([2; 16])),
        workflow: Workflow::Refresh,
        role: PayerRole::Requester,
        lane: Lane::Standard,
        counterparty: "evergreen".into(),
        member_token: Token([3; 16]),
        due_by: Timestamp(90_000),
        signed: true,
        correlation_id: None,
    }
}

pub(crate) fn dispatched() -> EventBody {
    EventBody::PartnerDispatched { operation_id: OPERATION, partner: "harbor".into(), bucket: 1 }
}
