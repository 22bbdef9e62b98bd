//! Opening the vault: the deployment's keys, the erasable keystore, the evidence store.

use contracts::Codec;
use vault::{Keys, Vault, VaultOptions};

use crate::config::{Config, Mistake, Mode};
use crate::exit::Failure;

/// Opens the vault a configuration names. Missing keys are made in development, as long as nothing can have been sealed before:
/// that would be orphaned, and requests would no longer be recognised.
pub(crate) fn open(config: &Config, codec: &Codec, is_used: bool) -> Result<Vault, Failure> {
    let path = &config.keys_file;
    if !path.exists() && is_used {
        return Err(Failure::Disk(missing(config)));
    }
    if !path.exists() {
        match config.mode {
            Mode::Development => match Keys::generate(path) {
                Ok(_) => tracing::info!(path = %path.display(), "new deployment keys were made"),
                // Another process that starts at the same time has made them: those are the deployment's.
                Err(_) if path.exists() => {}
                Err(error) => return Err(Failure::Disk(described(&error))),
            },
            Mode::Production => {
                let message = "does not exist; put the deployment's keys there, readable by the owner alone";
                return Err(Failure::Config(vec![Mistake::file(path, message)]));
            }
        }
    }
    Vault::open(&options(config), codec.clone()).map_err(|error| Failure::Disk(described(&error)))
}

/// Where the vault's parts lie.
pub(crate) fn options(config: &Config) -> VaultOptions {
    VaultOptions {
        key_file: config.keys_file.clone(),
        keystore_directory: config.keystore_dir(),
        claim_check_directory: config.evidence_dir(),
        sync_objects: config.durability != local::Durability::None,
    }
}

/// What is told when the keys of a directory in use are not there.
pub(crate) fn missing(config: &Config) -> String {
    let (keys, log) = (config.keys_file.display(), config.log_dir());
    format!(
        "the key file {keys} is missing, and what {} holds was sealed under its keys; put it back from its copy, or begin anew in \
         another data_dir",
        log.display()
    )
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
