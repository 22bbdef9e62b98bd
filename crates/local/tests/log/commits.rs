//! Commits of many threads at once, and what happens to those under way when their holder is replaced.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fleet::bus::{Bus, BusError, Cleanup, Consumed, Consumer, TopicPartition, Wake};
use local::Local;

use crate::bed::{membership, options, read, record, topic, values};

const THREADS: u32 = 4;
const COMMITS: u64 = 100;
/// How often a race is run.
const RACES: usize = 40;

#[test]
fn concurrent_commits_all_land_in_order_and_share_syncs() {
    let directory = tempfile::tempdir().unwrap();
    let log = Local::open(directory.path(), options()).unwrap();
    let topic = topic(&log, "topic", THREADS, Cleanup::Keep);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (log, topic) = (&log, &topic);
            scope.spawn(move || {
                let mut producer = log.producer(&format!("producer-{thread}")).unwrap();
                for number in 0..COMMITS {
                    for partition in [thread, (thread + 1) % THREADS] {
                        let value = format!("{thread} {number}");
                        producer.send(record(topic, partition, "key", Some(&value))).unwrap();
                    }
                    producer.commit(None).unwrap();
                }
            });
        }
    });
    for partition in 0..THREADS {
        let found = values(&read(&log, &topic, partition));
        for thread in [partition, (partition + THREADS - 1) % THREADS] {
            let prefix = format!("{thread} ");
            let of_thread: Vec<&String> = found.iter().filter(|value| value.starts_with(&prefix)).collect();
            let expected: Vec<String> = (0..COMMITS).map(|number| format!("{thread} {number}")).collect();
            assert_eq!(of_thread, expected.iter().collect::<Vec<_>>());
        }
    }
    let stats = log.stats();
    assert_eq!(stats.commits, u64::from(THREADS) * COMMITS);
    assert_eq!(stats.topics[&topic].records, 2 * stats.commits);
    assert!(stats.writes <= stats.commits && stats.syncs == stats.writes, "{stats:?}");
    assert!(stats.commit_time_max <= stats.commit_time && stats.refusals == 0);
}

#[test]
fn when_a_producer_is_there_its_predecessor_commits_nothing_more() {
    let directory = tempfile::tempdir().unwrap();
    let log = Local::open(directory.path(), options()).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Keep);
    for _ in 0..RACES {
        let mut zombie = log.producer("producer").unwrap();
        let committing = commit_until_refused(&topic, move |record| {
            zombie.send(record)?;
            zombie.commit(None)
        });
        let partition = TopicPartition::new(topic.clone(), 0);
        let before = log.watermarks(&partition).unwrap().high;
        while log.watermarks(&partition).unwrap().high < before + 2 {
            thread::yield_now();
        }
        let _successor = log.producer("producer").unwrap();
        let seen = log.watermarks(&partition).unwrap();
        assert_eq!(committing.join().unwrap(), BusError::Fenced);
        assert_eq!(log.watermarks(&partition).unwrap(), seen);
    }
}

#[test]
fn a_successor_starts_behind_every_commit_of_its_predecessor() {
    let directory = tempfile::tempdir().unwrap();
    let log = Local::open(directory.path(), options()).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Keep);
    let partition = TopicPartition::new(topic.clone(), 0);
    let mut number = 0;
    for _ in 0..RACES {
        let zombie = owner(&log, &topic);
        let mut producer = log.producer("worker").unwrap();
        let before = log.committed("group", &partition).unwrap().unwrap_or(0);
        assert_eq!(zombie.position(&partition), Ok(before));
        let name = partition.clone();
        number = before;
        let committing = commit_until_refused(&topic, move |_| {
            number += 1;
            let next = [(name.clone(), number)];
            producer.commit(Some(Consumed { group: &zombie.group(), next: &next }))
        });
        while log.committed("group", &partition).unwrap().unwrap_or(0) < before + 2 {
            thread::yield_now();
        }
        let successor = owner(&log, &topic);
        let start = successor.position(&partition);
        assert_eq!(committing.join().unwrap(), BusError::StaleGeneration);
        assert_eq!(log.committed("group", &partition).map(Option::unwrap), start);
        number = start.unwrap();
    }
    assert!(RACES as u64 * 2 <= number);
}

/// A thread that commits until it may not; the answer is why.
fn commit_until_refused(
    topic: &Arc<str>,
    mut commit: impl FnMut(fleet::bus::Outgoing) -> Result<(), BusError> + Send + 'static,
) -> thread::JoinHandle<BusError> {
    let record = record(topic, 0, "key", Some("value"));
    thread::spawn(move || {
        loop {
            if let Err(refusal) = commit(record.clone()) {
                return refusal;
            }
        }
    })
}

/// The one member of the group, which takes over from its predecessor.
fn owner(log: &Local, topic: &Arc<str>) -> Box<dyn Consumer> {
    let mut consumer = log.consumer(membership("group", "member", &[topic])).unwrap();
    assert!(matches!(consumer.wait(Duration::ZERO), Ok(Wake::Assigned(_))));
    consumer
}
