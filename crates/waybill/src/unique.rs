//! Names that nobody else has. The number of a process is none: containers and machines that share a log or a directory count from one
//! each.

use crate::exit::Failure;

/// A name of this kind that was never given before, here or anywhere else.
pub(crate) fn name(kind: &str) -> Result<String, Failure> {
    let mut chance = [0; 8];
    getrandom::fill(&mut chance).map_err(|error| Failure::Other(anyhow::anyhow!("no randomness: {error}")))?;
    Ok(format!("{kind}-{}", hex::encode(chance)))
}
