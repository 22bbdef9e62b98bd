//! How a log is kept: durability, clock, bounds.

use std::sync::Arc;
use std::time::Duration;

use fleet::clock::Clock;

/// How a log is kept. [`Options::new`] gives what production uses.
#[derive(Clone)]
pub struct Options {
    /// When a commit reaches the disk.
    pub durability: Durability,
    /// Where time comes from: sessions, retention.
    pub clock: Arc<dyn Clock>,
    /// How many bytes of the newest records stay in memory, so that readers at the tail never touch the disk.
    pub tail_cache_bytes: usize,
    /// The memory for blocks read from the disk.
    pub block_cache_bytes: u64,
    /// How much the storage engine gathers in memory before it writes a table; up to five times as much under load. Chosen
    /// when the log is made.
    pub write_buffer_bytes: u64,
    /// Header names that readers hand out without an allocation.
    pub header_names: &'static [&'static str],
    /// Commits answer `Full` while the file system has less free space than this, so that the storage underneath never
    /// runs out in the middle of a write.
    pub free_space_bytes_min: u64,
    /// How long a tombstone stays after it was appended, so that readers under way still see it.
    pub tombstone_retention: Duration,
    /// A partition is compacted when at least this many records came since, and as many as survived the last time.
    pub dirty_records_min: u64,
    /// How much one call of `maintain` may read.
    pub maintenance_bytes_max: usize,
    /// How often a thread of the log's own calls `maintain`; never, if none. The in-memory form has no threads.
    pub maintenance_interval: Option<Duration>,
}

/// When a commit reaches the disk. A crash of the process alone loses nothing under any of these: they differ in what a power
/// loss or a crash of the operating system may cost. What is lost is always the newest end of the log, whole transactions of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A commit returns, and its records become visible, once `fdatasync` has returned. Concurrent commits share one. Nothing
    /// acknowledged is ever lost.
    EveryCommit,
    /// A commit returns once the operating system has it; a thread syncs this often. A power loss may cost the commits of
    /// the last interval.
    Interval(Duration),
    /// Nothing is ever synced; the operating system writes when it likes, usually within 30 seconds. For throw-away data.
    None,
}

// === impl Options ===

impl Options {
    /// The options of production: every commit synced, 64 MiB of tail, maintenance each 30 seconds.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            durability: Durability::EveryCommit,
            clock,
            tail_cache_bytes: 64 << 20,
            block_cache_bytes: 32 << 20,
            write_buffer_bytes: 32 << 20,
            header_names: &[],
            free_space_bytes_min: 256 << 20,
            tombstone_retention: Duration::from_secs(24 * 60 * 60),
            dirty_records_min: 10_000,
            maintenance_bytes_max: 16 << 20,
            maintenance_interval: Some(Duration::from_secs(30)),
        }
    }
}
