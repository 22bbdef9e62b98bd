//! Data made from schemas, without either Avro implementation: arbitrary datums for any subject.

use std::collections::BTreeMap;

use contracts::{Catalogue, Subject, schema};
use domain::Code;
use serde_json::Value;

/// A schema whose type names can be looked up.
pub(crate) struct Shape<'s> {
    pub(crate) root: &'s Value,
    named: BTreeMap<&'s str, &'s Value>,
}

/// Choices, read from a byte string; zeros once it is used up, so that every byte string ends somewhere.
struct Choices<'e>(std::slice::Iter<'e, u8>);

impl<'s> Shape<'s> {
    pub(crate) fn of(catalogue: &'s Catalogue, subject: Subject) -> Self {
        Self::rooted(catalogue.schema(subject))
    }

    /// The shape of any schema.
    pub(crate) fn rooted(root: &'s Value) -> Self {
        let mut shape = Self { root, named: BTreeMap::new() };
        shape.collect(root);
        shape
    }

    fn collect(&mut self, kind: &'s Value) {
        match kind {
            Value::Object(object) => {
                if let Some(Value::String(name)) = object.get("name") {
                    self.named.entry(name).or_insert(kind);
                }
                for key in ["type", "items", "fields"] {
                    object.get(key).into_iter().for_each(|inner| self.collect(inner));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// The declaration behind a type: a union's branches, a named type's object, or the object of a primitive.
    pub(crate) fn resolve(&self, kind: &'s Value) -> &'s Value {
        kind.as_str().and_then(|name| self.named.get(name)).filter(|found| found.get("doc").is_some()).unwrap_or(&kind)
    }

    /// The names of the branches of the schema itself and of its own fields, where those are real unions.
    pub(crate) fn branches(&self) -> Vec<&'s str> {
        let own = self.root.get("fields").and_then(Value::as_array).into_iter().flatten().map(|field| &field["type"]);
        let unions = own.chain([self.root]).filter(|kind| schema::holds(kind).is_none());
        unions.filter_map(Value::as_array).flatten().filter_map(|branch| branch["name"].as_str()).collect()
    }

    /// An arbitrary datum.
    pub(crate) fn datum(&self, entropy: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(self.root, None, &mut Choices(entropy.iter()), &mut out);
        out
    }

    fn write(&self, kind: &'s Value, field: Option<&Value>, choices: &mut Choices<'_>, out: &mut Vec<u8>) {
        let kind = self.resolve(kind);
        if let Value::Array(branches) = kind {
            let branch = choices.below(branches.len());
            long(i64::try_from(branch).expect("few branches"), out);
            return self.write(&branches[branch], field, choices, out);
        }
        match kind.as_str().or(kind["type"].as_str()).expect("a type") {
            "null" => {}
            "boolean" => out.push(u8::from(choices.next() & 1 == 1)),
            "long" if kind["logicalType"] == "timestamp-millis" => long(choices.long(), out),
            // Counts and versions: never negative, and some are 32 bits wide.
            "long" => long(choices.long() & 0xffff_ffff, out),
            "string" if field.is_some_and(|field| field["catalogue"] == "reason-codes") => {
                bytes(Code::ALL[choices.below(Code::ALL.len())].as_str().as_bytes(), out);
            }
            "string" => bytes(choices.text().as_bytes(), out),
            "bytes" => bytes(&choices.bytes(), out),
            "fixed" => out.extend((0..kind["size"].as_u64().expect("a size")).map(|_| choices.next())),
            "enum" => {
                let symbols = kind["symbols"].as_array().expect("symbols").len();
                long(i64::try_from(choices.below(symbols)).expect("few symbols"), out);
            }
            "array" => {
                let items = choices.below(4);
                if 0 < items {
                    long(i64::try_from(items).expect("few items"), out);
                    (0..items).for_each(|_| self.write(&kind["items"], field, choices, out));
                }
                out.push(0);
            }
            "record" => {
                for field in kind["fields"].as_array().expect("fields") {
                    self.write(&field["type"], Some(field), choices, out);
                }
            }
            other => panic!("a type these schemas do not use: {other}"),
        }
    }
}

impl Choices<'_> {
    fn next(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.next()) % limit
    }

    fn long(&mut self) -> i64 {
        let width = self.below(9);
        let raw = (0..width).fold(0_i64, |long, _| (long << 8) | i64::from(self.next()));
        if self.next() & 1 == 1 { !raw } else { raw }
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(24)).map(|_| self.next()).collect()
    }

    fn text(&mut self) -> String {
        let alphabet: Vec<char> = "abcXYZ019 -_'\"\\\n\u{0}éß阮🩺".chars().collect();
        (0..self.below(12)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}

/// Avro's zigzag varint.
pub(crate) fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while 0x7f < rest {
        out.push(u8::try_from(rest & 0x7f).expect("seven bits") | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).expect("seven bits"));
}

fn bytes(content: &[u8], out: &mut Vec<u8>) {
    long(i64::try_from(content.len()).expect("short"), out);
    out.extend_from_slice(content);
}
