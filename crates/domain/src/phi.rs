//! How protected health information (PHI) is kept secret between workers.
//!
//! Sealing is a pure function: the data key derives from a deployment key, the request and the record, and the nonce from the key
//! and the plaintext (synthetic, so that the same nonce never meets two plaintexts). A worker may therefore seal inside `decide`
//! and a redelivered record seals to the same bytes. The `vault` crate implements the port; nobody else holds keys.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::person::{Dossier, RosterMember};
use crate::{RecordId, RequestId, Token};

/// A value of type `T`, encrypted. `Debug` shows the key id and the size, never the content.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Sealed<T> {
    /// The deployment key that wraps the data key.
    pub key_id: String,
    /// The data key, wrapped: nonce, ciphertext, tag.
    pub wrapped_key: Bytes,
    /// The content: nonce, ciphertext, tag (AES-256-GCM, associated data = what it is bound to).
    pub ciphertext: Bytes,
    #[serde(skip)]
    content: PhantomData<fn() -> T>,
}

/// What a ciphertext is bound to: it opens for no other subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binding<'a> {
    /// A request's dossier.
    Request(RequestId),
    /// A member's roster record, by member key.
    Member(&'a str),
}

/// What an HMAC token stands for; tokens of different purposes never compare equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Source and idempotency key: becomes the request id.
    Request,
    /// The idempotency key within its source, for uniqueness in projections.
    IdempotencyKey,
    /// The canonical payload of a submission.
    PayloadDigest,
    /// A member, across requests.
    Member,
    /// An exchange, from its natural parts.
    Exchange,
    /// What a claim says, normalised.
    Claim,
    /// What a caller who may be guessing holds fixed, or varies.
    Guard,
    /// What a match rests on.
    Ground,
    /// What our own headers say of a record on a topic that strangers write to.
    Mark,
}

/// Seals, opens and tokenises. `compose` decides who is handed it: intake seals, identity opens, dispatch gets neither.
pub trait Phi: Send + Sync {
    /// Seals a dossier for its request; `record` makes the data key unique.
    fn seal_dossier(
        &self,
        request: RequestId,
        record: RecordId,
        dossier: &Dossier,
    ) -> Result<Sealed<Dossier>, PhiError>;
    /// Opens a dossier.
    fn open_dossier(&self, request: RequestId, sealed: &Sealed<Dossier>) -> Result<Dossier, PhiError>;
    /// Seals a roster record for its member key.
    fn seal_member(&self, member_key: &str, member: &RosterMember) -> Result<Sealed<RosterMember>, PhiError>;
    /// Opens a roster record.
    fn open_member(&self, member_key: &str, sealed: &Sealed<RosterMember>) -> Result<RosterMember, PhiError>;
    /// HMAC over the length-prefixed parts, under the deployment's token key.
    fn token(&self, purpose: Purpose, parts: &[&[u8]]) -> Token;
}

/// Why something sealed does not open, or can't be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhiError {
    /// The key that wraps it is not in the key file.
    #[error("the wrapping key is unknown here")]
    UnknownKey,
    /// The key was erased: nobody can open it any more.
    #[error("the key was erased")]
    Erased,
    /// It was altered, or is bound to something else.
    #[error("the sealed content fails authentication")]
    Forged,
    /// It opens, but its content can't be read.
    #[error("the sealed content can't be decoded")]
    Undecodable,
    /// The keystore or the claim-check store can't be read or written right now; waiting may help.
    #[error("the vault's store is unavailable")]
    Unavailable,
}

impl<T> Sealed<T> {
    /// A sealed value from its parts.
    pub fn new(key_id: String, wrapped_key: Bytes, ciphertext: Bytes) -> Self {
        Self { key_id, wrapped_key, ciphertext, content: PhantomData }
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::new(self.key_id.clone(), self.wrapped_key.clone(), self.ciphertext.clone())
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key_id == other.key_id && self.wrapped_key == other.wrapped_key && self.ciphertext == other.ciphertext
    }
}

impl<T> Eq for Sealed<T> {}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({}, {} bytes)", self.key_id, self.ciphertext.len())
    }
}
