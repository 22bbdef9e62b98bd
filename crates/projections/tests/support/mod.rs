//! An event log in memory or on disk, and histories to fill it with.

use std::sync::Arc;
use std::time::Duration;

use contracts::{Codec, Topic, Topics};
use domain::ids::derive;
use domain::lifecycle::{Lifecycle, PolicyRef, fold};
use domain::messages::{Lane, Manifest, Message, PayerRole, ReceivedData, Stage, Workflow};
use domain::person::ConsentPolicy;
use domain::{
    EventBody, ExchangeId, LifecycleEvent, OperationId, RecordId, RequestId, SubmissionId, TerminalOutcome, Timestamp,
    Token, Trace,
};
use fleet::Postman;
use fleet::bus::{Bus, Cleanup, Producer, TopicSpec};
use fleet::clock::Clock;
use local::{Durability, Local, Options};
use projections::Log;

/// An event log to write to.
pub struct EventLog {
    pub bus: Arc<dyn Bus>,
    pub topics: Topics,
    pub codec: Codec,
    postman: Postman,
    producer: Box<dyn Producer>,
}

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        START_MS
    }

    fn since_boot(&self) -> Duration {
        Duration::ZERO
    }
}

pub const START_MS: i64 = 1_763_700_000_000;

impl EventLog {
    pub fn in_memory(partitions: u32) -> Self {
        Self::on(Local::in_memory(Options::new(Arc::new(Still))).expect("a log"), partitions)
    }

    pub fn on_disk(path: &std::path::Path, partitions: u32) -> Self {
        let options = Options { durability: Durability::None, ..Options::new(Arc::new(Still)) };
        Self::on(Local::open(path, options).expect("a log"), partitions)
    }

    fn on(bus: Local, partitions: u32) -> Self {
        let (topics, codec) = (Topics::new("waybill.", partitions), Codec::bundled());
        let name = topics.name(&Topic::Events);
        bus.create_topics(&[TopicSpec { name, partitions, cleanup: Cleanup::Keep }]).expect("a topic");
        let producer = bus.producer("test").expect("a producer");
        let postman = Postman::new(codec.clone(), topics.clone(), Stage::Intake);
        Self { bus: Arc::new(bus), topics, codec, postman, producer }
    }

    /// The log, as projections see it.
    pub fn log(&self) -> Log {
        Log::new(Arc::clone(&self.bus), self.codec.clone(), &self.topics)
    }

    /// Appends events in one transaction.
    pub fn append(&mut self, events: impl IntoIterator<Item = LifecycleEvent>) {
        for event in events {
            let id = event.cause.child("event", 0);
            let record = self.postman.event(event, id, Trace::root(id)).expect("an event fits");
            self.producer.send(record).expect("room");
        }
        self.producer.commit(None).expect("a commit");
    }

    /// Appends bytes that are no event under a request's key.
    pub fn append_rubbish(&mut self, request_id: RequestId) {
        let mut record = self.postman.event(event(request_id, 0, received(1)), RecordId::default(), Trace::default()).expect("fits");
        record.value = Some(bytes::Bytes::from_static(b"rubbish"));
        self.producer.send(record).expect("room");
        self.producer.commit(None).expect("a commit");
    }
}

/// The request of a number.
pub fn request(number: u64) -> RequestId {
    RequestId(derive(&[b"request", &number.to_be_bytes()]))
}

/// The `step`-th event of a request.
pub fn event(request_id: RequestId, step: u64, body: EventBody) -> LifecycleEvent {
    LifecycleEvent {
        request_id,
        at: Timestamp(START_MS + i64::try_from(step).expect("few steps") * 40),
        by: Stage::Intake,
        version: "0.1.0".to_owned(),
        cause: RecordId(derive(&[&request_id.0, &step.to_be_bytes()])),
        body,
    }
}

pub fn received(number: u64) -> EventBody {
    let token = |name: &[u8]| derive(&[name, &number.to_be_bytes()]);
    EventBody::Received {
        submission_id: SubmissionId(token(b"submission")),
        source: "enrolment".into(),
        key_token: Token(token(b"key")),
        exchange_id: ExchangeId(token(b"exchange")),
        parent_request_id: None,
        workflow: Workflow::RequestData,
        role: PayerRole::Requester,
        lane: Lane::Standard,
        counterparty: "evergreen".into(),
        member_token: Token(token(b"member")),
        due_by: Timestamp(START_MS + 86_400_000),
        signed: true,
    }
}

/// A request from receipt to its close, with the hash the supervisor signs for.
pub fn fulfilled(codec: &Codec, number: u64) -> Vec<LifecycleEvent> {
    let request_id = request(number);
    let operation_id = OperationId::of_send(request_id);
    let policy = PolicyRef::of(1, "policy");
    let bodies = [
        received(number),
        EventBody::Validated { consent: ConsentPolicy::Regular, consent_end: Timestamp(START_MS * 2), policy },
        EventBody::IdentityMatched {
            member_token: Token(derive(&[b"matched", &number.to_be_bytes()])),
            rule: "member-id-birth-date-name".to_owned(),
            candidates: 1,
            policy,
            roster_version: 4_711,
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
pub fn chain(codec: &Codec, events: &[LifecycleEvent]) -> [u8; 32] {
    let mut lifecycle = Lifecycle::default();
    for event in events {
        let mut value = Vec::new();
        codec.encode(&Message::Event(Box::new(event.clone())), &mut value).expect("an event fits its schema");
        lifecycle.fold(&event.body, event.at, &fold::digest(&value));
    }
    lifecycle.chain
}
