//! Reading the log from outside the workers.

use std::time::Duration;

use contracts::Topic;
use domain::Message;
use fleet::bus::{Delivered, Isolation, Limit, Reader, TopicPartition};

use crate::compose::Plant;
use crate::exit::Failure;

/// Follows one topic from its beginning.
pub(crate) struct Tail {
    plant: Plant,
    topic: Topic,
    reader: Box<dyn Reader>,
}

const LIMIT: Limit = Limit { records: 5_000, bytes: 16 << 20 };

impl Tail {
    /// A tail of a topic, from its first record on.
    pub(crate) fn of(plant: &Plant, topic: Topic) -> Result<Self, Failure> {
        let partitions = 0..plant.topics.partitions(&topic);
        Self::of_partitions(plant, topic, partitions)
    }

    /// The same of some partitions only.
    pub(crate) fn of_partitions(
        plant: &Plant,
        topic: Topic,
        partitions: impl IntoIterator<Item = u32>,
    ) -> Result<Self, Failure> {
        let mut reader = plant.bus.reader(Isolation::ReadCommitted)?;
        let name = plant.topics.name(&topic);
        let mut from = Vec::new();
        for partition in partitions {
            let at = TopicPartition { topic: name.clone(), partition };
            let low = plant.bus.watermarks(&at)?.low;
            from.push((at, low));
        }
        reader.assign(&from)?;
        Ok(Self { plant: plant.clone(), topic, reader })
    }

    /// What has come since, as far as it can be read; nothing when the end is reached.
    pub(crate) fn next(&mut self) -> Result<Vec<(Delivered, Option<Message>)>, Failure> {
        let mut records = Vec::new();
        self.reader.read(LIMIT, Duration::ZERO, &mut records)?;
        let decode = |record: Delivered| {
            let decoded = record.value.as_deref().map(|value| self.plant.codec.decode(&self.topic, value));
            let message = decoded.and_then(Result::ok).map(|(_, message)| message);
            (record, message)
        };
        Ok(records.into_iter().map(decode).collect())
    }

    /// Everything there is now.
    pub(crate) fn all(&mut self) -> Result<Vec<(Delivered, Option<Message>)>, Failure> {
        let mut all = Vec::new();
        loop {
            let more = self.next()?;
            if more.is_empty() {
                return Ok(all);
            }
            all.extend(more);
        }
    }
}
