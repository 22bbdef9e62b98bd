//! Shared tables: compacted topics that every slot of a worker reads whole, outside its group (the roster, the policies).

use std::time::Duration;

use contracts::Topic;
use domain::Worker;
use domain::messages::Stage;

use crate::bus::{BusError, Delivered, Isolation, Limit, Reader, TopicPartition};
use crate::desk::Desk;
use crate::slot::Ports;

/// The reading position in a worker's shared tables.
pub(crate) struct Tables {
    reader: Option<Box<dyn Reader>>,
    /// What has to be read before the first decision.
    until: Vec<(TopicPartition, u64)>,
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
        Ok(Self { reader, until })
    }

    /// Whether the tables were read to where they ended when the slot joined.
    pub(crate) fn is_ready(&self) -> bool {
        self.until.is_empty()
    }

    /// Takes in what is new; answers whether there was anything. Records that can't be read are passed over with a warning: a
    /// table is not a stage, its producer sends the row again.
    pub(crate) fn catch_up<W: Worker>(&mut self, desk: &mut Desk<W>) -> Result<bool, BusError> {
        let Some(reader) = &mut self.reader else { return Ok(false) };
        let mut rows: Vec<Delivered> = Vec::new();
        let read = reader.read(LIMIT, Duration::ZERO, &mut rows);
        // What was read counts as read, also if an error follows.
        for row in &rows {
            learn(desk, row);
        }
        read?;
        if !self.until.is_empty() {
            self.until.retain(|(at, high)| reader.position(at).map_or(true, |position| position < *high));
        }
        Ok(!rows.is_empty())
    }
}

fn learn<W: Worker>(desk: &mut Desk<W>, row: &Delivered) {
    let Some(key) = row.key.as_deref() else { return };
    let Some(topic) = desk.topics.parse(&row.topic) else { return };
    match row.value.as_deref().map(|value| desk.codec.decode(&topic, value)) {
        Some(Ok((_, message))) => desk.worker.learn(key, Some(&message), row.offset),
        None => desk.worker.learn(key, None, row.offset),
        Some(Err(error)) => {
            tracing::warn!(topic = &*row.topic, partition = row.partition, offset = row.offset, code = %error.code(),
                "a row of a shared table can't be read and is passed over");
        }
    }
}
