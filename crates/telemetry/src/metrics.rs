//! The metrics. [`Metric`] is the only source of their names; everything is labelled by stage and nothing else.

use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

macro_rules! metrics {
    ($($variant:ident $kind:ident $name:literal $help:literal)*) => {
        /// A metric.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Metric {
            $(#[doc = $help] $variant,)*
        }

        impl Metric {
            /// All metrics.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The exposed name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it tells.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }

            fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }
        }
    };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Seconds,
    Count,
}

metrics! {
    Turns Counter "waybill_turns_total" "Turns committed."
    TurnsUndone Counter "waybill_turns_undone_total" "Turns undone: aborted, fenced, or the bus was not there."
    TurnSeconds Seconds "waybill_turn_seconds" "How long a turn takes, commit included."
    CommitSeconds Seconds "waybill_commit_seconds" "How long the commit of a turn takes."
    RecordAge Seconds "waybill_record_age_seconds" "How long the oldest record of a turn had been on its topic when it was taken."
    TurnRecords Count "waybill_turn_records" "How many records a turn takes."
    Records Counter "waybill_records_total" "Records taken."
    Written Counter "waybill_records_written_total" "Records written, changelog included."
    Events Counter "waybill_events_total" "Facts written to the event log."
    Letters Counter "waybill_letters_total" "Dead letters written."
    Calls Counter "waybill_calls_total" "Calls made."
    Answers Counter "waybill_answers_total" "Answers decided."
    Timers Counter "waybill_timers_total" "Timers fired."
    Outstanding Gauge "waybill_calls_outstanding" "Calls committed and not answered."
    Blocked Gauge "waybill_requests_blocked" "Requests that wait behind a dead letter."
    Parked Gauge "waybill_records_parked" "Records that wait behind a dead letter."
    Restoring Gauge "waybill_partitions_restoring" "Partitions whose memory is being read back."
    Unrestored Gauge "waybill_restore_records_left" "Changelog records yet to be read before those partitions are worked on."
    OldestCall Gauge "waybill_oldest_call_seconds" "For how long the oldest call that this process made or is to make has had no answer."
    OldestParked Gauge "waybill_oldest_parked_seconds" "The age of the oldest record that waits behind a dead letter."
    ClockBehind Gauge "waybill_clock_behind_seconds" "How far this clock is behind that of whoever wrote the newest record taken."
    Entries Gauge "waybill_memory_entries" "Entries remembered."
    Lag Gauge "waybill_lag_records" "Records on input topics that were not taken yet."
    Projected Counter "waybill_projected_records_total" "Records of the event log projected by this process."
    Unreadable Counter "waybill_unreadable_records_total" "Records among them that can't be read; each is a row of unreadable."
    ProjectorFailures Counter "waybill_projector_failures_total" "How often the projector had to begin again."
    Alarms Counter "waybill_alarms_total" "Things that must never happen and did; each has a log line."
}

/// A registry with all metrics in it.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    counters: Vec<(Metric, IntCounterVec)>,
    gauges: Vec<(Metric, IntGaugeVec)>,
    histograms: Vec<(Metric, HistogramVec)>,
}

const SECONDS: [f64; 15] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0];
const COUNTS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 10_000.0];

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A registry of its own, so that tests don't share numbers.
    pub fn new() -> Self {
        let mut metrics =
            Self { registry: Registry::new(), counters: Vec::new(), gauges: Vec::new(), histograms: Vec::new() };
        for metric in Metric::ALL {
            metrics.register(*metric).expect("metric names are valid and unique, which a test holds");
        }
        metrics
    }

    /// Adds to a counter.
    pub fn add(&self, metric: Metric, stage: &str, count: usize) {
        if let Some((_, counter)) = self.counters.iter().find(|(have, _)| *have == metric) {
            counter.with_label_values(&[stage]).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        }
    }

    /// Sets a gauge.
    pub fn set(&self, metric: Metric, stage: &str, value: usize) {
        if let Some((_, gauge)) = self.gauges.iter().find(|(have, _)| *have == metric) {
            gauge.with_label_values(&[stage]).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }

    /// Observes a value of a distribution.
    pub fn observe(&self, metric: Metric, stage: &str, value: f64) {
        if let Some((_, histogram)) = self.histograms.iter().find(|(have, _)| *have == metric) {
            histogram.with_label_values(&[stage]).observe(value);
        }
    }

    /// What a counter stands at.
    pub fn count(&self, metric: Metric, stage: &str) -> u64 {
        let counter = self.counters.iter().find(|(have, _)| *have == metric);
        counter.map_or(0, |(_, counter)| counter.with_label_values(&[stage]).get())
    }

    /// Everything in Prometheus' text format.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "metrics can't be rendered");
                String::new()
            }
        }
    }

    fn register(&mut self, metric: Metric) -> prometheus::Result<()> {
        let (name, help) = (metric.name(), metric.help());
        let buckets = |bounds: &[f64]| HistogramOpts::new(name, help).buckets(bounds.to_vec());
        match metric.kind() {
            Kind::Counter => {
                let counter = IntCounterVec::new(Opts::new(name, help), &["stage"])?;
                self.registry.register(Box::new(counter.clone()))?;
                self.counters.push((metric, counter));
            }
            Kind::Gauge => {
                let gauge = IntGaugeVec::new(Opts::new(name, help), &["stage"])?;
                self.registry.register(Box::new(gauge.clone()))?;
                self.gauges.push((metric, gauge));
            }
            kind @ (Kind::Seconds | Kind::Count) => {
                let bounds: &[f64] = if kind == Kind::Seconds { &SECONDS } else { &COUNTS };
                let histogram = HistogramVec::new(buckets(bounds), &["stage"])?;
                self.registry.register(Box::new(histogram.clone()))?;
                self.histograms.push((metric, histogram));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_metrics_register_and_render_under_their_names() {
        let metrics = Metrics::new();
        for metric in Metric::ALL {
            match metric.kind() {
                Kind::Counter => metrics.add(*metric, "intake", 2),
                Kind::Gauge => metrics.set(*metric, "intake", 2),
                Kind::Seconds | Kind::Count => metrics.observe(*metric, "intake", 2.0),
            }
        }
        let text = metrics.render();
        for metric in Metric::ALL {
            assert!(
                text.contains(&format!("{}{{", metric.name())) || text.contains(&format!("{}_sum{{", metric.name()))
            );
        }
        assert_eq!(metrics.count(Metric::Turns, "intake"), 2);
    }
}
