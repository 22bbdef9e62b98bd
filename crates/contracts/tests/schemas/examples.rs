//! Every example is readable, and together they show every branch.

use std::collections::BTreeSet;

use contracts::headers::{ce_type, event_type};
use contracts::topics::Reading;
use contracts::{Codec, Subject, Topic};
use domain::Message;
use serde_json::Value;

use crate::datum::Shape;
use crate::subjects::{all, examples};

/// Where a message is at home; none for what is no message.
fn home(subject: Subject) -> Option<Topic> {
    let topics = Topic::fixed().filter(|topic| topic.row().reading != Reading::Changelog);
    topics.chain([Topic::Outcomes("enrolment".into())]).find(|topic| topic.holds(subject))
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
            if let Message::Event(event) = &message {
                // Where a kind of fact has several examples, a point stands before what tells them apart.
                let kind = name.split('.').next().unwrap_or_default();
                assert_eq!(ce_type(&message), format!("waybill.{kind}"));
                events.insert(event_type(&event.body));
            }
        }
    }
    assert_eq!(events.len(), 36, "every kind of event has an example");
}

/// The log is kept for ever, so what a request costs there is bounded: the values of its six events take at most a third of 2 KiB,
/// keys and headers the rest; and why it is that member takes a few bytes a field.
#[test]
fn the_events_of_a_request_are_small() {
    let codec = Codec::bundled();
    let path = ["received", "validated", "identity-matched", "partner-dispatched", "fulfilled", "closed"];
    let encode = all()[Subject::LifecycleEvent as usize].encode;
    let (mut bytes, mut evidence) = (0, 0);
    for (name, mut json) in examples(Subject::LifecycleEvent) {
        if !path.contains(&name.as_str()) {
            continue;
        }
        let whole = encode(&codec, json.clone()).len();
        if let Some(why) = json.pointer_mut("/body/IdentityMatched/evidence") {
            *why = Value::Null;
        }
        let plain = encode(&codec, json).len();
        bytes += plain;
        evidence += whole - plain;
    }
    assert!(bytes <= 2048 / 3, "{bytes} bytes");
    assert!((1..=80).contains(&evidence), "{evidence} bytes");
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
