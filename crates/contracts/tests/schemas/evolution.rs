//! Values of older and newer versions: read with the schema they were written with.

use contracts::catalogue::BUNDLED;
use contracts::frame::split;
use contracts::{Catalogue, Codec, DecodeError, Subject, Topic};
use domain::Lane;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::datum::{Shape, long};
use crate::subjects::{all, examples};

/// The id under which the other version is known.
const ID: u32 = 900;

/// A codec that also knows another version of a subject, made from the bundled one.
fn knowing(subject: Subject, change: impl FnOnce(&mut Value)) -> Codec {
    let mut schema = Catalogue::bundled().schema(subject).clone();
    change(&mut schema);
    let text = schema.to_string();
    let bundled = BUNDLED.iter().map(|row| (row.id, row.subject, row.version, row.text));
    Codec::new(Catalogue::new(bundled.chain([(ID, subject, 99, text.as_str())])).expect("a catalogue"))
}

fn fields(schema: &mut Value) -> &mut Vec<Value> {
    schema["fields"].as_array_mut().expect("a record")
}

/// An example as the bundled version writes it, and its datum.
fn example(subject: Subject, name: &str) -> (Vec<u8>, Vec<u8>) {
    let (_, json) = examples(subject).into_iter().find(|(found, _)| found == name).expect("an example");
    let value = (all()[subject as usize].encode)(&Codec::bundled(), json);
    let datum = split(&value).expect("a frame").1.to_vec();
    (value, datum)
}

fn framed(datum: &[u8]) -> Vec<u8> {
    [&[0][..], &ID.to_be_bytes(), datum].concat()
}

#[test]
fn what_a_newer_writer_adds_is_passed_over() {
    let codec = knowing(Subject::Outcome, |schema| {
        fields(schema).push(json!({"name": "mood", "type": ["null", "string"], "default": null}));
    });
    let topic = Topic::Outcomes("enrolment".into());
    let (value, mut datum) = example(Subject::Outcome, "final");
    datum.extend(b"\x02\x08fine");
    let (id, newer) = codec.decode(&topic, &framed(&datum)).expect("a newer outcome");
    assert_eq!(id, ID);
    assert_eq!(newer, codec.decode(&topic, &value).expect("an outcome").1);
}

#[test]
fn what_an_older_writer_did_not_know_is_absent() {
    let codec = knowing(Subject::Command, |schema| {
        let last = fields(schema).pop().expect("a last field");
        assert_eq!(last["name"], "about");
    });
    let (value, mut datum) = example(Subject::Command, "cancel");
    assert_eq!(datum.pop(), Some(0), "the example is about no attempt");
    let (_, older) = codec.decode(&Topic::Commands, &framed(&datum)).expect("an older command");
    assert_eq!(older, codec.decode(&Topic::Commands, &value).expect("a command").1);
}

#[test]
fn a_field_that_must_be_there_and_is_not_is_named() {
    let codec = knowing(Subject::Outcome, |schema| {
        let first = fields(schema).remove(0);
        assert_eq!(first["name"], "source");
    });
    let (_, datum) = example(Subject::Outcome, "final");
    // A short text, a byte of length before it.
    let source = 1 + usize::from(datum[0] / 2);
    let error = codec.decode(&Topic::Outcomes("enrolment".into()), &framed(&datum[source..])).expect_err("nobody's");
    assert_eq!(error, DecodeError::Undecodable { place: "source".into() });
}

#[test]
fn a_fact_of_a_kind_not_known_here_is_undecodable_and_says_where() {
    let codec = knowing(Subject::LifecycleEvent, |schema| {
        let body = fields(schema).last_mut().expect("a body");
        let branches = body["type"].as_array_mut().expect("a union");
        branches.push(json!({"type": "record", "name": "Teleported", "fields": []}));
    });
    let (_, mut datum) = example(Subject::LifecycleEvent, "compensated");
    datum.truncate(datum.len() - 17);
    long(36, &mut datum);
    let error = codec.decode(&Topic::Events, &framed(&datum)).expect_err("unknown here");
    assert_eq!(error, DecodeError::Undecodable { place: "body".into() });
}

/// Unlike a reader that resolves schemas, ours does not fall back on an enum's default.
#[test]
fn a_symbol_not_known_here_is_undecodable_also_where_its_writer_gives_a_default() {
    let codec = knowing(Subject::IntakeRequest, |schema| {
        let workflow = fields(schema).iter_mut().find(|field| field["name"] == "workflow").expect("a field");
        workflow["type"]["symbols"].as_array_mut().expect("symbols").push(json!("teleport"));
        workflow["type"]["default"] = json!("request_data");
    });
    let (_, mut datum) = example(Subject::IntakeRequest, "request-data");
    // Behind three short texts, each a byte of length before it.
    let place = (0..3).fold(0, |place, _| place + 1 + usize::from(datum[place] / 2));
    assert_eq!(datum[place], 0, "the example requests data");
    datum[place] = 7 << 1;
    let error = codec.decode(&Topic::Intake(Lane::Standard), &framed(&datum)).expect_err("unknown here");
    assert_eq!(error, DecodeError::Undecodable { place: "workflow".into() });
}

/// Whatever an older version wrote is read, and says the same when the present one writes it again.
#[test]
fn what_an_older_version_wrote_is_read_and_kept() {
    let (codec, kinds) = (Codec::bundled(), all());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::default());
    for row in BUNDLED.iter().filter(|row| row.version < row.subject.version()) {
        let schema: Value = serde_json::from_str(row.text).expect("a schema");
        let shape = Shape::rooted(&schema);
        let reencode = kinds[row.subject as usize].reencode;
        let entropy = proptest::collection::vec(any::<u8>(), 0..600);
        runner
            .run(&entropy, |entropy| {
                let older = [&[0][..], &row.id.to_be_bytes(), &shape.datum(&entropy)].concat();
                let (meaning, again) = reencode(&codec, &older).unwrap_or_else(|error| panic!("{error}"));
                let (same, _) = reencode(&codec, &again).unwrap_or_else(|error| panic!("{error}"));
                prop_assert_eq!(meaning, same);
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{} v{}: {error}", row.subject, row.version));
    }
}
