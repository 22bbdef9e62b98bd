//! What was measured over Kafka, as a table.
#![expect(clippy::print_stdout, reason = "this is the benchmark's answer")]

use super::fleet::Run;
use super::flood::Flood;
use super::latency::Waits;
use super::usage::Usage;
use super::weigh::Bytes;
use super::{OverKafka, Steady};

impl OverKafka {
    /// Tells standard output.
    pub(crate) fn print(&self) {
        println!(
            "\nover Kafka, the broker on the same machine; load {} before, {} after",
            self.load_before, self.load_after
        );
        println!(
            "drains: requests/s, us of processor a request (process, broker), MiB of memory at most (process, broker)"
        );
        line("fleet, partner in the process", &self.drain.usage);
        for (batch, usage) in &self.chain {
            line(&format!("bare chain, {batch} to a transaction"), usage);
        }
        if 0 < self.over_http.usage.requests {
            line("fleet, payers over HTTP", &self.over_http.usage);
        }
        if let Some(run) = &self.over_http_into_postgres {
            line("fleet, payers over HTTP, into Postgres", &run.usage);
        }
        println!("  bound by the busiest thread: {}", busiest(&self.drain.usage));
        turns(&self.drain);
        bytes(&self.bytes);
        steady(&self.steady);
        flood(&self.flood);
        for (restored, from) in [(&self.restored, "read back"), (&self.taken_over, "on a shelf")] {
            println!("a slot of intake that remembers {} keys, {from}", restored.keys);
            println!(
                "  {:>8.2}  s from joining to being ready, {:.2} s of processor",
                restored.seconds, restored.processor_s
            );
            println!("  {:>8}  MiB of memory idle, {} at most", restored.memory_mib, restored.memory_mib_max);
        }
        self.failed.iter().for_each(|failed| println!("NOT MEASURED: {failed}"));
        println!("what is aimed at (measured, bound)");
        for goal in &self.goals {
            let verdict = if goal.is_met { "met" } else { "missed" };
            println!("  {:>10.2}  {:>8.1}  {verdict:<6}  {}", goal.measured, goal.bound, goal.what);
        }
    }
}

fn line(what: &str, usage: &Usage) {
    let Usage { requests, requests_per_s, own_us_per_request, broker_us_per_request, .. } = usage;
    let Usage { memory_mib_max, broker_memory_mib, .. } = usage;
    println!(
        "  {requests_per_s:>8.0}  {own_us_per_request:>5.0} {broker_us_per_request:>5.0}  {memory_mib_max:>5} \
         {broker_memory_mib:>5}  {what}, {requests}"
    );
}

fn busiest(usage: &Usage) -> String {
    let busy = usage.busy_per_cent.iter().take(7).map(|(name, share)| format!("{name} {share:.0} %"));
    busy.collect::<Vec<_>>().join(", ")
}

fn turns(run: &Run) {
    for (stage, turns) in &run.turns {
        let each = |total: u64| total as f64 / turns.count.max(1) as f64;
        let (inputs, written, ms, undone) = (each(turns.inputs), each(turns.written), each(turns.ms), turns.undone);
        println!(
            "  {stage:<15} {:>6} turns of {inputs:.0} inputs, {written:.0} written, {ms:.1} ms; {undone} undone",
            turns.count
        );
    }
}

fn bytes(bytes: &Bytes) {
    println!("bytes a request by topic: before compression, in the broker's log, records");
    for (topic, (records, before, after)) in &bytes.topics {
        println!("  {before:>8.0}  {after:>6.0}  {records:>5.2}  {topic}");
    }
    let Bytes { records, before_compression, after_compression, .. } = bytes;
    println!("  {before_compression:>8.0}  {after_compression:>6.0}  {records:>5.2}  in all");
}

fn flood(flood: &Flood) {
    let Flood { queued, urgent_per_s, quiet, flooded } = flood;
    println!("urgent requests, {urgent_per_s}/s, ms until closed (p50, p99, max)");
    println!("  {}  alone", show(quiet));
    println!("  {}  while {queued} of bulk are drained", show(flooded));
}

fn show(waits: &Waits) -> String {
    format!("{:>5} {:>5} {:>5}", waits.p50_ms, waits.p99_ms, waits.max_ms)
}

fn steady(steady: &Steady) {
    println!(
        "at a steady {} requests/s, ms by the broker's clock from the submission (p50, p99, max)",
        steady.requests_per_s
    );
    println!("  {:>17}  {:>17}", "fleet", "bare chain");
    let mut events: Vec<_> = steady.fleet.iter().collect();
    events.sort_by_key(|(_, waits)| waits.p50_ms);
    for (event, waits) in events {
        let chain = steady.chain.get(event).copied().unwrap_or_default();
        println!("  {}  {}  {event}", show(waits), show(&chain));
    }
    let (fleet, chain) = (&steady.fleet_run.usage, &steady.chain_usage);
    println!(
        "  us of processor a request (process, broker): fleet {:.0} {:.0}, bare chain {:.0} {:.0}",
        fleet.own_us_per_request, fleet.broker_us_per_request, chain.own_us_per_request, chain.broker_us_per_request
    );
}
