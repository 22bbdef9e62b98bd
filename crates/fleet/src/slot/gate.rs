//! The gate: bulk is taken in only while the supervisor keeps up, and by the handful while urgent requests come in.
//!
//! Lanes keep a flood of bulk out of the way of urgent work wherever a stage has one topic for each. Their facts all meet on the log,
//! though, and the supervisor reads it in its order: what lies before an urgent request's facts there, the request waits for. So
//! whoever lets work into the fleet looks at how far the supervisor is behind, and leaves bulk where it is until that is little.
//!
//! That is too late for whoever is urgent already: turns full of bulk take their time at every stage. So while urgent requests come
//! in, and for a moment after the last, bulk gets what leaves the fleet well below what it can do. Urgent requests that have waited
//! for long are a backlog themselves, and change nothing.

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
    /// For how long after an urgent request others are expected, beside which bulk comes in by the handful. Much longer than urgent
    /// requests lie apart, and a few of them keep bulk at a fraction of what the fleet can do.
    pub beside_urgent_for: Duration,
}

/// The gate of a slot.
pub(super) struct Gate {
    options: GateOptions,
    /// By partition, as last seen: how far the supervisor is behind, and where it stands.
    lags: BTreeMap<u32, Lag>,
    /// The partition that was looked at last: they take turns, since each look waits for the brokers.
    seen: u32,
    /// When to look next, by the boot-time clock, and at how many looks in a row the supervisor stood still.
    look_at: Duration,
    stood_still: u32,
    /// Bulk has passed since the last look.
    is_passed: bool,
    /// The supervisor is behind.
    is_shut: bool,
    /// Until when bulk is let in by the handful, when the hand is full again, and when the next one is if all of it was taken.
    beside_urgent_until: Duration,
    full_at: Duration,
    handful_at: Duration,
    /// Whether bulk was told to wait when this was last asked.
    has_waited: bool,
}

/// How far the supervisor is behind on a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Lag {
    records: u64,
    next: u64,
}

/// How often to look; up to so many times as seldom where the supervisor stands still, which may be for hours.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const SELDOM_MAX: u32 = 16;
/// How much bulk is let in at once meanwhile, and after how long another one is: five hundred a second. What comes more seldom does
/// not wait. Each handful makes turns at every stage that urgent requests may meet: so it is little, and in few pieces.
const HANDFUL: u32 = 128;
const ANOTHER_AFTER: Duration = Duration::from_millis(2);

// === impl Gate ===

impl Gate {
    /// An open gate.
    pub(super) fn new(options: GateOptions) -> Self {
        Self {
            options,
            lags: BTreeMap::new(),
            seen: 0,
            look_at: Duration::ZERO,
            stood_still: 0,
            is_passed: false,
            is_shut: false,
            beside_urgent_until: Duration::ZERO,
            full_at: Duration::ZERO,
            handful_at: Duration::ZERO,
            has_waited: false,
        }
    }

    /// Whether bulk has to wait.
    pub(super) fn is_shut(&self, boot: Duration) -> bool {
        self.is_shut || boot < self.handful_at
    }

    /// Whether that has changed since it was last asked for.
    fn has_moved(&mut self, boot: Duration) -> bool {
        let waits = self.is_shut(boot);
        std::mem::replace(&mut self.has_waited, waits) != waits
    }

    /// How many bulk records may be taken now.
    pub(super) fn room(&self, boot: Duration) -> usize {
        match boot < self.beside_urgent_until {
            _ if self.is_shut(boot) => 0,
            true => (HANDFUL - taken_of_handful(self.full_at.saturating_sub(boot))) as usize,
            false => usize::MAX,
        }
    }

    /// An urgent request has just come in.
    pub(super) fn urged(&mut self, boot: Duration) {
        self.beside_urgent_until = boot + self.options.beside_urgent_for;
    }

    /// So much bulk was taken in.
    pub(super) fn passed(&mut self, boot: Duration, count: usize) {
        self.is_passed = true;
        if boot < self.beside_urgent_until {
            let count = u32::try_from(count).unwrap_or(HANDFUL).min(HANDFUL);
            self.full_at = self.full_at.max(boot) + ANOTHER_AFTER * count;
            if self.room(boot) == 0 {
                self.handful_at = self.full_at;
            }
        }
    }

    /// When it will be looked at again by itself.
    pub(super) fn looks_in(&self, boot: Duration) -> Option<Duration> {
        let look = self.is_shut.then(|| self.look_at.saturating_sub(boot));
        let handful = (boot < self.handful_at).then(|| self.handful_at - boot);
        look.or(handful)
    }

    /// The partition to look at now, if it is time and there is a reason.
    fn due(&mut self, owned: &[u32], boot: Duration) -> Option<u32> {
        if boot < self.look_at || !self.is_shut && !self.is_passed {
            return None;
        }
        self.lags.retain(|number, _| owned.contains(number));
        let next = owned.iter().find(|number| self.seen < **number).or(owned.first());
        let seldom = SELDOM_MAX.min(1 << self.stood_still.min(u32::BITS - 1));
        (self.look_at, self.is_passed) = (boot + LOOK_AGAIN * seldom, false);
        self.seen = *next?;
        Some(self.seen)
    }

    /// A partition was looked at.
    fn saw(&mut self, number: u32, lag: Lag) {
        let stands = self.lags.insert(number, lag).is_some_and(|before| before.next == lag.next);
        self.stood_still = match stands && self.is_shut {
            true if lag.records == 0 => self.stood_still,
            true => self.stood_still.saturating_add(1),
            false => 0,
        };
    }

    /// Answers whether the gate has moved, and the lag that has moved it.
    fn judge(&mut self) -> Option<u64> {
        let lag = self.lags.values().map(|lag| lag.records).sum();
        let bound = if self.is_shut { self.options.lag_max / 2 } else { self.options.lag_max };
        let is_shut = bound < lag;
        (std::mem::replace(&mut self.is_shut, is_shut) != is_shut).then_some(lag)
    }
}

/// How much of a handful was taken that is full again after this time.
fn taken_of_handful(until_full: Duration) -> u32 {
    let taken = until_full.as_nanos().div_ceil(ANOTHER_AFTER.as_nanos());
    u32::try_from(taken).unwrap_or(HANDFUL).min(HANDFUL)
}

impl GateOptions {
    /// What suits a fleet in production.
    pub const BESIDE_URGENT_FOR: Duration = Duration::from_secs(1);

    fn lag(&self, bus: &dyn Bus, partition: u32) -> Result<Lag, BusError> {
        let at = TopicPartition { topic: Arc::clone(&self.topic), partition };
        let marks = bus.watermarks(&at)?;
        let next = bus.committed(&self.group, &at)?.unwrap_or(marks.low);
        Ok(Lag { records: marks.stable.saturating_sub(next), next })
    }
}

impl<W: Worker> Slot<W> {
    /// Looks at how far the supervisor is behind, if bulk wants in. Who can't tell leaves the gate as it is.
    pub(super) fn mind_the_gate(&mut self) {
        let boot = self.boot();
        let Some(gate) = &mut self.gate else { return };
        if gate.has_moved(boot) {
            self.standing.is_unruly = true;
        }
        let owned: Vec<u32> = self.partitions.keys().copied().collect();
        if let Some(number) = gate.due(&owned, boot) {
            match gate.options.lag(&*self.ports.bus, number) {
                Ok(lag) => gate.saw(number, lag),
                Err(error) => {
                    return tracing::debug!(stage = W::STAGE.as_str(), %error, "the supervisor's lag is not known");
                }
            }
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

    const BESIDE_URGENT_FOR: Duration = Duration::from_secs(30);

    fn gate() -> Gate {
        let beside_urgent_for = BESIDE_URGENT_FOR;
        Gate::new(GateOptions { group: "supervisor".into(), topic: "events".into(), lag_max: 10, beside_urgent_for })
    }

    /// So far behind on a log of a hundred records.
    fn behind(records: u64) -> Lag {
        Lag { records, next: 100 - records }
    }

    #[test]
    fn the_gate_shuts_beyond_its_bound_and_opens_at_half_of_it() {
        let mut gate = gate();
        let moved: Vec<_> = [10, 11, 12, 6, 5, 6, 11]
            .into_iter()
            .map(|lag| {
                gate.saw(1, behind(lag));
                (gate.judge(), gate.is_shut(Duration::ZERO))
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
    fn beside_urgent_requests_bulk_comes_in_by_the_handful() {
        let mut gate = gate();
        let at = Duration::from_secs;
        gate.passed(at(1), 500);
        assert_eq!((gate.room(at(1)), gate.is_shut(at(1)), gate.looks_in(at(1))), (usize::MAX, false, None));
        gate.urged(at(3));
        assert_eq!((gate.room(at(3)), gate.is_shut(at(3))), (128, false));
        gate.passed(at(3), 2);
        assert_eq!((gate.room(at(3)), gate.is_shut(at(3)), gate.looks_in(at(3))), (126, false, None));
        gate.passed(at(3), 126);
        let until_full = ANOTHER_AFTER * HANDFUL;
        assert_eq!((gate.room(at(3)), gate.is_shut(at(3)), gate.looks_in(at(3))), (0, true, Some(until_full)));
        assert!(gate.has_moved(at(3)) && !gate.has_moved(at(3)) && gate.has_moved(at(4)));
        assert_eq!((gate.is_shut(at(4)), gate.room(at(3) + BESIDE_URGENT_FOR)), (false, usize::MAX));
    }

    #[test]
    fn partitions_take_turns_while_bulk_wants_in() {
        let mut gate = gate();
        let owned = [0, 2, 3];
        let at = |times: u32| LOOK_AGAIN * times;
        assert_eq!(gate.due(&owned, at(0)), None, "no bulk");
        let mut look = |times| {
            gate.passed(at(times), 1);
            gate.due(&owned, at(times))
        };
        assert_eq!([1, 1, 2, 3, 4].map(&mut look), [Some(2), None, Some(3), Some(0), Some(2)]);
        gate.lags.extend([(2, behind(20)), (7, behind(20))]);
        gate.judge();
        assert_eq!((gate.looks_in(at(4)), gate.due(&owned, at(9))), (Some(LOOK_AGAIN), Some(3)));
        assert_eq!(gate.lags.keys().copied().collect::<Vec<_>>(), [2], "what is not owned any more does not count");
    }
    #[test]
    fn a_supervisor_that_stands_still_is_looked_at_ever_more_seldom_until_it_moves() {
        let mut gate = gate();
        let mut boot = Duration::ZERO;
        let mut pause = |lag| {
            gate.saw(0, behind(lag));
            gate.judge();
            gate.due(&[0], boot).expect("it is shut");
            let pause = gate.look_at - boot;
            boot = gate.look_at;
            pause.div_duration_f64(LOOK_AGAIN)
        };
        assert_eq!([20, 20, 20, 20, 20, 20, 20, 19, 19].map(&mut pause), [1., 2., 4., 8., 16., 16., 16., 1., 2.]);
    }
}
