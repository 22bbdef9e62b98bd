//! The ways a record can fail, and that none of them stands in anybody's way.

use std::sync::Arc;

use contracts::catalogue::BUNDLED;
use contracts::{Foreign, Resolver, Subject, Topic};
use domain::{Code, FailureClass, Lane};
use fleet::bus::Outgoing;

use crate::world::{World, route, settle, work};

/// A world in which a sound record follows `record` on the same partition, after the toy has seen both.
fn after(record: Outgoing, mut world: World) -> World {
    let partition = record.partition;
    world.write([record]);
    let other = crate::world::at_home(partition).last().expect("an operation");
    let tag = world.tell(Lane::Standard, other, "count");
    let mut slot = world.join("one");
    settle(&mut slot);
    assert_eq!(world.facts(other), [format!("{tag}:1")]);
    world
}

fn told(world: &World, wish: &str) -> Outgoing {
    world.record(Lane::Standard, &route(1).key(), work(1, wish, "tag"))
}

#[track_caller]
fn assert_letter(world: &World, class: FailureClass, code: Code, place: &str) {
    let letters = world.letters();
    let [letter] = &letters[..] else { panic!("{} letters", letters.len()) };
    assert_eq!((letter.class, letter.code, letter.place.as_str()), (class, code, place));
    let fact = format!("letter {code}");
    let request = letter.request_id.map_or(letter.letter_id.0, |id| id.0);
    let about = world.events().into_iter().filter(|event| event.request_id.0 == request).count();
    assert_eq!(about, 1, "{fact} is a fact, and the only one");
}

#[test]
fn a_record_the_worker_panics_on_becomes_a_letter() {
    // A panic is the record's fault as far as the others are concerned.
    let world = World::new();
    world.set_broken(true);
    let record = told(&world, "panic");
    assert_letter(&after(record, world), FailureClass::Defect, Code::DecidePanicked, "decide");
}

#[test]
fn a_record_that_leads_to_more_than_a_record_holds_becomes_a_letter() {
    // What no bus would take is found before it is sent; nothing of the decision remains.
    let world = World::new();
    let record = told(&world, "huge");
    assert_letter(&after(record, world), FailureClass::Defect, Code::TooLarge, "write");
}

#[test]
fn a_record_that_cannot_be_decoded_becomes_a_letter() {
    // The bytes are kept, with the schema they claim and the place where they stop making sense.
    let world = World::new();
    let mut record = told(&world, "count");
    let value = record.value.take().expect("a value");
    record.value = Some(value.slice(..value.len() - 5));
    let world = after(record, world);
    assert_eq!(world.letters()[0].schema_id, Some(20));
    assert_eq!(world.letters()[0].code, Code::Undecodable);
}

/// Knows the schema of work under one id more.
#[derive(Debug)]
struct OneMore(u32);

impl Resolver for OneMore {
    fn resolve(&self, id: u32) -> Option<Foreign> {
        let work = BUNDLED.iter().rfind(|row| row.subject == Subject::DispatchWork)?;
        (id == self.0).then(|| Foreign::parse(work.text).expect("a schema of ours"))
    }
}

#[test]
fn a_record_whose_schema_can_be_told_is_no_letter() {
    // What was written under an id met for the first time is decided like any other, if somebody knows the id.
    let mut world = World::new();
    world.codec = world.codec.with_resolver(Arc::new(OneMore(250)));
    let mut record = told(&world, "count");
    let value = record.value.take().expect("a value");
    record.value = Some([&[0, 0, 0, 0, 250], &value[5..]].concat().into());
    let world = after(record, world);
    assert_eq!(world.letters().len(), 0);
    assert_eq!(world.facts(1), ["tag:1"]);
}

#[test]
fn a_record_of_an_unknown_schema_becomes_a_letter() {
    // Schemas nobody registered, schemas of other topics, and bytes that name none.
    let schema = |id: u8| bytes::Bytes::from(vec![0, 0, 0, 0, id, 1, 2, 3]);
    let cases = [
        (schema(250), Code::SchemaUnknown, "schema id"),
        (schema(1), Code::SchemaUnexpected, "intake-request"),
        (bytes::Bytes::from_static(b"{}"), Code::NotFramed, "frame"),
    ];
    for (value, code, place) in cases {
        let world = World::new();
        let record = Outgoing { value: Some(value), ..told(&world, "count") };
        assert_letter(&after(record, world), FailureClass::Schema, code, place);
    }
}

#[test]
fn a_record_without_a_value_becomes_a_letter() {
    // A tombstone means nothing on a work topic.
    let world = World::new();
    let record = Outgoing { value: None, ..told(&world, "count") };
    assert_letter(&after(record, world), FailureClass::Schema, Code::ValueMissing, "value");
}

#[test]
fn a_record_on_the_wrong_partition_is_forwarded_with_its_identity() {
    // Whoever keyed it otherwise is put right in the same transaction, once, and the record stays the record it was.
    let world = World::new();
    let key = route(1).key();
    let mut record = world.record(Lane::Standard, "elsewhere", work(1, &format!("home:{key}"), "tag"));
    record.partition = 1 - crate::world::home(1);
    let (id, world) = (record.headers.get("ce_id").cloned(), after(record, world));
    let forwarded: Vec<_> = world.read(&Topic::Dispatch(Lane::Standard));
    let forwarded = forwarded.iter().find(|record| record.partition == crate::world::home(1)).expect("forwarded");
    assert_eq!(forwarded.key.as_deref(), Some(key.as_bytes()));
    assert_eq!(forwarded.headers.get("ce_id"), id.as_ref());
    assert_eq!(world.facts(1), ["tag:1"]);
    let cause = world.events().into_iter().find(|event| event.request_id.0 == [1; 16]).map(|event| event.cause);
    assert_eq!(cause.map(|cause| cause.to_string().into_bytes()), id.map(|id| id.to_vec()));
}
