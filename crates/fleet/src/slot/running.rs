//! The loop of production: turn after turn until told to stop, then an orderly end.

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
        let deadline = self.ports.clock.since_boot() + self.options.drain;
        for number in self.partitions.keys().copied().collect::<Vec<_>>() {
            let inputs = self.inputs_of(number);
            if let Err(error) = self.consumer.pause(&inputs) {
                tracing::debug!(%error, "not paused: the partition has gone");
            }
        }
        while self.pending().outstanding > 0 && self.ports.clock.since_boot() < deadline {
            self.turn(Duration::from_millis(20))?;
        }
        for number in self.partitions.keys().copied().collect::<Vec<_>>() {
            if let Err(error) = self.clear_start(number) {
                tracing::debug!(%error, "the start mark stays: the partition has gone");
            }
        }
        self.consumer.leave().map_err(SlotError::Bus)
    }
}
