//! Shelves: what is remembered and settled, on a disk, so that it needs neither memory nor a second reading.
//!
//! - **Implements** `fleet::shelf`, in a directory ([`DiskShelves`]) and in memory ([`MemoryShelves`], for tests and the simulation).
//! - **Stands on** fjall: one store for each partition of a changelog, which one process has open at a time.
//! - **Promises** what the port says. After a crash a shelf holds the first so many of its batches: all of them go through one journal
//!   into one keyspace, so that whatever a table or the journal's end has lost came last. Nothing is synced for it: the changelog is the
//!   truth, and what is lost of the end is read there again.
//! - **Never**: knows what an entry means, or what a changelog is.
//!
//! What can't be noticed: a changelog that was made anew, or whose brokers lost what they had committed, once it has grown past the
//! checkpoint again; and damage in a sealed journal whose entries were not written to tables yet. Whoever makes `memory.intake` anew, or
//! takes the log from a backup, removes the folder here too.

mod disk;
mod engine;
mod directory;
mod looking;
mod memory;

pub use disk::{DiskOptions, DiskShelves};
pub use looking::Found;
pub use memory::MemoryShelves;

pub use fleet::shelf::{Batch, Checkpoint, Shelf, ShelfChange, ShelfError, Shelves};
