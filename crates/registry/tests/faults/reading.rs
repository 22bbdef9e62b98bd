//! Ids met while reading, at a registry that is slow, away or flooded.

use std::time::{Duration, Instant};

use contracts::catalogue::BUNDLED;
use contracts::{Resolver, Subject};
use registry::{Cache, IdResolver, Limits, Registry, Settings, open};
use serde_json::Value;

use crate::fake::{Fake, nobody, run};

const MS: Duration = Duration::from_millis(1);

fn resolver(settings: &Settings, limits: Limits) -> IdResolver {
    IdResolver::start(settings, None, limits).expect("a thread")
}

/// Limits that wait as long as a busy machine needs.
fn patient() -> Limits {
    let wait = Duration::from_secs(20);
    Limits { wait, patience: wait, ..Limits::default() }
}

/// What is said of an id, and how long that took.
fn timed(resolver: &IdResolver, id: u32) -> (Option<Subject>, Duration) {
    let begun = Instant::now();
    let answer = resolver.resolve(id).map(|foreign| foreign.subject());
    (answer, begun.elapsed())
}

fn lookups(fake: &Fake) -> usize {
    fake.calls().iter().filter(|(call, _)| call.starts_with("GET /schemas/ids/")).count()
}

#[test]
fn the_first_record_of_a_registered_schema_is_waited_for() {
    let fake = Fake::registered(100);
    fake.takes(50 * MS);
    let resolver = resolver(&fake.settings(), patient());
    let (answer, took) = timed(&resolver, 101);
    assert_eq!(answer, Some(Subject::IntakeRequest));
    assert!(50 * MS <= took, "{took:?}");
    assert_eq!(timed(&resolver, 101).0, Some(Subject::IntakeRequest));
    assert_eq!(lookups(&fake), 1);
}

#[test]
fn what_is_no_schema_of_ours_is_asked_for_once() {
    let fake = Fake::start();
    fake.has(1, r#"{"type": "record", "name": "Ship", "namespace": "navy", "fields": []}"#);
    fake.has(2, "no schema at all");
    let resolver = resolver(&fake.settings(), patient());
    for id in [1, 2, 3] {
        for _ in 0..100 {
            assert_eq!(timed(&resolver, id).0, None);
        }
    }
    assert_eq!(lookups(&fake), 3);
}

#[test]
fn a_slow_registry_is_waited_for_a_moment_and_its_answer_is_not_lost() {
    let fake = Fake::registered(100);
    fake.takes(Duration::from_secs(1));
    let resolver = resolver(&fake.settings(), Limits { wait: 100 * MS, ..Limits::default() });
    let (answer, took) = timed(&resolver, 101);
    assert_eq!(answer, None);
    assert!((100 * MS..900 * MS).contains(&took), "{took:?}");
    let (answer, took) = timed(&resolver, 101);
    assert_eq!(answer, None);
    assert!(took < 100 * MS, "waited for once only: {took:?}");
    let begun = Instant::now();
    while resolver.resolve(101).is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the lookup goes on behind");
        std::thread::yield_now();
    }
    assert_eq!(lookups(&fake), 1);
}

#[test]
fn a_flood_of_ids_at_a_slow_registry_is_not_waited_for_one_by_one() {
    let fake = Fake::start();
    fake.takes(Duration::from_secs(5));
    let resolver = resolver(&fake.settings(), Limits { wait: 100 * MS, patience: 300 * MS, ..Limits::default() });
    let begun = Instant::now();
    for id in 0..1_000 {
        assert_eq!(resolver.resolve(id).map(drop), None);
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn an_outage_is_found_out_once_and_answered_at_once_after_that() {
    let fake = Fake::registered(100);
    fake.always(503, &Value::Null);
    for settings in [fake.settings(), nobody()] {
        let resolver = resolver(&settings, Limits { outage: Duration::from_secs(60), ..patient() });
        let begun = Instant::now();
        for id in 0..1_000 {
            assert_eq!(resolver.resolve(id).map(drop), None);
        }
        assert!(begun.elapsed() < patient().wait, "{:?}", begun.elapsed());
    }
    assert_eq!(lookups(&fake), 1);
}

#[test]
fn what_was_learnt_is_known_at_the_next_start_without_a_registry() {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = Cache::in_directory(directory.path());
    let fake = Fake::registered(100);
    run(open(&fake.registry(), &cache)).expect("a registry");
    fake.has(900, BUNDLED[0].text);
    let resolver = IdResolver::start(&fake.settings(), Some(cache.clone()), patient()).expect("a thread");
    assert_eq!(timed(&resolver, 900).0, Some(Subject::IntakeRequest));
    let away = Registry::new(&nobody()).expect("usable");
    let opened = run(open(&away, &cache)).expect("a cache");
    assert_eq!(opened.catalogue.lookup(900), Some((Subject::IntakeRequest, 1)));
}
