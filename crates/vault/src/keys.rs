//! The deployment's keys: which wrapping keys there are, which of them seals, and the keys of tokens and digests.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use domain::Timestamp;

use crate::cipher::{Forged, Nonce, Prf, SealingKey, Secret};

mod file;

use file::{KeyFile, WrappingEntry};

/// The deployment keys, ready for use. They are wiped when dropped, and `Debug` shows ids only.
///
/// Several wrapping keys may stand in the file: the active one seals, all of them open. The token key names requests and members
/// for ever and the digest key compares payloads for ever, so neither rotates.
pub struct Keys {
    wrapping: Vec<WrappingKey>,
    active: usize,
    pub(crate) tokens: Prf,
    pub(crate) digests: Prf,
}

/// A named key that wraps other keys and from which data keys derive.
pub(crate) struct WrappingKey {
    id: String,
    data_keys: Prf,
    nonces: Prf,
    wraps: SealingKey,
}

/// Why there are no keys to work with. No message quotes the file: what stands in the wrong place may be a key.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file can't be read.
    #[error("can't read the key file {path}; see that it is there and this user may read it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Others than its owner may use the file.
    #[error("the key file {path} has mode {mode:03o}, others may use it: run chmod 600 on it")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file's form is not that of a key file.
    #[error(
        "the key file {path} is not understood at line {line}: {shape}; correct it, or restore it from its copy",
        shape = file::SHAPE
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where reading stopped, from 1.
        line: usize,
    },
    /// The id of a wrapping key is unfit or stands twice.
    #[error(
        "wrapping key {position} in the key file {path} needs an id of its own, of 1 to 32 of a-z, 0-9 and hyphens"
    )]
    Id {
        /// The file.
        path: PathBuf,
        /// Which one, from 1.
        position: usize,
    },
    /// The key that should seal is not there.
    #[error("the key file {path} has no wrapping key of the id it names as active; name one that is there")]
    NoActive {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be written, or exists already.
    #[error("can't write the key file {path}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    NoRandomness(#[source] getrandom::Error),
}

/// The most bytes a wrapping key's id has; the keystore's slots have room for no more.
pub(crate) const KEY_ID_BYTES: usize = 32;

// === impl Keys ===

impl Keys {
    /// Reads a key file, which nobody but its owner may be able to read.
    pub fn load(path: &Path) -> Result<Self, KeysError> {
        Self::assemble(path, &KeyFile::read(path)?)
    }

    /// Makes a key file with fresh keys. An existing file is never overwritten: what its keys sealed would be lost.
    pub fn generate(path: &Path) -> Result<Self, KeysError> {
        let first = WrappingEntry::fresh(now())?;
        let file = KeyFile {
            active: first.id.clone(),
            token_key: Secret::random().map_err(KeysError::NoRandomness)?,
            digest_key: Secret::random().map_err(KeysError::NoRandomness)?,
            wrapping: vec![first],
        };
        file.create(path)?;
        Self::assemble(path, &file)
    }

    /// Adds a fresh wrapping key to the file and makes it the active one. Processes read the file when they start: where several
    /// share it, stop them around a rotation, as an old one can't open what a new one seals.
    pub fn rotate(path: &Path) -> Result<Self, KeysError> {
        let mut file = KeyFile::read(path)?;
        let fresh = WrappingEntry::fresh(now())?;
        file.active.clone_from(&fresh.id);
        file.wrapping.push(fresh);
        let keys = Self::assemble(path, &file)?;
        file.replace(path)?;
        Ok(keys)
    }

    /// Keys that depend on the seed alone, for tests and the simulation.
    pub fn from_seed(seed: u64) -> Self {
        let source = Prf::new(&Secret::new([0; Secret::BYTES]));
        let secret = |name: &[u8]| source.at("waybill/seeded-keys", &[&seed.to_be_bytes(), name]);
        Self {
            wrapping: vec![WrappingKey::new("seeded".to_owned(), &secret(b"wrapping"))],
            active: 0,
            tokens: Prf::new(&secret(b"token")),
            digests: Prf::new(&secret(b"digest")),
        }
    }

    /// The id of the wrapping key that seals.
    pub fn active_id(&self) -> &str {
        self.active().id()
    }

    /// The ids of all wrapping keys, in the file's order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.wrapping.iter().map(WrappingKey::id)
    }

    /// Each key's name in the file, and what tells it from any other without telling it.
    pub(crate) fn fingerprints(&self) -> Vec<(String, String)> {
        let of = |key: &Prf| hex(&key.at("waybill/fingerprint", &[]).bytes()[..8]);
        let wrapping = self.wrapping.iter().map(|key| (format!("wrapping/{}", key.id), of(&key.data_keys)));
        let mut all = vec![("token_key".to_owned(), of(&self.tokens)), ("digest_key".to_owned(), of(&self.digests))];
        all.extend(wrapping);
        all
    }

    pub(crate) fn active(&self) -> &WrappingKey {
        &self.wrapping[self.active]
    }

    pub(crate) fn wrapping(&self, id: &str) -> Option<&WrappingKey> {
        self.wrapping.iter().find(|key| key.id == id)
    }

    fn assemble(path: &Path, file: &KeyFile) -> Result<Self, KeysError> {
        let mut wrapping: Vec<WrappingKey> = Vec::with_capacity(file.wrapping.len());
        for (entry, position) in file.wrapping.iter().zip(1..) {
            if !fit(&entry.id) || wrapping.iter().any(|key| key.id == entry.id) {
                return Err(KeysError::Id { path: path.to_owned(), position });
            }
            wrapping.push(WrappingKey::new(entry.id.clone(), &entry.key));
        }
        let active = wrapping.iter().position(|key| key.id == file.active);
        let active = active.ok_or_else(|| KeysError::NoActive { path: path.to_owned() })?;
        Ok(Self { wrapping, active, tokens: Prf::new(&file.token_key), digests: Prf::new(&file.digest_key) })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("active", &self.active_id())
            .field("wrapping", &self.wrapping)
            .finish_non_exhaustive()
    }
}

// === impl WrappingKey ===

impl WrappingKey {
    fn new(id: String, secret: &Secret) -> Self {
        let subkeys = Prf::new(secret);
        Self {
            id,
            data_keys: Prf::new(&subkeys.at("waybill/data-keys", &[])),
            nonces: Prf::new(&subkeys.at("waybill/data-nonces", &[])),
            wraps: SealingKey::new(&subkeys.at("waybill/wrap", &[])),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The data key for a list of parts: always the same one.
    pub(crate) fn data_key(&self, parts: &[&[u8]]) -> Secret {
        self.data_keys.at("waybill/seal", parts)
    }

    /// The nonce with which a data key of this wrapping key seals a plaintext.
    pub(crate) fn nonce(&self, associated_data: &[u8], plaintext: &[u8]) -> Nonce {
        self.nonces.nonce("waybill/seal", &[associated_data, plaintext])
    }

    /// Wraps a key for what it is bound to.
    pub(crate) fn wrap(&self, bound_to: &[u8], key: &Secret) -> Vec<u8> {
        self.wraps.seal(bound_to, key.bytes())
    }

    /// Unwraps a key.
    pub(crate) fn unwrap(&self, bound_to: &[u8], wrapped: &[u8]) -> Result<Secret, Forged> {
        let key = zeroize::Zeroizing::new(self.wraps.open(bound_to, wrapped)?);
        <[u8; Secret::BYTES]>::try_from(key.as_slice()).map(Secret::new).map_err(|_| Forged)
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

fn fit(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=KEY_ID_BYTES).contains(&id.len()) && id.bytes().all(allowed)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
