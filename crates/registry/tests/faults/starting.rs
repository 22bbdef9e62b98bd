//! Starts without a registry.

use contracts::catalogue::BUNDLED;
use contracts::{Catalogue, Subject};
use registry::{Cache, Opened, Origin, Registry, RegistryError, open};
use serde_json::Value;

use crate::fake::{Fake, nobody, run};

fn opened(registry: &Registry, cache: &Cache) -> Result<Opened, RegistryError> {
    run(open(registry, cache))
}

fn ids(catalogue: &Catalogue) -> Vec<u32> {
    Subject::ALL.into_iter().map(|subject| catalogue.id(subject)).collect()
}

#[test]
fn a_start_in_an_outage_takes_its_ids_from_the_cache() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = Cache::in_directory(directory.path());
    let fake = Fake::registered(100);
    let first = opened(&fake.registry(), &cache).expect("a registry");
    assert_eq!(first.origin, Origin::Registry);
    assert_eq!(first.catalogue.id(Subject::IntakeRequest), 101);
    let away = Registry::new(&nobody()).expect("usable");
    for outage in ["nobody", "ill"] {
        let registry = if outage == "ill" { fake.registry() } else { away.clone() };
        fake.always(503, &Value::Null);
        let again = opened(&registry, &cache).expect("a cache");
        assert!(matches!(again.origin, Origin::Cache { .. }), "{outage}");
        assert_eq!(ids(&again.catalogue), ids(&first.catalogue));
        assert_eq!(again.catalogue.lookup(102), Some((Subject::IdentityWork, 1)), "older versions are read too");
    }
}

#[test]
fn a_start_with_neither_says_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = Cache::in_directory(directory.path());
    let away = Registry::new(&nobody()).expect("usable");
    let told = || opened(&away, &cache).expect_err("no ids").to_string();
    let error = told();
    for part in ["start the registry", "waybill schemas register", "there is no cache", "refused"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    std::fs::write(cache.path(), "{}").expect("written");
    assert!(told().contains("damaged"), "{}", told());
    std::fs::write(cache.path(), r#"{"bundled": [], "learnt": []}"#).expect("written");
    assert!(told().contains("another build's"), "{}", told());
}

#[test]
fn a_registry_that_refuses_us_is_no_outage() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = Cache::in_directory(directory.path());
    let fake = Fake::registered(0);
    opened(&fake.registry(), &cache).expect("a registry");
    fake.always(401, &Value::Null);
    let error = opened(&fake.registry(), &cache).map(drop).expect_err("refused");
    assert!(matches!(error, RegistryError::Unauthorised(_)), "{error}");
}

#[test]
fn a_schema_that_is_not_registered_is_named_with_what_to_run() {
    let directory = tempfile::tempdir().expect("a directory");
    let fake = Fake::start();
    for row in BUNDLED.iter().filter(|row| (row.subject, row.version) != (Subject::Outcome, 2)) {
        fake.has(row.id, row.text);
    }
    let error = opened(&fake.registry(), &Cache::in_directory(directory.path())).map(drop).expect_err("one is missing");
    assert_eq!(error, RegistryError::Unregistered { subject: Subject::Outcome, version: 2 });
    let told = error.to_string();
    assert!(told.contains("outcome version 2") && told.contains("waybill schemas register"), "{told}");
}

#[test]
fn a_cache_that_can_t_be_written_stops_no_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let taken = directory.path().join("taken");
    std::fs::write(&taken, "a file").expect("written");
    let opened = opened(&Fake::registered(7).registry(), &Cache::in_directory(&taken)).expect("a registry");
    assert_eq!(opened.origin, Origin::Registry);
}
