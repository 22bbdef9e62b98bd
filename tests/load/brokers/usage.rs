//! What a stretch of time has cost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::broker::Broker;
use crate::machine;

/// What had been used by a moment.
pub(super) struct Moment {
    at: Instant,
    own: Duration,
    by_thread: BTreeMap<String, Duration>,
    broker: Duration,
}

/// What was used between two moments, for each request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) requests_per_s: f64,
    /// Processor time of the process under measurement.
    pub(crate) own_us_per_request: f64,
    /// Processor time of the broker.
    pub(crate) broker_us_per_request: f64,
    /// What each thread used of the time, the busiest first; those of one name are added up.
    pub(crate) busy_per_cent: Vec<(String, f64)>,
    /// Resident memory at the end, and at its highest since the process began.
    pub(crate) memory_mib: u64,
    pub(crate) memory_mib_max: u64,
    pub(crate) broker_memory_mib: u64,
}

// === impl Moment ===

impl Moment {
    pub(super) fn now(broker: &Broker) -> Self {
        Self {
            at: Instant::now(),
            own: machine::processor_in_all(),
            by_thread: machine::processor_by_thread(),
            broker: broker.processor(),
        }
    }

    /// What was used from here to another moment.
    pub(super) fn until(&self, end: &Self, requests: u64, broker: &Broker) -> Usage {
        let (seconds, count) = ((end.at - self.at).as_secs_f64(), requests as f64);
        let used = end.by_thread.iter().map(|(name, used)| {
            let used = used.saturating_sub(self.by_thread.get(name).copied().unwrap_or_default());
            (name.clone(), 100.0 * used.as_secs_f64() / seconds)
        });
        let mut busy_per_cent: Vec<(String, f64)> = used.filter(|(_, share)| 1.0 < *share).collect();
        busy_per_cent.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let (memory_mib, memory_mib_max) = machine::memory_mib();
        Usage {
            requests,
            seconds,
            requests_per_s: count / seconds,
            own_us_per_request: (end.own - self.own).as_secs_f64() * 1e6 / count,
            broker_us_per_request: (end.broker - self.broker).as_secs_f64() * 1e6 / count,
            busy_per_cent,
            memory_mib,
            memory_mib_max,
            broker_memory_mib: broker.memory_mib(),
        }
    }
}
