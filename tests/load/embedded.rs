//! The embedded fleet on disk, every commit synced, a partner in the process, projections off.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::Stage;
use fleet::clock::Clock;
use local::{Local, Stats};

use crate::machine;
use crate::plant::{Observer, PARTNER, Partners, Plant, SystemClock};
use crate::report::{Drain, Report, Steady};
use crate::upstream::{Upstream, request_id, submissions};
use crate::watch::Watch;

const DRAINED: u32 = 30_000;
const STEADY_RATE: u32 = 200;
const STEADY_SECONDS: u32 = 10;

/// Runs it in a directory.
pub(crate) fn run(directory: &Path) -> Report {
    let mut report = Report { load_before: machine::load(), ..Report::default() };
    report.cores = std::thread::available_parallelism().map_or(0, usize::from);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let local = Local::open(directory, local::Options::new(Arc::clone(&clock))).expect("a log");
    let mut plant = Plant::new(Arc::new(local.clone()), clock, "waybill.");
    plant.create_topics();
    let mut upstream = Upstream::new(&plant);
    upstream.enrol(&plant);
    report.drain = drain(&local, &mut plant, &mut upstream);
    report.steady = steady(&local, &plant, &mut upstream);
    plant.stop();
    report
}

/// Watches no turn: the event log is followed instead.
fn nobody() -> Observer {
    Arc::new(|_| {})
}

/// Drains a backlog that stands on the intake topics when the workers start.
fn drain(local: &Local, plant: &mut Plant, upstream: &mut Upstream) -> Drain {
    upstream.send(plant, &submissions(plant, &[PARTNER], u64::from(DRAINED)));
    let mut watch = Watch::new(plant);
    let before = local.stats();
    let (processor, threads, began) = (machine::processor_in_all(), machine::processor_by_thread(), Instant::now());
    plant.start(&Stage::ALL, &Partners::instant(), &nobody());
    watch.until(DRAINED as usize);
    let took = began.elapsed();
    let processor = machine::processor_in_all().saturating_sub(processor);
    let used = machine::processor_by_thread().into_iter().map(|(name, used)| {
        let earlier = threads.get(&name).copied().unwrap_or_default();
        (name, 100.0 * used.saturating_sub(earlier).as_secs_f64() / took.as_secs_f64())
    });
    let mut busy_per_cent: Vec<(String, f64)> = used.filter(|(_, share)| 1.0 < *share).collect();
    busy_per_cent.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let after = local.stats();
    let (commits, syncs) = (count(after.commits - before.commits), count(after.syncs - before.syncs));
    let (memory_mib, memory_mib_max) = machine::memory_mib();
    let bytes_per_request = bytes_per_request(&before, &after);
    Drain {
        requests: u64::from(DRAINED),
        seconds: took.as_secs_f64(),
        requests_per_s: f64::from(DRAINED) / took.as_secs_f64(),
        turns_per_s: commits / took.as_secs_f64(),
        syncs_per_s: syncs / took.as_secs_f64(),
        commit_wait_ms: commit_wait_ms(&before, &after),
        processor_us_per_request: processor.as_secs_f64() * 1e6 / f64::from(DRAINED),
        busy_per_cent,
        bytes_per_request_in_all: bytes_per_request.values().sum(),
        bytes_per_request,
        memory_mib,
        memory_mib_max,
    }
}

/// What the drain left on each topic.
fn bytes_per_request(before: &Stats, after: &Stats) -> BTreeMap<String, u64> {
    let mut bytes = BTreeMap::new();
    for (topic, stats) in &after.topics {
        let earlier = before.topics.get(topic).copied().unwrap_or_default();
        if earlier.records < stats.records {
            bytes.insert(topic.to_string(), (stats.bytes - earlier.bytes) / u64::from(DRAINED));
        }
    }
    bytes
}

/// Submits at a steady rate, each submission in a transaction of its own, whether or not the earlier ones are done.
fn steady(local: &Local, plant: &Plant, upstream: &mut Upstream) -> Steady {
    let all = submissions(plant, &[PARTNER], u64::from(DRAINED + STEADY_RATE * STEADY_SECONDS));
    let trickle = &all[DRAINED as usize..];
    let mut watch = Watch::new(plant);
    watch.until(DRAINED as usize);
    let (processor, before, began) = (machine::processor_in_all(), local.stats(), Instant::now());
    for (submission, nth) in trickle.iter().zip(0_u32..) {
        let due = Duration::from_secs(1) / STEADY_RATE * nth;
        while began.elapsed() < due {
            watch.read((due - began.elapsed().min(due)).min(Duration::from_millis(1)));
        }
        watch.note(request_id(plant, submission));
        upstream.send(plant, std::slice::from_ref(submission));
    }
    watch.until(all.len());
    let processor = machine::processor_in_all().saturating_sub(processor);
    let busy_per_cent = 100.0 * processor.as_secs_f64() / began.elapsed().as_secs_f64();
    let after = local.stats();
    let latencies = watch.latencies();
    let at_ms = |share: usize| latencies[(latencies.len() - 1) * share / 100].as_secs_f64() * 1e3;
    Steady {
        requests_per_s: u64::from(STEADY_RATE),
        requests: latencies.len(),
        p50_ms: at_ms(50),
        p99_ms: at_ms(99),
        max_ms: at_ms(100),
        commit_wait_ms: commit_wait_ms(&before, &after),
        busy_per_cent,
    }
}

/// How long a producer has waited for a commit, on average.
fn commit_wait_ms(before: &Stats, after: &Stats) -> f64 {
    (after.commit_time - before.commit_time).as_secs_f64() * 1e3 / count(after.commits - before.commits)
}

fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
