//! The redo journal of an erasure. It holds the erased slots as they shall be; once it is durable the erasure happens, if need be
//! after the next start. A torn journal means that no slot was touched.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::slot::{Image, SLOT_BYTES, checksum};
use crate::disk;

/// A slot's position and what shall stand there.
pub(super) type Overwrite = (u64, Image);

const NAME: &str = "erasing";
const ENTRY_BYTES: usize = 8 + SLOT_BYTES;
const CHECKSUM_BYTES: usize = 8;

/// Writes the journal durably.
pub(super) fn begin(directory: &Path, overwrites: &[Overwrite]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(overwrites.len() * ENTRY_BYTES + CHECKSUM_BYTES);
    for (at, image) in overwrites {
        bytes.extend_from_slice(&at.to_be_bytes());
        bytes.extend_from_slice(image);
    }
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path(directory))?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    disk::sync_directory(directory)
}

/// What a journal, if there is a whole one, says is to be overwritten. None without a journal.
pub(super) fn pending(directory: &Path) -> io::Result<Option<Vec<Overwrite>>> {
    let bytes = match fs::read(path(directory)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let whole = bytes.split_last_chunk::<CHECKSUM_BYTES>().filter(|(entries, sum)| checksum(entries) == **sum);
    Ok(Some(whole.map(|(entries, _)| overwrites(entries)).unwrap_or_default()))
}

/// Removes the journal: the slots are as they shall be, durably.
pub(super) fn finish(directory: &Path) -> io::Result<()> {
    fs::remove_file(path(directory))?;
    disk::sync_directory(directory)
}

fn overwrites(mut entries: &[u8]) -> Vec<Overwrite> {
    let mut overwrites = Vec::with_capacity(entries.len() / ENTRY_BYTES);
    while let Some((at, rest)) = entries.split_first_chunk::<8>()
        && let Some((image, rest)) = rest.split_first_chunk::<SLOT_BYTES>()
    {
        overwrites.push((u64::from_be_bytes(*at), *image));
        entries = rest;
    }
    overwrites
}

fn path(directory: &Path) -> PathBuf {
    directory.join(NAME)
}
