//! Records and their headers: what a record says of its travels, and how a message becomes a record.
//!
//! Headers follow the CloudEvents Kafka binding in binary mode, plus `traceparent`.

use std::sync::Arc;

use bytes::Bytes;
use contracts::{Codec, Topic, Topics, headers};
use domain::ids::{derive, uuid_text};
use domain::messages::Stage;
use domain::worker::Signature;
use domain::{LetterId, LifecycleEvent, Message, RecordId, Timestamp, Trace};

use crate::bus::{Delivered, Headers, Outgoing, RECORD_LIMIT_BYTES};
use crate::partitioner::partition_of;
use crate::turn::Unwritable;

/// What a record says of itself beside its value.
#[derive(Clone, Debug)]
pub(crate) struct Postmark {
    /// Its identity.
    pub(crate) id: RecordId,
    /// Its trace.
    pub(crate) trace: Trace,
    /// Its signature.
    pub(crate) signature: Option<Signature>,
    /// The letter it replays, or whose block it lifts.
    pub(crate) letter: Option<LetterId>,
    /// How often a replayed record was tried before.
    pub(crate) attempts: u32,
}

/// The header that carries a foreign record's identity when it is forwarded to its home partition or replayed.
const RECORD_ID: &str = "waybill-record-id";
/// The header of a replayed record: its letter.
const LETTER: &str = "waybill-letter";
/// The header of a replayed record: how often it was tried before.
const ATTEMPTS: &str = "waybill-attempts";

impl Postmark {
    /// The postmark of an input that is no record: a timer or an answer.
    pub(crate) fn internal(id: RecordId, trace: Trace) -> Self {
        Self { id, trace, signature: None, letter: None, attempts: 0 }
    }

    /// Reads a record's headers. Records of foreign producers are identified by where they lie; ours by their `ce_id`.
    pub(crate) fn of(record: &Delivered, foreign: bool) -> Self {
        let stamped = record.headers.text(if foreign { RECORD_ID } else { headers::CE_ID });
        let id = stamped.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
            RecordId(derive(&[record.topic.as_bytes(), &record.partition.to_be_bytes(), &record.offset.to_be_bytes()]))
        });
        let trace = record.headers.text(headers::TRACEPARENT).and_then(Trace::parse);
        let signature = record.headers.get(headers::SIGNATURE).map(|bytes| Signature {
            key_id: record.headers.text(headers::KEY_ID).unwrap_or_default().to_owned(),
            bytes: bytes.clone(),
        });
        let letter = record.headers.text(LETTER).and_then(|text| text.parse().ok());
        // A replay that does not say was tried once at least.
        let counted = record.headers.text(ATTEMPTS).and_then(|text| text.parse().ok());
        let attempts = if letter.is_some() { counted.unwrap_or(1) } else { 0 };
        Self { id, trace: trace.unwrap_or_else(|| Trace::root(id)), signature, letter, attempts }
    }
}

/// Writes messages as records: topic, key, partition, headers, value.
#[derive(Clone)]
pub struct Postman {
    codec: Codec,
    topics: Topics,
    source: Bytes,
}

impl Postman {
    /// A postman for what `stage` writes.
    pub fn new(codec: Codec, topics: Topics, stage: Stage) -> Self {
        Self::named(codec, topics, &format!("/waybill/{}", stage.as_str()))
    }

    /// A postman for a writer that is no worker: a gateway, the command line, a feed.
    pub fn named(codec: Codec, topics: Topics, source: &str) -> Self {
        Self { codec, topics, source: Bytes::copy_from_slice(source.as_bytes()) }
    }

    /// The record of a lifecycle event.
    pub fn event(&self, event: LifecycleEvent, id: RecordId, trace: Trace) -> Result<Outgoing, Unwritable> {
        let (key, at) = (uuid_text(&event.request_id.0), event.at);
        self.write(&Topic::Events, &key, &Message::Event(Box::new(event)), at, id, trace)
    }

    /// The record of any message: its key decides the partition.
    pub fn write(
        &self,
        topic: &Topic,
        key: &[u8],
        message: &Message,
        at: Timestamp,
        id: RecordId,
        trace: Trace,
    ) -> Result<Outgoing, Unwritable> {
        let mut value = Vec::with_capacity(512);
        self.codec.encode(message, &mut value).map_err(|_| Unwritable::Encoding)?;
        let record = Outgoing {
            topic: self.topics.name(topic),
            partition: partition_of(key, self.topics.partitions(topic)),
            timestamp_ms: at.0,
            key: Some(Bytes::copy_from_slice(key)),
            value: Some(value.into()),
            headers: self.headers(headers::ce_type(message), id, trace),
        };
        fits(record)
    }

    fn headers(&self, ce_type: &'static str, id: RecordId, trace: Trace) -> Headers {
        let mut list = Headers(Vec::with_capacity(6));
        list.push(headers::CE_SPECVERSION, Bytes::from_static(headers::SPECVERSION.as_bytes()));
        list.push(headers::CE_ID, Bytes::copy_from_slice(&uuid_text(&id.0)));
        list.push(headers::CE_SOURCE, self.source.clone());
        list.push(headers::CE_TYPE, Bytes::from_static(ce_type.as_bytes()));
        list.push(headers::CONTENT_TYPE, Bytes::from_static(headers::AVRO.as_bytes()));
        list.push(headers::TRACEPARENT, trace.hop(id).to_string());
        list
    }
}

/// The same record, for its home partition, keeping its identity.
pub(crate) fn redirected(
    record: &Delivered,
    id: RecordId,
    key: &[u8],
    partitions: u32,
) -> Result<Outgoing, Unwritable> {
    let mut headers = record.headers.clone();
    stamp(&mut headers, id);
    fits(Outgoing {
        topic: Arc::clone(&record.topic),
        partition: partition_of(key, partitions),
        timestamp_ms: record.timestamp_ms,
        key: Some(Bytes::copy_from_slice(key)),
        value: record.value.clone(),
        headers,
    })
}

/// Makes a foreign record keep its identity wherever it is written again.
pub(crate) fn stamp(headers: &mut Headers, id: RecordId) {
    headers.0.retain(|(name, _)| name != RECORD_ID);
    headers.push(RECORD_ID, id.to_string());
}

/// Marks headers as belonging to the replay of a letter that was tried so often.
pub(crate) fn mark_replay(headers: &mut Headers, letter: LetterId, attempts: u32) {
    headers.0.retain(|(name, _)| name != LETTER && name != ATTEMPTS);
    headers.push(LETTER, letter.to_string());
    headers.push(ATTEMPTS, attempts.to_string());
}

/// Refuses a record that no bus would take.
pub(crate) fn fits(record: Outgoing) -> Result<Outgoing, Unwritable> {
    if record.size_bytes() > RECORD_LIMIT_BYTES {
        return Err(Unwritable::TooLarge { bytes: record.size_bytes() });
    }
    Ok(record)
}
