//! Schemas as text: walking their fields. Encoding and decoding never come here; documentation, marks and error places do.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A field met while walking a schema.
#[derive(Clone, Debug)]
pub struct Field<'s> {
    /// Where it is, as in our JSON form: `member.addresses[].city`, `task.Resolve.ask`.
    pub path: String,
    /// Its declaration.
    pub declaration: &'s Map<String, Value>,
}

/// All fields of a schema, parents before children, in the order of declaration. A type that contains itself is entered once.
pub fn fields(schema: &Value) -> Vec<Field<'_>> {
    let mut walk = Walk { named: BTreeMap::new(), open: Vec::new(), found: Vec::new() };
    walk.enter(schema, String::new());
    walk.found
}

/// What a type holds beneath options and arrays: a primitive's name, or a named type's declaration. None for a real union.
pub fn holds(kind: &Value) -> Option<&Value> {
    match kind {
        Value::Array(branches) => match &branches[..] {
            [Value::String(null), one] | [one, Value::String(null)] if null == "null" => holds(one),
            _ => None,
        },
        Value::Object(object) if object.get("type").is_some_and(|kind| kind == "array") => holds(object.get("items")?),
        Value::Object(_) | Value::String(_) => Some(kind),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The name of a schema: a record's full name, or the namespace that the records of a union share. None for anything else.
pub fn name(schema: &Value) -> Option<String> {
    match schema {
        Value::Object(_) => {
            let (namespace, name) = full_name(schema)?;
            Some(if namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") })
        }
        Value::Array(branches) => {
            let (first, _) = full_name(branches.first()?)?;
            let shared =
                branches.iter().all(|branch| full_name(branch).is_some_and(|(namespace, _)| namespace == first));
            (shared && !first.is_empty()).then(|| first.to_owned())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

struct Walk<'s> {
    named: BTreeMap<&'s str, &'s Map<String, Value>>,
    open: Vec<&'s str>,
    found: Vec<Field<'s>>,
}

// === impl Field ===

impl<'s> Field<'s> {
    /// An attribute of the declaration that is text.
    pub fn text(&self, attribute: &str) -> Option<&'s str> {
        self.declaration.get(attribute).and_then(Value::as_str)
    }

    /// The declared type.
    pub fn kind(&self) -> &'s Value {
        self.declaration.get("type").unwrap_or(&Value::Null)
    }
}

// === impl Walk ===

impl<'s> Walk<'s> {
    fn enter(&mut self, kind: &'s Value, path: String) {
        match kind {
            Value::Array(branches) => {
                let optional = holds(kind).is_some();
                for branch in branches {
                    let step = if optional { "" } else { name_of(branch).unwrap_or_default() };
                    self.enter(branch, join(&path, step));
                }
            }
            Value::Object(object) => {
                if let Some(name) = name_of(kind) {
                    self.named.insert(name, object);
                }
                self.enter_object(object, path);
            }
            Value::String(name) => {
                if let Some(object) = self.named.get(short(name)).copied() {
                    self.enter_object(object, path);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn enter_object(&mut self, object: &'s Map<String, Value>, path: String) {
        if let Some(items) = object.get("items") {
            return self.enter(items, path + "[]");
        }
        let (Some(Value::Array(fields)), Some(Value::String(name))) = (object.get("fields"), object.get("name")) else {
            return;
        };
        if self.open.contains(&name.as_str()) {
            return;
        }
        self.open.push(name);
        for declaration in fields.iter().filter_map(Value::as_object) {
            let field = declaration.get("name").and_then(Value::as_str).unwrap_or_default();
            let path = join(&path, field);
            self.found.push(Field { path: path.clone(), declaration });
            if let Some(kind) = declaration.get("type") {
                self.enter(kind, path);
            }
        }
        self.open.pop();
    }
}

/// A named type's name without its namespace, or that of a primitive.
pub(crate) fn name_of(kind: &Value) -> Option<&str> {
    match kind {
        Value::String(name) => Some(short(name)),
        Value::Object(object) => object.get("name").and_then(Value::as_str).map(short),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The namespace and name of a record's declaration. A name with dots carries its namespace itself.
fn full_name(record: &Value) -> Option<(&str, &str)> {
    let text = |attribute: &str| record.get(attribute).and_then(Value::as_str);
    let name = text("name").filter(|_| text("type") == Some("record"))?;
    Some(name.rsplit_once('.').unwrap_or((text("namespace").unwrap_or_default(), name)))
}

/// A name without its namespace.
pub(crate) fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn join(path: &str, step: &str) -> String {
    match (path, step) {
        ("", step) => step.to_owned(),
        (path, "") => path.to_owned(),
        (path, step) => format!("{path}.{step}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_found_through_names_options_arrays_and_unions() {
        let name = json!({"type": "record", "name": "Name", "fields": [{"name": "given", "type": {"type": "array", "items": "string"}}]});
        let schema = json!({"type": "record", "name": "Person", "fields": [
            {"name": "name", "type": name},
            {"name": "others", "type": {"type": "array", "items": "Name"}},
            {"name": "boss", "type": ["null", "Person"], "default": null},
            {"name": "pet", "type": [
                {"type": "record", "name": "Cat", "fields": [{"name": "lives", "type": "long"}]},
                {"type": "record", "name": "Dog", "fields": []},
            ]},
        ]});
        let paths: Vec<_> = fields(&schema).into_iter().map(|field| field.path).collect();
        assert_eq!(paths, ["name", "name.given", "others", "others[].given", "boss", "pet", "pet.Cat.lives"]);
    }

    #[test]
    fn a_schema_is_named_by_its_record_or_by_what_its_records_share() {
        let record = |namespace: &str, name: &str| json!({"type": "record", "namespace": namespace, "name": name});
        assert_eq!(name(&record("a.b", "C")).as_deref(), Some("a.b.C"));
        assert_eq!(name(&json!({"type": "record", "name": "a.b.C", "namespace": "x"})).as_deref(), Some("a.b.C"));
        assert_eq!(name(&json!({"type": "record", "name": "C"})).as_deref(), Some("C"));
        assert_eq!(name(&json!([record("a.b", "C"), record("a.b", "D")])).as_deref(), Some("a.b"));
        for nameless in [json!([record("a.b", "C"), record("a", "D")]), json!(["null", record("a", "D")]), json!([])] {
            assert_eq!(name(&nameless), None, "{nameless}");
        }
        assert_eq!(name(&json!({"type": "enum", "name": "E", "symbols": []})), None);
    }

    #[test]
    fn what_a_type_holds_lies_beneath_options_and_arrays() {
        assert_eq!(holds(&json!(["null", "string"])), Some(&json!("string")));
        assert_eq!(holds(&json!({"type": "array", "items": ["null", "bytes"]})), Some(&json!("bytes")));
        assert_eq!(holds(&json!(["Cat", "Dog"])), None);
    }
}
