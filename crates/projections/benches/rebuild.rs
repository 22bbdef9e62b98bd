//! How fast projections are rebuilt from the log: events per second into SQLite, and where the time goes; into Postgres too where
//! `WAYBILL_TEST_POSTGRES` names one.
//!
//! Histories of seven events, `WINDOW` requests under way at a time, on an embedded log on disk. Numbers come from the environment:
//! `REQUESTS`, `PARTITIONS`, `WINDOW`.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::bus::{Isolation, Limit, TopicPartition};
use local::Local;
use projections::{Database, Location, Progress, Projector, ProjectorOptions, Reading, rebuild};

#[path = "../tests/projections/event_log.rs"]
mod event_log;
#[path = "../tests/projections/history.rs"]
mod history;

use event_log::EventLog;
use history::fulfilled;

fn main() {
    let requests = number("REQUESTS", 60_000);
    let (partitions, window) = (u32::try_from(number("PARTITIONS", 12)).unwrap_or(12), number("WINDOW", 1_000));
    let folder = tempfile::tempdir().expect("a folder");
    let bus = Local::open(folder.path().join("log"), event_log::options()).expect("a log");
    let mut log = EventLog::on(bus, partitions);
    let begun = Begun::now();
    for first in (0..requests).step_by(usize::try_from(window).expect("a small number")) {
        let histories: Vec<_> = (first..requests.min(first + window)).map(|each| fulfilled(&log.codec, each)).collect();
        for step in 0..7 {
            log.append(histories.iter().map(|history| history[step].clone()));
        }
    }
    let events = requests * 7;
    report("written to the log", events, begun.elapsed());
    reading(&log, events);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let path = folder.path().join("projections.sqlite");
    runtime.block_on(both(&log, &Location::File(path.clone()), events));
    print(&format!("  {} bytes of SQLite an event\n", std::fs::metadata(&path).expect("a file").len() / events));
    if let Ok(url) = std::env::var("WAYBILL_TEST_POSTGRES") {
        let location = format!("{url}?schema=waybill_bench").parse().expect("a URL without parameters");
        print("Into Postgres, whose own processor time is not counted\n");
        let database = runtime.block_on(both(&log, &location, events));
        runtime.block_on(database.discard()).expect("it is ours");
    }
}

/// Decoding and rendering alone, on one thread: what the reading thread does.
fn reading(log: &EventLog, events: u64) {
    let topic = log.topics.name(&contracts::Topic::Events);
    let partitions = log.topics.partitions(&contracts::Topic::Events);
    let mut reader = log.bus.reader(Isolation::ReadCommitted).expect("a reader");
    let from: Vec<_> =
        (0..partitions).map(|partition| (TopicPartition::new(Arc::clone(&topic), partition), 0)).collect();
    reader.assign(&from).expect("the topic is there");
    let (mut records, mut bytes, begun) = (0, 0, Begun::now());
    let mut from_log = Duration::ZERO;
    while records < events {
        let mut delivered = Vec::new();
        let reading = Instant::now();
        reader
            .read(Limit { records: 20_000, bytes: 64 << 20 }, Duration::from_secs(1), &mut delivered)
            .expect("a read");
        from_log += reading.elapsed();
        for record in &delivered {
            bytes += record.value.as_ref().map_or(0, |value| value.len());
            std::hint::black_box(Reading::of(record, &log.codec, partitions));
        }
        records += delivered.len() as u64;
    }
    report("read from the log", records, (from_log, 0.0));
    report("read and decoded", records, begun.elapsed());
    print(&format!("  {} bytes an event\n", bytes / 1.max(usize::try_from(records).unwrap_or(1))));
}

/// The live projector from the beginning, then a rebuild beside it.
async fn both(log: &EventLog, location: &Location, events: u64) -> Database {
    let database = Arc::new(Database::open(location).await.expect("a database"));
    let (projector, mut status) = Projector::new(log.log(), Arc::clone(&database), ProjectorOptions::default());
    let begun = Begun::now();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let live = tokio::spawn(projector.run(async { stopped.await.unwrap_or(()) }));
    status.wait_for(|status| events <= status.records).await.expect("it runs");
    report("live, catching up", events, begun.elapsed());
    let _ = stop.send(());
    live.await.expect("it ends");

    let begun = Begun::now();
    let mut built = None;
    let note = |progress: Progress| {
        if progress.done == progress.total && built.is_none() {
            built = Some(begun.elapsed());
        }
    };
    let outcome = rebuild(&log.log(), &database, note).await.expect("both are equal");
    report("rebuilt", outcome.records, built.expect("it was built"));
    report("rebuilt, indexed, proved equal and put in place", outcome.records, begun.elapsed());
    for table in outcome.rebuilt {
        print(&format!("  {:<14} {:>9} rows  {}\n", table.table, table.rows, table.hash));
    }
    Arc::into_inner(database).expect("the projector has ended")
}

/// Time passed and processor time spent since a moment.
#[derive(Clone, Copy)]
struct Begun(Instant, f64);

impl Begun {
    fn now() -> Self {
        Self(Instant::now(), processor_seconds())
    }

    fn elapsed(self) -> (Duration, f64) {
        (self.0.elapsed(), processor_seconds() - self.1)
    }
}

/// What all threads of this process have used so far, where the system says so in ticks of 10 ms.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn report(what: &str, events: u64, (took, used): (Duration, f64)) {
    let (count, seconds) = (f64::from(u32::try_from(events).unwrap_or(u32::MAX)), took.as_secs_f64());
    let (each, processor) = (seconds * 1e6 / count, used * 1e6 / count);
    print(&format!(
        "{:>9.0} events/s  {each:>5.2} us each, {processor:>5.2} us of processor  {what}\n",
        count / seconds
    ));
}

fn print(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).expect("a terminal");
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
