//! The vault: the only crate that holds keys. It seals and opens protected health information, keeps what outlives work records
//! under keys that can be erased, and turns secrets into tokens.
//!
//! - Reads: the deployment's key file; sealed records, letters and evidence that callers hand in.
//! - Writes: the erasable keystore (a directory) and the claim-check store (objects).
//! - Remembers: which name has which slot in the keystore; nothing of what it seals.
//! - May call: the local disk, the object store, the operating system's randomness.
//! - Never: logs, counts or answers any content, and never decides who may open what. `compose` does, by whom it hands
//!   [`Phi`](domain::phi::Phi), [`Originals`](fleet::originals::Originals) and [`Evidence`](fleet::evidence::Evidence) to.
//!
//! Two regimes, by how long something lives. Work records (days) carry their data key, wrapped under a deployment key (`seal.rs`):
//! sealing them is a pure function. Letters and evidence (years) are sealed with random keys that exist only in the keystore, so
//! that [`Vault::erase`] erases every copy.

mod cipher;
mod claim_check;
mod disk;
mod fingerprints;
mod keys;
mod keystore;
mod originals;
mod seal;
mod vault;

pub use claim_check::ClaimCheck;
pub use keys::{Keys, KeysError};
pub use keystore::{KeyName, KeystoreError};
pub use vault::{Vault, VaultError, VaultOptions};
