//! Which keys a deployment has worked with, so that others are not taken for them.
//!
//! A key that was altered in its file is still a key. With it every request would get another name, accepted submissions would be
//! accepted once more, and nothing sealed before would open. So the first start under a key notes its fingerprint beside the keystore,
//! and every later one compares. Keys may be added to the key file and, once nothing sealed under them is kept, removed from it.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::disk;
use crate::keys::Keys;

const NAME: &str = "fingerprints";

/// Where the notes of a keystore's directory lie.
pub(crate) fn path(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

/// Compares keys with what was noted, and notes those that are new. The answer is the name of the first key that is another one.
pub(crate) fn compare(directory: &Path, keys: &Keys) -> io::Result<Option<String>> {
    let path = path(directory);
    let noted = match fs::read_to_string(&path) {
        Ok(noted) => noted,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let mut fresh = noted.clone();
    for (name, fingerprint) in keys.fingerprints() {
        match noted.lines().filter_map(|line| line.split_once(' ')).find(|(known, _)| *known == name) {
            Some((_, known)) if known != fingerprint => return Ok(Some(name)),
            Some(_) => {}
            None => fresh.push_str(&format!("{name} {fingerprint}\n")),
        }
    }
    if fresh != noted {
        // Two processes that start at once note the same, or one of them notes it again at its next start.
        let mut next = tempfile::Builder::new().prefix(NAME).tempfile_in(directory)?;
        next.write_all(fresh.as_bytes())?;
        next.as_file().sync_all()?;
        next.persist(&path)?;
        disk::sync_directory(directory)?;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_keys_are_noticed_and_added_ones_are_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, store) = (directory.path().join("keys.toml"), directory.path().join("store"));
        fs::create_dir(&store).expect("a directory");
        let first = Keys::generate(&file).expect("keys");
        assert_eq!(compare(&store, &first).expect("noted"), None);
        assert_eq!(compare(&store, &Keys::load(&file).expect("the same")).expect("compared"), None);
        let before = fs::read_to_string(path(&store)).expect("a note");
        assert_eq!(compare(&store, &Keys::rotate(&file).expect("one more")).expect("noted"), None);
        let after = fs::read_to_string(path(&store)).expect("a note");
        assert!(after.starts_with(&before) && after.lines().count() == before.lines().count() + 1, "{after}");
        let other = Keys::generate(&directory.path().join("other.toml")).expect("keys");
        assert_eq!(compare(&store, &other).expect("compared").as_deref(), Some("token_key"));
        assert_eq!(compare(&store, &first).expect("compared"), None, "a removed key is none of our business");
        assert_eq!(fs::read_to_string(path(&store)).expect("a note"), after);
    }
}
