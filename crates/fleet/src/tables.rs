//! Shared tables: compacted topics that every slot of a worker reads whole, outside its group (the roster, the policies).

use std::time::Duration;

use bytes::Bytes;
use contracts::Topic;
use domain::Worker;
use domain::messages::Stage;
use domain::worker::Table;

use crate::bus::{Bus, BusError, Delivered, Isolation, Limit, Reader, TopicPartition};
use crate::desk::Desk;
use crate::slot::Ports;

/// The reading position in a worker's shared tables.
pub(crate) struct Tables {
    reader: Option<Box<dyn Reader>>,
    /// All of them.
    places: Vec<TopicPartition>,
    /// What has to be read before the next decision.
    until: Vec<(TopicPartition, u64)>,
    /// Where they end now is to be looked up.
    is_outdated: bool,
    /// They were read once to where they ended when the slot joined.
    is_known: bool,
    /// The keys of the rows that were learnt since somebody asked, once all was read that has to be.
    news: Vec<(Table, Bytes)>,
}

const LIMIT: Limit = Limit { records: 5_000, bytes: 8 * 1024 * 1024 };

impl Tables {
    /// The tables of a stage, from their beginning.
    pub(crate) fn of(stage: Stage, ports: &Ports) -> Result<Self, BusError> {
        let mut from = Vec::new();
        let mut until = Vec::new();
        for topic in &Topic::tables(stage) {
            for partition in 0..ports.topics.partitions(topic) {
                let at = TopicPartition { topic: ports.topics.name(topic), partition };
                let marks = ports.bus.watermarks(&at)?;
                from.push((at.clone(), marks.low));
                until.push((at, marks.high));
            }
        }
        let mut reader = None;
        if !from.is_empty() {
            let mut whole = ports.bus.reader(Isolation::ReadCommitted)?;
            whole.assign(&from)?;
            reader = Some(whole);
        }
        let places = until.iter().map(|(at, _)| at.clone()).collect();
        Ok(Self { reader, places, until, is_outdated: false, is_known: false, news: Vec::new() })
    }

    /// Whether the tables were read to where they ended when the slot joined, or last took partitions over.
    pub(crate) fn is_ready(&self) -> bool {
        self.until.is_empty() && !self.is_outdated
    }

    /// Partitions come that somebody else had, who may have known more of the tables than was read here: what was decided by that is
    /// not to be judged by less.
    pub(crate) fn renew(&mut self) {
        self.is_outdated = true;
    }

    /// The keys of the rows that were learnt since this was asked last; those of the first reading are not among them.
    pub(crate) fn news(&mut self) -> Vec<(Table, Bytes)> {
        std::mem::take(&mut self.news)
    }

    /// Takes in what is new; answers whether there was anything. Records that can't be read are passed over with a warning: a
    /// table is not a stage, its producer sends the row again.
    pub(crate) fn catch_up<W: Worker>(&mut self, desk: &mut Desk<W>, bus: &dyn Bus) -> Result<bool, BusError> {
        if self.is_outdated {
            self.look_up(bus)?;
        }
        let Some(reader) = &mut self.reader else { return Ok(false) };
        let mut rows: Vec<Delivered> = Vec::new();
        let read = reader.read(LIMIT, Duration::ZERO, &mut rows);
        // What was read counts as read, also if an error follows.
        let is_news = self.is_known;
        for row in &rows {
            let learnt = learn(desk, row);
            self.news.extend(learnt.filter(|_| is_news));
        }
        read?;
        if !self.until.is_empty() {
            self.until.retain(|(at, high)| reader.position(at).map_or(true, |position| position < *high));
        }
        self.is_known |= self.until.is_empty();
        Ok(!rows.is_empty())
    }

    /// Where the tables end by now: nobody has seen more of them than is committed.
    fn look_up(&mut self, bus: &dyn Bus) -> Result<(), BusError> {
        let mut until = Vec::new();
        for at in &self.places {
            until.push((at.clone(), bus.watermarks(at)?.stable));
        }
        self.until.extend(until);
        self.is_outdated = false;
        Ok(())
    }
}

/// Lets the worker learn a row; answers which one it was.
fn learn<W: Worker>(desk: &mut Desk<W>, row: &Delivered) -> Option<(Table, Bytes)> {
    let key = row.key.clone()?;
    let topic = desk.topics.parse(&row.topic)?;
    let table = topic.table()?;
    match row.value.as_deref().map(|value| desk.codec.decode(&topic, value)) {
        Some(Ok((_, message))) => desk.worker.learn((table, &key), Some(&message), row.offset),
        None => desk.worker.learn((table, &key), None, row.offset),
        Some(Err(error)) => {
            tracing::warn!(topic = &*row.topic, partition = row.partition, offset = row.offset, code = %error.code(),
                "a row of a shared table can't be read and is passed over");
        }
    }
    Some((table, key))
}
