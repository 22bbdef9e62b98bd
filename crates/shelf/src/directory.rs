//! The directories of a partition's shelf.
//!
//! ```text
//! {topic}/{partition}/7/            the newest copy; others may be there while a process that is not gone holds them
//! {topic}/{partition}/7/lock        held by the one process that has it open
//! {topic}/{partition}/7/damaged     found by somebody who read there; it is not opened again
//! {topic}/{partition}/7/store/      the storage engine's own files
//! {topic}/{partition}/damaged-6/    the last one that was put aside, for people to look at; nobody needs it
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use fleet::shelf::ShelfError;

/// A copy that this process holds until this is dropped.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

/// How many copies are tried before giving up: each is held by a process of its own.
const COPIES_MAX: u64 = 100;

// === impl Directory ===

impl Directory {
    /// Takes hold of the newest copy below `home`, or of a new one where another process has that.
    pub(crate) fn newest(home: &Path) -> Result<Self, ShelfError> {
        fs::create_dir_all(home).map_err(|error| unavailable(home, &error))?;
        let newest = copies(home)?.last().copied();
        for number in newest.unwrap_or(0)..newest.unwrap_or(0) + COPIES_MAX {
            let path = home.join(number.to_string());
            if let Some(held) = Self::hold(&path)? {
                held.remove_older(home, number);
                return Ok(held);
            }
            tracing::warn!(path = %path.display(), "another process has this shelf: memory is read back whole into another one");
        }
        Err(ShelfError::Unavailable(format!("{}: {COPIES_MAX} copies are held by other processes", home.display())))
    }

    /// Where the engine's files lie.
    pub(crate) fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    /// Removes the engine's files, as one: what a crash leaves of them is not the engine's any more.
    pub(crate) fn clear(&self) -> Result<(), ShelfError> {
        let (store, discarded) = (self.store(), self.path.join("discarded"));
        let discard = || {
            remove(&discarded)?;
            if store.exists() {
                fs::rename(&store, &discarded)?;
            }
            remove(&discarded)
        };
        discard().map_err(|error| unavailable(&self.path, &error))
    }

    /// Whether somebody who read here has found it damaged.
    pub(crate) fn is_marked(&self) -> bool {
        self.path.join("damaged").exists()
    }

    /// Has it put aside when it is opened again.
    pub(crate) fn mark_damaged(&self) {
        if let Err(error) = File::create(self.path.join("damaged")) {
            tracing::warn!(path = %self.path.display(), %error, "the shelf is damaged, and could not be marked so");
        }
    }

    /// Puts the copy aside, in place of the last one that was, and takes hold of an empty one.
    pub(crate) fn put_aside(self, home: &Path, reason: &str) -> Result<Self, ShelfError> {
        let number = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let aside = home.join(format!("damaged-{number}"));
        for entry in fs::read_dir(home).map_err(|error| unavailable(home, &error))?.filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with("damaged-") {
                fs::remove_dir_all(entry.path()).map_err(|error| unavailable(&entry.path(), &error))?;
            }
        }
        fs::rename(&self.path, &aside).map_err(|error| unavailable(&self.path, &error))?;
        let path = aside.display();
        tracing::warn!(%path, reason, "a damaged shelf was put aside: memory is read back whole, nothing is lost");
        let next = number.parse::<u64>().unwrap_or(0) + 1;
        let path = home.join(next.to_string());
        let held = Self::hold(&path)?;
        held.ok_or_else(|| ShelfError::Unavailable(format!("{} is held by another process", path.display())))
    }

    /// Takes hold of one copy, which is made if need be; none if another process has it.
    fn hold(path: &Path) -> Result<Option<Self>, ShelfError> {
        let failed = |error: io::Error| unavailable(path, &error);
        fs::create_dir_all(path).map_err(failed)?;
        let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path.join("lock"));
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            // Whoever had it may have put it aside since: then what is held here is not what lies here.
            Ok(()) if path.join("lock").exists() => Ok(Some(Self { path: path.to_owned(), _lock: lock })),
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Copies that nobody holds any more are of no use beside a newer one.
    fn remove_older(&self, home: &Path, number: u64) {
        for older in copies(home).unwrap_or_default().into_iter().filter(|older| *older < number) {
            let path = home.join(older.to_string());
            if let Ok(Some(held)) = Self::hold(&path)
                && let Err(error) = fs::remove_dir_all(&held.path)
            {
                tracing::warn!(path = %path.display(), %error, "an older copy of a shelf could not be removed");
            }
        }
    }
}

/// Whether a process has this copy open. Two who look don't take each other for one; whoever opens it in the very moment does take them
/// for one, and reads memory back.
pub(crate) fn is_held(path: &Path) -> Result<bool, ShelfError> {
    match File::open(path.join("lock")) {
        Ok(lock) => match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(unavailable(path, &error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unavailable(path, &error)),
    }
}

/// The numbers of the copies there are, the newest last.
pub(crate) fn copies(home: &Path) -> Result<Vec<u64>, ShelfError> {
    let entries = fs::read_dir(home).map_err(|error| unavailable(home, &error))?;
    let names = entries.filter_map(Result::ok).map(|entry| entry.file_name());
    let mut numbers: Vec<u64> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn remove(path: &Path) -> io::Result<()> {
    if path.exists() { fs::remove_dir_all(path) } else { Ok(()) }
}

/// What the operating system refuses.
pub(crate) fn unavailable(path: &Path, error: &io::Error) -> ShelfError {
    ShelfError::Unavailable(format!("{}: {error}", path.display()))
}
