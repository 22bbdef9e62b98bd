//! What keyed compaction leaves.

use std::collections::BTreeMap;

use fleet::bus::{Cleanup, Delivered, TopicPartition};

use crate::bench::Bench;
use crate::stage::{Stage, keyed};

pub(crate) fn the_newest_record_of_each_key_stays_where_it_was(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic_with("topic", 1, Cleanup::Compact);
    let mut producer = stage.producer("producer");
    for round in 0..5 {
        for key in 0..10 {
            let (key, value) = (format!("key {key}"), format!("round {round}"));
            producer.send(keyed(&topic, 0, Some(&key), Some(&value))).unwrap();
        }
        producer.commit(None).unwrap();
    }
    producer.send(keyed(&topic, 0, Some("key 3"), None)).unwrap();
    producer.commit(None).unwrap();
    let before = stage.read(&topic, 0);
    let high = stage.bus.watermarks(&TopicPartition::new(topic.clone(), 0)).unwrap().high;
    let mut after = Vec::new();
    stage.until("the first round is gone", || {
        bench.compact();
        after = stage.read(&topic, 0);
        after.iter().all(|record| record.value.as_deref() != Some(b"round 0"))
    });
    assert!(after.iter().all(|record| before.contains(record)), "what is left is as it was, offsets and all");
    assert_eq!(newest(&after), newest(&before));
    assert_eq!(stage.bus.watermarks(&TopicPartition::new(topic, 0)).unwrap().high, high);
}

fn newest(records: &[Delivered]) -> BTreeMap<&[u8], &Delivered> {
    records.iter().map(|record| (&**record.key.as_ref().unwrap(), record)).collect()
}
