//! What the tests begin with: a clock that moves when told, topics, records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fleet::bus::{Bus, Cleanup, Delivered, Headers, Isolation, Limit, Membership, Outgoing, TopicPartition, TopicSpec};
use fleet::clock::Clock;
use local::{Local, Options};

/// Enough for everything a test has written.
pub(crate) const PLENTY: Limit = Limit { records: 1_000_000, bytes: 1 << 30 };

/// A clock that moves when told; it starts a day after the epoch.
pub(crate) struct ManualClock(AtomicU64);

// === impl ManualClock ===

impl ManualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(24 * 60 * 60 * 1000)))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn set_back(&self, time: Duration) {
        self.0.fetch_sub(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn since_boot(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Options without upkeep of its own, without a reserve on the disk, and with a clock that stands.
pub(crate) fn options() -> Options {
    options_with(ManualClock::new())
}

pub(crate) fn options_with(clock: Arc<ManualClock>) -> Options {
    Options { free_space_bytes_min: 0, dirty_records_min: 1, maintenance_interval: None, ..Options::new(clock) }
}

/// Creates a topic.
pub(crate) fn topic(log: &Local, name: &str, partitions: u32, cleanup: Cleanup) -> Arc<str> {
    let name: Arc<str> = name.into();
    log.create_topics(&[TopicSpec { name: name.clone(), partitions, cleanup }]).unwrap();
    name
}

/// Appends values in one transaction.
pub(crate) fn append(log: &Local, topic: &Arc<str>, partition: u32, values: &[&str]) {
    let mut producer = log.producer("append").unwrap();
    for value in values {
        producer.send(record(topic, partition, "key", Some(value))).unwrap();
    }
    producer.commit(None).unwrap();
}

pub(crate) fn record(topic: &Arc<str>, partition: u32, key: &str, value: Option<&str>) -> Outgoing {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let (key, value) = (Some(bytes(key)), value.map(bytes));
    Outgoing { topic: topic.clone(), partition, timestamp_ms: 0, key, value, headers: Headers::default() }
}

/// All records of a partition; the position afterwards is its end.
pub(crate) fn read(log: &Local, topic: &Arc<str>, partition: u32) -> Vec<Delivered> {
    let name = TopicPartition::new(topic.clone(), partition);
    let marks = log.watermarks(&name).unwrap();
    let mut reader = log.reader(Isolation::ReadCommitted).unwrap();
    reader.assign(&[(name.clone(), 0)]).unwrap();
    let mut records = Vec::new();
    reader.read(PLENTY, Duration::ZERO, &mut records).unwrap();
    assert_eq!(reader.position(&name).unwrap(), marks.high);
    records
}

/// The values of records, as text.
pub(crate) fn values(records: &[Delivered]) -> Vec<String> {
    let text = |record: &Delivered| String::from_utf8(record.value.clone().unwrap_or_default().to_vec()).unwrap();
    records.iter().map(text).collect()
}

pub(crate) fn membership(group: &str, instance: &str, topics: &[&Arc<str>]) -> Membership {
    Membership {
        group: group.to_owned(),
        instance: instance.to_owned(),
        topics: topics.iter().map(|topic| (*topic).clone()).collect(),
        session_timeout: Duration::from_secs(10),
    }
}
