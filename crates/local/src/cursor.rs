//! A place in a partition from which records are taken.

use std::collections::VecDeque;
use std::sync::Arc;

use fleet::bus::{Allowance, BusError, Delivered};

use crate::batch::{Batch, Records};
use crate::engine::Engine;
use crate::partition::Partition;

/// How much is fetched at a time.
const FETCH_BYTES: usize = 512 << 10;

/// A place in a partition. Moves on over gaps: compaction and retention leave some.
pub(crate) struct Cursor {
    partition: Arc<Partition>,
    /// The next offset to take.
    position: u64,
    fetched: VecDeque<Batch>,
    open: Option<Records>,
    /// The record at the position, decoded already.
    ahead: Option<Delivered>,
    /// Nothing is taken from here for now.
    pub(crate) is_paused: bool,
}

// === impl Cursor ===

impl Cursor {
    /// A place at this offset.
    pub(crate) fn new(partition: Arc<Partition>, position: u64) -> Self {
        Self { partition, position, fetched: VecDeque::new(), open: None, ahead: None, is_paused: false }
    }

    /// The partition it is in.
    pub(crate) fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// The next offset to take.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Goes to another place.
    pub(crate) fn seek(&mut self, position: u64) {
        self.position = position;
        self.fetched.clear();
        self.open = None;
        self.ahead = None;
    }

    /// Whether there may be something to take.
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_paused && self.position < self.partition.high()
    }

    /// Takes what is there, as far as allowed.
    pub(crate) fn take(
        &mut self,
        engine: &Engine,
        allowance: &mut Allowance,
        out: &mut Vec<Delivered>,
    ) -> Result<(), BusError> {
        while !allowance.is_used_up() {
            let Some(record) = self.next(engine)? else { break };
            if !allowance.admits(record.size_bytes()) {
                self.ahead = Some(record);
                break;
            }
            self.position = record.offset + 1;
            out.push(record);
        }
        Ok(())
    }

    fn next(&mut self, engine: &Engine) -> Result<Option<Delivered>, BusError> {
        loop {
            if self.ahead.is_some() {
                return Ok(self.ahead.take());
            }
            if let Some(records) = &mut self.open {
                let base = records.batch().base;
                match records.next().map_err(|malformed| self.partition.damaged(base, malformed))? {
                    Some(record) if self.position <= record.offset => return Ok(Some(record)),
                    Some(_) => {}
                    None => {
                        self.position = self.position.max(records.batch().next());
                        self.open = None;
                    }
                }
            } else if let Some(batch) = self.fetched.pop_front() {
                let (topic, number) = (&self.partition.topic, self.partition.number);
                self.open = Some(batch.records(topic, number, engine.options.header_names));
            } else {
                let end = self.partition.fetch(&*engine.storage, self.position, FETCH_BYTES, &mut self.fetched)?;
                if self.fetched.is_empty() {
                    self.position = self.position.max(end);
                    return Ok(None);
                }
            }
        }
    }
}
