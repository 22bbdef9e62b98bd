//! What a new version of a schema may change. One table, put to the reference implementation here and to a real registry by
//! `crates/registry/tests`; `schemas/README.md` says the same in words.

use serde_json::{Value, json};

/// A change to a schema, and whether events and work may make it.
pub(crate) type Change = (&'static str, fn(&mut Value), bool, bool);

/// All changes, to be made to [`old`].
pub(crate) const CHANGES: [Change; 10] = [
    ("a documentation changes", |schema| schema["doc"] = json!("Otherwise."), true, true),
    ("fields change places", |schema| fields(schema).reverse(), true, true),
    ("a field with a default comes", |schema| fields(schema).push(optional("new")), true, true),
    ("a field with a default goes", |schema| fields(schema).retain(|field| field["name"] != "maybe"), true, true),
    (
        "a field without a default comes",
        |schema| fields(schema).push(json!({"name": "new", "type": "long"})),
        false,
        false,
    ),
    ("a field without a default goes", |schema| fields(schema).retain(|field| field["name"] != "text"), false, true),
    ("a symbol comes", |schema| symbols(schema, "kind").push(json!("C")), false, true),
    ("a symbol comes where one is the default", |schema| symbols(schema, "mood").push(json!("C")), true, true),
    (
        "a branch comes",
        |schema| branches(schema).push(json!({"type": "record", "name": "Fourth", "fields": []})),
        false,
        true,
    ),
    ("a branch goes", |schema| drop(branches(schema).pop()), false, false),
];

/// A schema to change.
pub(crate) fn old() -> Value {
    json!({"type": "record", "name": "Thing", "fields": [
        {"name": "text", "type": "string"},
        optional("maybe"),
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "mood", "type": {"type": "enum", "name": "Mood", "symbols": ["A", "B"], "default": "A"}},
        {"name": "body", "type": [
            {"type": "record", "name": "First", "fields": []},
            {"type": "record", "name": "Second", "fields": []},
            {"type": "record", "name": "Third", "fields": []},
        ]},
    ]})
}

fn fields(schema: &mut Value) -> &mut Vec<Value> {
    schema["fields"].as_array_mut().expect("a record")
}

fn field<'s>(schema: &'s mut Value, name: &str) -> &'s mut Value {
    fields(schema).iter_mut().find(|field| field["name"] == name).expect("a field")
}

fn symbols<'s>(schema: &'s mut Value, name: &str) -> &'s mut Vec<Value> {
    field(schema, name)["type"]["symbols"].as_array_mut().expect("an enum")
}

fn branches(schema: &mut Value) -> &mut Vec<Value> {
    field(schema, "body")["type"].as_array_mut().expect("a union")
}

fn optional(name: &str) -> Value {
    json!({"name": name, "type": ["null", "string"], "default": null})
}
