//! What the standard library lacks for files that must survive a power failure.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes the names in a directory durable: files created, renamed or removed there.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
