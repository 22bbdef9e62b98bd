//! The system's clocks: the only place where real time enters.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleet::clock::Clock;
use rustix::time::{ClockId, clock_gettime};

/// Wall time and boot time of this machine. Boot time goes on while the machine sleeps: a lease must not outlive a suspension that
/// the group has noticed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn since_boot(&self) -> Duration {
        let now = clock_gettime(ClockId::Boottime);
        Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
    }
}
