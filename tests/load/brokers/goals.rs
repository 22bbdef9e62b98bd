//! What is aimed at, held against what was measured.

use serde::Serialize;

use super::OverKafka;

/// One aim.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) measured: f64,
    pub(crate) bound: f64,
    pub(crate) is_met: bool,
}

impl OverKafka {
    /// All aims for which something was measured.
    pub(super) fn goals(&self) -> Vec<Goal> {
        let Self { drain, over_http, flood, restored, taken_over, .. } = self;
        let mut goals = Vec::new();
        if 0 < drain.usage.requests {
            goals.extend(self.of_the_drain());
        }
        if let Some(best) = self.best().filter(|_| 0 < drain.usage.requests) {
            goals.push(at_least("of the bare chain's requests/s", drain.usage.requests_per_s / best, 0.5));
        }
        if 0 < over_http.usage.requests {
            goals.push(at_least("requests/s over HTTP", over_http.usage.requests_per_s, 8_000.0));
        }
        if let Some(run) = &self.over_http_into_postgres {
            goals.push(at_least("requests/s over HTTP, into Postgres", run.usage.requests_per_s, 2_500.0));
        }
        if let (Some(fleet), Some(chain)) = (self.steady.fleet.get("closed"), self.steady.chain.get("closed")) {
            let ratio = |one: i64, other: i64| one as f64 / 1.max(other) as f64;
            goals.push(at_most("of the bare chain's p50 to `closed`", ratio(fleet.p50_ms, chain.p50_ms), 1.2));
            goals.push(at_most("of the bare chain's p99 to `closed`", ratio(fleet.p99_ms, chain.p99_ms), 1.5));
        }
        if 0 < flood.queued {
            let ratio = flood.flooded.p99_ms as f64 / 1.max(flood.quiet.p99_ms) as f64;
            goals.push(at_most("of the quiet p99 of urgent requests, in a flood", ratio, 2.0));
        }
        if 0 < restored.keys {
            let per_million = restored.seconds * 1e6 / restored.keys as f64;
            goals.push(at_most("s until a million keys are back", per_million, 1.0));
            let idle_mib = restored.memory_mib.max(taken_over.memory_mib);
            goals.push(at_most("MiB of memory with those keys, idle", idle_mib as f64, 200.0));
        }
        goals
    }

    fn of_the_drain(&self) -> [Goal; 7] {
        let Self { drain, bytes, .. } = self;
        [
            at_least("requests/s drained", drain.usage.requests_per_s, 18_000.0),
            at_most("us of the fleet's processor a request", drain.usage.own_us_per_request, 60.0),
            at_most("us of the broker's processor a request", drain.usage.broker_us_per_request, 40.0),
            at_most("MiB of memory while draining", drain.usage.memory_mib_max as f64, 250.0),
            at_most("bytes of events a request", bytes.events, 2_048.0),
            at_most("bytes a request on all topics", bytes.before_compression, 8_192.0),
            at_most("bytes a request in the broker's log", bytes.after_compression, 3_584.0),
        ]
    }

    /// How many requests a second the best chain carries.
    pub(super) fn best(&self) -> Option<f64> {
        self.chain.values().map(|usage| usage.requests_per_s).max_by(f64::total_cmp)
    }
}

fn at_least(what: &'static str, measured: f64, bound: f64) -> Goal {
    Goal { what, measured, bound, is_met: bound <= measured }
}

fn at_most(what: &'static str, measured: f64, bound: f64) -> Goal {
    Goal { what, measured, bound, is_met: measured <= bound }
}
