//! What waits in a slot, how much of it and for how long: for metrics, readiness and people.

use std::time::Duration;

use domain::Worker;

use super::Slot;
use super::restoring::Restore;
use crate::partition::Partition;

/// What is pending in a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Partitions whose memory is on its way.
    pub restoring: usize,
    /// Records of changelogs that they have yet to read.
    pub unrestored: usize,
    /// Requests that wait behind a letter.
    pub blocked: usize,
    /// Records parked behind them.
    pub parked: usize,
    /// Calls committed whose answers are not on record, those of earlier owners included.
    pub outstanding: usize,
    /// Timers armed.
    pub timers: usize,
    /// Entries remembered.
    pub entries: usize,
}

/// How long the oldest of what is pending in a slot has waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ages {
    /// Of the calls committed here and not answered.
    pub call: Duration,
    /// Of the records parked behind a letter.
    pub parked: Duration,
}

impl std::ops::Add for Pending {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            restoring: self.restoring + other.restoring,
            unrestored: self.unrestored + other.unrestored,
            blocked: self.blocked + other.blocked,
            parked: self.parked + other.parked,
            outstanding: self.outstanding + other.outstanding,
            timers: self.timers + other.timers,
            entries: self.entries + other.entries,
        }
    }
}

// === impl Slot ===

impl<W: Worker> Slot<W> {
    /// What is pending here, for metrics and readiness.
    pub fn pending(&self) -> Pending {
        let unrestored = self.restoring.values().map(Restore::left).sum();
        let mut pending = Pending { restoring: self.restoring.len(), unrestored, ..Pending::default() };
        for partition in self.partitions.values() {
            let counts = partition.counts();
            pending.blocked += counts.blocked;
            pending.parked += counts.parked;
            pending.outstanding += partition.calls.open() + partition.calls.orphaned();
            pending.timers += partition.timers.len();
            pending.entries += partition.entries();
        }
        pending
    }

    /// How long the oldest of what is pending has waited. It looks at each call and each parked record, so not with every turn.
    pub fn ages(&self) -> Ages {
        let (now, boot) = (self.now(), self.boot());
        let call = self.partitions.values().filter_map(|partition| partition.calls.oldest()).min();
        let parked = self.partitions.values().filter_map(Partition::oldest_parked).min();
        Ages {
            call: call.map_or(Duration::ZERO, |since| boot.saturating_sub(since)),
            parked: parked.map_or(Duration::ZERO, |since| now.since(since)),
        }
    }
}
