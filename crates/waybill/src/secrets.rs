//! Opening the vault: the deployment's keys, the erasable keystore, the evidence store.

use contracts::Codec;
use vault::{Keys, Vault, VaultOptions};

use crate::config::{Config, Mistake, Mode};
use crate::exit::Failure;

/// Opens the vault a configuration names. In development missing keys are made; in production that would orphan everything that
/// was sealed before, so it is a mistake there.
pub(crate) fn open(config: &Config, codec: &Codec) -> Result<Vault, Failure> {
    let path = &config.keys_file;
    if !path.exists() {
        match config.mode {
            Mode::Development => {
                Keys::generate(path).map_err(|error| Failure::Disk(described(&error)))?;
                tracing::info!(path = %path.display(), "new deployment keys were made");
            }
            Mode::Production => {
                let message = "does not exist; put the deployment's keys there, readable by the owner alone";
                return Err(Failure::Config(vec![Mistake::file(path, message)]));
            }
        }
    }
    let options = VaultOptions {
        key_file: path.clone(),
        keystore_directory: config.keystore_dir(),
        claim_check_directory: config.evidence_dir(),
        sync_objects: config.durability != local::Durability::None,
    };
    Vault::open(&options, codec.clone()).map_err(|error| Failure::Disk(described(&error)))
}

/// An error with its causes, in one line.
pub(crate) fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
