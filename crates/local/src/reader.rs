//! Readers: positions in partitions outside any group.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::bus::{Allowance, BusError, Delivered, Limit, Reader, TopicPartition};

use crate::cursor::Cursor;
use crate::engine::Engine;
use fleet::sync::Signal;

/// A reader of a log. Open transactions never reach the log, so both isolations see the same.
pub(crate) struct LocalReader {
    engine: Arc<Engine>,
    signal: Arc<Signal>,
    cursors: Vec<Cursor>,
    /// Whose turn it is to be read first.
    turn: usize,
}

// === impl LocalReader ===

impl LocalReader {
    /// A reader of nothing yet.
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, signal: Arc::default(), cursors: Vec::new(), turn: 0 }
    }

    fn unwatch(&self) {
        self.cursors.iter().for_each(|cursor| cursor.partition().unwatch(&self.signal));
    }

    /// Takes what is there; whether any position has moved.
    fn take(&mut self, limit: Limit, out: &mut Vec<Delivered>) -> Result<bool, BusError> {
        let mut allowance = Allowance::new(limit);
        let count = self.cursors.len();
        let mut has_moved = false;
        for nth in 0..count {
            let cursor = &mut self.cursors[(self.turn + nth) % count];
            let before = cursor.position();
            cursor.take(&self.engine, &mut allowance, out)?;
            has_moved |= before < cursor.position();
        }
        self.turn = self.turn.wrapping_add(1);
        Ok(has_moved)
    }
}

impl Reader for LocalReader {
    fn assign(&mut self, from: &[(TopicPartition, u64)]) -> Result<(), BusError> {
        let cursor =
            |(name, position): &(TopicPartition, u64)| Ok(Cursor::new(self.engine.topics.partition(name)?, *position));
        let cursors = from.iter().map(cursor).collect::<Result<_, BusError>>()?;
        self.unwatch();
        self.cursors = cursors;
        self.cursors.iter().for_each(|cursor| cursor.partition().watch(&self.signal));
        Ok(())
    }

    fn read(&mut self, limit: Limit, timeout: Duration, out: &mut Vec<Delivered>) -> Result<(), BusError> {
        let begun = Instant::now();
        while !self.take(limit, out)? {
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            self.signal.sleep(left);
        }
        Ok(())
    }

    fn position(&self, partition: &TopicPartition) -> Result<u64, BusError> {
        let is_it = |cursor: &&Cursor| cursor.partition().is(partition);
        let cursor = self.cursors.iter().find(is_it);
        cursor.map(Cursor::position).ok_or_else(|| BusError::UnknownPartition(partition.to_string()))
    }
}

impl Drop for LocalReader {
    fn drop(&mut self) {
        self.unwatch();
    }
}
