//! The bench of the simulation's model of a cluster.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::bus::Bus;
use tests::bus::{ModelBus, NoHook};

use crate::bench::Bench;
use crate::local::SystemClock;

/// A cluster in memory, with this test as its only process.
pub(crate) struct Cluster {
    brokers: ModelBus,
    clock: Arc<SystemClock>,
}

// === impl Cluster ===

impl Cluster {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(SystemClock(Instant::now()));
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
