//! What the embedded fleet does on this machine: `make bench`.
//!
//! One run, every commit synced, a partner in the process, projections off: how many requests are drained a second, how long one
//! takes at a steady 200 a second, how many bytes it leaves on which topic, how much memory the process takes.

mod plant;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contracts::Topic;
use domain::ids::derive;
use domain::messages::MemberRecord;
use domain::phi::Phi;
use domain::{EventBody, Message, RecordId, Timestamp, Trace};
use fleet::Postman;
use fleet::bus::{Isolation, Limit, Outgoing, Producer, Reader, TopicPartition};
use sandbox::upstream::{Submission, Traffic, population, traffic};

use crate::plant::{PARTNER, PAYER, Plant, SOURCE};

const SEED: u64 = 1;
const MEMBERS: u64 = 10_000;
const DRAINED: u64 = 30_000;
const STEADY_RATE: u64 = 200;
const STEADY_SECONDS: u64 = 10;

/// Writes what upstream systems write.
struct Upstream {
    postman: Postman,
    producer: Box<dyn Producer>,
}

/// Follows the event log and notes when requests were received and closed.
struct Watch {
    reader: Box<dyn Reader>,
    codec: contracts::Codec,
    closed: usize,
    /// Milliseconds from a submission's timestamp to the append of `closed`, by request.
    began: BTreeMap<domain::RequestId, i64>,
    latencies_ms: Vec<i64>,
}

#[expect(clippy::print_stdout, reason = "this is the report")]
fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut plant = Plant::open(directory.path());
    let mut upstream = Upstream::new(&plant);
    upstream.enrol(&plant);
    let mut watch = Watch::new(&plant);
    let (before, cpu_before) = (plant.local.stats(), cpu());
    let mut backlog = submissions(&plant, DRAINED + STEADY_RATE * STEADY_SECONDS);
    let steady_part = backlog.split_off(usize::try_from(DRAINED).expect("small"));
    upstream.send(&plant, &backlog);
    let began = Instant::now();
    plant.start();
    watch.until(usize::try_from(DRAINED).expect("small"));
    let took = began.elapsed();
    let rate = f64::from(u32::try_from(DRAINED).expect("small")) / took.as_secs_f64();
    let cpu_us = (cpu() - cpu_before).as_secs_f64() * 1e6 / f64::from(u32::try_from(DRAINED).expect("small"));
    println!("load average          {}", load());
    println!(
        "drained               {rate:.0} requests/s ({DRAINED} in {:.2} s, every commit synced)",
        took.as_secs_f64()
    );
    println!("cpu per request       {cpu_us:.0} us, enrolment and submission included");
    let after = plant.local.stats();
    let commits = after.commits - before.commits;
    println!(
        "turns                 {:.0}/s, {} syncs",
        f64::from(u32::try_from(commits).unwrap_or(0)) / took.as_secs_f64(),
        after.syncs - before.syncs
    );
    let mut all = 0;
    for (topic, stats) in &after.topics {
        let earlier = before.topics.get(topic).copied().unwrap_or_default();
        let (records, bytes) = (stats.records - earlier.records, (stats.bytes - earlier.bytes) / DRAINED);
        if records > 0 {
            println!("bytes per request     {bytes:>6}  {topic} ({records} records)");
            all += bytes;
        }
    }
    println!("bytes per request     {all:>6}  all topics");
    println!("memory                {} MiB resident", resident_mib());
    steady(&plant, &mut upstream, &mut watch, &steady_part);
    plant.stop();
}

/// Submits at a steady rate and tells the latencies.
#[expect(clippy::print_stdout, reason = "this is the report")]
fn steady(plant: &Plant, upstream: &mut Upstream, watch: &mut Watch, submissions: &[Submission]) {
    watch.latencies_ms.clear();
    let (began, closed) = (Instant::now(), watch.closed);
    for (index, submission) in submissions.iter().enumerate() {
        let due =
            Duration::from_secs(1) / u32::try_from(STEADY_RATE).expect("small") * u32::try_from(index).expect("small");
        while began.elapsed() < due {
            watch.read(Duration::from_millis(1));
        }
        upstream.send(plant, std::slice::from_ref(submission));
    }
    watch.until(closed + submissions.len());
    watch.latencies_ms.sort_unstable();
    let at = |share: usize| watch.latencies_ms[(watch.latencies_ms.len() - 1) * share / 100];
    println!(
        "latency at {STEADY_RATE}/s      p50 {} ms, p99 {} ms, max {} ms (submitted to closed)",
        at(50),
        at(99),
        at(100)
    );
}

fn submissions(plant: &Plant, count: u64) -> Vec<Submission> {
    traffic(&Traffic {
        seed: SEED,
        source: SOURCE.into(),
        payer: PAYER.to_owned(),
        members: MEMBERS,
        partners: vec![PARTNER.into()],
        count,
        now: Timestamp(plant.clock.now_ms()),
        only_good: true,
    })
}

impl Upstream {
    fn new(plant: &Plant) -> Self {
        let postman = Postman::named(plant.codec.clone(), plant.topics.clone(), "/load");
        Self { postman, producer: plant.bus.producer("load").expect("a producer") }
    }

    /// Publishes the roster.
    fn enrol(&mut self, plant: &Plant) {
        for person in population(SEED, PAYER, MEMBERS) {
            let member = plant.vault.seal_member(&person.member_key, &person.member).expect("sealed");
            let key = person.member_key.clone();
            let updated_at = Timestamp(plant.clock.now_ms());
            let record = MemberRecord { member_key: person.member_key, member, updated_at };
            self.write(plant, &Topic::Members, key.as_bytes(), &Message::Member(Box::new(record)));
        }
        self.producer.commit(None).expect("committed");
    }

    fn send(&mut self, plant: &Plant, submissions: &[Submission]) {
        for batch in submissions.chunks(1_000) {
            for submission in batch {
                let message = Message::Intake(Box::new(submission.request.clone()));
                self.write(plant, &Topic::Intake(submission.lane), &submission.record_key, &message);
            }
            self.producer.commit(None).expect("committed");
        }
    }

    fn write(&mut self, plant: &Plant, topic: &Topic, key: &[u8], message: &Message) {
        let id = RecordId(derive(&[key]));
        let at = Timestamp(plant.clock.now_ms());
        let record: Outgoing = self.postman.write(topic, key, message, at, id, Trace::root(id)).expect("writable");
        self.producer.send(record).expect("sent");
    }
}

impl Watch {
    fn new(plant: &Plant) -> Self {
        let mut reader = plant.bus.reader(Isolation::ReadCommitted).expect("a reader");
        let name = plant.topics.name(&Topic::Events);
        let partitions = 0..plant.topics.partitions(&Topic::Events);
        let from: Vec<_> = partitions.map(|partition| (TopicPartition { topic: name.clone(), partition }, 0)).collect();
        reader.assign(&from).expect("assigned");
        Self { reader, codec: plant.codec.clone(), closed: 0, began: BTreeMap::new(), latencies_ms: Vec::new() }
    }

    fn until(&mut self, closed: usize) {
        while self.closed < closed {
            self.read(Duration::from_millis(5));
        }
    }

    fn read(&mut self, wait: Duration) {
        let mut records = Vec::new();
        let limit = Limit { records: 5_000, bytes: 16 << 20 };
        self.reader.read(limit, wait, &mut records).expect("readable");
        for record in records {
            let value = record.value.unwrap_or_default();
            let Ok((_, Message::Event(event))) = self.codec.decode(&Topic::Events, &value) else { continue };
            let (at, id) = (event.at.0, event.request_id);
            if matches!(event.body, EventBody::Received { .. }) {
                self.began.insert(id, at);
            } else if matches!(event.body, EventBody::Closed { .. }) {
                self.closed += 1;
                self.latencies_ms.push(at - self.began.remove(&id).unwrap_or(at));
            }
        }
    }
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()
}

/// User and system time of this process: fields 14 and 15 of `/proc/self/stat`, in hundredths of a second.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |field: usize| after_name.get(field - 3).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(14) + ticks(15)) * 10)
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}
