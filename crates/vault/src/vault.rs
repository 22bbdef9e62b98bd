//! The vault as a whole: opened once per process and shared.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use contracts::Codec;

use crate::claim_check::ClaimCheck;
use crate::fingerprints;
use crate::keys::{Keys, KeysError};
use crate::keystore::{KeyName, Keystore, KeystoreError};

/// Seals, opens, tokenises and erases. Implements [`Phi`](domain::phi::Phi) and [`Originals`](fleet::originals::Originals).
pub struct Vault {
    pub(crate) keys: Arc<Keys>,
    pub(crate) codec: Codec,
    pub(crate) keystore: Arc<Keystore>,
    pub(crate) claim_check: Arc<ClaimCheck>,
}

/// Where the vault finds its parts.
#[derive(Clone, Debug)]
pub struct VaultOptions {
    /// The deployment's key file, readable by its owner alone.
    pub key_file: PathBuf,
    /// The directory of the erasable keystore. Processes of one machine may share it.
    pub keystore_directory: PathBuf,
    /// The directory of evidence and large letters.
    pub claim_check_directory: PathBuf,
    /// Whether objects survive a power failure, not only the end of the process: each is fsynced, with its directories.
    pub sync_objects: bool,
}

/// Why the vault doesn't open.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The keys.
    #[error("the deployment keys can't be used")]
    Keys(#[from] KeysError),
    /// The keystore.
    #[error("the keystore in {directory} can't be used")]
    Keystore {
        /// Where it is.
        directory: PathBuf,
        /// The cause.
        source: KeystoreError,
    },
    /// The key file holds another key than before.
    #[error(
        "{name} in the key file {key_file} is not the key that this deployment works with, by {noted}; put the right key file back \
         from its copy"
    )]
    OtherKey {
        /// Its name in the key file.
        name: String,
        /// The key file.
        key_file: PathBuf,
        /// What says so.
        noted: PathBuf,
    },
    /// The claim-check store.
    #[error("the claim-check store in {directory} can't be used")]
    ClaimCheck {
        /// Where it is.
        directory: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

// === impl Vault ===

impl Vault {
    /// Opens the vault over a deployment's files. The key file must exist; the directories are made if need be.
    pub fn open(options: &VaultOptions, codec: Codec) -> Result<Self, VaultError> {
        let keys = Arc::new(Keys::load(&options.key_file)?);
        let directory = &options.keystore_directory;
        let unusable = |source| VaultError::Keystore { directory: directory.clone(), source };
        let keystore = Keystore::open(directory, Arc::clone(&keys)).map_err(unusable)?;
        if let Some(name) = fingerprints::compare(directory, &keys).map_err(|error| unusable(error.into()))? {
            let (key_file, noted) = (options.key_file.clone(), fingerprints::path(directory));
            return Err(VaultError::OtherKey { name, key_file, noted });
        }
        let keystore = Arc::new(keystore);
        let directory = &options.claim_check_directory;
        let claim_check = ClaimCheck::on_disk(directory, options.sync_objects, Arc::clone(&keystore))
            .map_err(|source| VaultError::ClaimCheck { directory: directory.clone(), source })?;
        Ok(Self { keys, codec, keystore, claim_check: Arc::new(claim_check) })
    }

    /// A vault that keeps everything in memory and whose keys depend on the seed alone, for tests and the simulation.
    pub fn in_memory(seed: u64) -> Self {
        Self::in_memory_with(seed, Codec::bundled())
    }

    /// The same over a codec that is at hand.
    pub fn in_memory_with(seed: u64, codec: Codec) -> Self {
        let keystore = Arc::new(Keystore::in_memory(seed));
        let claim_check = Arc::new(ClaimCheck::in_memory(Arc::clone(&keystore)));
        Self { keys: Arc::new(Keys::from_seed(seed)), codec, keystore, claim_check }
    }

    /// The evidence store that shares this vault's keystore.
    pub fn claim_check(&self) -> Arc<ClaimCheck> {
        Arc::clone(&self.claim_check)
    }

    /// The deployment keys, of which only ids can be seen.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Erases the keys of requests and letters for ever: their evidence and originals can't be opened any more, wherever copies
    /// are. Repeating it is harmless. Blocks for the disk; one call for many names costs little more than for one.
    pub fn erase(&self, names: &[KeyName]) -> Result<(), KeystoreError> {
        self.keystore.erase(names)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
