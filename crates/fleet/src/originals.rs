//! The originals port: how the raw records of dead letters are sealed and opened.

use bytes::Bytes;
use domain::messages::SealedOriginal;
use domain::phi::PhiError;
use domain::{LetterId, Timestamp};

use crate::bus::Headers;

/// A record as it was, with everything a replay needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Original {
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers.
    pub headers: Headers,
    /// Its timestamp.
    pub at: Timestamp,
}

/// Seals originals under keys that exist only in the vault's erasable keystore: erasing a letter's key erases every copy.
pub trait Originals: Send + Sync {
    /// Seals a record for its letter. One too large for a record goes to the claim-check store.
    fn seal(&self, letter: LetterId, original: &Original) -> Result<SealedOriginal, PhiError>;
    /// Opens it again.
    fn open(&self, letter: LetterId, sealed: &SealedOriginal) -> Result<Original, PhiError>;
}
