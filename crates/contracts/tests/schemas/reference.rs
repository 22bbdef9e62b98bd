//! The reference implementation reads our bytes as we do, and writes them as we do.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contracts::frame::{FRAME_BYTES, split};
use contracts::{Catalogue, Codec, Subject, schema};
use domain::RecordId;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::datum::Shape;
use crate::subjects::{Kind, all, examples};

/// A subject under test, with its schema in both implementations.
struct Bench {
    codec: Codec,
    kinds: Vec<(Kind, Schema)>,
}

impl Bench {
    fn new() -> Self {
        let codec = Codec::bundled();
        let parse = |kind: Kind| {
            let text = codec.catalogue().schema(kind.subject).to_string();
            let schema = Schema::parse_str(&text).unwrap_or_else(|error| panic!("{}: {error}", kind.subject));
            (kind, schema)
        };
        Self { kinds: all().into_iter().map(parse).collect(), codec }
    }

    /// Our JSON of a framed value, after checking that the reference implementation agrees about the bytes in both directions.
    fn agree(&self, (kind, schema): &(Kind, Schema), framed: &[u8]) -> Value {
        let (ours, again) = (kind.reencode)(&self.codec, framed).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again, framed, "{} does not encode to the same bytes", kind.subject);
        let (id, mut datum) = split(framed).expect("a frame");
        assert_eq!(id, self.codec.catalogue().id(kind.subject));
        let avro = GenericDatumReader::builder(schema).build().expect("a reader").read_value(&mut datum);
        let avro = avro.expect("readable to the reference");
        assert!(datum.is_empty(), "the reference leaves bytes unread");
        let shape = Shape::of(self.codec.catalogue(), kind.subject);
        assert_eq!(ours, shape.json(shape.root, &avro), "{} means something else to the reference", kind.subject);
        let writer = GenericDatumWriter::builder(schema).build().expect("a writer");
        let written = writer.write_value_to_vec(avro).expect("writable by the reference");
        assert_eq!(written, framed[FRAME_BYTES..], "the reference writes {} differently", kind.subject);
        ours
    }
}

impl<'s> Shape<'s> {
    /// Our JSON form of what the reference implementation read.
    #[expect(clippy::wildcard_enum_match_arm, reason = "Avro has more kinds of values than these schemas use")]
    fn json(&self, kind: &'s Value, avro: &Avro) -> Value {
        let kind = self.resolve(kind);
        match avro {
            Avro::Null => Value::Null,
            Avro::Boolean(value) => json!(value),
            Avro::Long(value) | Avro::TimestampMillis(value) => json!(value),
            Avro::String(text) | Avro::Enum(_, text) => json!(text),
            Avro::Fixed(_, bytes) | Avro::Bytes(bytes) => match <[u8; 16]>::try_from(&bytes[..]) {
                Ok(id) => json!(RecordId(id).to_string()),
                Err(_) => json!(STANDARD.encode(bytes)),
            },
            Avro::Array(items) => items.iter().map(|item| self.json(&kind["items"], item)).collect(),
            Avro::Record(fields) => {
                let declared = kind["fields"].as_array().expect("fields").iter();
                let field = |((name, value), field): (&(String, Avro), &'s Value)| {
                    (name.clone(), self.json(&field["type"], value))
                };
                Value::Object(fields.iter().zip(declared).map(field).collect())
            }
            Avro::Union(branch, inner) => {
                let optional = schema::holds(kind).is_some();
                let branch = &kind[*branch as usize];
                let value = self.json(branch, inner);
                if branch == "null" || optional {
                    return value;
                }
                let name = self.resolve(branch)["name"].as_str().expect("a named branch");
                Value::Object(Map::from_iter([(name.to_owned(), value)]))
            }
            other => panic!("a value these schemas do not have: {other:?}"),
        }
    }
}

#[test]
fn examples_mean_the_same_to_both() {
    let bench = Bench::new();
    for kind in &bench.kinds {
        for (name, json) in examples(kind.0.subject) {
            let framed = (kind.0.encode)(&bench.codec, json.clone());
            assert_eq!(bench.agree(kind, &framed), json, "{}/{name}", kind.0.subject);
        }
    }
}

/// Subjects whose types live in crates above this one: at least their schemas and examples must stand.
#[test]
fn every_schema_is_valid_avro() {
    let catalogue = Catalogue::bundled();
    for subject in Subject::ALL {
        Schema::parse_str(&catalogue.schema(subject).to_string()).unwrap_or_else(|error| panic!("{subject}: {error}"));
    }
}

#[test]
fn whatever_fits_a_schema_means_the_same_to_both() {
    let bench = Bench::new();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::default());
    for kind in &bench.kinds {
        let shape = Shape::of(bench.codec.catalogue(), kind.0.subject);
        let entropy = proptest::collection::vec(any::<u8>(), 0..600);
        runner
            .run(&entropy, |entropy| {
                let id = bench.codec.catalogue().id(kind.0.subject).to_be_bytes();
                let framed = [&[0][..], &id, &shape.datum(&entropy)].concat();
                bench.agree(kind, &framed);
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{}: {error}", kind.0.subject));
    }
}
