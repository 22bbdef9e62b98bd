//! The engine's manifests, checked before the engine reads them.
//!
//! Each keyspace has a file `current` that names its manifest and the checksum of it (number: 8 bytes, XXH3: 16, kind of checksum: 1;
//! little endian). The engine writes the checksum and does not compare it, and a damaged manifest can make it ask for
//! more memory than there is, which ends the process.

use std::fs;
use std::io;
use std::path::Path;

use fleet::bus::BusError;
use xxhash_rust::xxh3::xxh3_128;

use super::directory::failure;

const XXH3: u8 = 0;

/// Compares the checksums of all manifests.
pub(super) fn check(store: &Path) -> Result<(), BusError> {
    let keyspaces = store.join("keyspaces");
    let entries = match fs::read_dir(&keyspaces) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failure(&keyspaces, &error)),
    };
    for entry in entries {
        let keyspace = entry.map_err(|error| failure(&keyspaces, &error))?.path();
        if !is_intact(&keyspace).map_err(|error| failure(&keyspace, &error))? {
            let keyspace = keyspace.display();
            return Err(BusError::Damaged(format!("the manifest in {keyspace}; restore the directory from a backup")));
        }
    }
    Ok(())
}

fn is_intact(keyspace: &Path) -> io::Result<bool> {
    let current = keyspace.join("current");
    if !current.exists() {
        return Ok(true);
    }
    let current = fs::read(current)?;
    let Some((number, rest)) = current.split_first_chunk::<8>() else { return Ok(false) };
    let Some((checksum, kind)) = rest.split_first_chunk::<16>() else { return Ok(false) };
    let manifest = keyspace.join(format!("v{}", u64::from_le_bytes(*number)));
    let is_there = kind == [XXH3] && manifest.exists();
    Ok(is_there && xxh3_128(&fs::read(manifest)?) == u128::from_le_bytes(*checksum))
}
