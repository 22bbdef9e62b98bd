//! How fast the log on disk commits: one to six producers, every commit synced, and consumers that follow them.
//!
//! `cargo bench -p local` prints a table: transactions and records per second, the wait for a commit, commits per sync, and how
//! far the followers were behind at the end; then how fast a log is opened and read from the disk.
//! `cargo bench -p local -- --seconds 20` measures longer.
#![expect(clippy::print_stdout, reason = "it prints a report")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fleet::bus::{Bus, Cleanup, Headers, Isolation, Limit, Membership, Outgoing, TopicPartition, TopicSpec, Wake};
use fleet::clock::Clock;
use local::{Local, Options};

const TOPICS: usize = 6;
const PARTITIONS: u32 = 12;

/// The time since the benchmark was started; nothing here asks for more.
struct Stopwatch(Instant);

impl Clock for Stopwatch {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn since_boot(&self) -> Duration {
        self.0.elapsed()
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let seconds = arguments.iter().position(|argument| argument == "--seconds");
    let seconds = seconds.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(1);
    println!("producers  records/commit  commits/s  records/s   MB/s  p50 ms  p99 ms  max ms  commits/sync  behind");
    for records in [1, 22, 220, 2200] {
        for producers in 1..=6 {
            measure(producers, records, Duration::from_secs(seconds));
        }
    }
    read_back(1_000_000);
}

fn measure(producers: usize, records: usize, time: Duration) {
    let directory = tempfile::tempdir().expect("a directory for the log");
    let (log, topics) = open(directory.path());
    let is_over = Arc::new(AtomicBool::new(false));
    let followed = Arc::new(AtomicU64::new(0));
    let follower = follow(&log, &topics, &is_over, &followed);
    let begun = Instant::now();
    let produce = |producer| {
        let (log, topics, is_over) = (log.clone(), topics.clone(), is_over.clone());
        thread::spawn(move || produce(&log, &topics, producer, records, &is_over))
    };
    let threads: Vec<_> = (0..producers).map(produce).collect();
    thread::sleep(time);
    is_over.store(true, Ordering::Relaxed);
    let mut waits: Vec<Duration> = threads.into_iter().flat_map(|thread| thread.join().expect("a producer")).collect();
    let seconds = begun.elapsed().as_secs_f64();
    let behind = (waits.len() * records) as u64 - followed.load(Ordering::Relaxed);
    follower.join().expect("the follower");
    waits.sort();
    let stats = log.stats();
    let bytes: u64 = stats.topics.values().map(|topic| topic.bytes).sum();
    let ms = |wait: Duration| wait.as_secs_f64() * 1000.0;
    println!(
        "{producers:9}  {records:14}  {:9.0}  {:9.0}  {:5.1}  {:6.2}  {:6.2}  {:6.1}  {:12.2}  {behind:6}",
        waits.len() as f64 / seconds,
        (waits.len() * records) as f64 / seconds,
        bytes as f64 / 1e6 / seconds,
        ms(waits[waits.len() / 2]),
        ms(waits[waits.len() * 99 / 100]),
        ms(waits[waits.len() - 1]),
        stats.commits as f64 / stats.syncs as f64,
    );
}

/// Opens a log that was closed with this many records in it, and reads it from the beginning.
fn read_back(count: u64) {
    let directory = tempfile::tempdir().expect("a directory for the log");
    let (log, topics) = open(directory.path());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| produce(&log, &topics, 0, 2200, &is_over));
        while log.stats().commits * 2200 < count {
            thread::sleep(Duration::from_millis(1));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    drop(log);
    let begun = Instant::now();
    let (log, topics) = open(directory.path());
    let opened = begun.elapsed();
    let mut reader = log.reader(Isolation::ReadCommitted).expect("a reader");
    let partitions =
        topics.iter().flat_map(|topic| (0..PARTITIONS).map(|number| TopicPartition::new(topic.clone(), number)));
    reader.assign(&partitions.map(|partition| (partition, 0)).collect::<Vec<_>>()).expect("positions");
    let (mut records, mut count) = (Vec::new(), 0);
    let begun = Instant::now();
    loop {
        reader.read(Limit { records: 5000, bytes: 4 << 20 }, Duration::ZERO, &mut records).expect("records");
        if records.is_empty() {
            break;
        }
        count += records.len();
        records.clear();
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    println!(
        "opened in {:.0} ms, read {count} records from the disk at {rate:.0} records/s",
        opened.as_secs_f64() * 1000.0
    );
}

fn open(path: &Path) -> (Local, Vec<Arc<str>>) {
    let log = Local::open(path, Options::new(Arc::new(Stopwatch(Instant::now())))).expect("a log");
    let topics: Vec<Arc<str>> = (0..TOPICS).map(|topic| format!("topic-{topic}").into()).collect();
    let spec = |name: &Arc<str>| TopicSpec { name: name.clone(), partitions: PARTITIONS, cleanup: Cleanup::Keep };
    log.create_topics(&topics.iter().map(spec).collect::<Vec<_>>()).expect("topics");
    (log, topics)
}

/// Commits until told to stop; the answer is how long each commit took.
fn produce(log: &Local, topics: &[Arc<str>], producer: usize, records: usize, is_over: &AtomicBool) -> Vec<Duration> {
    let mut bus = log.producer(&format!("producer-{producer}")).expect("a producer");
    let mut waits = Vec::new();
    let mut sent = producer as u64;
    let text = Bytes::from("a value as workers write them, neither random nor all the same; ".repeat(3));
    while !is_over.load(Ordering::Relaxed) {
        for _ in 0..records {
            sent += 7;
            bus.send(record(&topics[(sent as usize / 12) % TOPICS], sent, &text)).expect("a record");
        }
        let begun = Instant::now();
        bus.commit(None).expect("a commit");
        waits.push(begun.elapsed());
    }
    waits
}

fn record(topic: &Arc<str>, number: u64, value: &Bytes) -> Outgoing {
    let mut headers = Headers::default();
    headers.push("ce_id", format!("{number:032x}"));
    headers.push("ce_type", Bytes::from_static(b"waybill.request.accepted"));
    headers.push("traceparent", format!("00-{number:032x}-{number:016x}-01"));
    Outgoing {
        topic: topic.clone(),
        partition: (number % u64::from(PARTITIONS)) as u32,
        timestamp_ms: number as i64,
        key: Some(format!("{number:036}").into()),
        value: Some(value.clone()),
        headers,
    }
}

/// Takes all records of all topics as they come.
fn follow(
    log: &Local,
    topics: &[Arc<str>],
    is_over: &Arc<AtomicBool>,
    followed: &Arc<AtomicU64>,
) -> thread::JoinHandle<()> {
    let (is_over, followed, topics) = (is_over.clone(), followed.clone(), topics.to_vec());
    let membership = Membership {
        group: "followers".into(),
        instance: "follower".into(),
        topics: topics.clone(),
        session_timeout: Duration::from_secs(10),
    };
    let mut consumer = log.consumer(membership).expect("a consumer");
    thread::spawn(move || {
        let mut records = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            if consumer.wait(Duration::from_millis(100)).expect("no error") == Wake::Ready {
                for topic in &topics {
                    consumer.take(topic, Limit { records: 5000, bytes: 4 << 20 }, &mut records).expect("records");
                }
                followed.fetch_add(records.len() as u64, Ordering::Relaxed);
                records.clear();
            }
        }
    })
}
