//! Creating topics, and names nobody knows.

use fleet::bus::{BusError, Cleanup, Isolation, TopicPartition, TopicSpec};

use crate::bench::Bench;
use crate::stage::{Stage, record};

pub(crate) fn creating_topics_twice_is_fine(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let spec =
        |short: &str, partitions| TopicSpec { name: stage.name(short).into(), partitions, cleanup: Cleanup::Compact };
    let (first, second) = (spec("first", 3), spec("second", 1));
    stage.bus.create_topics(std::slice::from_ref(&first)).unwrap();
    stage.bus.create_topics(&[first.clone(), second.clone()]).unwrap();
    let there = stage.bus.topics().unwrap();
    assert!(there.contains(&first) && there.contains(&second), "{there:?}");
}

pub(crate) fn another_partition_count_is_refused_and_nothing_is_created(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 3);
    let spec = |name, partitions| TopicSpec { name, partitions, cleanup: Cleanup::Keep };
    let new = stage.name("new");
    let refused = stage.bus.create_topics(&[spec(new.clone().into(), 1), spec(topic.clone(), 4)]);
    assert_eq!(refused, Err(BusError::PartitionCount { topic: topic.to_string(), found: 3, wanted: 4 }));
    assert!(stage.bus.topics().unwrap().iter().all(|there| *there.name != *new));
}

pub(crate) fn unknown_partitions_are_named(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 2);
    let nobody: std::sync::Arc<str> = stage.name("nobody").into();
    assert_eq!([&topic, &nobody].map(|topic| stage.bus.partitions(topic).unwrap()), [Some(2), None]);
    let mut producer = stage.producer("producer");
    let mut reader = stage.bus.reader(Isolation::ReadCommitted).unwrap();
    for (topic, number) in [(&topic, 2), (&nobody, 0)] {
        let partition = TopicPartition::new(topic.clone(), number);
        let is_named = |error| matches!(error, BusError::UnknownPartition(name) if name.contains(&**topic));
        assert!(is_named(stage.bus.watermarks(&partition).unwrap_err()));
        assert!(is_named(stage.bus.committed("group", &partition).unwrap_err()));
        assert!(is_named(producer.send(record(topic, number, "lost")).unwrap_err()));
        assert!(is_named(reader.assign(&[(partition, 0)]).unwrap_err()));
    }
}
