//! Virtual time: it moves only when a test says so, or when an idle slot waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fleet::clock::Clock;

/// 2026-11-21T00:00:00Z, in milliseconds since the epoch.
const START_MS: i64 = 1_795_219_200_000;

/// A clock that a test moves.
#[derive(Debug, Default)]
pub(crate) struct VirtualClock(AtomicU64);

impl VirtualClock {
    pub(crate) fn advance(&self, span: Duration) {
        self.0.fetch_add(u64::try_from(span.as_micros()).expect("a short span"), Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        START_MS + i64::try_from(self.since_boot().as_millis()).expect("a short life")
    }

    fn since_boot(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}
