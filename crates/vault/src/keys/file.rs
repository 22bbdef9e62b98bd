//! The key file: TOML with keys in base64, readable by its owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use domain::Timestamp;
use domain::time::Date;
use serde::{Deserialize, Serialize};
use toml::value::Datetime;
use zeroize::Zeroizing;

use super::KeysError;
use crate::cipher::Secret;
use crate::disk;

/// A key file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    /// The id of the wrapping key that seals.
    pub(super) active: String,
    /// Names requests, members and idempotency keys.
    #[serde(with = "base64_text")]
    pub(super) token_key: Secret,
    /// Digests payloads.
    #[serde(with = "base64_text")]
    pub(super) digest_key: Secret,
    /// All keys that open.
    pub(super) wrapping: Vec<WrappingEntry>,
}

/// A wrapping key as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrappingEntry {
    /// Its name, which goes into everything it seals.
    pub(super) id: String,
    /// The key.
    #[serde(with = "base64_text")]
    pub(super) key: Secret,
    /// The day it was made, for people.
    pub(super) created: Datetime,
}

/// What a key file looks like, for error messages.
pub(super) const SHAPE: &str =
    "expected active, token_key, digest_key, and [[wrapping]] with id, key and created; keys are 32 bytes in base64";

const HEADING: &str =
    "# The deployment's keys. Whoever has this file can open everything sealed under it; without it nobody can.
# Keep a copy where the data is not. Never change token_key or digest_key: requests would no longer be recognised.
# `active` seals; every [[wrapping]] key opens. Remove one only when nothing sealed under it is kept any more.

";

// === impl KeyFile ===

impl KeyFile {
    pub(super) fn read(path: &Path) -> Result<Self, KeysError> {
        let bytes = read_private(path)?;
        let malformed = |before: &[u8]| {
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            KeysError::Malformed { path: path.to_owned(), line }
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| malformed(&bytes[..error.valid_up_to()]))?;
        // The parser's own message may quote the file, so only the line is told.
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| bytes.get(..span.start)).unwrap_or_default();
            malformed(before)
        })
    }

    /// Writes a file that must not exist yet.
    pub(super) fn create(&self, path: &Path) -> Result<(), KeysError> {
        let unwritable = |source| KeysError::Unwritable { path: path.to_owned(), source };
        fs::create_dir_all(directory(path)).map_err(unwritable)?;
        // Under its name it is whole from the first moment: another process may be waiting for it.
        let mut begun = path.as_os_str().to_owned();
        let mut suffix = [0; 8];
        getrandom::fill(&mut suffix).map_err(|error| unwritable(io::Error::other(error)))?;
        begun.push(format!(".{:016x}", u64::from_be_bytes(suffix)));
        let begun = PathBuf::from(begun);
        let create = || {
            self.write(&begun)?;
            let linked = fs::hard_link(&begun, path);
            fs::remove_file(&begun)?;
            linked?;
            disk::sync_directory(directory(path))
        };
        create().map_err(unwritable)
    }

    /// Replaces a file, wholly or not at all.
    pub(super) fn replace(&self, path: &Path) -> Result<(), KeysError> {
        let mut next = path.as_os_str().to_owned();
        next.push(".next");
        let next = PathBuf::from(next);
        let replace = || {
            if next.exists() {
                fs::remove_file(&next)?;
            }
            self.write(&next)?;
            fs::rename(&next, path)?;
            disk::sync_directory(directory(path))
        };
        replace().map_err(|source| KeysError::Unwritable { path: path.to_owned(), source })
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let text = Zeroizing::new(toml::to_string(self).map_err(io::Error::other)?);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(HEADING.as_bytes())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }
}

// === impl WrappingEntry ===

impl WrappingEntry {
    /// A fresh key, named after the day it was made and a few random digits.
    pub(super) fn fresh(now: Timestamp) -> Result<Self, KeysError> {
        let suffix = getrandom::u32().map_err(KeysError::NoRandomness)?;
        let day = Date::of(now);
        let created =
            toml::value::Date { year: u16::try_from(day.year).unwrap_or(u16::MAX), month: day.month, day: day.day };
        Ok(Self {
            id: format!("{day}-{suffix:08x}"),
            key: Secret::random().map_err(KeysError::NoRandomness)?,
            created: created.into(),
        })
    }
}

fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeysError> {
    let unreadable = |source| KeysError::Unreadable { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeysError::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Secrets as base64 text, in this file's shapes and nowhere else: [`Secret`] itself has no serialised form.
mod base64_text {
    use std::fmt;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::{self, Visitor};
    use serde::{Deserializer, Serializer};
    use zeroize::Zeroizing;

    use crate::cipher::Secret;

    pub(super) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(secret.bytes())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        deserializer.deserialize_str(Text)
    }

    struct Text;

    impl Visitor<'_> for Text {
        type Value = Secret;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("32 bytes in base64")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
            let wrong = || E::custom("expected 32 bytes in base64");
            let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| wrong())?);
            <[u8; Secret::BYTES]>::try_from(bytes.as_slice()).map(Secret::new).map_err(|_| wrong())
        }
    }
}
