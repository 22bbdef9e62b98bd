//! The bench of the simulation's model of a cluster.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fleet::bus::Bus;
use fleet::clock::Clock;
use tests::bus::{ModelBus, NoHook};

use crate::bench::Bench;

/// A cluster in memory, with this test as its only process.
pub(crate) struct Cluster {
    brokers: ModelBus,
    clock: Arc<MachineTime>,
}

/// The machine's time.
struct MachineTime(Instant);

// === impl Cluster ===

impl Cluster {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(MachineTime(Instant::now()));
        Self { brokers: ModelBus::new(clock.clone()), clock }
    }
}

impl Bench for Cluster {
    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.brokers.client("contract", self.clock.clone(), Arc::new(NoHook)))
    }

    fn session_timeout(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    fn compact(&self) {
        self.brokers.maintain();
    }

    /// Brokers outlive the process.
    fn restart(&mut self) {}
}

// === impl MachineTime ===

impl Clock for MachineTime {
    fn now_ms(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(now.as_millis()).unwrap()
    }

    fn since_boot(&self) -> Duration {
        self.0.elapsed()
    }
}
