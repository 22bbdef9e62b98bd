//! The system's clocks: the only place where real time enters.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fleet::clock::Clock;

/// Wall time and boot time of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts counting.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn since_boot(&self) -> Duration {
        self.started.elapsed()
    }
}
