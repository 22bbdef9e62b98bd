//! Dead letters: records a stage could not decide, kept whole.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Lane, Stage};
use crate::{Code, FailureClass, LetterId, RequestId, Timestamp, Token, Trace};

/// A record on `dead-letters`, keyed by signature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The letter.
    pub letter_id: LetterId,
    /// The stage that gave up.
    pub stage: Stage,
    /// That worker's version.
    pub version: String,
    /// The topic it came from.
    pub topic: String,
    /// The partition it came from.
    pub partition: u32,
    /// Its offset there.
    pub offset: u64,
    /// Its timestamp there.
    pub record_at: Timestamp,
    /// The request, where the record let it be known.
    pub request_id: Option<RequestId>,
    /// The lane, where the topic has lanes.
    pub lane: Option<Lane>,
    /// The schema id of its value, where it was framed.
    pub schema_id: Option<u32>,
    /// The class of failure.
    pub class: FailureClass,
    /// The code within the class.
    pub code: Code,
    /// Where it failed: a field path or a step, without volatile parts.
    pub place: String,
    /// What to do about it.
    pub hint: String,
    /// Stage, class, code and place, as one token: letters of one cause share it.
    pub signature: Token,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub failed_at: Timestamp,
    /// The trace it belongs to.
    pub trace: Trace,
    /// The record itself.
    pub original: SealedOriginal,
}

/// The original record's key, value and headers, sealed under a key that can be erased.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SealedOriginal {
    /// The name of the key in the keystore.
    pub key_id: String,
    /// Nonce, ciphertext, tag.
    pub ciphertext: Bytes,
    /// Where the ciphertext lies when it is too large for a record.
    pub claim_check: Option<String>,
}
