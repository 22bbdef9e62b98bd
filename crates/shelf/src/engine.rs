//! The storage engine, and what its failures mean for a shelf.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fjall::config::{FilterPolicy, FilterPolicyEntry, PartitioningPolicy, PinningPolicy};
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions};
use fleet::shelf::ShelfError;

use crate::disk::DiskOptions;

/// The journal the engine keeps at most for tables not yet written; it is read when a shelf is opened.
const JOURNAL_BYTES: u64 = 64 << 20;
/// Bits of the filters that tell new keys from known ones: of a hundred new keys one looks at a table in vain.
const FILTER_BITS: f32 = 10.0;

/// Opens the store of one shelf.
pub(crate) fn open(store: &Path, options: &DiskOptions) -> Result<(Keyspace, Database), ShelfError> {
    run(store, || {
        let database = Database::builder(store)
            .cache_size(options.cache_bytes)
            .journal_compression(CompressionType::None)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(1)
            .open()?;
        let keyspace = database.keyspace("shelf", || keyspace(options))?;
        Ok((keyspace, database))
    })
}

/// Filters are whole and stay in memory, ten bits a key: nearly every key that is looked up is new, and none of them should touch
/// the disk.
fn keyspace(options: &DiskOptions) -> KeyspaceCreateOptions {
    let bits = FilterPolicyEntry::Bloom(fjall::config::BloomConstructionPolicy::BitsPerKey(FILTER_BITS));
    KeyspaceCreateOptions::default()
        .max_memtable_size(options.write_buffer_bytes)
        .filter_policy(FilterPolicy::all(bits))
        .filter_block_pinning_policy(PinningPolicy::all(true))
        .filter_block_partitioning_policy(PartitioningPolicy::all(false))
}

/// Runs the engine. It panics over some damage that it does not expect; that is damage too.
pub(crate) fn run<T>(path: &Path, run: impl FnOnce() -> fjall::Result<T>) -> Result<T, ShelfError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(done) => done.map_err(|error| failure(path, &error)),
        Err(panic) => {
            let what = panic.downcast_ref::<String>().map(String::as_str);
            let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
            Err(ShelfError::Damaged(format!("{}: {what}", path.display())))
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else the engine may complain about, it can't read its files"
)]
fn failure(path: &Path, error: &fjall::Error) -> ShelfError {
    let text = format!("{}: {error}", path.display());
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::UnexpectedEof | ErrorKind::InvalidData => ShelfError::Damaged(text),
            _ => ShelfError::Unavailable(text),
        },
        // After an error of its own; what it has written is as good as before.
        fjall::Error::Poisoned | fjall::Error::Locked => ShelfError::Unavailable(text),
        _ => ShelfError::Damaged(text),
    }
}
