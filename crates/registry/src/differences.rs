//! How two schemas of one subject differ, field by field, in words.

use std::collections::BTreeMap;
use std::fmt;

use contracts::schema;
use serde::Serialize;
use serde_json::Value;

/// One difference between a schema here and one there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "kebab-case")]
pub enum Difference {
    /// A field is on one side alone, or declared differently.
    Field {
        /// Where it is, as in our JSON form; empty for the schema itself.
        place: String,
        /// Its type and default here; none, if it is not there at all.
        here: Option<String>,
        /// The same in the registry.
        there: Option<String>,
    },
    /// The fields are the same, in another order.
    Order,
    /// What is written is the same to the byte; documentation or other attributes differ.
    Wording,
}

/// All differences; none for schemas that are equal.
pub(crate) fn differences(here: &Value, there: &Value) -> Vec<Difference> {
    if here == there {
        return Vec::new();
    }
    let (places_here, places_there) = (declarations(here), declarations(there));
    let (by_place_here, by_place_there) = (by_place(&places_here), by_place(&places_there));
    let places =
        places_here.iter().chain(places_there.iter().filter(|(place, _)| !by_place_here.contains_key(&**place)));
    let mut found: Vec<Difference> = places
        .map(|(place, _)| (place, by_place_here.get(&**place), by_place_there.get(&**place)))
        .filter(|(_, here, there)| here != there)
        .map(|(place, here, there)| {
            let text = |declared: Option<&&str>| declared.map(|declared| (*declared).to_owned());
            Difference::Field { place: place.clone(), here: text(here), there: text(there) }
        })
        .collect();
    if found.is_empty() {
        found.push(if places_here == places_there { Difference::Wording } else { Difference::Order });
    }
    found
}

/// The schema itself and each field, with what it is declared as.
fn declarations(schema: &Value) -> Vec<(String, String)> {
    let fields = schema::fields(schema).into_iter().map(|field| {
        let default =
            field.declaration.get("default").map(|default| format!(", default {default}")).unwrap_or_default();
        (field.path.clone(), kind(field.kind()) + &default)
    });
    [(String::new(), kind(schema))].into_iter().chain(fields).collect()
}

fn by_place(declarations: &[(String, String)]) -> BTreeMap<&str, &str> {
    declarations.iter().map(|(place, declared)| (place.as_str(), declared.as_str())).collect()
}

/// A type in words. Named types are told by their names without namespaces; what is in them are declarations of their own.
fn kind(declared: &Value) -> String {
    let text = |attribute: &str| declared.get(attribute).and_then(Value::as_str);
    match declared {
        Value::Array(branches) => branches.iter().map(kind).collect::<Vec<_>>().join(" or "),
        Value::String(name) => short(name),
        Value::Object(object) => match (text("type"), text("name")) {
            (Some("array"), _) => format!("list of {}", kind(object.get("items").unwrap_or(&Value::Null))),
            (Some("map"), _) => format!("map of {}", kind(object.get("values").unwrap_or(&Value::Null))),
            (Some("enum"), Some(name)) => format!("{} ({})", short(name), symbols(declared)),
            (Some("fixed"), Some(name)) => format!("{} ({} bytes)", short(name), declared["size"]),
            (_, Some(name)) => short(name),
            (Some(primitive), None) => match text("logicalType") {
                Some(logical) => logical.to_owned(),
                None => primitive.to_owned(),
            },
            (None, None) => kind(object.get("type").unwrap_or(&Value::Null)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => "nothing".to_owned(),
    }
}

fn symbols(declared: &Value) -> String {
    let symbols = declared["symbols"].as_array().into_iter().flatten().filter_map(Value::as_str);
    symbols.collect::<Vec<_>>().join(", ")
}

fn short(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

// === impl Difference ===

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { place, here, there } => {
                let place = if place.is_empty() { "the schema" } else { place };
                let told = |declared: &Option<String>| declared.clone().unwrap_or_else(|| "nothing".to_owned());
                write!(f, "{place}: here {}; there {}", told(here), told(there))
            }
            Self::Order => f.write_str("the same fields in another order"),
            Self::Wording => f.write_str("only documentation or attributes differ"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(here: &Value, there: &Value) -> Vec<String> {
        differences(here, there).iter().map(ToString::to_string).collect()
    }

    fn thing(fields: &Value) -> Value {
        json!({"type": "record", "name": "Thing", "namespace": "a", "fields": fields})
    }

    #[test]
    fn fields_that_differ_are_told_by_place_and_type() {
        let kind =
            |symbols: Value| json!({"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": symbols}});
        let here = thing(&json!([kind(json!(["A"])), {"name": "old", "type": "string"}]));
        let note = json!({"name": "note", "type": ["null", "string"], "default": null});
        let there = thing(&json!([kind(json!(["A", "B"])), note]));
        assert_eq!(
            told(&here, &there),
            [
                "kind: here Kind (A); there Kind (A, B)",
                "old: here string; there nothing",
                "note: here nothing; there null or string, default null",
            ]
        );
        assert!(told(&here, &here).is_empty());
    }

    #[test]
    fn order_and_wording_are_told_apart() {
        let (a, b) = (json!({"name": "a", "type": "string"}), json!({"name": "b", "type": "long"}));
        let worded = json!({"name": "a", "type": {"type": "string", "avro.java.string": "String"}, "doc": "A."});
        let here = thing(&json!([a, b]));
        assert_eq!(told(&here, &thing(&json!([b, a]))), ["the same fields in another order"]);
        assert_eq!(told(&here, &thing(&json!([worded, b]))), ["only documentation or attributes differ"]);
    }

    #[test]
    fn a_branch_more_shows_also_where_it_is_empty() {
        let record = |name: &str| json!({"type": "record", "name": name, "namespace": "a", "fields": []});
        let here = json!([record("First")]);
        let there = json!([record("First"), record("Second")]);
        assert_eq!(told(&here, &there), ["the schema: here First; there First or Second"]);
    }
}
