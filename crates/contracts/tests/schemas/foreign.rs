//! A stranger's copy of a schema of ours: the same record from other tools, in another order, without its documentation, with a
//! field more and one less.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use contracts::frame::split;
use contracts::{Codec, DecodeError, Foreign, Resolver, Subject, Topic};
use domain::Lane;
use serde_json::{Value, json};

use crate::subjects::{all, examples};

/// The id that the copy has.
const ID: u32 = 900;

/// Knows one schema, and counts how often it was asked.
#[derive(Debug)]
struct One {
    foreign: Foreign,
    asked: AtomicUsize,
}

impl Resolver for One {
    fn resolve(&self, id: u32) -> Option<Foreign> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        (id == ID).then(|| self.foreign.clone())
    }
}

/// Intake's schema as a Java producer may have it. Fields that define a type others name keep their places.
fn copy() -> Value {
    let mut schema = contracts::Catalogue::bundled().schema(Subject::IntakeRequest).clone();
    undocument(&mut schema);
    let fields = schema["fields"].as_array_mut().expect("a record");
    fields.retain(|field| field["name"] != "correlation_id");
    fields.rotate_left(3);
    fields.insert(0, json!({"name": "branch_office", "type": ["null", "string"], "default": null}));
    schema
}

/// Without documentation and marks, with texts as Java's tools declare them.
fn undocument(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.retain(|attribute, _| attribute != "doc" && attribute != "phi");
            object.values_mut().for_each(undocument);
            if let Some(kind) = object.get_mut("type").filter(|kind| *kind == "string") {
                *kind = json!({"type": "string", "avro.java.string": "String"});
            }
        }
        Value::Array(items) => items.iter_mut().for_each(undocument),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A value of ours as the copy's writer writes it.
fn rewritten(value: &[u8], copy: &Schema) -> Vec<u8> {
    let ours = Schema::parse(contracts::Catalogue::bundled().schema(Subject::IntakeRequest)).expect("a schema");
    let (_, mut datum) = split(value).expect("a frame");
    let reader = GenericDatumReader::builder(&ours).reader_schema(copy).build().expect("a reader");
    let avro = reader.read_value(&mut datum).expect("the copy reads ours");
    let writer = GenericDatumWriter::builder(copy).build().expect("a writer");
    [&[0][..], &ID.to_be_bytes(), &writer.write_value_to_vec(avro).expect("writable")].concat()
}

#[test]
fn what_a_stranger_s_copy_wrote_is_read_once_somebody_knows_its_id() {
    let (text, schema) = (copy().to_string(), Schema::parse(&copy()).expect("a schema"));
    let one = Arc::new(One { foreign: Foreign::parse(&text).expect("one of ours"), asked: AtomicUsize::new(0) });
    let codec = Codec::bundled().with_resolver(Arc::clone(&one) as Arc<dyn Resolver>);
    let topic = Topic::Intake(Lane::Standard);
    for (name, mut example) in examples(Subject::IntakeRequest) {
        example["correlation_id"] = Value::Null;
        let value = (all()[Subject::IntakeRequest as usize].encode)(&codec, example);
        let theirs = rewritten(&value, &schema);
        assert_ne!(theirs[5..], value[5..], "{name}");
        assert_eq!(Codec::bundled().decode(&topic, &theirs), Err(DecodeError::SchemaUnknown { id: ID }));
        let (id, read) = codec.decode(&topic, &theirs).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(id, ID);
        assert_eq!(read, codec.decode(&topic, &value).expect("ours").1, "{name}");
        let elsewhere = codec.decode(&Topic::Commands, &theirs);
        assert_eq!(elsewhere, Err(DecodeError::SchemaUnexpected { subject: Subject::IntakeRequest }));
    }
    assert_eq!(one.asked.load(Ordering::Relaxed), 1, "what was told is kept");
}

#[test]
fn an_id_that_nobody_can_tell_stays_unknown() {
    let text = copy().to_string();
    let one = One { foreign: Foreign::parse(&text).expect("one of ours"), asked: AtomicUsize::new(0) };
    let codec = Codec::bundled().with_resolver(Arc::new(one));
    let value = [&[0][..], &901_u32.to_be_bytes(), b"\x00"].concat();
    let error = codec.decode(&Topic::Intake(Lane::Standard), &value).expect_err("unknown");
    assert_eq!(error, DecodeError::SchemaUnknown { id: 901 });
}
