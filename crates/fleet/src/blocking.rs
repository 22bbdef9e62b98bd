//! What the fleet itself remembers beside a worker's memory: requests blocked behind a dead letter, the records parked behind
//! them, how far inputs were taken and whether the process ends there, and calls that were given up before they were made.
//!
//! These entries live in the worker's own changelog under the subject `memory-fleet`, their keys marked by a first byte of their
//! own, so they are committed and restored with everything else.

use bytes::{BufMut, Bytes, BytesMut};
use domain::{LetterId, MemoryEntry, MemoryKey, OperationId, RequestId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::bus::{Delivered, Headers};
use crate::calls::CallId;

/// Keys of the fleet's own entries.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum FleetKey {
    /// A request that waits for its letter.
    Blocked(RequestId),
    /// The `n`-th record parked behind it.
    Parked(RequestId, u64),
    /// How far a topic was taken.
    Progress(String),
    /// One attempt of an operation that was committed and never made.
    Unmade(OperationId, u32),
}

/// The fleet's own entries.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum FleetEntry {
    /// A request's successors wait behind this letter.
    Blocked {
        /// The letter.
        letter_id: LetterId,
        /// The number the next parked record gets.
        next: u64,
    },
    /// A record that waits. Its PHI is sealed, as on its topic.
    Parked {
        /// Its topic.
        topic: String,
        /// Its offset there.
        offset: u64,
        /// Its timestamp there.
        at: Timestamp,
        /// Its key.
        key: Option<Bytes>,
        /// Its value.
        value: Option<Bytes>,
        /// Its headers.
        headers: Vec<ParkedHeader>,
    },
    /// How far a topic was taken, and how often the process started without getting further. Its record has the name of what it
    /// was first kept for, which is read by every version.
    #[serde(rename = "Suspect")]
    Progress {
        /// The next offset to be taken.
        offset: u64,
        /// Starts in a row without getting past it.
        starts: u32,
        /// How often the record there was tried alone.
        attempts: u32,
    },
    /// The slot that committed a call gave up its partition before making it: the next owner answers the call as never made.
    Unmade {},
}

/// One header of a parked record.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ParkedHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Bytes,
}

/// The first byte of a changelog key that belongs to the fleet.
pub(crate) const FLEET_KEY: u8 = b'f';
/// The first byte of a changelog key that belongs to the worker.
pub(crate) const WORKER_KEY: u8 = b'w';

impl MemoryEntry for FleetEntry {}

impl FleetKey {
    /// The call this key says was never made.
    pub(crate) fn unmade(&self) -> Option<CallId> {
        match self {
            Self::Unmade(operation, attempt) => Some((*operation, *attempt)),
            Self::Blocked(_) | Self::Parked(..) | Self::Progress(_) => None,
        }
    }
}

impl MemoryKey for FleetKey {
    fn encode(&self) -> Bytes {
        let mut key = BytesMut::with_capacity(26);
        match self {
            Self::Blocked(request) => {
                key.put_u8(b'b');
                key.put_slice(&request.0);
            }
            Self::Parked(request, number) => {
                key.put_u8(b'p');
                key.put_slice(&request.0);
                key.put_u64(*number);
            }
            Self::Progress(topic) => {
                key.put_u8(b's');
                key.put_slice(topic.as_bytes());
            }
            Self::Unmade(operation, attempt) => {
                key.put_u8(b'u');
                key.put_slice(&operation.0);
                key.put_u32(*attempt);
            }
        }
        key.freeze()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        match kind {
            b'b' => Some(Self::Blocked(RequestId(rest.try_into().ok()?))),
            b'p' => {
                let (request, number) = rest.split_at_checked(16)?;
                Some(Self::Parked(RequestId(request.try_into().ok()?), u64::from_be_bytes(number.try_into().ok()?)))
            }
            b's' => Some(Self::Progress(String::from_utf8(rest.to_vec()).ok()?)),
            b'u' => {
                let (operation, attempt) = rest.split_at_checked(16)?;
                Some(Self::Unmade(
                    OperationId(operation.try_into().ok()?),
                    u32::from_be_bytes(attempt.try_into().ok()?),
                ))
            }
            _ => None,
        }
    }
}

impl FleetEntry {
    /// A record as it is parked.
    pub(crate) fn park(record: &Delivered) -> Self {
        let header = |(name, value): &(crate::bus::HeaderName, Bytes)| ParkedHeader {
            name: name.clone().into_owned(),
            value: value.clone(),
        };
        Self::Parked {
            topic: record.topic.to_string(),
            offset: record.offset,
            at: Timestamp(record.timestamp_ms),
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers.0.iter().map(header).collect(),
        }
    }

    /// The time of a parked record; none for other entries.
    pub(crate) fn parked_at(&self) -> Option<Timestamp> {
        match self {
            Self::Parked { at, .. } => Some(*at),
            Self::Blocked { .. } | Self::Progress { .. } | Self::Unmade {} => None,
        }
    }

    /// The parked record as it came; none for other entries.
    pub(crate) fn unpark(&self, partition: u32) -> Option<Delivered> {
        match self {
            Self::Parked { topic, offset, at, key, value, headers } => Some(Delivered {
                topic: topic.as_str().into(),
                partition,
                offset: *offset,
                timestamp_ms: at.0,
                key: key.clone(),
                value: value.clone(),
                headers: Headers(headers.iter().map(|h| (h.name.clone().into(), h.value.clone())).collect()),
            }),
            Self::Blocked { .. } | Self::Progress { .. } | Self::Unmade {} => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_parked_records_keep_their_order() {
        let request = RequestId([3; 16]);
        let keys = [
            FleetKey::Blocked(request),
            FleetKey::Parked(request, 1),
            FleetKey::Parked(request, 256),
            FleetKey::Progress("waybill.events".into()),
            FleetKey::Unmade(OperationId([5; 16]), 7),
        ];
        for key in &keys {
            assert_eq!(FleetKey::decode(&key.encode()).as_ref(), Some(key));
        }
        assert!(keys[1] < keys[2]);
        assert_eq!(FleetKey::decode(b"x"), None);
        assert_eq!(FleetKey::decode(b""), None);
    }

    #[test]
    fn a_parked_record_comes_back_as_it_was() {
        let mut headers = Headers::default();
        headers.push("ce_id", "1");
        let record = Delivered {
            topic: "waybill.identity.urgent".into(),
            partition: 4,
            offset: 9,
            timestamp_ms: 5,
            key: Some("k".into()),
            value: Some("v".into()),
            headers,
        };
        assert_eq!(FleetEntry::park(&record).unpark(4), Some(record));
    }
}
