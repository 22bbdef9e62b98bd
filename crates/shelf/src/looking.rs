//! What lies in a directory of shelves, for people who want to know before anybody starts.

use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use fleet::shelf::ShelfError;

use crate::directory::{copies, is_held, unavailable};

/// What was found there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// How many partitions have a shelf.
    pub shelves: usize,
    /// How many of these shelves a process has open.
    pub held: usize,
    /// How much all of it takes on the disk, what was put aside included.
    pub bytes: u64,
}

/// What blocks are counted in, whatever the file system's own are.
const BLOCK: u64 = 512;

/// Looks at everything below a root, and opens and changes nothing.
pub(crate) fn look(root: &Path) -> Result<Found, ShelfError> {
    let mut found = Found::default();
    for topic in entries(root)? {
        for home in entries(&topic.path())? {
            if home.file_name().to_str().is_none_or(|name| name.parse::<u32>().is_err()) {
                continue;
            }
            let home = home.path();
            if let Some(newest) = copies(&home)?.last() {
                found.shelves += 1;
                found.held += usize::from(is_held(&home.join(newest.to_string()))?);
            }
            found.bytes += size(&home)?;
        }
    }
    Ok(found)
}

/// What takes space below a directory. Whoever works there may remove a file while somebody counts.
fn size(directory: &Path) -> Result<u64, ShelfError> {
    let mut bytes = 0;
    for entry in entries(directory)? {
        match entry.metadata() {
            Ok(found) if found.is_dir() => bytes += size(&entry.path())?,
            // A journal is made as long as it may get, and takes no more than what is in it.
            Ok(found) => bytes += found.blocks() * BLOCK,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unavailable(&entry.path(), &error)),
        }
    }
    Ok(bytes)
}

/// What a directory holds; nothing where there is none, or a file of somebody else's.
fn entries(directory: &Path) -> Result<Vec<DirEntry>, ShelfError> {
    match fs::read_dir(directory) {
        Ok(entries) => Ok(entries.filter_map(Result::ok).collect()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(unavailable(directory, &error)),
    }
}
