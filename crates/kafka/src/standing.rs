//! Where a member stands with its group, from one rebalance to the next.
//!
//! Between a member and its group stands librdkafka. When the group wants something, it tells so once and then waits for `assign`
//! or `unassign`, which may come as late as the rebalance timeout: until then the partitions stay the member's, and heartbeats
//! go on. So a rebalance is one of these standings, which `wait` and `release` lead on from.

use std::time::{Duration, Instant};

use fleet::bus::{BusError, TopicPartition};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};

use crate::context::Context;
use crate::errors::{failed, lasting, number};

/// Where a member stands.
#[derive(Debug)]
pub(crate) enum Standing {
    /// The group is forming; nothing is owned.
    Waiting,
    /// Partitions were given to the member; where they start is being asked for.
    Starting(Starting),
    /// What was assigned is owned, perhaps nothing.
    Owning,
    /// It was told to give up what it owns, and has not yet.
    Revoking,
    /// Somebody else has joined under its name.
    Replaced,
}

/// Partitions on their way to a member.
#[derive(Debug)]
pub(crate) struct Starting {
    partitions: Vec<TopicPartition>,
    since: Instant,
    /// How long the next question may take. It grows, since a slow coordinator would never answer in time otherwise.
    patience: Duration,
}

/// What was said of each partition, which may be that there is no offset.
type Answers = Vec<(TopicPartition, Option<u64>)>;

const PATIENCE_MIN: Duration = Duration::from_millis(50);
const PATIENCE_MAX: Duration = Duration::from_secs(2);

// === impl Starting ===

impl Starting {
    pub(crate) fn new(partitions: Vec<TopicPartition>) -> Self {
        Self { partitions, since: Instant::now(), patience: PATIENCE_MIN }
    }

    /// The partitions, if for so long nobody could say where they start.
    pub(crate) fn overdue(&self, patience: Duration) -> Option<Vec<TopicPartition>> {
        (patience < self.since.elapsed()).then(|| self.partitions.clone())
    }

    /// Where the partitions start: at the group's committed offsets, else at the beginning. Nothing, while it can't be said.
    ///
    /// The offsets are asked for as a read-committed client does, which the coordinator refuses as long as a transaction that
    /// moves any of them is open: so whatever it answers stays as it is.
    pub(crate) fn ask(
        &mut self,
        client: &BaseConsumer<Context>,
    ) -> Result<Option<Vec<(TopicPartition, u64)>>, BusError> {
        let Some(mut starts) = self.committed(client)? else { return Ok(self.later()) };
        let fresh: Vec<TopicPartition> =
            starts.iter().filter(|(_, start)| start.is_none()).map(|(name, _)| name.clone()).collect();
        if !fresh.is_empty() {
            let Some(beginnings) = self.beginnings(client, &fresh)? else { return Ok(self.later()) };
            for (name, start) in starts.iter_mut().filter(|(_, start)| start.is_none()) {
                *start = beginnings.iter().find(|(fresh, _)| fresh == name).map(|(_, beginning)| *beginning);
            }
        }
        let known: Vec<_> = starts.into_iter().filter_map(|(name, start)| Some((name, start?))).collect();
        Ok((known.len() == self.partitions.len()).then_some(known).or_else(|| self.later()))
    }

    fn later<T>(&mut self) -> Option<T> {
        self.patience = (self.patience * 2).min(PATIENCE_MAX);
        None
    }

    fn committed(&self, client: &BaseConsumer<Context>) -> Result<Option<Answers>, BusError> {
        if self.partitions.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let asked = list(self.partitions.iter().map(|name| (name, Offset::Invalid)))?;
        let answer = client.committed_offsets(asked, self.patience);
        let Some(answer) = patiently("the group's offsets", answer)? else { return Ok(None) };
        answers(&self.partitions, &answer)
    }

    fn beginnings(
        &self,
        client: &BaseConsumer<Context>,
        fresh: &[TopicPartition],
    ) -> Result<Option<Vec<(TopicPartition, u64)>>, BusError> {
        // Asked for the offset of a time, a broker takes the number that stands for the beginning as such.
        let asked = list(fresh.iter().map(|name| (name, Offset::Beginning)))?;
        let answer = client.offsets_for_times(asked, self.patience);
        let Some(answer) = patiently("the beginnings of partitions", answer)? else { return Ok(None) };
        let known = answers(fresh, &answer)?;
        Ok(known.map(|known| known.into_iter().filter_map(|(name, start)| Some((name, start?))).collect()))
    }
}

/// These partitions at these offsets, as librdkafka has them.
pub(crate) fn list<'a>(
    partitions: impl Iterator<Item = (&'a TopicPartition, Offset)>,
) -> Result<TopicPartitionList, BusError> {
    let mut list = TopicPartitionList::new();
    for (name, offset) in partitions {
        list.add_partition_offset(&name.topic, number(name.partition), offset)
            .map_err(|error| failed(&name.to_string(), &error))?;
    }
    Ok(list)
}

/// What a list says of each of these partitions. Nothing, if of one it can't say yet.
fn answers(names: &[TopicPartition], list: &TopicPartitionList) -> Result<Option<Answers>, BusError> {
    let mut answers = Vec::with_capacity(names.len());
    for name in names {
        let Some(element) = list.find_partition(&name.topic, number(name.partition)) else { return Ok(None) };
        if patiently(&name.to_string(), element.error())?.is_none() {
            return Ok(None);
        }
        answers.push((name.clone(), offset(&element)));
    }
    Ok(Some(answers))
}

/// The offset in an answer, if there is one.
pub(crate) fn offset(element: &TopicPartitionListElem<'_>) -> Option<u64> {
    match element.offset() {
        Offset::Offset(offset) => u64::try_from(offset).ok(),
        Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
    }
}

/// Nothing, if the answer is to ask again.
fn patiently<T>(what: &str, answer: Result<T, KafkaError>) -> Result<Option<T>, BusError> {
    let error = match answer {
        Ok(answer) => return Ok(Some(answer)),
        Err(error) => error,
    };
    lasting(failed(what, &error)).map(|()| None)
}
