//! What a log has done since it was opened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a log has done since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions committed.
    pub commits: u64,
    /// Transactions that committed nothing because they were refused or failed.
    pub refusals: u64,
    /// Writes to storage; concurrent commits share one.
    pub writes: u64,
    /// Writes that were synced to the disk.
    pub syncs: u64,
    /// How long producers have waited for commits in all.
    pub commit_time: Duration,
    /// The longest such wait.
    pub commit_time_max: Duration,
    /// What was appended, by topic.
    pub topics: BTreeMap<Arc<str>, TopicStats>,
}

/// What was appended to a topic since the log was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopicStats {
    /// Records.
    pub records: u64,
    /// The bytes they take in storage, before the engine compresses them.
    pub bytes: u64,
}

/// The counters behind [`Stats`].
#[derive(Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    refusals: AtomicU64,
    writes: AtomicU64,
    syncs: AtomicU64,
    commit_nanos: AtomicU64,
    commit_nanos_max: AtomicU64,
}

// === impl Counters ===

impl Counters {
    /// A commit took this long.
    pub(crate) fn committed(&self, took: Duration, is_good: bool) {
        let counter = if is_good { &self.commits } else { &self.refusals };
        counter.fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.commit_nanos.fetch_add(nanos, Ordering::Relaxed);
        self.commit_nanos_max.fetch_max(nanos, Ordering::Relaxed);
    }

    /// Storage was written to.
    pub(crate) fn wrote(&self, synced: bool) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.syncs.fetch_add(u64::from(synced), Ordering::Relaxed);
    }

    /// Storage was synced on its own.
    pub(crate) fn synced(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers as of now.
    pub(crate) fn read(&self, topics: BTreeMap<Arc<str>, TopicStats>) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            commits: read(&self.commits),
            refusals: read(&self.refusals),
            writes: read(&self.writes),
            syncs: read(&self.syncs),
            commit_time: Duration::from_nanos(read(&self.commit_nanos)),
            commit_time_max: Duration::from_nanos(read(&self.commit_nanos_max)),
            topics,
        }
    }
}
