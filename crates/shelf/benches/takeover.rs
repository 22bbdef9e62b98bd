//! How soon a slot with a large memory takes up its work, and how much memory that takes: warm with a shelf that was filled before, and
//! cold from a changelog on an embedded log.
//!
//! `cargo bench -p shelf` prints a table for a million keys; `KEYS=60000000 DIR=/somewhere cargo bench -p shelf` for sixty, which take
//! 8 GB there, and with `COLD=1` what a shelf is made of as well, for some minutes and 20 GB more. Each step is a process of its own. Shelves are filled in the order of the keys, which spares the engine most of its
//! compaction; what is looked up is the same.
#![expect(clippy::print_stdout, reason = "it prints a report")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use contracts::{Codec, Topic, Topics};
use domain::ids::derive;
use domain::messages::{Lane, SealedOriginal, Stage};
use domain::phi::PhiError;
use domain::{
    Call, Decision, Input, LetterId, MemoryKey as _, Moment, Poison, RequestId, Timestamp, Token, View, Worker,
};
use fleet::bus::{Bus, Cleanup, Headers, Outgoing, TopicPartition, TopicSpec};
use fleet::caller::{Caller, Reply};
use fleet::clock::Clock;
use fleet::originals::{Original, Originals};
use fleet::probe::NoProbe;
use fleet::{Ports, Slot, SlotOptions};
use intake::canonical::Fingerprints;
use intake::{Entry, Key};
use local::Local;
use shelf::{Batch, Checkpoint, DiskOptions, DiskShelves, ShelfChange, Shelves};

const PARTITIONS: u32 = 4;
/// Settled entries a batch.
const BATCH: u64 = 10_000;
const LOOKUPS: u64 = 200_000;

/// Remembers as intake does, and decides nothing.
struct Rememberer;

impl Worker for Rememberer {
    const STAGE: Stage = Stage::Intake;
    type Key = Key;
    type Entry = Entry;

    fn decide(&self, _: &View<'_, Key, Entry>, _: Input<'_, Key>, _: &Moment) -> Result<Decision<Key, Entry>, Poison> {
        Ok(Decision::nothing())
    }

    fn is_settled(key: &Key) -> bool {
        intake::Intake::is_settled(key)
    }
}

struct RealTime(Instant);

impl Clock for RealTime {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn since_boot(&self) -> Duration {
        self.0.elapsed()
    }
}

struct Nobody;

impl Caller for Nobody {
    fn perform(&self, _: Call, _: Reply) {}
}

impl Originals for Nobody {
    fn seal(&self, _: LetterId, _: &Original) -> Result<SealedOriginal, PhiError> {
        Err(PhiError::Erased)
    }

    fn open(&self, _: LetterId, _: &SealedOriginal) -> Result<Original, PhiError> {
        Err(PhiError::Erased)
    }

    fn attest(&self, _: &[&[u8]]) -> Token {
        Token([0; 16])
    }
}

fn main() {
    let setting = |name: &str| std::env::var(name).ok();
    let keys = setting("KEYS").and_then(|keys| keys.parse().ok()).unwrap_or(1_000_000);
    if let Some(step) = setting("STEP") {
        let dir = PathBuf::from(setting("DIR").expect("the process that started this one names it"));
        return run(&step, &dir, keys);
    }
    let folder = setting("DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = folder.join(format!("waybill-takeover-{}", std::process::id()));
    println!("{keys} keys on {PARTITIONS} partitions");
    let is_cold = keys <= 2_000_000 || setting("COLD").is_some();
    let steps = if is_cold { &["fill", "warm", "write", "cold", "again"][..] } else { &["fill", "warm"] };
    for step in steps {
        let mut child = Command::new(std::env::current_exe().expect("this program"));
        let ended = child.env("STEP", step).env("DIR", &dir).env("KEYS", keys.to_string()).status();
        assert!(ended.expect("started").success(), "{step} failed");
    }
    std::fs::remove_dir_all(&dir).expect("removed");
}

fn run(step: &str, dir: &Path, keys: u64) {
    let (shelves, log) = (dir.join("shelves"), dir.join("log"));
    let began = Instant::now();
    match step {
        "fill" => {
            fill(&shelves, keys);
            println!("filled in {:.1} s, {} MiB on disk", began.elapsed().as_secs_f64(), disk_mib(&shelves));
        }
        "warm" => {
            let bus = Local::in_memory(local::Options::new(clock())).expect("a log");
            take_over("warm, a shelf filled before", bus, &shelves, keys);
            look_up(&shelves, keys);
        }
        "write" => write(&log, keys),
        "cold" => take_over("cold, from the log", on_disk(&log), &dir.join("other"), keys),
        "again" => take_over("warm, after that", on_disk(&log), &dir.join("other"), keys),
        other => panic!("no step {other}"),
    }
}

fn clock() -> Arc<RealTime> {
    Arc::new(RealTime(Instant::now()))
}

fn topics() -> Topics {
    Topics::new("waybill.", PARTITIONS)
}

fn at(partition: u32) -> TopicPartition {
    TopicPartition::new(topics().name(&Topic::Memory(Stage::Intake)), partition)
}

fn on_disk(log: &Path) -> Local {
    Local::open(log, local::Options::new(clock())).expect("a log")
}

/// The changelog's key of the nth request of so many: random bytes behind what puts them in order.
fn key(nth: u64, keys: u64) -> Vec<u8> {
    let place = u64::MAX / keys * nth;
    let mut id = derive(&[b"key", &nth.to_be_bytes()]);
    id[..8].copy_from_slice(&place.to_be_bytes());
    [b"w", &Key::Request(RequestId(id)).encode()[..]].concat()
}

fn value(codec: &Codec, nth: u64) -> Vec<u8> {
    let (payload, mut fingerprints) = (derive(&[b"payload", &nth.to_be_bytes()]), Fingerprints([0; _]));
    let prints = derive(&[b"fingerprints", &nth.to_be_bytes()]);
    fingerprints.0.iter_mut().zip(prints.iter().cycle()).for_each(|(print, byte)| *print = *byte);
    let accepted_at = Timestamp(1_700_000_000_000 + i64::try_from(nth).unwrap_or(0));
    let (lane, due_by) = (Lane::Standard, accepted_at + Duration::from_secs(864_000));
    let entry = Entry::AcceptedRequest { payload: Token(payload), fingerprints, lane, accepted_at, due_by };
    let mut written = Vec::new();
    codec.encode_entry(Stage::Intake, &entry, &mut written).expect("encoded");
    written
}

/// Fills shelves as a restore does. The changelog they are of is empty: nothing is to be read after them.
fn fill(root: &Path, keys: u64) {
    let (shelves, codec) = (DiskShelves::new(root, DiskOptions::default()), Codec::bundled());
    for partition in 0..PARTITIONS {
        let mut shelf = shelves.open(&at(partition)).expect("opened");
        let mine: Vec<u64> = (u64::from(partition)..keys).step_by(PARTITIONS as usize).collect();
        for some in mine.chunks(BATCH as usize) {
            let change = |nth: &u64| ShelfChange {
                is_settled: true,
                key: key(*nth, keys).into(),
                value: Some(value(&codec, *nth).into()),
            };
            shelf.write(Batch { changes: some.iter().map(change).collect(), checkpoint: None }).expect("written");
        }
        let checkpoint = Some(Checkpoint { offset: 0, at_ms: clock().now_ms() });
        shelf.write(Batch { changes: Vec::new(), checkpoint }).expect("written");
    }
}

/// Writes the changelog of so many requests, in no order.
fn write(log: &Path, keys: u64) {
    let (bus, codec) = (on_disk(log), Codec::bundled());
    create(&bus);
    let mut producer = bus.producer("fill").expect("a producer");
    for nth in 0..keys {
        let spread = nth.wrapping_mul(7_919) % keys;
        let at = at(u32::try_from(nth % u64::from(PARTITIONS)).expect("small"));
        let (key, value) = (Some(key(spread, keys).into()), Some(value(&codec, spread).into()));
        let record = Outgoing {
            topic: at.topic,
            partition: at.partition,
            timestamp_ms: 0,
            key,
            value,
            headers: Headers::default(),
        };
        producer.send(record).expect("sent");
        if nth % BATCH == BATCH - 1 {
            producer.commit(None).expect("committed");
        }
    }
    producer.commit(None).expect("committed");
}

fn create(bus: &Local) {
    let topics = topics();
    let spec = |topic: Topic| TopicSpec {
        name: topics.name(&topic),
        partitions: topics.partitions(&topic),
        cleanup: Cleanup::Keep,
    };
    bus.create_topics(&Topic::fixed().map(spec).collect::<Vec<_>>()).expect("topics");
}

fn take_over(what: &str, bus: Local, root: &Path, keys: u64) {
    create(&bus);
    let ports = Ports {
        bus: Arc::new(bus),
        codec: Codec::bundled(),
        topics: topics(),
        clock: clock(),
        caller: Arc::new(Nobody),
        originals: Arc::new(Nobody),
        probe: Arc::new(NoProbe),
        shelves: Some(Arc::new(DiskShelves::new(root, DiskOptions::default()))),
    };
    let options = SlotOptions {
        instance: "takeover".to_owned(),
        group: "takeover".to_owned(),
        version: "bench".to_owned(),
        session_timeout: Duration::from_secs(10),
        lease_margin: Duration::from_secs(2),
        records_max: 8_192,
        bytes_max: 16 << 20,
        turn_target: Duration::from_millis(250),
        drain: Duration::ZERO,
        gate: None,
    };
    let began = Instant::now();
    let mut slot = Slot::join(Rememberer, ports, options).expect("a slot");
    while !slot.is_ready() {
        slot.turn(Duration::from_millis(10)).expect("a turn");
    }
    let (took, entries) = (began.elapsed(), slot.pending().entries);
    assert_eq!(u64::try_from(entries).ok(), Some(keys), "everything is remembered");
    println!("{what}: ready after {:.2} s, {} MiB of memory", took.as_secs_f64(), memory_mib("VmRSS:"));
    slot.leave().expect("left");
}

/// Looks up keys that are new, and keys that are known, on one shelf.
fn look_up(root: &Path, keys: u64) {
    let shelf = DiskShelves::new(root, DiskOptions::default()).open(&at(0)).expect("opened");
    for (what, known) in [("new", false), ("known", true)] {
        let (began, mut found) = (Instant::now(), 0);
        for number in 0..LOOKUPS {
            let nth = number.wrapping_mul(999_983) % keys / u64::from(PARTITIONS) * u64::from(PARTITIONS);
            let mut key = key(nth, keys);
            if !known {
                key[12] ^= 0x55;
            }
            found += u64::from(shelf.get(&key).expect("read").is_some());
        }
        assert_eq!(found, if known { LOOKUPS } else { 0 });
        let each = began.elapsed() / u32::try_from(LOOKUPS).expect("few");
        println!("a {what} key: {each:?}, {} MiB of memory, {} at most", memory_mib("VmRSS:"), memory_mib("VmHWM:"));
    }
}

fn memory_mib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn disk_mib(root: &Path) -> u64 {
    let output = Command::new("du").arg("-sm").arg(root).output().expect("du");
    String::from_utf8_lossy(&output.stdout).split_whitespace().next().and_then(|mib| mib.parse().ok()).unwrap_or(0)
}
