//! Who may import whom: the table of `crates/README.md`.

use std::collections::BTreeSet;

use super::{crates, read, root};

/// What each crate may import of ours.
const LAYERS: [(&str, &[&str]); 19] = [
    ("domain", &[]),
    ("contracts", &["domain"]),
    ("matching", &[]),
    ("intake", &["domain"]),
    ("identity", &["domain", "matching"]),
    ("dispatch", &["domain"]),
    ("reconciliation", &["domain"]),
    ("triage", &["domain"]),
    ("telemetry", &[]),
    ("fleet", &["domain", "contracts", "telemetry"]),
    ("local", &["domain", "fleet", "telemetry"]),
    ("shelf", &["domain", "fleet", "telemetry"]),
    ("kafka", &["domain", "fleet", "telemetry"]),
    ("registry", &["domain", "contracts", "telemetry"]),
    ("vault", &["domain", "contracts", "fleet", "telemetry"]),
    ("partners", &["domain", "contracts", "fleet", "telemetry"]),
    ("projections", &["domain", "contracts", "fleet", "telemetry"]),
    ("sandbox", &["domain"]),
    (
        "waybill",
        &[
            "domain",
            "contracts",
            "matching",
            "intake",
            "identity",
            "dispatch",
            "reconciliation",
            "triage",
            "fleet",
            "telemetry",
            "local",
            "shelf",
            "kafka",
            "registry",
            "vault",
            "partners",
            "projections",
            "sandbox",
        ],
    ),
];

/// Crates that must hold no I/O, clock or randomness: none of these may appear among their dependencies.
const PURE: [&str; 8] =
    ["domain", "contracts", "matching", "intake", "identity", "dispatch", "reconciliation", "triage"];
const IMPURE: [&str; 9] =
    ["tokio", "reqwest", "axum", "sqlx", "fjall", "rdkafka", "object_store", "getrandom", "tracing-subscriber"];

/// The names under `[dependencies]` of a crate's manifest.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = read(&root().join("crates").join(name).join("Cargo.toml"));
    let table: toml::Table = manifest.parse().expect("a manifest is TOML");
    table
        .get("dependencies")
        .and_then(toml::Value::as_table)
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn every_crate_has_its_row() {
    let rows: BTreeSet<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    let found = crates();
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), rows);
}

#[test]
fn crates_import_only_what_their_layer_allows() {
    let ours: BTreeSet<String> = crates().into_iter().collect();
    for (name, allowed) in LAYERS {
        for import in dependencies(name).intersection(&ours) {
            assert!(allowed.contains(&import.as_str()), "{name} must not import {import}");
        }
    }
}

#[test]
fn pure_crates_have_no_way_to_the_world() {
    for name in PURE {
        let dependencies = dependencies(name);
        for impure in IMPURE {
            assert!(!dependencies.contains(impure), "{name} is pure and must not depend on {impure}");
        }
    }
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    for name in crates() {
        let manifest = read(&root().join("crates").join(&name).join("Cargo.toml"));
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} does not take the workspace lints");
    }
}
