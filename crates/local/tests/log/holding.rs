//! Who has a directory open, and what is there when it is opened again.

use std::fs;
use std::time::Duration;

use fleet::bus::{Bus, BusError, Cleanup, Consumed, TopicPartition, Wake};
use local::{Durability, Local, Options};

use crate::bed::{append, membership, options, read, topic, values};

#[test]
fn a_directory_has_one_holder_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let log = Local::open(directory.path(), options()).unwrap();
    let consumer = log.consumer(membership("group", "member", &[])).unwrap();
    let Err(BusError::Locked(who)) = Local::open(directory.path(), options()) else { panic!("it opens twice") };
    assert!(who.contains(directory.path().to_str().unwrap()), "{who}");
    assert!(who.contains(&std::process::id().to_string()), "{who}");
    drop(log);
    assert!(matches!(Local::open(directory.path(), options()), Err(BusError::Locked(_))), "a consumer still has it");
    drop(consumer);
    Local::open(directory.path(), options()).unwrap();
}

#[test]
fn everything_is_there_when_opened_again() {
    for durability in [Durability::EveryCommit, Durability::Interval(Duration::from_millis(5)), Durability::None] {
        let directory = tempfile::tempdir().unwrap();
        let open = || Local::open(directory.path(), Options { durability, ..options() }).unwrap();
        let log = open();
        let topic = topic(&log, "topic", 2, Cleanup::CompactDelete { retention: Duration::from_secs(7) });
        append(&log, &topic, 1, &["a", "b"]);
        append(&log, &topic, 1, &["c"]);
        let mut consumer = log.consumer(membership("group", "member", &[&topic])).unwrap();
        assert!(matches!(consumer.wait(Duration::ZERO), Ok(Wake::Assigned(_))));
        let next = [(TopicPartition::new(topic.clone(), 1), 2)];
        log.producer("worker").unwrap().commit(Some(Consumed { group: &consumer.group(), next: &next })).unwrap();
        let (specs, marks) = (log.topics(), log.watermarks(&next[0].0));
        drop((log, consumer));
        let log = open();
        assert_eq!((log.topics(), log.watermarks(&next[0].0)), (specs, marks));
        assert_eq!(values(&read(&log, &topic, 1)), ["a", "b", "c"]);
        assert_eq!(log.committed("group", &next[0].0), Ok(Some(2)));
        append(&log, &topic, 1, &["d"]);
        assert_eq!(values(&read(&log, &topic, 1)), ["a", "b", "c", "d"]);
    }
}

#[test]
fn a_path_that_cannot_be_a_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "in the way").unwrap();
    let Err(error) = Local::open(&path, options()) else { panic!("it opens") };
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}
