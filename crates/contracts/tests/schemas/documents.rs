//! What is written about the contracts under `schemas/` is what the contracts are. `BLESS=1 cargo test -p contracts` writes the
//! generated parts anew.

use std::fmt::Write as _;
use std::path::Path;

use contracts::catalogue::BUNDLED;
use contracts::topics::{Cleanup, Party, Reading, Row, Spread, TABLE};
use contracts::{Catalogue, Subject, schema};
use serde_json::Value;

use crate::subjects::{examples, folder, schemas};

const MARKER: &str = "<!-- Everything below is generated: BLESS=1 cargo test -p contracts -->";

/// Compares, or writes, what follows the marker in a document.
fn check(path: &Path, generated: &str) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
    let (written, found) = text.split_once(MARKER).unwrap_or_else(|| panic!("{} has no marker", path.display()));
    assert!(written.starts_with("# ") && 200 < written.len(), "{} says too little", path.display());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, format!("{written}{MARKER}\n\n{generated}")).expect("a writable document");
        return;
    }
    let differs = found.trim().lines().zip(generated.trim().lines()).find(|(found, generated)| found != generated);
    assert!(
        found.trim() == generated.trim(),
        "{} is out of date, at {differs:?}: run BLESS=1 cargo test -p contracts",
        path.display()
    );
}

#[test]
fn the_topic_table_is_the_one_in_the_code() {
    let mut text =
        String::from("## Topics\n\n| topic | key | subjects | written by | read by | read as | partitions | kept |\n");
    text += "|---|---|---|---|---|---|---|---|\n";
    for row in TABLE {
        let subjects = list(row.subjects.iter().map(|subject| format!("`{subject}`")));
        let (writers, readers) = (list(row.writers.iter().map(party)), list(row.readers.iter().map(party)));
        let (pattern, key) = (row.pattern, row.key);
        let (read_as, spread, kept) = (reading(row), spread(row), kept(row));
        writeln!(text, "| `{pattern}` | {key} | {subjects} | {writers} | {readers} | {read_as} | {spread} | {kept} |")
            .expect("text grows");
    }
    text += "\n## Subjects\n\n| id | subject | version | fingerprint | registered as | versions owe each other |\n|---|---|---|---|---|---|\n";
    for row in BUNDLED {
        let (id, subject, version, fingerprint) = (row.id, row.subject, row.version, row.fingerprint);
        let (name, owed) = (subject.schema_name(), subject.compatibility());
        write!(text, "| {id} | [`{subject}`]({subject}/README.md) | {version} | `{fingerprint:016x}` ")
            .expect("text grows");
        writeln!(text, "| `{name}` | `{owed}` |").expect("text grows");
    }
    check(&schemas().join("README.md"), &text);
}

#[test]
fn every_subject_s_document_tells_its_schema() {
    let catalogue = Catalogue::bundled();
    for subject in Subject::ALL {
        let mut text = facts(&catalogue, subject);
        text += "\n## Fields\n\n| field | type | PHI | meaning |\n|---|---|---|---|\n";
        for field in schema::fields(catalogue.schema(subject)) {
            let (path, kind, meaning) = (&field.path, kind(field.kind()), field.text("doc").unwrap_or_default());
            let phi = field.text("phi").unwrap_or_default();
            writeln!(text, "| `{path}` | {kind} | {phi} | {meaning} |").expect("text grows");
        }
        let version = subject.version();
        text += "\n## Examples\n\n";
        for (name, _) in examples(subject) {
            writeln!(text, "- [{name}](v{version}.examples/{name}.json)").expect("text grows");
        }
        check(&folder(subject).join("README.md"), &text);
    }
}

/// Where a subject travels, or in what it is sealed.
fn facts(catalogue: &Catalogue, subject: Subject) -> String {
    let mut text = format!("Version {}, id {} in the bundled catalogue.\n\n", subject.version(), catalogue.id(subject));
    for row in TABLE.iter().filter(|row| row.subjects.contains(&subject)) {
        let (writers, readers) = (list(row.writers.iter().map(party)), list(row.readers.iter().map(party)));
        writeln!(text, "- On `{}`, keyed by {}. Written by {writers}; read by {readers}.", row.pattern, row.key)
            .expect("text grows");
    }
    for holder in Subject::ALL {
        let fields = schema::fields(catalogue.schema(holder));
        for field in fields.iter().filter(|field| field.text("sealed") == Some(subject.as_str())) {
            writeln!(text, "- Sealed in `{}` of `{holder}`.", field.path).expect("text grows");
        }
    }
    text
}

/// A type in words.
fn kind(kind: &Value) -> String {
    let name = |kind: &Value| kind.as_str().or(kind["name"].as_str()).unwrap_or_default().to_owned();
    match kind {
        Value::Array(branches) => match schema::holds(kind) {
            Some(held) => format!("{}, optional", self::kind(held)),
            None => {
                let names = list(
                    branches.iter().filter(|branch| *branch != "null").map(|branch| format!("`{}`", name(branch))),
                );
                let optional = if branches.iter().any(|branch| branch == "null") { ", optional" } else { "" };
                format!("one of {names}{optional}")
            }
        },
        Value::Object(object) if object.contains_key("items") => format!("list of {}", self::kind(&kind["items"])),
        Value::Object(object) if object.contains_key("logicalType") => "time, in milliseconds".to_owned(),
        Value::Object(object) if object.contains_key("symbols") => {
            let symbols = kind["symbols"].as_array().into_iter().flatten().map(name);
            format!("`{}`: {}", name(kind), list(symbols))
        }
        Value::Object(object) if object.contains_key("size") => format!("`{}`, {} bytes", name(kind), kind["size"]),
        Value::Object(_) | Value::String(_) if name(kind).starts_with(char::is_uppercase) => {
            format!("`{}`", name(kind))
        }
        Value::Object(_) | Value::String(_) => name(kind),
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

fn party(party: &Party) -> String {
    match party {
        Party::Upstream => "upstream systems".to_owned(),
        Party::Source => "that source".to_owned(),
        Party::Enrolment => "the enrolment system".to_owned(),
        Party::Gateway => "gateway".to_owned(),
        Party::Console => "console".to_owned(),
        Party::CommandLine => "command line".to_owned(),
        Party::Worker(stage) => stage.as_str().to_owned(),
        Party::ItsWorker => "that worker".to_owned(),
        Party::Projections => "projections".to_owned(),
        Party::Ledger => "ledger".to_owned(),
        Party::Verifiers => "verifiers".to_owned(),
    }
}

fn reading(row: &Row) -> &'static str {
    match row.reading {
        Reading::Stream => "stream",
        Reading::Table => "table",
        Reading::Changelog => "changelog",
    }
}

fn spread(row: &Row) -> &'static str {
    match row.spread {
        Spread::Requests => "as requests",
        Spread::Partners => "as partners",
        Spread::Single => "one",
    }
}

fn kept(row: &Row) -> String {
    match row.cleanup {
        Cleanup::Keep => "for ever".to_owned(),
        Cleanup::Delete { days } => format!("{days} days"),
        Cleanup::Compact => "compacted".to_owned(),
        Cleanup::CompactDelete { days } => format!("compacted, {days} days"),
    }
}
