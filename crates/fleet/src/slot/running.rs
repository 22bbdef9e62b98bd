//! The loop of production: turn after turn until told to stop, then an orderly end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Worker;

use super::{Report, Slot, SlotError};

/// Tells slots to stop, from any thread.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

/// How long an idle turn waits: short enough to keep the group's session alive and to notice a stop.
const IDLE: Duration = Duration::from_millis(100);
/// The same while answers are awaited at the end.
const DRAINING: Duration = Duration::from_millis(20);

impl Stop {
    /// Asks for an orderly end.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether an end was asked for.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl<W: Worker> Slot<W> {
    /// Turns until stopped; `observe` is told of every turn.
    pub fn run(mut self, stop: &Stop, mut observe: impl FnMut(&Self, &Report, Duration)) -> Result<(), SlotError> {
        while !stop.is_stopped() {
            let began = self.ports.clock.since_boot();
            let report = self.turn(IDLE)?;
            observe(&self, &report, self.ports.clock.since_boot().saturating_sub(began));
        }
        self.drain()
    }

    /// Takes nothing new, awaits the answers of calls under way, commits, and leaves the group.
    pub fn drain(mut self) -> Result<(), SlotError> {
        self.close();
        let deadline = self.boot() + self.options.drain;
        let mut drained = Ok(());
        while drained.is_ok() && !self.is_drained() && self.boot() < deadline {
            drained = self.turn(DRAINING).map(drop);
        }
        drained.and(self.leave())
    }

    /// From now on takes nothing new and makes no calls: turns only decide the answers of calls under way.
    pub fn close(&mut self) {
        self.standing.is_closed = true;
        self.standing.is_unruly = true;
        self.trial = None;
        self.restoring.clear();
        self.partitions.values_mut().for_each(|partition| partition.is_leaving = true);
    }

    /// Whether no call is under way any more and every answer is on record.
    pub fn is_drained(&self) -> bool {
        self.partitions.keys().all(|number| self.has_settled(*number))
    }

    /// Leaves the group at once, so that others take over without waiting for the session to end.
    pub fn leave(mut self) -> Result<(), SlotError> {
        let numbers: BTreeSet<u32> = self.partitions.keys().copied().collect();
        if !self.standing.must_rejoin {
            // What can't be noted was said; the calls count as lost.
            if self.note_unmade(&numbers).is_ok() {
                self.note_end(&numbers);
            }
        }
        // Shelves are closed before others may take over.
        self.partitions.clear();
        self.restoring.clear();
        Ok(self.consumer.leave()?)
    }
}
