//! The topics of a deployment, as the topic table wants them, and how those on brokers are held against it.

use std::time::Duration;

use contracts::topics::Cleanup as Kept;
use contracts::{Topic, Topics};
use domain::SourceId;
use fleet::bus::{Bus, Cleanup, TopicPartition, TopicSpec};
use intake::Sources;

use crate::compose::UNREGISTERED;
use crate::config::Mistake;
use crate::exit::Failure;

/// Every topic of the deployment, with those of its sources.
pub(crate) fn specs(topics: &Topics, sources: &Sources) -> Vec<TopicSpec> {
    let sources = sources.ids().cloned().chain([SourceId::from(UNREGISTERED)]);
    Topic::fixed().chain(sources.map(Topic::Outcomes)).map(|topic| spec(topics, &topic)).collect()
}

fn spec(topics: &Topics, topic: &Topic) -> TopicSpec {
    let days = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
    let cleanup = match topic.row().cleanup {
        Kept::Keep => Cleanup::Keep,
        Kept::Delete { days: kept } => Cleanup::Delete { retention: days(kept) },
        Kept::Compact => Cleanup::Compact,
        Kept::CompactDelete { days: kept } => Cleanup::CompactDelete { retention: days(kept) },
    };
    TopicSpec { name: topics.name(topic), partitions: topics.partitions(topic), cleanup }
}

/// Sees that all topics are there with the partitions they should have. It asks for no more than whoever may read or write them may
/// know.
pub(crate) fn require(bus: &dyn Bus, specs: &[TopicSpec]) -> Result<(), Failure> {
    let mut missing = Vec::new();
    for spec in specs {
        match bus.partitions(&spec.name)? {
            None => missing.push(&*spec.name),
            Some(found) if found == spec.partitions => {}
            Some(found) => {
                let message = format!(
                    "{} has {found} partitions, {} are configured; set it to what the topics were made with, it is chosen once",
                    spec.name, spec.partitions
                );
                return Err(Failure::Config(vec![Mistake { path: "partitions".into(), message }]));
            }
        }
    }
    let Some(first) = missing.first() else { return Ok(()) };
    let what = format!("{} topics are missing, {first} among them", missing.len());
    Err(Failure::Unavailable(format!("{what}; run `waybill topics apply`")))
}

/// Whether anything was written that the deployment's keys had a part in. Sources may have submitted before the first start.
pub(crate) fn are_used(bus: &dyn Bus, topics: &Topics) -> Result<bool, Failure> {
    for topic in [Topic::Events, Topic::Members] {
        for partition in 0..topics.partitions(&topic) {
            let at = TopicPartition { topic: topics.name(&topic), partition };
            if 0 < bus.watermarks(&at)?.high {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
