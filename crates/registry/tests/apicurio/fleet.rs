//! What a running fleet asks a registry.

use std::sync::Arc;
use std::time::{Duration, Instant};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use contracts::frame::split;
use contracts::json::from_json;
use contracts::{Catalogue, Codec, DecodeError, Resolver, Subject, Topic};
use domain::{Lane, Message};
use registry::{Cache, IdResolver, Limits, Origin, RegistryError, open};
use serde_json::{Value, json};

use crate::server::Server;

/// A resolver that waits as long as the machine needs.
fn patient(server: &Server) -> IdResolver {
    let wait = Duration::from_secs(20);
    let limits = Limits { wait, patience: wait, ..Limits::default() };
    IdResolver::start(&server.settings, None, limits).expect("a thread")
}

/// A submission, as this build writes it.
fn submission() -> Message {
    let text = include_str!("../../../../schemas/intake-request/v1.examples/request-data.json");
    let json: Value = serde_json::from_str(text).expect("JSON");
    Message::Intake(Box::new(from_json(json).expect("a submission")))
}

/// Intake's schema with its first fields at the end, without documentation, with a field of the stranger's own before all.
fn copy() -> Value {
    let mut schema = Catalogue::bundled().schema(Subject::IntakeRequest).clone();
    schema.as_object_mut().expect("a record").remove("doc");
    let fields = schema["fields"].as_array_mut().expect("fields");
    fields.rotate_left(3);
    fields.insert(0, json!({"name": "branch_office", "type": ["null", "string"], "default": null}));
    schema
}

/// A value of ours as the copy's writer writes it.
fn rewritten(value: &[u8], id: u32) -> Vec<u8> {
    let ours = Schema::parse(Catalogue::bundled().schema(Subject::IntakeRequest)).expect("a schema");
    let copy = Schema::parse(&copy()).expect("a schema");
    let (_, mut datum) = split(value).expect("a frame");
    let reader = GenericDatumReader::builder(&ours).reader_schema(&copy).build().expect("a reader");
    let avro = reader.read_value(&mut datum).expect("the copy reads ours");
    let writer = GenericDatumWriter::builder(&copy).build().expect("a writer");
    [&[0][..], &id.to_be_bytes(), &writer.write_value_to_vec(avro).expect("writable")].concat()
}

#[test]
fn a_start_writes_under_the_registry_s_ids_and_caches_them() {
    let server = Server::fresh();
    let directory = tempfile::tempdir().expect("a directory");
    let cache = Cache::in_directory(directory.path());
    let opened = || server.run(open(&server.registry, &cache));
    let error = opened().map(drop).expect_err("nothing is registered");
    assert_eq!(error, RegistryError::Unregistered { subject: Subject::IntakeRequest, version: 1 });
    let registered = server.run(server.registry.register()).expect("registered");
    let opened = opened().expect("a catalogue");
    assert_eq!(opened.origin, Origin::Registry);
    for row in &registered {
        let (subject, version) = opened.catalogue.lookup(row.id).expect("every version is known");
        assert_eq!((subject.as_str(), version), (row.subject, row.version));
    }
    let codec = Codec::new(opened.catalogue);
    let mut value = Vec::new();
    let id = codec.encode(&submission(), &mut value).expect("it fits");
    let told = server.get(&format!("/schemas/ids/{id}"));
    let schema: Value = serde_json::from_str(told["schema"].as_str().expect("a schema")).expect("JSON");
    assert_eq!(
        &schema,
        Catalogue::bundled().schema(Subject::IntakeRequest),
        "strangers find our schema by the id we write"
    );
    assert!(cache.path().exists());
}

#[test]
fn a_record_of_a_stranger_s_copy_is_read_at_first_sight() {
    let server = Server::fresh();
    server.run(server.registry.register()).expect("registered");
    let theirs = server.registers("waybill.intake.standard-value", &copy()).expect("taken");
    let directory = tempfile::tempdir().expect("a directory");
    let opened = server.run(open(&server.registry, &Cache::in_directory(directory.path()))).expect("a catalogue");
    let codec = Codec::new(opened.catalogue).with_resolver(Arc::new(patient(&server)));
    let mut value = Vec::new();
    codec.encode(&submission(), &mut value).expect("it fits");
    let read = codec.decode(&Topic::Intake(Lane::Standard), &rewritten(&value, theirs));
    assert_eq!(read, Ok((theirs, submission())));
    assert_eq!(codec.catalogue().lookup(theirs), Some((Subject::IntakeRequest, 1)));
}

#[test]
fn an_id_that_no_schema_has_is_unknown_and_from_then_on_at_once() {
    let server = Server::fresh();
    server.run(server.registry.register()).expect("registered");
    let directory = tempfile::tempdir().expect("a directory");
    let opened = server.run(open(&server.registry, &Cache::in_directory(directory.path()))).expect("a catalogue");
    let resolver = patient(&server);
    assert!(resolver.resolve(999_999).is_none());
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert!(resolver.resolve(999_999).is_none());
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "no call each: {:?}", begun.elapsed());
    let stranger = json!({"type": "record", "name": "Ship", "namespace": "navy", "fields": []});
    let ship = server.registers("waybill.test.ship", &stranger).expect("taken");
    let codec = Codec::new(opened.catalogue).with_resolver(Arc::new(resolver));
    let value = [&[0][..], &ship.to_be_bytes(), b"\x00"].concat();
    let error = codec.decode(&Topic::Intake(Lane::Standard), &value).map(drop).expect_err("none of ours");
    assert_eq!(error, DecodeError::SchemaUnknown { id: ship });
}
