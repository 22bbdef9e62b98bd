//! What was measured, as a table for people and as JSON for machines.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::brokers::OverKafka;
use crate::deciding::Deciding;

/// One run of the load.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Load averages before the run: figures of a busy machine are a lower bound.
    pub(crate) load_before: String,
    pub(crate) cores: usize,
    /// What the fleet's own work costs, without a log.
    pub(crate) deciding: Deciding,
    pub(crate) drain: Drain,
    pub(crate) steady: Steady,
    /// The same and more over Kafka, where a broker is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) over_kafka: Option<OverKafka>,
}

/// A backlog, drained as fast as it goes.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Drain {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) requests_per_s: f64,
    pub(crate) turns_per_s: f64,
    pub(crate) syncs_per_s: f64,
    /// How long a worker waits for a commit, on average.
    pub(crate) commit_wait_ms: f64,
    /// Processor time of the whole process while it drained.
    pub(crate) processor_us_per_request: f64,
    /// What each thread used of the drain's time, the busiest first: whoever is near 100 per cent is the bound.
    pub(crate) busy_per_cent: Vec<(String, f64)>,
    /// Bytes on each topic, before the storage engine compresses them.
    pub(crate) bytes_per_request: BTreeMap<String, u64>,
    pub(crate) bytes_per_request_in_all: u64,
    pub(crate) memory_mib: u64,
    pub(crate) memory_mib_max: u64,
}

/// A steady trickle.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Steady {
    pub(crate) requests_per_s: u64,
    pub(crate) requests: usize,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    /// How long a commit takes on average, the submissions' own included. A request is closed after five of them.
    pub(crate) commit_wait_ms: f64,
    /// Processor time of the whole process, in per cent of one core.
    pub(crate) busy_per_cent: f64,
}

impl Report {
    /// Everything, for machines.
    #[expect(clippy::print_stdout, reason = "this is the benchmark's answer")]
    pub(crate) fn print_json(&self) {
        println!("{}", serde_json::to_string_pretty(self).expect("JSON"));
    }

    /// The embedded part, for people.
    #[expect(clippy::print_stdout, reason = "this is the benchmark's answer")]
    pub(crate) fn print(&self) {
        let Self { load_before, cores, drain, steady, deciding: _, over_kafka: _ } = self;
        println!("{cores} cores, load before the run {load_before}; every commit synced, partner in the process");
        println!("drain of {} requests in {:.2} s", drain.requests, drain.seconds);
        println!("  {:>8.0}  requests/s", drain.requests_per_s);
        println!("  {:>8.0}  turns/s", drain.turns_per_s);
        println!("  {:>8.0}  syncs/s, {:.1} ms of waiting for each commit", drain.syncs_per_s, drain.commit_wait_ms);
        println!("  {:>8.0}  us of processor a request", drain.processor_us_per_request);
        println!("  {:>8}  MiB of memory at the end, {} at most", drain.memory_mib, drain.memory_mib_max);
        let busy: Vec<String> =
            drain.busy_per_cent.iter().take(6).map(|(name, share)| format!("{name} {share:.0} %")).collect();
        println!("  bound by the busiest thread: {}", busy.join(", "));
        println!("bytes a request by topic, before compression");
        drain.bytes_per_request.iter().for_each(|(topic, bytes)| println!("  {bytes:>8}  {topic}"));
        println!("  {:>8}  in all", drain.bytes_per_request_in_all);
        println!(
            "latency at a steady {} requests/s, from submission until `closed` can be read",
            steady.requests_per_s
        );
        println!("  {:>8.1}  ms p50", steady.p50_ms);
        println!("  {:>8.1}  ms p99, {:.1} at most of {}", steady.p99_ms, steady.max_ms, steady.requests);
        println!("  {:>8.1}  ms of waiting for each commit, of which five follow each other", steady.commit_wait_ms);
        println!("  {:>8.0}  % of a core busy", steady.busy_per_cent);
    }
}

impl Deciding {
    /// For people.
    #[expect(clippy::print_stdout, reason = "this is the benchmark's answer")]
    pub(crate) fn print(&self) {
        let Self { requests, us_per_request, us_per_request_in_all, records_per_request } = self;
        println!(
            "us of processor a request without a log, in one thread, {requests} at once; the least of some rounds"
        );
        us_per_request.iter().for_each(|(stage, us)| println!("  {us:>8.1}  {stage}"));
        println!("  {us_per_request_in_all:>8.1}  in all; {records_per_request:.1} records on the log");
    }
}
