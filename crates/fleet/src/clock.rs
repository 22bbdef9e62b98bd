//! The clock port: the only way time enters the fleet.

use std::time::Duration;

/// Wall time for records and deadlines, boot time for leases. The simulation hands in a virtual one.
pub trait Clock: Send + Sync {
    /// Milliseconds since the epoch.
    fn now_ms(&self) -> i64;
    /// Time since an arbitrary start that no clock adjustment moves.
    fn since_boot(&self) -> Duration;
}
