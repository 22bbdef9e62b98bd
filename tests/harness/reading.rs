//! Reading the topics of a world.

use std::time::Duration;

use contracts::Topic;
use domain::Message;
use fleet::bus::{Delivered, Isolation, Limit, TopicPartition};

use crate::world::World;

/// All committed records of a topic, partition by partition.
pub fn read(world: &World, topic: &Topic) -> Vec<Delivered> {
    read_as(world, topic, Isolation::ReadCommitted)
}

/// A whole topic as somebody under this isolation sees it, partition by partition.
pub fn read_as(world: &World, topic: &Topic, isolation: Isolation) -> Vec<Delivered> {
    let mut reader = world.bus.reader(isolation).expect("a reader");
    let name = world.topics.name(topic);
    let mut records = Vec::new();
    for partition in 0..world.topics.partitions(topic) {
        let at = TopicPartition { topic: name.clone(), partition };
        let high = world.bus.watermarks(&at).expect("watermarks").high;
        reader.assign(&[(at.clone(), 0)]).expect("assigned");
        while reader.position(&at).expect("a position") < high {
            let limit = Limit { records: 10_000, bytes: 64 << 20 };
            reader.read(limit, Duration::ZERO, &mut records).expect("readable");
        }
    }
    records
}

/// All messages of a topic, partition by partition; records that are none are passed over.
pub fn messages(world: &World, topic: &Topic) -> Vec<Message> {
    let values = read(world, topic).into_iter().filter_map(|record| record.value);
    values.filter_map(|value| Some(world.codec.decode(topic, &value).ok()?.1)).collect()
}
