//! What most cases begin with: topics, records, members of groups that do as they are told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fleet::bus::{
    Bus, Cleanup, Consumed, Consumer, Delivered, Headers, Isolation, Limit, Membership, Outgoing, Producer,
    TopicPartition, TopicSpec, Wake,
};

use crate::bench::Bench;

/// Enough for everything a case has written.
pub(crate) const PLENTY: Limit = Limit { records: 100_000, bytes: 64 << 20 };

/// How long one look takes at most while a case waits for something.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(20);

/// A bus, and names on it that nobody else uses.
pub(crate) struct Stage {
    pub(crate) bus: Arc<dyn Bus>,
    name: String,
    session_timeout: Duration,
    patience: Duration,
}

/// A member of a group that releases what is revoked and keeps what it takes.
pub(crate) struct Member {
    pub(crate) consumer: Box<dyn Consumer>,
    pub(crate) owned: BTreeSet<TopicPartition>,
    pub(crate) taken: Vec<Delivered>,
}

// === impl Stage ===

impl Stage {
    pub(crate) fn new(bench: &dyn Bench) -> Self {
        static STAGES: AtomicU64 = AtomicU64::new(0);
        let name = format!("contract-{}-{}", std::process::id(), STAGES.fetch_add(1, Ordering::Relaxed));
        Self { bus: bench.bus(), name, session_timeout: bench.session_timeout(), patience: bench.patience() }
    }

    /// The same stage after a restart of the bus, which nobody here holds meanwhile.
    pub(crate) fn across(self, restart: impl FnOnce() -> Arc<dyn Bus>) -> Self {
        let Self { bus, name, session_timeout, patience } = self;
        drop(bus);
        Self { bus: restart(), name, session_timeout, patience }
    }

    /// The name that a short one stands for on this stage.
    pub(crate) fn name(&self, short: &str) -> String {
        format!("{}-{short}", self.name)
    }

    /// A new topic that keeps everything.
    pub(crate) fn topic(&self, short: &str, partitions: u32) -> Arc<str> {
        self.topic_with(short, partitions, Cleanup::Keep)
    }

    /// A new topic.
    pub(crate) fn topic_with(&self, short: &str, partitions: u32, cleanup: Cleanup) -> Arc<str> {
        let name: Arc<str> = self.name(short).into();
        self.bus.create_topics(&[TopicSpec { name: name.clone(), partitions, cleanup }]).unwrap();
        name
    }

    pub(crate) fn producer(&self, short: &str) -> Box<dyn Producer> {
        self.bus.producer(&self.name(short)).unwrap()
    }

    /// Appends records with these values to a partition, in one transaction.
    pub(crate) fn append(&self, topic: &Arc<str>, partition: u32, values: &[&str]) {
        let mut producer = self.producer("append");
        for value in values {
            producer.send(record(topic, partition, value)).unwrap();
        }
        producer.commit(None).unwrap();
    }

    /// Sends records with these values and aborts.
    pub(crate) fn append_in_vain(&self, topic: &Arc<str>, partition: u32, values: &[&str]) {
        let mut producer = self.producer("append");
        for value in values {
            producer.send(record(topic, partition, value)).unwrap();
        }
        producer.abort().unwrap();
    }

    /// A member of the group of this short name.
    pub(crate) fn join(&self, group: &str, instance: &str, topics: &[&Arc<str>]) -> Member {
        let membership = Membership {
            group: self.name(group),
            instance: self.name(instance),
            topics: topics.iter().map(|topic| (*topic).clone()).collect(),
            session_timeout: self.session_timeout,
        };
        let consumer = self.bus.consumer(membership).unwrap();
        Member { consumer, owned: BTreeSet::new(), taken: Vec::new() }
    }

    /// A member that owns all partitions already.
    pub(crate) fn join_alone(&self, group: &str, instance: &str, topics: &[&Arc<str>]) -> Member {
        let mut member = self.join(group, instance, topics);
        let all = self.partitions(topics);
        self.until("a lone member owns all", || {
            member.step(A_MOMENT);
            member.owned == all
        });
        member
    }

    /// All partitions of these topics.
    pub(crate) fn partitions(&self, topics: &[&Arc<str>]) -> BTreeSet<TopicPartition> {
        let specs = self.bus.topics().unwrap();
        let wanted = specs.iter().filter(|spec| topics.contains(&&spec.name));
        wanted
            .flat_map(|spec| (0..spec.partitions).map(|number| TopicPartition::new(spec.name.clone(), number)))
            .collect()
    }

    /// Longer than a case may wait: who is not woken before has failed.
    pub(crate) fn forever(&self) -> Duration {
        self.patience * 2
    }

    /// Asks again and again until it is so. Who had to be woken for that and was not has waited [`Self::forever`].
    pub(crate) fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < self.patience, "waited {:?} in vain: {what}", self.patience);
        }
        assert!(begun.elapsed() < self.forever(), "nobody was woken: {what}");
    }

    /// Lets the member take until it has this many records in all.
    pub(crate) fn take(&self, member: &mut Member, count: usize) {
        self.until("the records come", || {
            member.step(A_MOMENT);
            member.take_all();
            count <= member.taken.len()
        });
    }

    /// Everything committed in a partition by now, by the restore rule: up to the high watermark.
    pub(crate) fn read(&self, topic: &Arc<str>, partition: u32) -> Vec<Delivered> {
        let name = TopicPartition::new(topic.clone(), partition);
        let marks = self.bus.watermarks(&name).unwrap();
        let mut reader = self.bus.reader(Isolation::ReadCommitted).unwrap();
        reader.assign(&[(name.clone(), marks.low)]).unwrap();
        let mut records = Vec::new();
        self.until("the reader reaches the high watermark", || {
            reader.read(PLENTY, A_MOMENT, &mut records).unwrap();
            marks.high <= reader.position(&name).unwrap()
        });
        records
    }

    /// The values committed in a partition by now.
    pub(crate) fn values(&self, topic: &Arc<str>, partition: u32) -> Vec<String> {
        values(&self.read(topic, partition))
    }

    /// The offset the group of this short name has committed.
    pub(crate) fn committed(&self, group: &str, topic: &Arc<str>, partition: u32) -> Option<u64> {
        self.bus.committed(&self.name(group), &TopicPartition::new(topic.clone(), partition)).unwrap()
    }
}

// === impl Member ===

impl Member {
    /// Waits once and does as told.
    pub(crate) fn step(&mut self, timeout: Duration) -> Wake {
        let wake = self.consumer.wait(timeout).unwrap();
        match &wake {
            Wake::Assigned(partitions) => self.owned.extend(partitions.iter().cloned()),
            Wake::Revoked { partitions, .. } => {
                self.owned.retain(|owned| !partitions.contains(owned));
                self.consumer.release().unwrap();
            }
            Wake::Ready | Wake::Woken | Wake::TimedOut => {}
        }
        wake
    }

    /// Takes what is there of all topics it owns partitions of.
    pub(crate) fn take_all(&mut self) {
        let topics: BTreeSet<Arc<str>> = self.owned.iter().map(|partition| partition.topic.clone()).collect();
        for topic in topics {
            self.consumer.take(&topic, PLENTY, &mut self.taken).unwrap();
        }
    }

    /// Commits with this producer all positions of what it owns.
    pub(crate) fn commit(&self, producer: &mut dyn Producer) -> Result<(), fleet::bus::BusError> {
        let position = |partition: &TopicPartition| (partition.clone(), self.consumer.position(partition).unwrap());
        let next: Vec<_> = self.owned.iter().map(position).collect();
        producer.commit(Some(Consumed { group: &self.consumer.group(), next: &next }))
    }
}

/// Gives another thread the time to fall asleep in a wait. Nothing depends on whether it has.
pub(crate) fn fall_asleep() {
    std::thread::sleep(A_MOMENT * 5);
}

/// A record without key and headers.
pub(crate) fn record(topic: &Arc<str>, partition: u32, value: &str) -> Outgoing {
    keyed(topic, partition, None, Some(value))
}

/// A record with a key, or a tombstone.
pub(crate) fn keyed(topic: &Arc<str>, partition: u32, key: Option<&str>, value: Option<&str>) -> Outgoing {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    Outgoing {
        topic: topic.clone(),
        partition,
        timestamp_ms: 1_700_000_000_000,
        key: key.map(bytes),
        value: value.map(bytes),
        headers: Headers::default(),
    }
}

/// The values of records, as text.
pub(crate) fn values(records: &[Delivered]) -> Vec<String> {
    let text = |record: &Delivered| String::from_utf8(record.value.clone().unwrap_or_default().to_vec()).unwrap();
    records.iter().map(text).collect()
}
