//! Typed identifiers, in one list. An id is 16 bytes on the wire and reads as a UUID wherever people meet it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::hex;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_uuid(text.as_bytes()).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_bytes(IdVisitor).map(Self)
            }
        }
    )*};
}

ids! {
    /// One request: HMAC of source and idempotency key under the deployment's key, so a repeated submission finds the same id.
    RequestId;
    /// One exchange: one member, two payers, any number of requests.
    ExchangeId;
    /// One arrival on intake, accepted or not.
    SubmissionId;
    /// One side effect asked of a partner; it is the idempotency key of every attempt.
    OperationId;
    /// One dead letter.
    LetterId;
    /// One human intent.
    CommandId;
    /// One record on any topic; children derive from their cause, so redelivery yields the same ids.
    RecordId;
    /// An HMAC standing for something secret: an idempotency key, a member, a caller.
    Token;
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A registered upstream system.
    SourceId;
    /// A payer we exchange with, as named in the partner registry.
    PartnerId;
    /// A person acting through commands, as the console or command line knows them.
    OperatorId;
    /// A source's own thread, free of PHI: what it is told of a request carries it.
    CorrelationId;
}

/// A text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a UUID like 0f8fad5b-d9cb-869f-a165-70867728950e")]
pub struct IdError;

impl RecordId {
    /// The id of the `index`-th record that `stage` writes because of this one.
    pub fn child(&self, stage: &str, index: u32) -> Self {
        Self(derive(&[&self.0, stage.as_bytes(), &index.to_be_bytes()]))
    }
}

impl CommandId {
    /// The supervisor's own command that stops whatever still runs of a request that is over. No person gives it.
    pub fn of_stop(request: RequestId) -> Self {
        Self(derive(&[b"stop", &request.0]))
    }
}

impl OperationId {
    /// The operation that asks the partner for what a request wants. There is one per request, whoever computes it.
    pub fn of_send(request: RequestId) -> Self {
        Self(derive(&[b"send", &request.0]))
    }

    /// The operation that undoes another one. Undoing twice is the same operation.
    pub fn of_compensation(undoes: Self) -> Self {
        Self(derive(&[b"compensate", &undoes.0]))
    }
}

/// A UUIDv8 from the SHA-256 of the parts, each prefixed by its length, so that no two lists of parts collide.
pub fn derive(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    stamp_version(id)
}

/// Marks 16 bytes as UUID version 8, variant 1 (RFC 9562 section 5.8).
pub fn stamp_version(mut id: [u8; 16]) -> [u8; 16] {
    id[6] = (id[6] & 0x0f) | 0x80;
    id[8] = (id[8] & 0x3f) | 0x80;
    id
}

fn write_uuid(id: &[u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = uuid_text(id);
    f.pad(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

/// Where each byte of an id stands in its 36 characters.
const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// The 36 ASCII characters of an id.
pub fn uuid_text(id: &[u8; 16]) -> [u8; 36] {
    let mut text = [b'-'; 36];
    PLACES.iter().zip(id).for_each(|(at, byte)| hex::put(&mut text, *at, *byte));
    text
}

fn parse_uuid(text: &[u8]) -> Result<[u8; 16], IdError> {
    let id = match text.len() {
        36 if [8, 13, 18, 23].iter().all(|at| text[*at] == b'-') => hex::read(text, |index| PLACES[index]),
        32 => hex::read(text, |index| 2 * index),
        _ => None,
    };
    id.ok_or(IdError)
}

/// Reads 16 raw bytes (Avro fixed) or the text of a UUID (JSON).
struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = [u8; 16];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("16 bytes or a UUID")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<[u8; 16], E> {
        match <[u8; 16]>::try_from(bytes) {
            Ok(id) => Ok(id),
            Err(_) => parse_uuid(bytes).map_err(E::custom),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<[u8; 16], E> {
        parse_uuid(text.as_bytes()).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_text_and_from_json() {
        let id = RequestId(derive(&[b"a", b"b"]));
        assert_eq!(id.to_string().parse::<RequestId>(), Ok(id));
        let json = format!("\"{id}\"");
        assert_eq!(serde_json::from_str::<RequestId>(&json).expect("an id"), id);
        assert_eq!(id.to_string().as_bytes()[14], b'8', "version nibble");
    }

    #[test]
    fn parts_are_length_prefixed() {
        assert_ne!(derive(&[b"ab", b"c"]), derive(&[b"a", b"bc"]));
        assert_ne!(RecordId::default().child("intake", 0), RecordId::default().child("intake", 1));
    }

    #[test]
    fn sending_and_undoing_are_operations_of_their_own() {
        let (one, other) = (RequestId([1; 16]), RequestId([2; 16]));
        let send = OperationId::of_send(one);
        assert_eq!(send, OperationId::of_send(one));
        assert_ne!(send, OperationId::of_send(other));
        assert_ne!(send, OperationId::of_compensation(send));
    }

    #[test]
    fn what_is_no_uuid_is_refused() {
        for text in [
            "",
            "zz",
            "0f8fad5b-d9cb-869f-a165-70867728950",
            "0f8fad5bd9cb869fa16570867728950g",
            "0f8fad5bd9cb-869fa165-70867728950e-11",
        ] {
            assert_eq!(text.parse::<RequestId>(), Err(IdError), "{text}");
        }
    }
}
