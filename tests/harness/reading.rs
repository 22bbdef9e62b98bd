//! Reading the topics of a world.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::{Subject, Topic};
use domain::messages::{DeadLetter, Outcome};
use domain::{LifecycleEvent, Message, Stage};
use fleet::FleetEntry;
use fleet::bus::{Delivered, Isolation, Limit, TopicPartition};

use serde::de::DeserializeOwned;

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
        let marks = world.bus.watermarks(&at).expect("watermarks");
        // Behind the last stable offset there is nothing to be seen until an open transaction ends.
        let end = if isolation == Isolation::ReadCommitted { marks.stable } else { marks.high };
        reader.assign(&[(at.clone(), 0)]).expect("assigned");
        while reader.position(&at).expect("a position") < end {
            let limit = Limit { records: 10_000, bytes: 64 << 20 };
            reader.read(limit, Duration::ZERO, &mut records).expect("readable");
        }
    }
    records
}

/// All facts, partition by partition.
pub fn events(world: &World) -> Vec<LifecycleEvent> {
    let event = |message| if let Message::Event(event) = message { Some(*event) } else { None };
    messages(world, &Topic::Events).into_iter().filter_map(event).collect()
}

/// What a source was told.
pub fn outcomes(world: &World, source: &str) -> Vec<Outcome> {
    let outcome = |message| if let Message::Outcome(outcome) = message { Some(*outcome) } else { None };
    messages(world, &Topic::Outcomes(source.into())).into_iter().filter_map(outcome).collect()
}

/// All dead letters.
pub fn letters(world: &World) -> Vec<DeadLetter> {
    let letter = |message| if let Message::Letter(letter) = message { Some(*letter) } else { None };
    messages(world, &Topic::DeadLetters).into_iter().filter_map(letter).collect()
}

/// What a worker remembers now, as its changelog tells: its own entries by key, the fleet's left out.
pub fn remembered<E: DeserializeOwned>(world: &World, stage: Stage) -> Vec<E> {
    let mut newest = BTreeMap::new();
    for record in read(world, &Topic::Memory(stage)) {
        newest.insert((record.partition, record.key), record.value);
    }
    newest.into_values().flatten().filter_map(|value| world.codec.decode_entry(stage, &value).ok()).collect()
}

/// What the fleet remembers now beside a worker's entries: who is blocked, and what is parked.
pub fn remembered_by_fleet(world: &World, stage: Stage) -> Vec<FleetEntry> {
    let mut newest = BTreeMap::new();
    for record in read(world, &Topic::Memory(stage)) {
        newest.insert((record.partition, record.key), record.value);
    }
    let entry = |value: bytes::Bytes| world.codec.decode_value(Subject::MemoryFleet, &value).ok();
    newest.into_values().flatten().filter_map(entry).collect()
}

/// All messages of a topic, partition by partition; records that are none are passed over.
pub fn messages(world: &World, topic: &Topic) -> Vec<Message> {
    let values = read(world, topic).into_iter().filter_map(|record| record.value);
    values.filter_map(|value| Some(world.codec.decode(topic, &value).ok()?.1)).collect()
}
