//! Records that are no message, or no message for where they lie, and messages that make no sense.

use bytes::Bytes;
use contracts::Topic;
use domain::messages::IntakeRequest;
use domain::person::Payload;
use domain::{Code, Lane, Message, Stage};
use fleet::bus::{BusError, RECORD_LIMIT_BYTES};
use fleet::partitioner::partition_of;
use tests::SOURCE;
use tests::feed::bare;
use tests::reading::read;

use crate::bench::{Answer, Bench, INTAKE};

#[test]
fn a_record_that_cannot_be_read_becomes_a_letter_that_says_where() {
    let mut bench = Bench::new();
    let request = bench.request();
    let sound = bench.record(&request).value.expect("a value");
    let another = read(&bench.world, &Topic::Members)[0].value.clone().expect("a value");
    let longer = Bytes::from([&sound[..], &[0]].concat());
    let cases: [(Option<&[u8]>, Code, &str); 9] = [
        (Some(b"{\"member\": {\"family\": \"Okafor\"}}"), Code::NotFramed, "frame"),
        (Some(b""), Code::NotFramed, "frame"),
        (Some(&sound[..4]), Code::NotFramed, "frame"),
        (Some(&[0, 0x7f, 0, 0, 1, 2, 3]), Code::SchemaUnknown, "schema id"),
        (Some(&another), Code::SchemaUnexpected, "member-record"),
        (Some(&sound[..5]), Code::Undecodable, "source"),
        (Some(&sound[..sound.len() - 1]), Code::Undecodable, "payload"),
        (Some(&longer), Code::Undecodable, "end"),
        (None, Code::ValueMissing, "value"),
    ];
    for (value, code, place) in cases {
        for key in [Some(&b"transfer-1"[..]), Some(b""), None] {
            let record = bench.bare(key, value.map(Bytes::copy_from_slice));
            assert_eq!(bench.answers(record), [Answer::unreadable(Stage::Intake, code, place)]);
        }
    }
}

#[test]
fn every_worker_answers_for_its_own_topics() {
    let mut bench = Bench::new();
    let framed = |stage| Answer::unreadable(stage, Code::NotFramed, "frame");
    for (topic, stages) in [
        (Topic::Identity(Lane::Urgent), &[Stage::Identity][..]),
        (Topic::Dispatch(Lane::Bulk), &[Stage::Dispatch]),
        (Topic::PartnerMessages, &[Stage::Dispatch]),
        (Topic::Events, &[Stage::Reconciliation]),
        (Topic::DeadLetters, &[Stage::Triage]),
        (Topic::Commands, &[Stage::Reconciliation, Stage::Triage]),
    ] {
        let record = bare(&bench.world, &topic, Some(b"rubbish"), Some(Bytes::from_static(b"rubbish")));
        let answers: Vec<Answer> = stages.iter().copied().map(framed).collect();
        assert_eq!(bench.answers(record), answers, "{topic:?}");
    }
    for table in [Topic::Members, Topic::Policies] {
        let record = bare(&bench.world, &table, Some(b"rubbish"), Some(Bytes::from_static(b"rubbish")));
        assert_eq!(bench.answers(record), [], "a table is read by many: its rubbish is logged and passed over");
    }
}

#[test]
fn a_message_that_makes_no_sense_is_refused_with_everything_that_is_wrong_with_it() {
    let mut bench = Bench::new();
    let mut request = bench.request();
    request.member.birth_date = Some("1983-02-30".to_owned());
    request.member.name.given.clear();
    request.counterparty = "nobody-we-know".into();
    request.consent = None;
    request.callback = Some("javascript:alert(1)".to_owned());
    request.ask.resource_types = vec!["Condition".to_owned(), "Secrets".to_owned()];
    request.provenance.system = "x".repeat(1_001);
    let fields = [
        "callback",
        "member.name.given",
        "member.birth_date",
        "consent",
        "counterparty",
        "ask.resource_types[1]",
        "provenance.system",
    ];
    let refused = Answer::refused(SOURCE, Code::CallbackMalformed, &fields);
    assert_eq!(bench.answers(bench.record(&request)), [refused]);
}

#[test]
fn a_key_must_name_something() {
    let mut bench = Bench::new();
    for (key, code) in [
        ("", Code::KeyMissing),
        (" \t", Code::KeyMissing),
        ("line\nfeed", Code::KeyMalformed),
        (&"k".repeat(201), Code::KeyTooLong),
    ] {
        let request = IntakeRequest { idempotency_key: key.to_owned(), ..bench.request() };
        let answers = bench.answers(bench.record(&request));
        let [Answer::Refused { to, code: told, fields }] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!((to.as_str(), *told, fields[0].as_str()), (SOURCE, code, "idempotency_key"));
    }
}

#[test]
fn a_record_keyed_by_anything_finds_its_home() {
    let mut bench = Bench::new();
    let partitions = bench.world.topics.partitions(&INTAKE);
    for key in [Some(&b""[..]), None, Some(b"row-17"), Some(&[0xff, 0xfe])] {
        let request = bench.request();
        let home = partition_of(request.idempotency_key.as_bytes(), partitions);
        let mut record = bench.record(&request);
        record.key = key.map(Bytes::copy_from_slice);
        record.partition = (home + 1) % partitions;
        assert_eq!(bench.answers(record), [Answer::Accepted], "keyed {key:?}");
    }
}

#[test]
fn what_is_too_large_is_stopped_at_the_door() {
    let mut bench = Bench::new();
    let request = bench.request();
    let with = |bytes: usize| {
        let payload = Payload { format: "application/fhir+json".to_owned(), body: vec![b'{'; bytes].into() };
        IntakeRequest { payload: Some(payload), ..request.clone() }
    };
    let record = bench.record(&with(RECORD_LIMIT_BYTES));
    let bytes = record.size_bytes();
    let refused = bench.feed.send(record);
    assert_eq!(refused, Err(BusError::TooLarge { bytes, limit: RECORD_LIMIT_BYTES }));
    bench.feed.abort();
    bench.send_good();
    assert_eq!(bench.hear(None), [], "nothing of it was written");

    let large = bench.record(&with(600 * 1024));
    assert_eq!(bench.answers(large), [Answer::refused(SOURCE, Code::PayloadTooLarge, &["payload.body"])]);
    let fits = bench.record(&with(500 * 1024));
    assert_eq!(bench.answers(fits), [Answer::Accepted]);
}

/// A letter too large for a record keeps its original in the claim-check store.
#[test]
fn a_large_record_that_cannot_be_read_is_kept_whole() {
    let mut bench = Bench::new();
    let request = bench.request();
    let payload = Payload { format: "text/plain".to_owned(), body: vec![b'x'; 900 * 1024].into() };
    let message = IntakeRequest { payload: Some(payload), ..request };
    let value = bench.value(&Message::Intake(Box::new(message)));
    let record = bench.bare(Some(b"large"), Some(value.slice(..value.len() - 1)));
    assert_eq!(bench.answers(record), [Answer::unreadable(Stage::Intake, Code::Undecodable, "payload.body")]);
}
