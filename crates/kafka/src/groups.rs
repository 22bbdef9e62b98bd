//! How consumer groups stand, for whoever looks after them.

use std::time::Duration;

use fleet::bus::BusError;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::context::Context;
use crate::observers::patiently;

/// A consumer group as its coordinator tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupStanding {
    /// Its state, in Kafka's words: `Stable`, `PreparingRebalance`, `Empty`...
    pub state: String,
    /// The assignor its members have agreed on; empty where there is no member.
    pub assignor: String,
    /// How many members it has.
    pub members: usize,
}

/// How a group stands; nothing if the brokers know of no such group, or tell this client of none.
pub(crate) fn standing(
    client: &BaseConsumer<Context>,
    group: &str,
    patience: Duration,
) -> Result<Option<GroupStanding>, BusError> {
    let list =
        patiently(client, &format!("group {group}"), patience, |step| client.fetch_group_list(Some(group), step))?;
    let found = list.groups().iter().find(|found| found.name() == group && found.state() != "Dead");
    Ok(found.map(|found| GroupStanding {
        state: found.state().to_owned(),
        assignor: found.protocol().to_owned(),
        members: found.members().len(),
    }))
}
