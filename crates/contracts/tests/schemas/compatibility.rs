//! What a registry would say of our versions, and of those that may come. The reference implementation judges here.

use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility as Agreement, SchemaCompatibility};
use contracts::catalogue::BUNDLED;
use contracts::{Compatibility, Subject};
use serde_json::Value;

use crate::changes::{CHANGES, old};

/// Whether whatever one schema wrote is read by another. Partly does not count: a registry refuses that too.
fn reads(reader: &Schema, writer: &Schema) -> bool {
    matches!(SchemaCompatibility::can_read(writer, reader), Ok(Agreement::Full))
}

fn agree(compatibility: Compatibility, older: &Schema, newer: &Schema) -> bool {
    match compatibility {
        Compatibility::FullTransitive => reads(newer, older) && reads(older, newer),
        Compatibility::BackwardTransitive => reads(newer, older),
    }
}

#[test]
fn a_schema_has_the_name_its_subject_is_registered_under() {
    for row in BUNDLED {
        let schema: Value = serde_json::from_str(row.text).expect("a schema");
        assert_eq!(contracts::schema::name(&schema).as_deref(), Some(row.subject.schema_name()), "{}", row.subject);
    }
    for subject in Subject::ALL {
        assert_eq!(Subject::named(subject.schema_name()), Some(subject));
    }
    assert_eq!(Subject::named("intake-request"), None);
}

#[test]
fn every_version_keeps_what_its_subject_owes_all_before_it() {
    let parse = |text: &str| Schema::parse_str(text).expect("a schema");
    for older in BUNDLED {
        for newer in BUNDLED.iter().filter(|row| row.subject == older.subject && older.version < row.version) {
            let wanted = older.subject.compatibility();
            assert!(
                agree(wanted, &parse(older.text), &parse(newer.text)),
                "{} v{} and v{} are not {wanted}",
                older.subject,
                older.version,
                newer.version
            );
        }
    }
}

/// Our readers would not honour it, so nobody may come to rely on one.
#[test]
fn no_enum_has_a_default() {
    fn defaults(schema: &Value) -> Vec<String> {
        let own = (schema["type"] == "enum" && schema.get("default").is_some()).then(|| schema["name"].to_string());
        let inner: Vec<&Value> = match schema {
            Value::Object(object) => object.values().collect(),
            Value::Array(items) => items.iter().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        own.into_iter().chain(inner.into_iter().flat_map(defaults)).collect()
    }
    for row in BUNDLED {
        let schema: Value = serde_json::from_str(row.text).expect("a schema");
        assert_eq!(defaults(&schema), Vec::<String>::new(), "{} v{}", row.subject, row.version);
    }
}

#[test]
fn what_a_new_version_may_change() {
    let old = old();
    let parse = |schema: &Value| Schema::parse(schema).expect("a schema");
    for (what, change, events, work) in CHANGES {
        let mut new = old.clone();
        change(&mut new);
        assert_ne!(new, old, "{what}");
        let (old, new) = (parse(&old), parse(&new));
        assert_eq!(agree(Compatibility::FullTransitive, &old, &new), events, "events: {what}");
        assert_eq!(agree(Compatibility::BackwardTransitive, &old, &new), work, "work: {what}");
    }
}
