//! Reading the log of a simulated world into its accounts.

use std::time::Duration;

use contracts::Topic;
use contracts::headers::event_type;
use domain::Message;
use fleet::bus::{Delivered, Isolation, Limit, TopicPartition};
use sandbox::accounts::Accounts;

use crate::world::{SOURCE, World};

/// The accounts as of now.
pub(crate) fn draw_up(world: &World) -> Accounts {
    let mut accounts = Accounts::default();
    for topic in [Topic::Events, Topic::Outcomes(SOURCE.into())] {
        for record in read(world, &topic) {
            let value = record.value.expect("a value");
            match world.codec.decode(&topic, &value).expect("a readable record").1 {
                Message::Event(event) => accounts.event(&event, event_type(&event.body), &value),
                Message::Outcome(outcome) => accounts.outcome(&outcome),
                other => panic!("{other:?} does not belong on {topic:?}"),
            }
        }
    }
    for (operation, effects) in world.partners.effects() {
        accounts.effect(operation, effects);
    }
    accounts
}

/// A whole topic, partition by partition.
pub(crate) fn read(world: &World, topic: &Topic) -> Vec<Delivered> {
    let mut reader = world.bus.reader(Isolation::ReadCommitted).expect("a reader");
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
