//! Every example is readable, and together they show every branch.

use std::collections::BTreeSet;

use contracts::headers::{self, ce_type, event_type};
use contracts::{Codec, Subject, Topic, topics};
use domain::Message;
use serde_json::Value;

use crate::datum::Shape;
use crate::subjects::{all, examples};

/// Where each message is at home.
fn home(subject: Subject) -> Option<Topic> {
    Topic::fixed().chain([Topic::Outcomes("enrolment".into())]).find(|topic| topic.holds(subject))
}

#[test]
fn every_subject_has_examples_and_they_show_every_branch() {
    let codec = Codec::bundled();
    for subject in Subject::ALL {
        let examples = examples(subject);
        assert!(2 <= examples.len(), "{subject} has too few examples");
        let mut shown = BTreeSet::new();
        let shape = Shape::of(codec.catalogue(), subject);
        examples.iter().for_each(|(_, json)| keys(json, &mut shown));
        for branch in shape.branches() {
            assert!(shown.contains(branch), "no example of {subject} shows {branch}");
        }
    }
}

#[test]
fn examples_travel_as_messages_and_only_on_their_own_topic() {
    let codec = Codec::bundled();
    let mut events = BTreeSet::new();
    for kind in all() {
        for (name, json) in examples(kind.subject) {
            let value = (kind.encode)(&codec, json);
            let Some(topic) = home(kind.subject) else { continue };
            let (id, message) = codec.decode(&topic, &value).unwrap_or_else(|error| panic!("{name}: {error}"));
            let mut again = Vec::new();
            assert_eq!(codec.encode(&message, &mut again), Ok(id), "{name}");
            assert_eq!(again, value, "{name}");
            assert_eq!(codec.decode(&Topic::Checkpoints, &value).expect_err("foreign").place(), kind.subject.as_str());
            assert!(topics::key(&message).is_some() || name == "replay-letter", "{name} has no key");
            if let Message::Event(event) = &message {
                assert_eq!(ce_type(&message), format!("waybill.{name}"));
                events.insert(event_type(&event.body));
            }
        }
    }
    assert_eq!(events.len(), 36, "every kind of event has an example");
}

/// The log is kept for ever, so what a request costs there is bounded: six events with keys and headers in 2 KiB.
#[test]
fn the_events_of_a_request_are_small() {
    let codec = Codec::bundled();
    let path = ["received", "validated", "identity-matched", "partner-dispatched", "fulfilled", "closed"];
    let bytes: usize = examples(Subject::LifecycleEvent)
        .into_iter()
        .filter(|(name, _)| path.contains(&name.as_str()))
        .map(|(_, json)| {
            let value = (all()[Subject::LifecycleEvent as usize].encode)(&codec, json);
            let (_, message) = codec.decode(&Topic::Events, &value).expect("an event");
            36 + headers_bytes(&message) + value.len()
        })
        .sum();
    assert!(bytes <= 2048, "{bytes} bytes");
}

fn headers_bytes(message: &Message) -> usize {
    let Message::Event(event) = message else { return 0 };
    [
        (headers::CE_ID, 36),
        (headers::CE_SOURCE, event.by.as_str().len()),
        (headers::CE_TYPE, ce_type(message).len()),
        (headers::CE_SPECVERSION, headers::SPECVERSION.len()),
        (headers::CONTENT_TYPE, headers::AVRO.len()),
        (headers::TRACEPARENT, 55),
    ]
    .iter()
    .map(|(name, value)| name.len() + value)
    .sum()
}

/// All object keys in a JSON value.
fn keys(json: &Value, found: &mut BTreeSet<String>) {
    match json {
        Value::Object(object) => object.iter().for_each(|(key, inner)| {
            found.insert(key.clone());
            keys(inner, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
