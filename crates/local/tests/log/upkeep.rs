//! Retention and compaction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleet::bus::{Bus, BusError, Cleanup, Delivered, Isolation, Outgoing, Reader, TopicPartition};
use local::{Local, Options};
use proptest::prelude::*;

use crate::bed::{ManualClock, PLENTY, append, options_with, read, record, topic, values};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A log in memory or on disk, and what keeps it.
type Kept = (Local, Option<tempfile::TempDir>);

#[test]
fn what_is_older_than_the_retention_goes() {
    for (log, clock, _directory) in both() {
        let topic = topic(&log, "topic", 1, Cleanup::Delete { retention: HOUR });
        append(&log, &topic, 0, &["old", "old"]);
        clock.pass(HOUR / 2);
        append(&log, &topic, 0, &["young"]);
        tidy(&log);
        assert_eq!(values(&read(&log, &topic, 0)), ["old", "old", "young"]);
        clock.pass(HOUR / 2 + Duration::from_secs(1));
        tidy(&log);
        assert_eq!(values(&read(&log, &topic, 0)), ["young"]);
        let marks = log.watermarks(&TopicPartition::new(topic, 0)).unwrap();
        assert_eq!((marks.low, marks.high), (2, 3));
    }
}

#[test]
fn what_is_young_is_not_passed_over_for_what_lies_behind_it_and_says_that_it_is_old() {
    // A clock was set back.
    for (log, clock, _directory) in both() {
        let topic = topic(&log, "topic", 1, Cleanup::Delete { retention: HOUR });
        clock.pass(HOUR * 2);
        append(&log, &topic, 0, &["young"]);
        clock.set_back(HOUR * 2);
        append(&log, &topic, 0, &["old"]);
        clock.pass(HOUR * 2);
        tidy(&log);
        assert_eq!(values(&read(&log, &topic, 0)), ["young", "old"]);
    }
}

#[test]
fn offsets_go_on_when_nothing_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let log = Local::open(directory.path(), options_with(clock.clone())).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Delete { retention: HOUR });
    append(&log, &topic, 0, &["a", "b"]);
    clock.pass(HOUR * 2);
    tidy(&log);
    drop(log);
    let log = Local::open(directory.path(), options_with(clock)).unwrap();
    let marks = log.watermarks(&TopicPartition::new(topic.clone(), 0)).unwrap();
    assert_eq!((marks.low, marks.high), (2, 2));
    append(&log, &topic, 0, &["c"]);
    assert_eq!(read(&log, &topic, 0)[0].offset, 2);
    assert_eq!(log.verify(), Ok(1));
}

#[test]
fn tombstones_go_after_a_while() {
    for (log, clock, _directory) in both() {
        let topic = topic(&log, "topic", 1, Cleanup::Compact);
        write(&log, &[record(&topic, 0, "gone", Some("value")), record(&topic, 0, "stays", Some("value"))]);
        write(&log, &[record(&topic, 0, "gone", None)]);
        tidy(&log);
        let keys =
            |log: &Local| read(log, &topic, 0).iter().map(|record| record.key.clone().unwrap()).collect::<Vec<_>>();
        assert_eq!(keys(&log), ["stays", "gone"], "readers under way must still see the tombstone");
        clock.pass(HOUR * 25);
        write(&log, &[record(&topic, 0, "new", Some("value")), record(&topic, 0, "newer", Some("value"))]);
        tidy(&log);
        assert_eq!(keys(&log), ["stays", "new", "newer"]);
    }
}

#[test]
fn who_reads_passes_over_what_went_from_the_end_of_a_batch() {
    for (log, clock, _directory) in both() {
        let topic = topic(&log, "topic", 1, Cleanup::Compact);
        write(&log, &[record(&topic, 0, "stays", Some("value")), record(&topic, 0, "gone", None)]);
        clock.pass(HOUR * 25);
        tidy(&log);
        assert_eq!(values(&read(&log, &topic, 0)), ["value"], "and the reader's position is at the end");
    }
}

#[test]
fn the_end_stays_where_it_was_when_the_last_records_go() {
    for (log, clock, directory) in both() {
        let topic = topic(&log, "topic", 1, Cleanup::Compact);
        write(&log, &[record(&topic, 0, "gone", Some("value"))]);
        write(&log, &[record(&topic, 0, "gone", None)]);
        clock.pass(HOUR * 25);
        tidy(&log);
        assert_eq!(read(&log, &topic, 0), [], "and the reader's position is at the end");
        drop(log);
        let Some(directory) = directory else { continue };
        let log = Local::open(directory.path(), options_with(clock)).unwrap();
        write(&log, &[record(&topic, 0, "new", Some("value"))]);
        assert_eq!(read(&log, &topic, 0)[0].offset, 2);
    }
}

#[test]
fn a_reader_under_way_passes_over_what_compaction_took() {
    for (log, _, _directory) in both() {
        let topic = topic(&log, "topic", 1, Cleanup::Compact);
        let name = TopicPartition::new(topic.clone(), 0);
        for round in 0..10 {
            let value = round.to_string();
            write(&log, &[record(&topic, 0, "same", Some(&value)), record(&topic, 0, &value, Some(&value))]);
        }
        let mut readers: Vec<Box<dyn Reader>> = (0..20).map(|start| reader(&log, &name, start)).collect();
        tidy(&log);
        for (start, reader) in (0..).zip(&mut readers) {
            let mut records = Vec::new();
            reader.read(PLENTY, Duration::ZERO, &mut records).unwrap();
            assert_eq!(reader.position(&name), Ok(20));
            let left = read(&log, &topic, 0).into_iter().filter(|record| start <= record.offset).collect::<Vec<_>>();
            assert_eq!(records, left);
        }
    }
}

#[test]
fn one_call_does_a_bounded_amount_and_the_next_goes_on() {
    let clock = ManualClock::new();
    let options = Options { maintenance_bytes_max: 1, ..options_with(clock) };
    let log = Local::in_memory(options).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Compact);
    let value = "x".repeat(200_000);
    for round in 0..30 {
        write(&log, &[record(&topic, 0, &(round % 3).to_string(), Some(&value))]);
    }
    let mut calls = 0;
    loop {
        let upkeep = log.maintain().unwrap();
        calls += 1;
        assert!(upkeep.bytes_read < 2 << 20, "{upkeep:?}");
        if !upkeep.is_unfinished {
            break;
        }
    }
    assert!(10 < calls, "6 MB twice, a megabyte at a time");
    assert_eq!(read(&log, &topic, 0).iter().map(|record| record.offset).collect::<Vec<_>>(), [27, 28, 29]);
    assert_eq!(log.maintain().unwrap().bytes_read, 0, "there is nothing more to do");
}

#[test]
fn a_compaction_that_a_crash_has_ended_is_done_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let options = || Options { maintenance_bytes_max: 1, ..options_with(ManualClock::new()) };
    let log = Local::open(directory.path(), options()).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Compact);
    let value = "x".repeat(200_000);
    for round in 0..30 {
        write(&log, &[record(&topic, 0, &(round % 3).to_string(), Some(&value))]);
    }
    while log.maintain().unwrap().batches_removed == 0 {}
    assert!(3 < read(&log, &topic, 0).len(), "it is not done");
    drop(log);
    let log = Local::open(directory.path(), options()).unwrap();
    tidy(&log);
    assert_eq!(read(&log, &topic, 0).iter().map(|record| record.offset).collect::<Vec<_>>(), [27, 28, 29]);
}

#[test]
fn a_tombstone_beside_older_records_stays_its_time() {
    for (log, clock, _directory) in both() {
        let topic = topic(&log, "topic", 1, Cleanup::Compact);
        write(&log, &[record(&topic, 0, "old", Some("value"))]);
        clock.pass(HOUR * 20);
        write(&log, &[record(&topic, 0, "gone", None)]);
        tidy(&log);
        clock.pass(HOUR * 5);
        write(&log, &[record(&topic, 0, "new", Some("value")), record(&topic, 0, "newer", Some("value"))]);
        tidy(&log);
        assert_eq!(read(&log, &topic, 0).len(), 4, "a reader may have been away for five hours");
    }
}

#[test]
fn more_records_than_one_pass_can_hold_are_left_to_the_next() {
    const MORE: usize = (1 << 19) + 300_000;
    let log = Local::in_memory(options_with(ManualClock::new())).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Compact);
    let mut producer = log.producer("producer").unwrap();
    let record = record(&topic, 0, "same", Some("value"));
    (0..MORE).for_each(|_| producer.send(record.clone()).unwrap());
    producer.commit(None).unwrap();
    tidy(&log);
    assert_eq!(read(&log, &topic, 0).iter().map(|record| record.offset).collect::<Vec<_>>(), [MORE as u64 - 1]);
}

#[test]
fn small_batches_become_one() {
    let log = Local::in_memory(options_with(ManualClock::new())).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Compact);
    for key in 0..100 {
        write(&log, &[record(&topic, 0, &key.to_string(), Some("value"))]);
    }
    let before = read(&log, &topic, 0);
    assert_eq!(log.maintain().unwrap().batches_removed, 99);
    assert_eq!(read(&log, &topic, 0), before);
}

#[test]
fn a_compacted_topic_takes_no_records_without_keys() {
    let log = Local::in_memory(options_with(ManualClock::new())).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Compact);
    let keyless = Outgoing { key: None, ..record(&topic, 0, "", Some("value")) };
    assert!(matches!(log.producer("producer").unwrap().send(keyless), Err(BusError::Refused(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 8, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is written and whenever it is compacted: the newest record of each key is there, unchanged, and order holds.
    #[test]
    fn compaction_never_changes_what_the_keys_say(
        rounds in prop::collection::vec((prop::collection::vec((0..12_u32, any::<bool>()), 1..8), any::<bool>()), 1..30),
    ) {
        for (log, clock, _directory) in both() {
            let topic = topic(&log, "topic", 1, Cleanup::Compact);
            let mut newest: BTreeMap<String, Option<String>> = BTreeMap::new();
            for (number, (changes, tidies)) in rounds.iter().enumerate() {
                let change = |(key, is_set): &(u32, bool)| (format!("key {key}"), is_set.then(|| number.to_string()));
                let changes: Vec<_> = changes.iter().map(change).collect();
                let records = changes.iter().map(|(key, value)| record(&topic, 0, key, value.as_deref()));
                write(&log, &records.collect::<Vec<_>>());
                newest.extend(changes);
                clock.pass(HOUR * 13);
                if *tidies {
                    tidy(&log);
                }
            }
            let records = read(&log, &topic, 0);
            prop_assert!(records.is_sorted_by(|one, next| one.offset < next.offset));
            let mut found = newest_of(&records);
            newest.retain(|_, value| value.is_some());
            found.retain(|_, value| value.is_some());
            prop_assert_eq!(found, newest);
        }
    }
}

fn newest_of(records: &[Delivered]) -> BTreeMap<String, Option<String>> {
    let text = |bytes: &bytes::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    records.iter().map(|record| (text(record.key.as_ref().unwrap()), record.value.as_ref().map(text))).collect()
}

/// One log in memory and one on disk.
fn both() -> impl Iterator<Item = (Local, Arc<ManualClock>, Option<tempfile::TempDir>)> {
    let in_memory = |clock| -> Kept { (Local::in_memory(options_with(clock)).unwrap(), None) };
    let on_disk = |clock| -> Kept {
        let directory = tempfile::tempdir().unwrap();
        (Local::open(directory.path(), options_with(clock)).unwrap(), Some(directory))
    };
    let forms: [fn(Arc<ManualClock>) -> Kept; 2] = [in_memory, on_disk];
    forms.into_iter().map(|form| {
        let clock = ManualClock::new();
        let (log, directory) = form(clock.clone());
        (log, clock, directory)
    })
}

fn write(log: &Local, records: &[Outgoing]) {
    let mut producer = log.producer("producer").unwrap();
    for record in records {
        producer.send(record.clone()).unwrap();
    }
    producer.commit(None).unwrap();
}

fn tidy(log: &Local) {
    while log.maintain().unwrap().is_unfinished {}
}

fn reader(log: &Local, name: &TopicPartition, start: u64) -> Box<dyn Reader> {
    let mut reader = log.reader(Isolation::ReadCommitted).unwrap();
    reader.assign(&[(name.clone(), start)]).unwrap();
    reader
}
