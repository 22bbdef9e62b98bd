//! The gate: bulk is taken in only while the supervisor keeps up.
//!
//! Lanes keep a flood of bulk out of the way of urgent work wherever a stage has one topic for each. Their facts all meet on the log,
//! though, and the supervisor reads it in its order: what lies before an urgent request's facts there, the request waits for. So
//! whoever lets work into the fleet looks at how far the supervisor is behind, and leaves bulk where it is until that is little.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Worker;

use super::Slot;
use crate::bus::{Bus, BusError, TopicPartition};

/// Whose lag shuts the gate.
#[derive(Clone, Debug)]
pub struct GateOptions {
    /// The group that has to keep up.
    pub group: String,
    /// What it reads: of its partitions those count whose number is owned here.
    pub topic: Arc<str>,
    /// How many records it may be behind on them together. The gate opens again at half of that.
    pub lag_max: u64,
}

/// The gate of a slot.
pub(super) struct Gate {
    options: GateOptions,
    /// By partition, as last seen.
    lags: BTreeMap<u32, u64>,
    /// The partition that was looked at last: they take turns, since each look waits for the brokers.
    seen: u32,
    /// When to look next, by the boot-time clock.
    look_at: Duration,
    /// Bulk has passed since the last look.
    is_passed: bool,
    is_shut: bool,
}

/// How often to look.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

// === impl Gate ===

impl Gate {
    /// An open gate.
    pub(super) fn new(options: GateOptions) -> Self {
        Self { options, lags: BTreeMap::new(), seen: 0, look_at: Duration::ZERO, is_passed: false, is_shut: false }
    }

    /// Whether bulk has to wait.
    pub(super) fn is_shut(&self) -> bool {
        self.is_shut
    }

    /// Bulk was taken in.
    pub(super) fn passed(&mut self) {
        self.is_passed = true;
    }

    /// When it will be looked at again by itself.
    pub(super) fn looks_in(&self, boot: Duration) -> Option<Duration> {
        self.is_shut.then(|| self.look_at.saturating_sub(boot))
    }

    /// The partition to look at now, if it is time and there is a reason.
    fn due(&mut self, owned: &[u32], boot: Duration) -> Option<u32> {
        if boot < self.look_at || !self.is_shut && !self.is_passed {
            return None;
        }
        self.lags.retain(|number, _| owned.contains(number));
        let next = owned.iter().find(|number| self.seen < **number).or(owned.first());
        (self.look_at, self.is_passed) = (boot + LOOK_AGAIN, false);
        self.seen = *next?;
        Some(self.seen)
    }

    /// Answers whether the gate has moved, and the lag that has moved it.
    fn judge(&mut self) -> Option<u64> {
        let lag = self.lags.values().sum();
        let bound = if self.is_shut { self.options.lag_max / 2 } else { self.options.lag_max };
        let is_shut = bound < lag;
        (std::mem::replace(&mut self.is_shut, is_shut) != is_shut).then_some(lag)
    }
}

impl GateOptions {
    fn lag(&self, bus: &dyn Bus, partition: u32) -> Result<u64, BusError> {
        let at = TopicPartition { topic: Arc::clone(&self.topic), partition };
        let marks = bus.watermarks(&at)?;
        let next = bus.committed(&self.group, &at)?.unwrap_or(marks.low);
        Ok(marks.stable.saturating_sub(next))
    }
}

impl<W: Worker> Slot<W> {
    /// Looks at how far the supervisor is behind, if bulk wants in. Who can't tell leaves the gate as it is.
    pub(super) fn mind_the_gate(&mut self) {
        let boot = self.boot();
        let Some(gate) = &mut self.gate else { return };
        let owned: Vec<u32> = self.partitions.keys().copied().collect();
        if let Some(number) = gate.due(&owned, boot) {
            match gate.options.lag(&*self.ports.bus, number) {
                Ok(lag) => gate.lags.insert(number, lag),
                Err(error) => {
                    return tracing::debug!(stage = W::STAGE.as_str(), %error, "the supervisor's lag is not known");
                }
            };
        }
        let Some(lag) = gate.judge() else { return };
        self.standing.is_unruly = true;
        let (stage, is_shut) = (W::STAGE.as_str(), gate.is_shut);
        tracing::info!(
            stage,
            lag,
            "{}",
            if is_shut { "bulk waits: the supervisor is behind" } else { "bulk is taken in again" }
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new(GateOptions { group: "supervisor".into(), topic: "events".into(), lag_max: 10 })
    }

    #[test]
    fn the_gate_shuts_beyond_its_bound_and_opens_at_half_of_it() {
        let mut gate = gate();
        let moved: Vec<_> = [10, 11, 12, 6, 5, 6, 11]
            .into_iter()
            .map(|lag| {
                gate.lags.insert(1, lag);
                (gate.judge(), gate.is_shut())
            })
            .collect();
        let expected = [
            (None, false),
            (Some(11), true),
            (None, true),
            (None, true),
            (Some(5), false),
            (None, false),
            (Some(11), true),
        ];
        assert_eq!(moved, expected);
    }

    #[test]
    fn partitions_take_turns_while_bulk_wants_in() {
        let mut gate = gate();
        let owned = [0, 2, 3];
        let at = |times: u32| LOOK_AGAIN * times;
        assert_eq!(gate.due(&owned, at(0)), None, "no bulk");
        let mut look = |times| {
            gate.passed();
            gate.due(&owned, at(times))
        };
        assert_eq!([1, 1, 2, 3, 4].map(&mut look), [Some(2), None, Some(3), Some(0), Some(2)]);
        gate.lags.extend([(2, 20), (7, 20)]);
        gate.judge();
        assert_eq!((gate.looks_in(at(4)), gate.due(&owned, at(9))), (Some(LOOK_AGAIN), Some(3)));
        assert_eq!(gate.lags.keys().copied().collect::<Vec<_>>(), [2], "what is not owned any more does not count");
    }
}
