//! The erasable keystore: one random key per name for whatever lives longer than work records. Erasing a key makes every copy of
//! what it sealed unreadable, wherever those copies are, and the name never gets a key again.
//!
//! Only positions are held in memory. The keys lie wrapped in one file of fixed-size slots ([`mod@slot`]) that grows by fsynced batches
//! ([`mod@log`]); threads that want keys at the same time share a batch ([`mod@file`]). An erasure overwrites its slots in place under a
//! redo journal ([`mod@erasing`]). Several processes of one machine may share the directory: each write happens under a file lock and
//! first takes in what the others wrote.
//!
//! Overwriting reaches the disk's blocks on ordinary file systems. On copy-on-write file systems, in snapshots and in backups the
//! old blocks live on, still wrapped: those copies must expire, or the wrapping key must be retired.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use domain::phi::PhiError;
use domain::{LetterId, RequestId};

use crate::cipher::SealingKey;
use crate::keys::Keys;

mod erasing;
mod file;
mod log;
mod memory;
mod slot;

use file::FileStore;
use memory::MemoryStore;

/// What an erasable key is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyName {
    /// A request's evidence.
    Request(RequestId),
    /// A dead letter's original.
    Letter(LetterId),
}

/// Keys by name, on disk or in memory.
pub(crate) enum Keystore {
    File(FileStore),
    Memory(MemoryStore),
}

/// Why a key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// No key of this name was ever made.
    #[error("the keystore has no key of this name")]
    Missing,
    /// It was erased for ever.
    #[error("the key was erased")]
    Erased,
    /// The deployment key that wraps it is not in the key file.
    #[error("the keystore's entry is wrapped under a key that the key file does not have")]
    UnknownKey,
    /// Its entry was altered.
    #[error("the keystore's entry fails authentication")]
    Forged,
    /// The file was altered or its disk is failing. Restore it from a copy.
    #[error("the keystore is damaged at slot {slot} of its file `keys`; restore that file from its copy")]
    Damaged {
        /// The first slot that can't be trusted, from 0.
        slot: u64,
    },
    /// The end of the file is missing or was altered. Restore it from a copy.
    #[error(
        "the file `keys` of the keystore can be read up to slot {found} only, the {lost} acknowledged after it are gone; restore that \
         file from its copy, or remove the file `acknowledged` beside it to go on without them"
    )]
    Lost {
        /// How many slots are there.
        found: u64,
        /// How many are gone.
        lost: u64,
    },
    /// The file can't be read or written.
    #[error("the keystore can't be read or written")]
    Store(#[from] io::Error),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    NoRandomness(#[from] getrandom::Error),
}

// === impl KeyName ===

impl From<RequestId> for KeyName {
    fn from(request: RequestId) -> Self {
        Self::Request(request)
    }
}

impl From<LetterId> for KeyName {
    fn from(letter: LetterId) -> Self {
        Self::Letter(letter)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(id) => write!(f, "request/{id}"),
            Self::Letter(id) => write!(f, "letter/{id}"),
        }
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyName {
    type Err = domain::ids::IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some(("request", id)) => id.parse().map(Self::Request),
            Some(("letter", id)) => id.parse().map(Self::Letter),
            Some(_) | None => Err(domain::ids::IdError),
        }
    }
}

// === impl Keystore ===

impl Keystore {
    /// Opens the keystore of a directory, which is created if need be, and mends what a crash left half done.
    pub(crate) fn open(directory: &Path, keys: Arc<Keys>) -> Result<Self, KeystoreError> {
        FileStore::open(directory, keys).map(Self::File)
    }

    /// A keystore in memory whose keys depend on the seed and the name alone.
    pub(crate) fn in_memory(seed: u64) -> Self {
        Self::Memory(MemoryStore::new(seed))
    }

    /// The key of a name; made durable before it is handed out for the first time. Blocks for the disk.
    pub(crate) fn key_for(&self, name: KeyName) -> Result<SealingKey, KeystoreError> {
        let secret = match self {
            Self::File(store) => store.key_for(name),
            Self::Memory(store) => store.key_for(name),
        };
        secret.map(|secret| SealingKey::new(&secret))
    }

    /// The key of a name that has one. Blocks for the disk.
    pub(crate) fn find(&self, name: KeyName) -> Result<SealingKey, KeystoreError> {
        let secret = match self {
            Self::File(store) => store.find(name),
            Self::Memory(store) => store.find(name),
        };
        secret.map(|secret| SealingKey::new(&secret))
    }

    /// Whether it answers without waiting for a disk.
    pub(crate) fn is_immediate(&self) -> bool {
        matches!(self, Self::Memory(_))
    }

    /// Erases the keys of these names for ever, also of names that never had one. Blocks for the disk.
    pub(crate) fn erase(&self, names: &[KeyName]) -> Result<(), KeystoreError> {
        match self {
            Self::File(store) => store.erase(names),
            Self::Memory(store) => store.erase(names),
        }
    }
}

// === impl KeystoreError ===

impl KeystoreError {
    /// What the port says of it. A keystore that fails is told to the log here, as the port's error has no room for causes.
    pub(crate) fn into_phi(self) -> PhiError {
        match self {
            Self::Missing | Self::UnknownKey => PhiError::UnknownKey,
            Self::Erased => PhiError::Erased,
            Self::Forged => PhiError::Forged,
            failed @ (Self::Damaged { .. } | Self::Lost { .. } | Self::Store(_) | Self::NoRandomness(_)) => {
                tracing::error!(error = &failed as &dyn std::error::Error, "the keystore failed");
                PhiError::Unavailable
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(keystore: &Keystore, name: KeyName) -> Vec<u8> {
        keystore.key_for(name).expect("a key").seal(b"", b"probe")
    }

    #[test]
    fn names_read_back_and_differ_by_kind() {
        let names = [KeyName::Request(RequestId([1; 16])), KeyName::Letter(LetterId([1; 16]))];
        for name in names {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        assert_ne!(names[0].to_string(), names[1].to_string());
        for text in ["", "request/", "01010101-0101-0101-0101-010101010101", "x/01010101-0101-0101-0101-010101010101"] {
            assert!(text.parse::<KeyName>().is_err(), "{text}");
        }
    }

    #[test]
    fn keys_in_memory_depend_on_seed_and_name_alone() {
        let names: [KeyName; 2] = [RequestId([1; 16]).into(), LetterId([1; 16]).into()];
        let keystore = Keystore::in_memory(1);
        assert!(matches!(keystore.find(names[0]), Err(KeystoreError::Missing)));
        assert_eq!(probe(&keystore, names[0]), probe(&Keystore::in_memory(1), names[0]));
        assert_ne!(probe(&keystore, names[0]), probe(&keystore, names[1]));
        assert_ne!(probe(&keystore, names[0]), probe(&Keystore::in_memory(2), names[0]));
        keystore.erase(&names[..1]).expect("erased");
        assert!(matches!(keystore.key_for(names[0]), Err(KeystoreError::Erased)));
        assert!(keystore.find(names[1]).is_ok());
    }
}
