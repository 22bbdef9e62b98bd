//! How fast the supervisor is on one core: the fold alone, the fold with the digest of each event's value, and whole decisions on a
//! memory of open requests, deadlines armed. Each figure is the best of several rounds.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::lifecycle::PolicyRef;
use domain::lifecycle::fold::digest;
use domain::messages::{Lane, Manifest, PayerRole, ReceivedData, Stage, Workflow};
use domain::partner::Registry;
use domain::person::ConsentPolicy;
use domain::{
    EventBody, Input, Lifecycle, LifecycleEvent, Memory, Message, Moment, OperationId, Overlay, Record, RecordId,
    RequestId, Timestamp, Trace, View, Worker,
};
use reconciliation::{Entry, Key, Policy, Reconciliation};

const ROUNDS: usize = 5;
const HISTORIES: u32 = 500_000;
const REQUESTS: u32 = 100_000;
/// About what an event takes on the log.
const VALUE_BYTES: usize = 220;
const START: Timestamp = Timestamp(1_700_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn main() {
    let path = common_path(RequestId([7; 16]));
    let value = Bytes::from(vec![7; VALUE_BYTES]);
    let digests: Vec<[u8; 32]> = path.iter().map(|event| digest(event.version.as_bytes())).collect();

    let folds = HISTORIES * u32::try_from(path.len()).expect("a short path");
    let alone = best_of(|| {
        for _ in 0..HISTORIES {
            let mut lifecycle = Lifecycle::default();
            for (event, digest) in path.iter().zip(&digests) {
                lifecycle.fold(black_box(&event.body), event.at, digest);
            }
            black_box(lifecycle);
        }
    });
    report("fold", folds, alone);

    let with_digest = best_of(|| {
        for _ in 0..HISTORIES {
            let mut lifecycle = Lifecycle::default();
            for event in &path {
                lifecycle.fold(&event.body, event.at, &digest(black_box(&value)));
            }
            black_box(lifecycle);
        }
    });
    report("fold with the digest of 220 bytes", folds, with_digest);

    let records = interleaved(&value);
    let decided = u32::try_from(records.len()).expect("a bounded log");
    let deciding = best_of(|| decide_all(&records));
    report("decide and remember, 100,000 requests open at once", decided, deciding);
}

/// Decides every record on one memory.
fn decide_all(records: &[Record]) {
    let clocks = include_str!("../../../deploy/policy/clocks.toml");
    let escalation = include_str!("../../../deploy/policy/escalation.toml");
    let policy = Policy::parse(clocks, escalation).expect("the deployed policy");
    let judge = Reconciliation::new(policy, Arc::new(Registry::default()));
    let mut memory: Memory<Key, Entry> = Memory::default();
    let overlay = Overlay::default();
    let moment = Moment { now: START, id: RecordId([3; 16]), trace: Trace::default() };
    for record in records {
        let view = View::new(&memory, &overlay);
        let decision = judge.decide(&view, Input::Record(record), &moment).expect("a decision");
        black_box((&decision.events, &decision.forward));
        decision.remember.into_iter().for_each(|change| {
            memory.apply(change);
        });
    }
    assert_eq!(memory.len(), REQUESTS as usize, "every request is remembered");
}

/// The records of all requests, one step of all before the next step of any.
fn interleaved(value: &Bytes) -> Vec<Record> {
    let ids = (0..REQUESTS).map(|number| RequestId(domain::ids::derive(&[&number.to_be_bytes()])));
    let paths: Vec<_> = ids.map(common_path).collect();
    let steps = paths.first().map_or(0, Vec::len);
    let step = |index: usize| paths.iter().map(move |path| path[index].clone());
    let record = |event| Record {
        message: Message::Event(Box::new(event)),
        lane: None,
        trace: Trace::default(),
        signature: None,
        schema_id: 1,
        value: value.clone(),
        offset: 0,
    };
    (0..steps).flat_map(step).map(record).collect()
}

/// From received to fulfilled; what the supervisor adds is its own.
fn common_path(request_id: RequestId) -> Vec<LifecycleEvent> {
    let operation_id = OperationId::of_send(request_id);
    let bodies = [
        (Stage::Intake, received()),
        (
            Stage::Intake,
            EventBody::Validated {
                consent: ConsentPolicy::Regular,
                consent_end: START + 365 * DAY,
                policy: PolicyRef::default(),
            },
        ),
        (
            Stage::Identity,
            EventBody::IdentityMatched {
                member_token: Default::default(),
                rule: "member-id".into(),
                candidates: 1,
                policy: PolicyRef::default(),
                roster_version: 1,
                evidence: None,
            },
        ),
        (Stage::Dispatch, EventBody::PartnerDispatched { operation_id, partner: "evergreen".into(), bucket: 0 }),
        (Stage::Dispatch, EventBody::Acknowledged { operation_id, reference: "0f8fad5b-d9cb".into() }),
        (
            Stage::Dispatch,
            EventBody::Fulfilled { operation_id, manifest: Manifest::default(), received: ReceivedData::default() },
        ),
    ];
    let event = |(by, body)| LifecycleEvent {
        request_id,
        at: START,
        by,
        version: "1.0.0".into(),
        cause: RecordId([3; 16]),
        body,
    };
    bodies.into_iter().map(event).collect()
}

fn received() -> EventBody {
    EventBody::Received {
        submission_id: Default::default(),
        source: "enrolment".into(),
        key_token: Default::default(),
        exchange_id: Default::default(),
        parent_request_id: None,
        workflow: Workflow::RequestData,
        role: PayerRole::Requester,
        lane: Lane::Standard,
        counterparty: "evergreen".into(),
        member_token: Default::default(),
        due_by: START + 7 * DAY,
        signed: true,
        correlation_id: None,
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is about time")]
fn best_of(mut round: impl FnMut()) -> Duration {
    let time = |round: &mut dyn FnMut()| {
        let start = Instant::now();
        round();
        start.elapsed()
    };
    (0..ROUNDS).map(|_| time(&mut round)).min().unwrap_or_default()
}

fn report(what: &str, count: u32, time: Duration) {
    let each_ns = time.as_secs_f64() * 1e9 / f64::from(count);
    println!("{what}: {:.2} M/s, {each_ns:.0} ns each", 1e3 / each_ns);
}
