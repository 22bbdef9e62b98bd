//! Virtual time: it moves only when the driver says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fleet::clock::Clock;

/// 2026-11-21T00:00:00Z, in milliseconds since the epoch.
pub const START_MS: i64 = 1_795_219_200_000;

/// A clock that the driver moves.
#[derive(Debug)]
pub struct VirtualClock(AtomicI64);

impl Default for VirtualClock {
    /// A clock that stands at [`START_MS`].
    fn default() -> Self {
        Self(AtomicI64::new(START_MS))
    }
}

impl VirtualClock {
    /// Moves it on.
    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).expect("a short span"), Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn since_boot(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now_ms() - START_MS).expect("time moves forward"))
    }
}

/// The clock of one machine: it may be wrong about the wall's time, and it was switched on at a time of its own.
#[derive(Debug)]
pub struct MachineClock {
    time: Arc<VirtualClock>,
    wrong_by_ms: AtomicI64,
    on_for: Duration,
}

impl MachineClock {
    /// A clock that is wrong by so much.
    pub fn new(time: Arc<VirtualClock>, wrong_by_ms: i64, on_for: Duration) -> Self {
        Self { time, wrong_by_ms: AtomicI64::new(wrong_by_ms), on_for }
    }

    /// Somebody sets it: from now on it is wrong by so much.
    pub fn set(&self, wrong_by_ms: i64) {
        self.wrong_by_ms.store(wrong_by_ms, Ordering::Relaxed);
    }
}

impl Clock for MachineClock {
    fn now_ms(&self) -> i64 {
        self.time.now_ms() + self.wrong_by_ms.load(Ordering::Relaxed)
    }

    fn since_boot(&self) -> Duration {
        self.time.since_boot() + self.on_for
    }
}
