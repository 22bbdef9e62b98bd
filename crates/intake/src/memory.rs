//! What intake remembers: every accepted request for ever, so that its key names nothing else, and how much of its share each
//! source has used in the current minute.

use bytes::Bytes;
use domain::messages::Lane;
use domain::{MemoryEntry, MemoryKey, RequestId, SourceId, Timestamp, Token};
use serde::{Deserialize, Serialize};

use crate::canonical::Fingerprints;

/// The key of an entry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// An accepted request.
    Request(RequestId),
    /// A source's share of the lanes above bulk.
    Share(SourceId),
}

/// An entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
    /// A request that was accepted. Small on purpose: there is one for every key ever used.
    AcceptedRequest {
        /// HMAC of the canonical payload: equal for a repetition, different for a conflict.
        payload: Token,
        /// What names the fields of a conflict.
        fingerprints: Fingerprints,
        /// The lane its work took.
        lane: Lane,
        /// When it was accepted.
        accepted_at: Timestamp,
        /// When it must have ended, as the source was told.
        due_by: Timestamp,
    },
    /// What a source has sent above the bulk lane in one minute; forgotten when the minute is over.
    UsedShare {
        /// The minute, counted from 1970.
        minute: i64,
        /// How many requests took a lane above bulk.
        accepted: u32,
    },
}

// === impl Key ===

const REQUEST: u8 = b'r';
const SHARE: u8 = b's';

impl MemoryKey for Key {
    fn encode(&self) -> Bytes {
        let (kind, name) = match self {
            Self::Request(id) => (REQUEST, id.0.as_slice()),
            Self::Share(source) => (SHARE, source.as_str().as_bytes()),
        };
        [&[kind], name].concat().into()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, name) = bytes.split_first()?;
        match *kind {
            REQUEST => Some(Self::Request(RequestId(name.try_into().ok()?))),
            SHARE => Some(Self::Share(SourceId::from(std::str::from_utf8(name).ok()?))),
            _ => None,
        }
    }
}

// === impl Entry ===

impl MemoryEntry for Entry {}

impl Entry {
    /// When the entry has no more use, if ever.
    pub fn ends(&self) -> Option<Timestamp> {
        match self {
            Self::AcceptedRequest { .. } => None,
            Self::UsedShare { minute, .. } => Some(Timestamp(minute.saturating_add(1).saturating_mul(MINUTE_MS))),
        }
    }
}

/// The length of a share's window.
pub(crate) const MINUTE_MS: i64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_others_do_not() {
        for key in [Key::Request(RequestId([7; 16])), Key::Share(SourceId::from("enrolment"))] {
            assert_eq!(Key::decode(&key.encode()), Some(key));
        }
        for broken in [b"".as_slice(), b"r1234", b"s\xff", b"x"] {
            assert_eq!(Key::decode(broken), None);
        }
    }

    #[test]
    fn a_remembered_request_is_small() {
        assert!(size_of::<Entry>() <= 72, "{} bytes", size_of::<Entry>());
    }
}
