//! What identity remembers: the reviews that wait for a person, with all that is needed to go on once they are decided.

use bytes::Bytes;
use domain::messages::{Ask, Context};
use domain::person::Dossier;
use domain::phi::Sealed;
use domain::{Code, MemoryEntry, MemoryKey, RequestId, Timestamp, Token, Trace};
use serde::{Deserialize, Serialize};

/// The key of an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// The open review of a request.
    Review(RequestId),
}

/// An entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
    /// A review that waits for a person's decision, the work it interrupts kept whole.
    OpenReview {
        /// The request.
        context: Context,
        /// Everything secret, as it came.
        dossier: Sealed<Dossier>,
        /// What is asked of the partner.
        ask: Ask,
        /// Why a person has to decide.
        code: Code,
        /// Who there is to choose from.
        candidates: Vec<Candidate>,
        /// When it was opened.
        opened_at: Timestamp,
        /// When the decision is due; the supervisor watches it.
        due_by: Timestamp,
        /// Whether a person has stopped the request: then nothing is decided until it is released.
        held: bool,
        /// The request's trace, so that what follows the decision belongs to it.
        trace: Trace,
    },
}

/// Somebody on the roster who may be the member.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Candidate {
    /// The member's token, as a verdict names it.
    pub member_token: Token,
    /// The enrolment system's key of the account.
    pub member_key: String,
    /// The rule that speaks for them.
    pub rule: String,
}

// === impl Key ===

const REVIEW: u8 = b'r';

impl MemoryKey for Key {
    fn encode(&self) -> Bytes {
        let Self::Review(id) = self;
        [&[REVIEW], id.0.as_slice()].concat().into()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&REVIEW, id) => Some(Self::Review(RequestId(id.try_into().ok()?))),
            _ => None,
        }
    }
}

// === impl Entry ===

impl MemoryEntry for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_others_do_not() {
        let key = Key::Review(RequestId([7; 16]));
        assert_eq!(Key::decode(&key.encode()), Some(key));
        for broken in [b"".as_slice(), b"r1234", b"x0123456789abcdef"] {
            assert_eq!(Key::decode(broken), None);
        }
    }
}
