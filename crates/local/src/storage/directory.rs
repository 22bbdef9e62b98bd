//! The directory of a log on disk: who holds it, and how far it was acknowledged.
//!
//! ```text
//! lock          held by the one process that has the log open; its process id, for people
//! acknowledged  the number of the last write known to be on disk, and a checksum of it
//! store/        the storage engine's own files
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use fleet::bus::BusError;
use xxhash_rust::xxh3::xxh3_64;

/// A directory that this process holds until this is dropped.
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

/// The number of the last write that is known to have reached the disk.
///
/// The storage engine takes a damaged end of its journal for the torn write of a crash and drops it. This file, which lies
/// elsewhere, tells the two apart. It is never synced: after a power loss it may be behind, which is harmless.
pub(crate) struct Acknowledged {
    file: File,
    number: u64,
}

// === impl Directory ===

impl Directory {
    /// Takes hold of the directory, which is made if need be.
    pub(crate) fn hold(path: &Path) -> Result<Self, BusError> {
        let failed = |error: io::Error| failure(path, &error);
        fs::create_dir_all(path).map_err(failed)?;
        let lock_path = path.join("lock");
        let mut lock =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&lock_path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BusError::Locked(holder(path, &mut lock))),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // The process id helps people; the lock itself is the operating system's, so a full disk must not forbid reading.
        let noted = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        if let Err(error) = noted {
            tracing::warn!(path = %lock_path.display(), %error, "could not note the process id in the lock file");
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The storage engine's own directory. What a crash left of one that was never finished is removed.
    pub(crate) fn store(&self) -> Result<PathBuf, BusError> {
        let store = self.path.join("store");
        let unfinished = store.exists() && !store.join("version").exists();
        if unfinished && self.acknowledged_path().exists() {
            let missing =
                format!("{} has lost its file `version`; restore the directory from a backup", store.display());
            return Err(BusError::Damaged(missing));
        }
        if unfinished {
            fs::remove_dir_all(&store).map_err(|error| failure(&store, &error))?;
        }
        Ok(store)
    }

    /// Opens the note of what was acknowledged; the number is none if nothing ever was.
    pub(crate) fn acknowledged(&self) -> Result<(Acknowledged, Option<u64>), BusError> {
        let path = self.acknowledged_path();
        let failed = |error: io::Error| failure(&path, &error);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let mut noted = Vec::new();
        file.read_to_end(&mut noted).map_err(failed)?;
        let number = noted.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
        let intact = number.filter(|number| noted == note(*number));
        if !noted.is_empty() && intact.is_none() {
            tracing::warn!(path = %path.display(), "the note of acknowledged writes is damaged; going on without");
        }
        Ok((Acknowledged { file, number: 0 }, intact))
    }

    fn acknowledged_path(&self) -> PathBuf {
        self.path.join("acknowledged")
    }
}

// === impl Acknowledged ===

impl Acknowledged {
    /// Notes that all writes up to this one are on disk.
    pub(crate) fn note(&mut self, number: u64) {
        if number <= self.number {
            return;
        }
        self.number = number;
        let written = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.write_all(&note(number)));
        if let Err(error) = written {
            tracing::warn!(%error, "could not note the last acknowledged write");
        }
    }
}

/// What an error of the operating system means for the bus.
pub(crate) fn failure(path: &Path, error: &io::Error) -> BusError {
    use io::ErrorKind::{InvalidData, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull, UnexpectedEof};
    let (what, kind) = (format!("{}: {error}", path.display()), error.kind());
    if matches!(kind, StorageFull | QuotaExceeded) {
        BusError::Full(what)
    } else if matches!(kind, PermissionDenied | ReadOnlyFilesystem) {
        BusError::Refused(what)
    } else if matches!(kind, UnexpectedEof | InvalidData) {
        BusError::Damaged(what)
    } else {
        BusError::Fatal(what)
    }
}

fn note(number: u64) -> [u8; 16] {
    let mut note = [0; 16];
    note[..8].copy_from_slice(&number.to_le_bytes());
    note[8..].copy_from_slice(&xxh3_64(&number.to_le_bytes()).to_le_bytes());
    note
}

fn holder(path: &Path, lock: &mut File) -> String {
    let mut process = String::new();
    match lock.read_to_string(&mut process) {
        Ok(_) if !process.trim().is_empty() => format!("{} (process {})", path.display(), process.trim()),
        Ok(_) | Err(_) => path.display().to_string(),
    }
}
