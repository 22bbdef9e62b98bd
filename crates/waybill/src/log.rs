//! Reading the log from outside the workers: following topics, and finding single records without reading what lies before them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use contracts::Topic;
use domain::{Message, Timestamp};
use fleet::bus::{Bus, Delivered, Isolation, Limit, Reader, TopicPartition};

use crate::compose::Plant;
use crate::exit::Failure;

/// Follows one topic from its beginning.
pub(crate) struct Tail {
    plant: Plant,
    topic: Topic,
    reader: Box<dyn Reader>,
    partitions: Vec<TopicPartition>,
}

/// Ranges of offsets, as `Plant::untaken` tells them.
pub(crate) type Ranges = Vec<(TopicPartition, Range<u64>)>;

/// How many offsets a transaction may take up that are no records: on Kafka each ends with a marker.
const MARKERS_MAX: u64 = 4;
/// How long more of a topic is waited for whose end was not reached.
const ALL_WAIT: Duration = Duration::from_secs(20);
/// How long the end of a partition that holds nothing is waited for.
const EMPTY_WAIT: Duration = Duration::from_secs(2);

/// Those of the ranges that hold a record. A short range at a partition's end may hold nothing but the marks of transactions, which
/// nobody ever takes.
pub(crate) fn without_empty(bus: &dyn Bus, ranges: Ranges) -> Result<Ranges, Failure> {
    let is_short = |offsets: &Range<u64>| offsets.end - offsets.start <= MARKERS_MAX;
    let short: Vec<(TopicPartition, u64)> = ranges
        .iter()
        .filter(|(_, offsets)| is_short(offsets))
        .map(|(at, offsets)| (at.clone(), offsets.start))
        .collect();
    if short.is_empty() {
        return Ok(ranges);
    }
    let mut reader = bus.reader(Isolation::ReadCommitted)?;
    reader.assign(&short)?;
    let (mut found, mut read) = (BTreeSet::new(), Vec::new());
    let deadline = Instant::now() + EMPTY_WAIT;
    let is_read_to_the_end = |found: &BTreeSet<TopicPartition>, reader: &dyn Reader| -> Result<bool, Failure> {
        for (at, offsets) in ranges.iter().filter(|(at, offsets)| is_short(offsets) && !found.contains(at)) {
            if reader.position(at)? < offsets.end {
                return Ok(false);
            }
        }
        Ok(true)
    };
    while !is_read_to_the_end(&found, &*reader)? && Instant::now() < deadline {
        reader.read(LIMIT, Duration::from_millis(20), &mut read)?;
        found.extend(read.drain(..).map(|record| TopicPartition { topic: record.topic, partition: record.partition }));
    }
    // What could not be read in time counts as there.
    let mut kept = Vec::with_capacity(ranges.len());
    for (at, offsets) in ranges {
        if !is_short(&offsets) || found.contains(&at) || reader.position(&at)? < offsets.end {
            kept.push((at, offsets));
        }
    }
    Ok(kept)
}

/// How far the timestamp of a record may be from when its neighbours were appended: a transaction takes its time, and clocks differ.
const DISORDER: Duration = Duration::from_secs(600);
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
        let partitions = from.into_iter().map(|(at, _)| at).collect();
        Ok(Self { plant: plant.clone(), topic, reader, partitions })
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

    /// A tail of a topic, from what was written at a moment on; perhaps with a little of what was written before.
    pub(crate) fn since(plant: &Plant, topic: Topic, moment: Timestamp) -> Result<Self, Failure> {
        let mut tail = Self::of(plant, topic)?;
        let mut from = Vec::with_capacity(tail.partitions.len());
        for at in &tail.partitions {
            from.push((at.clone(), first_since(&*plant.bus, at, moment - DISORDER)?));
        }
        tail.reader.assign(&from)?;
        Ok(tail)
    }

    /// Everything there is now. Brokers that don't give all of it are no end.
    pub(crate) fn all(&mut self) -> Result<Vec<(Delivered, Option<Message>)>, Failure> {
        let mut all = Vec::new();
        self.each(|record| all.push(record))?;
        Ok(all)
    }

    /// Takes what there is now one by one: a long topic is not held in memory.
    pub(crate) fn each(&mut self, mut take: impl FnMut((Delivered, Option<Message>))) -> Result<(), Failure> {
        let mut ends = Vec::with_capacity(self.partitions.len());
        for at in &self.partitions {
            ends.push((at.clone(), self.plant.bus.watermarks(at)?.stable));
        }
        let mut last = Instant::now();
        while !self.has_reached(&ends)? {
            let more = self.next()?;
            if !more.is_empty() {
                last = Instant::now();
            } else if ALL_WAIT < last.elapsed() {
                return Err(Failure::Unavailable(format!("{} can't be read to its end", ends[0].0.topic)));
            } else {
                std::thread::sleep(Duration::from_millis(5));
            }
            more.into_iter().for_each(&mut take);
        }
        Ok(())
    }

    /// How many records lie before it now, about: offsets that transactions take for themselves count too.
    pub(crate) fn left(&self) -> Result<u64, Failure> {
        let mut left = 0;
        for at in &self.partitions {
            left += self.plant.bus.watermarks(at)?.stable.saturating_sub(self.reader.position(at)?);
        }
        Ok(left)
    }

    fn has_reached(&self, ends: &[(TopicPartition, u64)]) -> Result<bool, Failure> {
        for (at, end) in ends {
            if self.reader.position(at)? < *end {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The first record of a partition at or after an offset.
pub(crate) fn first_from(bus: &dyn Bus, at: &TopicPartition, offset: u64) -> Result<Option<Delivered>, Failure> {
    let mut reader = bus.reader(Isolation::ReadCommitted)?;
    reader.assign(&[(at.clone(), offset)])?;
    let mut records = Vec::new();
    reader.read(Limit { records: 1, ..LIMIT }, Duration::ZERO, &mut records)?;
    Ok(records.into_iter().next())
}

/// Searches a partition for a message that was written at a known moment. Only what was written about then is read.
pub(crate) fn written_at<T>(
    plant: &Plant,
    topic: Topic,
    partition: u32,
    moment: Timestamp,
    mut is_it: impl FnMut(Message) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let (earliest, latest) = (moment - DISORDER, moment + DISORDER);
    let at = TopicPartition::new(plant.topics.name(&topic), partition);
    let mut tail = Tail::of_partitions(plant, topic, [partition])?;
    let first = first_since(&*plant.bus, &at, earliest)?;
    tail.reader.assign(&[(at, first)])?;
    loop {
        let records = tail.next()?;
        let Some((last, _)) = records.last() else { return Ok(None) };
        let is_past = latest.0 < last.timestamp_ms;
        if let Some(found) = records.into_iter().filter_map(|(_, message)| message).find_map(&mut is_it) {
            return Ok(Some(found));
        }
        if is_past {
            return Ok(None);
        }
    }
}

/// The offset from which on a partition holds what was written since a moment, by bisection.
fn first_since(bus: &dyn Bus, at: &TopicPartition, moment: Timestamp) -> Result<u64, Failure> {
    let marks = bus.watermarks(at)?;
    let (mut low, mut high) = (marks.low, marks.stable);
    while low < high {
        let middle = low + (high - low) / 2;
        match first_from(bus, at, middle)? {
            Some(record) if record.timestamp_ms < moment.0 => low = record.offset + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use fleet::bus::{Cleanup, Headers, Outgoing, TopicSpec};
    use local::{Local, Options};

    use super::*;
    use crate::clock::SystemClock;

    /// Ten records, ten milliseconds apart, in transactions of three.
    fn written() -> (Local, TopicPartition) {
        let bus = Local::in_memory(Options::new(Arc::new(SystemClock))).expect("a log");
        let at = TopicPartition::new("letters", 0);
        let spec = TopicSpec { name: Arc::clone(&at.topic), partitions: 1, cleanup: Cleanup::Keep };
        bus.create_topics(&[spec]).expect("a topic");
        let mut producer = bus.producer("writer").expect("a producer");
        for number in 0..10 {
            let (topic, value) = (Arc::clone(&at.topic), Some(Bytes::from_static(b"letter")));
            let record = Outgoing {
                topic,
                partition: 0,
                timestamp_ms: number * 10,
                key: None,
                value,
                headers: Headers::default(),
            };
            producer.send(record).expect("sent");
            if number % 3 == 2 {
                producer.commit(None).expect("committed");
            }
        }
        producer.commit(None).expect("committed");
        (bus, at)
    }

    #[test]
    fn bisection_finds_the_first_record_of_any_moment() {
        let (bus, at) = written();
        for moment in 0..100 {
            let offset = first_since(&bus, &at, Timestamp(moment)).expect("an offset");
            let found = first_from(&bus, &at, offset).expect("an answer").map(|record| record.timestamp_ms);
            let wanted = (moment + 9) / 10 * 10;
            assert_eq!(found, (wanted < 100).then_some(wanted), "since {moment}");
        }
    }
}
