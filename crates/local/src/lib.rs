//! An embedded log with Kafka's semantics, for one machine without servers: the bus of a small deployment and, in memory, of many
//! tests.
//!
//! - **Implements** [`fleet::bus::Bus`]: partitions, transactions across topics and group offsets, fencing, consumer groups with
//!   generations, keyed compaction, retention. Read-committed, because a transaction gathers in its producer's memory and
//!   reaches the log whole.
//! - **Stands on** fjall in one directory, which one process has open; or on two maps in memory, with the same code above them.
//! - **Promises** that a commit survives a kill of the process at any point, and under [`Durability::EveryCommit`] a power loss;
//!   that readers at the tail never touch the disk; that one sync is shared by all who commit meanwhile.
//! - **Never** lets anything but its calls and the clock it was given decide what the in-memory form does: it starts no threads,
//!   draws no random numbers, and can be driven from one thread by `wait(Duration::ZERO)`.
//!
//! Memory: the newest batches (`tail_cache_bytes`), the engine's tables not yet written (up to about 200 MiB under load), its block
//! cache. A record handed out shares the bytes of its batch; who keeps a key for long should copy it.

mod batch;
mod storage;

mod partition;
mod topics;

mod append;
mod offsets;
mod producer;

mod coordinator;
mod cursor;
mod groups;

mod consumer;
mod reader;

mod duty;
mod engine;
mod local;
mod maintenance;
mod options;
mod stats;
mod verify;

pub use local::Local;
pub use maintenance::Upkeep;
pub use options::{Durability, Options};
pub use stats::{Stats, TopicStats};
