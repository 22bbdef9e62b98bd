//! What schemas owe their readers: every part says what it means, and one name means one thing.

use std::collections::BTreeMap;

use contracts::{Catalogue, Subject};
use serde_json::{Map, Value};

/// All named types and fields of a schema.
fn named<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(object) => {
            if object.contains_key("name") {
                found.push(value);
            }
            object.values().for_each(|inner| named(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| named(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The value with every type that is defined inside it replaced by its name; definitions go to `types`.
fn by_name(value: &Value, types: &mut BTreeMap<String, Value>) -> Value {
    match value {
        Value::Object(object) => {
            let inner: Map<_, _> = object.iter().map(|(key, inner)| (key.clone(), by_name(inner, types))).collect();
            let is_type = ["fields", "symbols", "size"].iter().any(|key| object.contains_key(*key));
            match &object.get("name") {
                Some(Value::String(name)) if is_type => {
                    types.insert(name.clone(), Value::Object(inner));
                    Value::String(name.clone())
                }
                _ => Value::Object(inner),
            }
        }
        Value::Array(items) => items.iter().map(|inner| by_name(inner, types)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[test]
fn every_field_and_every_type_says_what_it_means() {
    let catalogue = Catalogue::bundled();
    for subject in Subject::ALL {
        let mut found = Vec::new();
        named(catalogue.schema(subject), &mut found);
        for part in found {
            let doc = part["doc"].as_str().unwrap_or_default();
            assert!(doc.ends_with('.') && !doc.contains('?'), "{subject}: {} has no proper doc: {doc:?}", part["name"]);
        }
    }
}

/// Foreign tools make classes of these names.
#[test]
fn a_name_means_the_same_in_every_subject_of_its_namespace() {
    let catalogue = Catalogue::bundled();
    let mut seen = BTreeMap::new();
    for subject in Subject::ALL {
        let schema = catalogue.schema(subject);
        let root = if schema.is_array() { &schema[0] } else { schema };
        let namespace = root["namespace"].as_str().expect("every schema has a namespace");
        let mut types = BTreeMap::new();
        by_name(schema, &mut types);
        for (name, definition) in types {
            let known = seen.entry((namespace.to_owned(), name.clone())).or_insert_with(|| definition.clone());
            assert_eq!(*known, definition, "{name} of {subject} differs from the same name elsewhere");
        }
    }
}
