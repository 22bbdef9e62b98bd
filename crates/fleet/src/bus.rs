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
//! - A commit that names consumed offsets is refused with [`BusError::StaleGeneration`] when the group has moved on. The fleet
//!   names at least one offset of every partition whose memory a transaction changes, if only the one it stands at: Kafka
//!   checks the generation along with offsets and with nothing else.
//! - Members of a group own disjoint partitions; equal partition numbers of all subscribed topics go to one member.

mod error;
mod limit;
mod record;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use error::BusError;
pub use limit::{Allowance, Limit};
pub(crate) use record::Size;
pub use record::{Delivered, HeaderName, Headers, Outgoing, RECORD_LIMIT_BYTES, TopicPartition};

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
    /// These partitions are ours now, perhaps none; they start at the group's committed offsets, or at the beginning. No
    /// transaction of an earlier generation can move those offsets any more: whoever tells this has waited for that.
    Assigned(Vec<TopicPartition>),
    /// These partitions are to be given up. Until [`Consumer::release`] they stay ours, and commits are good; the fleet takes
    /// as long as its drain allows.
    Revoked {
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// They are gone already (session lost): nothing of them can be committed any more.
        lost: bool,
    },
}

/// Wakes a consumer out of [`Consumer::wait`] from any thread.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// A log with topics, groups and transactions.
pub trait Bus: Send + Sync {
    /// Creates the topics that do not exist; an existing topic with another partition count is an error.
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError>;
    /// All topics there are.
    fn topics(&self) -> Result<Vec<TopicSpec>, BusError>;
    /// How many partitions a topic has; nothing if it is not there.
    fn partitions(&self, topic: &str) -> Result<Option<u32>, BusError>;
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
    /// Waits until something happens, at most `timeout`; membership changes are told here and nowhere else. Records of paused
    /// partitions end no wait. [`BusError::Fenced`] says that another holder of the instance has joined, at once the first time;
    /// whoever waits on all the same does wait.
    fn wait(&mut self, timeout: Duration) -> Result<Wake, BusError>;
    /// Moves what is there of one assigned topic to `out`, in offset order per partition, and advances past it. Never blocks.
    /// Paused partitions give nothing; the others have their turns within each topic. Whatever was moved to `out` counts as taken, also if an error follows.
    fn take(&mut self, topic: &str, limit: Limit, out: &mut Vec<Delivered>) -> Result<(), BusError>;
    /// Gives up the partitions of the last [`Wake::Revoked`].
    fn release(&mut self) -> Result<(), BusError>;
    /// The partitions owned now.
    fn assignment(&self) -> Vec<TopicPartition>;
    /// Whether it can't be told where an owned partition starts, since a transaction that moves its offset never ends: where this
    /// consumer stands then is no further than where the group got to, and whoever knows better has to [`Consumer::seek`].
    fn is_unsettled(&self, partition: &TopicPartition) -> bool {
        let _ = partition;
        false
    }
    /// The next offset this consumer will take from an owned partition, known from the assignment on. It passes over gaps and
    /// what was aborted, so that a partition taken to its end has the stable end as its position.
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
    /// Drops the transaction. [`BusError::Fenced`] says that there is a newer holder of the name; a producer that was fenced after a
    /// transaction so slow that brokers may have ended it can't know, and answers [`BusError::OutcomeUnknown`], as one does whose
    /// commit was never answered: that can't be taken back.
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
