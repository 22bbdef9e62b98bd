//! The bus port: what the fleet needs of a log, in Kafka's terms.
//!
//! Two edges implement it, `kafka` (rdkafka) and `local` (an embedded log, on disk or in memory), and one contract suite judges
//! both (`tests/contracts`). The port is synchronous: one slot is one thread, and the simulation drives it from one thread in all.
//!
//! What every implementation promises:
//! - A partition is a sequence of records with growing offsets (gaps are legal), appended by transactions.
//! - A transaction makes its records and its consumed offsets visible together or not at all. Consumers and readers under
//!   [`Isolation::ReadCommitted`] see committed records only, in offset order, up to the last stable offset.
//! - Asking for a [`Producer`] with a transactional id fences every earlier producer of that id: its open transaction is aborted
//!   and its next call answers [`BusError::Fenced`].
//! - A commit that names consumed offsets is refused with [`BusError::StaleGeneration`] when the group has moved on.
//! - Members of a group own disjoint partitions; equal partition numbers of all subscribed topics go to one member.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

/// A partition of a topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's full name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: u32,
}

/// Record headers in order; names may repeat, as in Kafka.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(HeaderName, Bytes)>);

/// A header's name; the well-known ones cost no allocation.
pub type HeaderName = std::borrow::Cow<'static, str>;

/// A record as a consumer or reader hands it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The topic it came from.
    pub topic: Arc<str>,
    /// The partition it came from.
    pub partition: u32,
    /// Its offset there.
    pub offset: u64,
    /// When it was appended or created, in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its value; none is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers.
    pub headers: Headers,
}

/// A record to append within the producer's transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The topic's full name.
    pub topic: Arc<str>,
    /// The partition, always explicit: the fleet partitions keys itself (murmur2, as Java clients do).
    pub partition: u32,
    /// When it was created, in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// The key, if any.
    pub key: Option<Bytes>,
    /// The value; none writes a tombstone.
    pub value: Option<Bytes>,
    /// The headers.
    pub headers: Headers,
}

/// What a topic is and how long its records live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// The full name.
    pub name: Arc<str>,
    /// How many partitions it has; chosen once.
    pub partitions: u32,
    /// What happens to old records.
    pub cleanup: Cleanup,
}

/// A topic's cleanup policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// Kept for ever.
    Keep,
    /// Deleted once older than this.
    Delete {
        /// The retention.
        retention: Duration,
    },
    /// Compacted: the newest record of each key is kept, tombstones vanish after a while.
    Compact,
    /// Compacted, and deleted once older than this.
    CompactDelete {
        /// The retention.
        retention: Duration,
    },
}

/// Which records a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Committed records up to the last stable offset.
    ReadCommitted,
    /// Everything up to the high watermark.
    ReadUncommitted,
}

/// Where a partition begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// The first offset still there.
    pub low: u64,
    /// The last stable offset: no open transaction has a record below it.
    pub stable: u64,
    /// The offset the next record will get.
    pub high: u64,
}

/// How a consumer joins its group.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The consumer group.
    pub group: String,
    /// The stable name of this member (static membership).
    pub instance: String,
    /// The topics it subscribes to; co-partitioned ones are assigned together.
    pub topics: Vec<Arc<str>>,
    /// How long the group waits for a silent member.
    pub session_timeout: Duration,
}

/// The proof of membership a transaction carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadata {
    /// The consumer group.
    pub group: String,
    /// The group's generation when the member last joined.
    pub generation: u64,
    /// The member's id in that generation.
    pub member: String,
    /// The implementation's own form of the same, opaque to the fleet (librdkafka insists on its own object).
    pub token: Bytes,
}

/// Why [`Consumer::wait`] returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Records may be there to take.
    Ready,
    /// The [`Waker`] was used.
    Woken,
    /// Nothing happened in time.
    TimedOut,
    /// These partitions are ours now; they start at the group's committed offsets, or at the beginning.
    Assigned(Vec<TopicPartition>),
    /// These partitions are to be given up: finish the turn, then call [`Consumer::release`].
    Revoked {
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// They are gone already (session lost): nothing of them can be committed any more.
        lost: bool,
    },
}

/// How much one [`Consumer::take`] may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The most records.
    pub records: usize,
    /// The most bytes of keys, values and headers; one record may exceed it.
    pub bytes: usize,
}

/// Wakes a consumer out of [`Consumer::wait`] from any thread.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// A log with topics, groups and transactions.
pub trait Bus: Send + Sync {
    /// Creates the topics that do not exist; an existing topic with another partition count is an error.
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError>;
    /// All topics there are.
    fn topics(&self) -> Result<Vec<TopicSpec>, BusError>;
    /// Joins a group.
    fn consumer(&self, membership: Membership) -> Result<Box<dyn Consumer>, BusError>;
    /// A producer with exclusive use of this transactional id; earlier holders are fenced.
    fn producer(&self, transactional_id: &str) -> Result<Box<dyn Producer>, BusError>;
    /// A reader outside any group.
    fn reader(&self, isolation: Isolation) -> Result<Box<dyn Reader>, BusError>;
    /// A partition's watermarks.
    fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, BusError>;
    /// The offset a group has committed for a partition.
    fn committed(&self, group: &str, partition: &TopicPartition) -> Result<Option<u64>, BusError>;
}

/// A member of a consumer group. Read-committed, manual offsets: only transactions move the group.
pub trait Consumer: Send {
    /// Waits until something happens, at most `timeout`; membership changes are told here and nowhere else.
    fn wait(&mut self, timeout: Duration) -> Result<Wake, BusError>;
    /// Moves what is there of one assigned topic to `out`, in offset order per partition, and advances past it. Never blocks.
    /// Paused partitions give nothing.
    fn take(&mut self, topic: &str, limit: Limit, out: &mut Vec<Delivered>) -> Result<(), BusError>;
    /// Gives up the partitions of the last [`Wake::Revoked`].
    fn release(&mut self) -> Result<(), BusError>;
    /// The partitions owned now.
    fn assignment(&self) -> Vec<TopicPartition>;
    /// The next offset this consumer will take from an owned partition.
    fn position(&self, partition: &TopicPartition) -> Result<u64, BusError>;
    /// Sets the next offset to take from an owned partition.
    fn seek(&mut self, partition: &TopicPartition, offset: u64) -> Result<(), BusError>;
    /// Stops taking from these partitions.
    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError>;
    /// Takes from them again.
    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError>;
    /// The membership as of now, for [`Producer::commit`].
    fn group(&self) -> GroupMetadata;
    /// How long ago the group last heard of this member: the lease's age.
    fn heartbeat_age(&self) -> Duration;
    /// A handle that wakes [`Consumer::wait`].
    fn waker(&self) -> Waker;
    /// Leaves the group at once, so that others take over without waiting for the session to end.
    fn leave(self: Box<Self>) -> Result<(), BusError>;
}

/// A transactional producer. A transaction begins with the first send and ends with commit or abort.
pub trait Producer: Send {
    /// Adds a record to the transaction.
    fn send(&mut self, record: Outgoing) -> Result<(), BusError>;
    /// Commits the records and, where given, the group's next offsets, together and durably.
    fn commit(&mut self, consumed: Option<Consumed<'_>>) -> Result<(), BusError>;
    /// Drops the transaction.
    fn abort(&mut self) -> Result<(), BusError>;
}

/// The offsets a transaction consumes on behalf of a group.
#[derive(Clone, Copy, Debug)]
pub struct Consumed<'a> {
    /// The membership under which the records were taken.
    pub group: &'a GroupMetadata,
    /// For each partition the offset to go on from.
    pub next: &'a [(TopicPartition, u64)],
}

/// Reads partitions without a group: changelogs, shared tables, tails.
pub trait Reader: Send {
    /// Reads from these positions on; replaces earlier ones.
    fn assign(&mut self, from: &[(TopicPartition, u64)]) -> Result<(), BusError>;
    /// Moves what is there to `out`, waiting at most `timeout` for the first record.
    fn read(&mut self, limit: Limit, timeout: Duration, out: &mut Vec<Delivered>) -> Result<(), BusError>;
    /// The next offset to be read; passes over aborted records and gaps.
    fn position(&self, partition: &TopicPartition) -> Result<u64, BusError>;
}

/// What can go wrong on a bus, by what the caller has to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// A newer producer holds the transactional id: drop the work, build a new producer, rejoin.
    #[error("this producer was fenced by a newer holder of its transactional id")]
    Fenced,
    /// The group has rebalanced since the records were taken: abort and take again.
    #[error("the group's generation has moved on")]
    StaleGeneration,
    /// The transaction failed and must be aborted; trying it again may work.
    #[error("the transaction must be aborted: {0}")]
    Abort(String),
    /// It is not known whether the transaction committed; only reading the log tells.
    #[error("it is not known whether the transaction committed: {0}")]
    OutcomeUnknown(String),
    /// The record is larger than the bus takes.
    #[error("the record has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// The record's size.
        bytes: usize,
        /// The most the bus takes.
        limit: usize,
    },
    /// No such topic or partition.
    #[error("no partition {0} on this bus")]
    UnknownPartition(String),
    /// A topic exists with other properties than asked for.
    #[error("topic {topic} has {found} partitions, {wanted} were asked for")]
    PartitionCount {
        /// The topic.
        topic: String,
        /// What it has.
        found: u32,
        /// What was asked for.
        wanted: u32,
    },
    /// The bus can't be reached or can't write right now; waiting may help.
    #[error("the bus is unavailable: {0}")]
    Unavailable(String),
    /// There is no room to write.
    #[error("no space left to write: {0}")]
    Full(String),
    /// Another process holds the log.
    #[error("another process holds {0}")]
    Locked(String),
    /// What is stored can't be trusted.
    #[error("the log is damaged: {0}")]
    Damaged(String),
    /// The bus refuses the credentials or the operation.
    #[error("the bus refuses: {0}")]
    Refused(String),
    /// Anything that waiting or retrying does not mend.
    #[error("the bus failed: {0}")]
    Fatal(String),
}

/// The most bytes one record may have (key, value and headers), on both buses.
pub const RECORD_LIMIT_BYTES: usize = 1024 * 1024;

// === impl TopicPartition ===

impl TopicPartition {
    /// The partition of a topic.
    pub fn new(topic: impl Into<Arc<str>>, partition: u32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl Headers ===

impl Headers {
    /// The first header of this name.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|(have, _)| have == name).map(|(_, value)| value)
    }

    /// The first header of this name as text, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Adds a header.
    pub fn push(&mut self, name: impl Into<HeaderName>, value: impl Into<Bytes>) {
        self.0.push((name.into(), value.into()));
    }

    /// The bytes of all names and values.
    pub fn size_bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

// === impl Outgoing ===

impl Outgoing {
    /// The bytes of key, value and headers, as the size limit counts them.
    pub fn size_bytes(&self) -> usize {
        size_bytes(self.key.as_ref(), self.value.as_ref(), &self.headers)
    }
}

// === impl Delivered ===

impl Delivered {
    /// The bytes of key, value and headers, as limits count them.
    pub fn size_bytes(&self) -> usize {
        size_bytes(self.key.as_ref(), self.value.as_ref(), &self.headers)
    }

    /// The partition it came from.
    pub fn topic_partition(&self) -> TopicPartition {
        TopicPartition { topic: self.topic.clone(), partition: self.partition }
    }
}

// === impl BusError ===

impl BusError {
    /// Whether waiting and trying again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Abort(_) | Self::Full(_))
    }
}

fn size_bytes(key: Option<&Bytes>, value: Option<&Bytes>, headers: &Headers) -> usize {
    key.map_or(0, Bytes::len) + value.map_or(0, Bytes::len) + headers.size_bytes()
}
