//! What a reader outside any group promises.

use fleet::bus::{Isolation, TopicPartition};

use crate::bench::Bench;
use crate::stage::{A_MOMENT, PLENTY, Stage, fall_asleep, record, values};

pub(crate) fn a_reader_starts_where_it_is_told(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 2);
    stage.append(&topic, 0, &["a", "b", "c"]);
    stage.append(&topic, 0, &["d"]);
    stage.append(&topic, 1, &["elsewhere"]);
    let all = stage.read(&topic, 0);
    let partition = TopicPartition::new(topic, 0);
    let mut reader = stage.bus.reader(Isolation::ReadCommitted).unwrap();
    for start in 0..all.len() {
        reader.assign(&[(partition.clone(), all[start].offset)]).unwrap();
        let mut records = Vec::new();
        stage.until("the rest is read", || {
            reader.read(PLENTY, A_MOMENT, &mut records).unwrap();
            all.len() - start <= records.len()
        });
        assert_eq!(records, all[start..]);
    }
}

pub(crate) fn a_reader_waits_for_the_first_record(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let mut reader = stage.bus.reader(Isolation::ReadCommitted).unwrap();
    reader.assign(&[(TopicPartition::new(topic.clone(), 0), 0)]).unwrap();
    let mut records = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            fall_asleep();
            stage.append(&topic, 0, &["value"]);
        });
        stage.until("the record comes", || {
            reader.read(PLENTY, stage.forever(), &mut records).unwrap();
            !records.is_empty()
        });
    });
    assert_eq!(values(&records), ["value"]);
}

pub(crate) fn a_reader_passes_over_what_was_aborted(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    stage.append_in_vain(&topic, 0, &["dropped"]);
    stage.append(&topic, 0, &["a"]);
    stage.append_in_vain(&topic, 0, &["dropped", "too"]);
    stage.append(&topic, 0, &["b"]);
    assert_eq!(stage.values(&topic, 0), ["a", "b"]);
}

/// The rule by which a memory is restored from its changelog: complete once the read-committed position has reached the high
/// watermark, whatever lies below it.
pub(crate) fn restoring_ends_at_the_high_watermark(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    assert_eq!(stage.values(&topic, 0), [""; 0], "an empty partition is restored at once");
    stage.append(&topic, 0, &["a"]);
    stage.append_in_vain(&topic, 0, &["dropped"]);
    let partition = TopicPartition::new(topic, 0);
    let high = stage.bus.watermarks(&partition).unwrap().high;
    let mut reader = stage.bus.reader(Isolation::ReadCommitted).unwrap();
    reader.assign(&[(partition.clone(), 0)]).unwrap();
    let mut records = Vec::new();
    stage.until("the end is reached although its last records were aborted", || {
        reader.read(PLENTY, A_MOMENT, &mut records).unwrap();
        high <= reader.position(&partition).unwrap()
    });
    assert_eq!(values(&records), ["a"]);
}

/// Who waits for records waits for its end as well, which may lie behind what was aborted.
pub(crate) fn passing_over_what_was_aborted_ends_a_wait(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    stage.append_in_vain(&topic, 0, &["dropped"]);
    let partition = TopicPartition::new(topic, 0);
    let high = stage.bus.watermarks(&partition).unwrap().high;
    let mut reader = stage.bus.reader(Isolation::ReadCommitted).unwrap();
    reader.assign(&[(partition.clone(), 0)]).unwrap();
    stage.until("the end is reached", || {
        let is_there = high <= reader.position(&partition).unwrap();
        if !is_there {
            reader.read(PLENTY, stage.forever(), &mut Vec::new()).unwrap();
        }
        is_there
    });
}

pub(crate) fn watermarks_are_in_order(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let partition = TopicPartition::new(topic.clone(), 0);
    let marks = || stage.bus.watermarks(&partition).unwrap();
    let empty = marks();
    assert_eq!((empty.low, empty.stable, empty.high), (0, 0, 0));
    let mut producer = stage.producer("producer");
    producer.send(record(&topic, 0, "open")).unwrap();
    let open = marks();
    assert_eq!(open.stable, 0, "an open transaction holds the last stable offset");
    assert!(open.stable <= open.high);
    producer.commit(None).unwrap();
    stage.until("the commit is stable", || {
        let committed = marks();
        0 < committed.stable && committed.stable == committed.high
    });
    let last = stage.read(&topic, 0).pop().unwrap();
    assert!(last.offset < marks().high);
}
