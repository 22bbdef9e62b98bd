//! The originals port: how the raw records of dead letters are sealed and opened.

use std::fmt;

use bytes::Bytes;
use domain::messages::SealedOriginal;
use domain::phi::PhiError;
use domain::{LetterId, Timestamp, Token};

use crate::bus::{Headers, Size};

/// A record as it was, with everything a replay needs. `Debug` shows its sizes, never its content.
#[derive(Clone, Default, PartialEq, Eq)]
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

impl fmt::Debug for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, headers, at } = self;
        write!(f, "Original(of {}, key {}, ", at.0, Size(key.as_ref()))?;
        write!(f, "value {}, {headers:?})", Size(value.as_ref()))
    }
}

/// Seals originals under keys that exist only in the vault's erasable keystore: erasing a letter's key erases every copy.
pub trait Originals: Send + Sync {
    /// Seals a record for its letter. One too large for a record goes to the claim-check store.
    fn seal(&self, letter: LetterId, original: &Original) -> Result<SealedOriginal, PhiError>;
    /// Opens it again.
    fn open(&self, letter: LetterId, sealed: &SealedOriginal) -> Result<Original, PhiError>;
    /// Attests to these parts: a token of them that nobody outside this deployment can make.
    fn attest(&self, parts: &[&[u8]]) -> Token;
}

#[cfg(test)]
pub(crate) mod tests {
    use domain::ids;

    use super::*;

    /// A deployment with a secret of its own, which keeps no originals.
    pub(crate) struct Secret(pub(crate) u8);

    impl Originals for Secret {
        fn seal(&self, _letter: LetterId, _original: &Original) -> Result<SealedOriginal, PhiError> {
            Err(PhiError::Erased)
        }

        fn open(&self, _letter: LetterId, _sealed: &SealedOriginal) -> Result<Original, PhiError> {
            Err(PhiError::Erased)
        }

        fn attest(&self, parts: &[&[u8]]) -> Token {
            Token(ids::derive(&[&[self.0][..]].into_iter().chain(parts.iter().copied()).collect::<Vec<_>>()))
        }
    }
}
