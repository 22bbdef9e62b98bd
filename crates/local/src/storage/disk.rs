//! Storage in a directory, on fjall.
//!
//! The log's values are kept apart from their keys, so that the engine's compaction moves keys only. Values in its journal stay
//! uncompressed: the journal is short-lived and compressing it costs the commit path more than the disk gains.

use std::io::ErrorKind;
use std::ops::{Bound, ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;

use bytes::Bytes;
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};
use fleet::bus::BusError;

use super::directory::{Acknowledged, Directory, failure};
use super::{Space, Storage, Visit, Write, keys, manifest};
use crate::options::Options;
use fleet::sync::locked;

/// How much journal the engine keeps at most for tables not yet written.
const JOURNAL_BYTES: u64 = 256 << 20;

/// A directory with the engine's files in it.
pub(crate) struct Disk {
    log: Keyspace,
    state: Keyspace,
    database: Database,
    free_space_bytes_min: u64,
    writer: Mutex<Writer>,
    // Dropped last: nobody else may open the directory before the engine has closed it.
    directory: Directory,
}

struct Writer {
    /// The number of the last write; stored with it.
    number: u64,
    acknowledged: Acknowledged,
    /// Why nothing can be written any more.
    closed: Option<String>,
}

// === impl Disk ===

impl Disk {
    /// Opens or makes the storage in a directory.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self, BusError> {
        let directory = Directory::hold(path)?;
        let store = directory.store()?;
        manifest::check(&store)?;
        let database = engine(&store, || {
            Database::builder(&store)
                .cache_size(options.block_cache_bytes)
                .journal_compression(CompressionType::None)
                .max_journaling_size(JOURNAL_BYTES)
                .open()
        })?;
        let log = engine(&store, || database.keyspace("log", || log_options(options)))?;
        let state = engine(&store, || database.keyspace("state", || state_options(options)))?;
        let number =
            engine(&store, || state.get(keys::WRITES))?.map_or(Ok(0), |value| decode_number(&store, &value))?;
        let (mut acknowledged, noted) = directory.acknowledged()?;
        if let Some(noted) = noted.filter(|noted| number < *noted) {
            return Err(lost_writes(&store, number, noted));
        }
        acknowledged.note(number);
        let writer = Mutex::new(Writer { number, acknowledged, closed: None });
        Ok(Self { log, state, database, free_space_bytes_min: options.free_space_bytes_min, writer, directory })
    }

    fn keyspace(&self, space: Space) -> &Keyspace {
        match space {
            Space::Log => &self.log,
            Space::State => &self.state,
        }
    }

    fn engine<T>(&self, run: impl FnOnce() -> fjall::Result<T>) -> Result<T, BusError> {
        engine(self.directory.path(), run)
    }
}

impl Storage for Disk {
    fn apply(&self, writes: Vec<Write>, sync: bool) -> Result<(), BusError> {
        let mut writer = locked(&self.writer);
        if let Some(why) = &writer.closed {
            return Err(BusError::Fatal(why.clone()));
        }
        let number = writer.number + 1;
        let mode = if sync { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut batch =
            fjall::OwnedWriteBatch::with_capacity(self.database.clone(), writes.len() + 1).durability(Some(mode));
        for Write { space, key, value } in writes {
            match value {
                Some(value) => batch.insert(self.keyspace(space), key, value),
                None => batch.remove(self.keyspace(space), key),
            }
        }
        batch.insert(&self.state, keys::WRITES, number.to_be_bytes());
        if let Err(error) = self.engine(|| batch.commit()) {
            // Whether the write is in the journal shows only when the journal is read again; until then nothing may follow it.
            let path = self.directory.path().display();
            let why = format!("{path} is closed for writing until a restart, after an error: {error}");
            writer.closed = Some(why.clone());
            return Err(BusError::OutcomeUnknown(why));
        }
        writer.number = number;
        if sync {
            writer.acknowledged.note(number);
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), BusError> {
        let number = locked(&self.writer).number;
        self.engine(|| self.database.persist(PersistMode::SyncData))?;
        locked(&self.writer).acknowledged.note(number);
        Ok(())
    }

    fn scan(&self, space: Space, range: Range<&[u8]>, visit: &mut Visit<'_>) -> Result<(), BusError> {
        self.engine(|| {
            for entry in self.keyspace(space).range::<&[u8], _>(between(range)) {
                let (key, value) = entry.into_inner()?;
                if visit(&key, value.into()) == ControlFlow::Break(()) {
                    break;
                }
            }
            Ok(())
        })
    }

    fn last(&self, space: Space, range: Range<&[u8]>) -> Result<Option<(Bytes, Bytes)>, BusError> {
        let entry = || self.keyspace(space).range::<&[u8], _>(between(range)).next_back();
        let last = self.engine(|| entry().map(fjall::Guard::into_inner).transpose())?;
        Ok(last.map(|(key, value)| (key.into(), value.into())))
    }

    fn room(&self, bytes: usize) -> Result<(), BusError> {
        let path = self.directory.path();
        let free = rustix::fs::statvfs(path).map_err(|error| failure(path, &error.into()))?;
        let free = free.f_bavail * free.f_frsize;
        let needed = self.free_space_bytes_min + bytes as u64;
        if free < needed {
            let path = path.display();
            return Err(BusError::Full(format!(
                "{path} has {free} bytes free, {needed} are needed; free some and go on"
            )));
        }
        Ok(())
    }
}

/// Runs the engine. It panics over some damage that it does not expect; that is damage too.
fn engine<T>(path: &Path, run: impl FnOnce() -> fjall::Result<T>) -> Result<T, BusError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(engine_failure(path, &error)),
        Err(panic) => {
            let what = panic.downcast_ref::<String>().map(String::as_str);
            let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
            Err(damaged(path, what))
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else the engine may complain about, it can't read its files"
)]
fn engine_failure(path: &Path, error: &fjall::Error) -> BusError {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => match error.kind() {
            ErrorKind::NotFound => damaged(path, "a file is missing"),
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData => {
                damaged(path, &format!("a file is cut short: {error}"))
            }
            _ => failure(path, error),
        },
        fjall::Error::InvalidVersion(Some(version)) => {
            let path = path.display();
            BusError::Refused(format!("{path} is of the engine's format {version:?}, which this version does not read"))
        }
        fjall::Error::Poisoned => {
            BusError::Fatal(format!("the engine of {} stopped after an error of its own, restart", path.display()))
        }
        fjall::Error::JournalRecovery(_) | fjall::Error::InvalidTag(_) | fjall::Error::InvalidTrailer => {
            damaged(path, &format!("{} is not as it was written", journals(path)))
        }
        fjall::Error::Storage(fjall::LsmError::ChecksumMismatch { .. }) => {
            damaged(path, "a table or value file in `keyspaces` is not as it was written")
        }
        other => damaged(path, &format!("{other:?}")),
    }
}

/// Which files the engine can have meant that spoke of a journal.
fn journals(path: &Path) -> String {
    let entries = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let journals = entries.filter(|path| path.extension().is_some_and(|extension| extension == "jnl"));
    let mut names: Vec<String> = journals.filter_map(|path| Some(path.file_name()?.display().to_string())).collect();
    names.sort();
    format!("a journal there ({})", names.join(", "))
}

fn damaged(path: &Path, what: &str) -> BusError {
    BusError::Damaged(format!("{}: {what}; restore the directory from a backup", path.display()))
}

fn lost_writes(path: &Path, found: u64, acknowledged: u64) -> BusError {
    let lost = acknowledged - found;
    BusError::Damaged(format!(
        "the journal in {} can be read up to write {found} only, the {lost} acknowledged after it are gone; restore the \
         directory from a backup, or remove its file `acknowledged` to go on without them",
        path.display()
    ))
}

fn decode_number(path: &Path, value: &[u8]) -> Result<u64, BusError> {
    let bytes = value.try_into().map_err(|_| damaged(path, "the number of the last write is no number"))?;
    Ok(u64::from_be_bytes(bytes))
}

fn log_options(options: &Options) -> KeyspaceCreateOptions {
    let apart = KvSeparationOptions::default().separation_threshold(512);
    KeyspaceCreateOptions::default().max_memtable_size(options.write_buffer_bytes).with_kv_separation(Some(apart))
}

fn state_options(options: &Options) -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(options.write_buffer_bytes / 4)
}

fn between(range: Range<&[u8]>) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Included(range.start), Bound::Excluded(range.end))
}
