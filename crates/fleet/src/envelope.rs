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
use crate::marks::{Marks, Origin};
use crate::originals::Originals;
use crate::paper::Paper;
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
    /// Where it stands, if it comes back over another topic.
    pub(crate) origin: Option<Origin>,
    /// How often a replayed record was tried before.
    pub(crate) attempts: u32,
}

impl Postmark {
    /// The postmark of an input that is no record: a timer or an answer.
    pub(crate) fn internal(id: RecordId, trace: Trace) -> Self {
        Self { id, trace, signature: None, letter: None, origin: None, attempts: 0 }
    }

    /// Reads a record's headers. Records of foreign producers are identified by where they lie; ours by their `ce_id`.
    pub(crate) fn of(record: &Delivered, foreign: bool, originals: &dyn Originals) -> Self {
        let (marks, id) = if foreign {
            let marks = Marks::verified(&record.headers, record.value.as_ref(), originals);
            let id = marks.id;
            (marks, id)
        } else {
            let id = record.headers.text(headers::CE_ID).and_then(|text| text.parse().ok());
            (Marks::read(&record.headers), id)
        };
        let id = id.unwrap_or_else(|| {
            RecordId(derive(&[record.topic.as_bytes(), &record.partition.to_be_bytes(), &record.offset.to_be_bytes()]))
        });
        let trace = record.headers.text(headers::TRACEPARENT).and_then(Trace::parse);
        let signature = record.headers.get(headers::SIGNATURE).map(|bytes| Signature {
            key_id: record.headers.text(headers::KEY_ID).unwrap_or_default().to_owned(),
            bytes: bytes.clone(),
        });
        let trace = trace.unwrap_or_else(|| Trace::root(id));
        let attempts = marks.attempts();
        Self { id, trace, signature, letter: marks.letter, origin: marks.origin, attempts }
    }

    /// The marks with which a foreign record keeps all this wherever it is written again.
    pub(crate) fn marks(&self) -> Marks {
        let (id, tried) = (Some(self.id), self.letter.is_some().then_some(self.attempts));
        Marks { id, letter: self.letter, tried, origin: self.origin.clone() }
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
        Self::named(codec, topics, &format!("/{}", stage.as_str()))
    }

    /// A postman for a writer that is no worker: a gateway, the command line, a feed.
    pub fn named(codec: Codec, topics: Topics, source: &str) -> Self {
        Self { codec, topics, source: Bytes::copy_from_slice(source.as_bytes()) }
    }

    /// The record of a lifecycle event.
    pub fn event(&self, event: LifecycleEvent, id: RecordId, trace: Trace) -> Result<Outgoing, Unwritable> {
        self.event_on(&mut Paper::default(), event, id, trace)
    }

    /// The same, written on a turn's paper.
    pub(crate) fn event_on(
        &self,
        paper: &mut Paper,
        event: LifecycleEvent,
        id: RecordId,
        trace: Trace,
    ) -> Result<Outgoing, Unwritable> {
        let (key, at) = (uuid_text(&event.request_id.0), event.at);
        self.write_on(paper, (&Topic::Events, &key), &Message::Event(Box::new(event)), at, id, trace)
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
        self.write_on(&mut Paper::default(), (topic, key), message, at, id, trace)
    }

    /// The same, written on a turn's paper.
    pub(crate) fn write_on(
        &self,
        paper: &mut Paper,
        (topic, key): (&Topic, &[u8]),
        message: &Message,
        at: Timestamp,
        id: RecordId,
        trace: Trace,
    ) -> Result<Outgoing, Unwritable> {
        let value = paper.written(|out| self.codec.encode(message, out).map(drop));
        let record = Outgoing {
            topic: self.topics.name(topic),
            partition: partition_of(key, self.topics.partitions(topic)),
            timestamp_ms: at.0,
            key: Some(paper.copy(key)),
            value: Some(value.map_err(|_| Unwritable::Encoding)?),
            headers: self.headers(paper, headers::ce_type(message), id, trace),
        };
        fits(record)
    }

    fn headers(&self, paper: &mut Paper, ce_type: &'static str, id: RecordId, trace: Trace) -> Headers {
        let mut list = Headers(Vec::with_capacity(6));
        list.push(headers::CE_SPECVERSION, Bytes::from_static(headers::SPECVERSION.as_bytes()));
        list.push(headers::CE_ID, paper.copy(&uuid_text(&id.0)));
        list.push(headers::CE_SOURCE, self.source.clone());
        list.push(headers::CE_TYPE, Bytes::from_static(ce_type.as_bytes()));
        list.push(headers::CONTENT_TYPE, Bytes::from_static(headers::AVRO.as_bytes()));
        list.push(headers::TRACEPARENT, paper.copy(&trace.hop(id).text()));
        list
    }
}

/// The same record, for its home partition, keeping its identity.
pub(crate) fn redirected(
    record: &Delivered,
    postmark: &Postmark,
    (key, partitions): (&[u8], u32),
    originals: &dyn Originals,
) -> Result<Outgoing, Unwritable> {
    let mut headers = record.headers.clone();
    postmark.marks().write(&mut headers, record.value.as_ref(), originals);
    fits(Outgoing {
        topic: Arc::clone(&record.topic),
        partition: partition_of(key, partitions),
        timestamp_ms: record.timestamp_ms,
        key: Some(Bytes::copy_from_slice(key)),
        value: record.value.clone(),
        headers,
    })
}

/// Refuses a record that no bus would take.
pub(crate) fn fits(record: Outgoing) -> Result<Outgoing, Unwritable> {
    if record.size_bytes() > RECORD_LIMIT_BYTES {
        return Err(Unwritable::TooLarge { bytes: record.size_bytes() });
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use domain::{Code, EventBody, RequestId};

    use super::*;
    use crate::originals::tests::Secret;

    fn delivered(record: Outgoing, offset: u64) -> Delivered {
        let Outgoing { topic, partition, timestamp_ms, key, value, headers } = record;
        Delivered { topic, partition, offset, timestamp_ms, key, value, headers }
    }

    #[test]
    fn what_is_written_says_what_it_is_and_belongs_to_the_trace_of_its_cause() {
        let postman = Postman::new(Codec::bundled(), Topics::new("waybill.", 4), Stage::Intake);
        let (id, trace) = (RecordId([1; 16]), Trace::root(RecordId([2; 16])));
        let body =
            EventBody::Refused { source: "enrolment".into(), code: Code::KeyConflict, field: None, intended: None };
        let (at, version) = (Timestamp(0), "1".to_owned());
        let event = LifecycleEvent { request_id: RequestId([3; 16]), at, by: Stage::Intake, version, cause: id, body };
        let record = delivered(postman.event(event, id, trace).expect("a record"), 0);
        let names: Vec<&str> = record.headers.0.iter().map(|(name, _)| &**name).collect();
        let all = ["ce_specversion", "ce_id", "ce_source", "ce_type", "content-type", "traceparent"];
        assert_eq!(names, all);
        assert_eq!(record.headers.text("content-type"), Some(headers::AVRO));
        let postmark = Postmark::of(&record, false, &Secret(1));
        assert_eq!((postmark.id, postmark.trace), (id, trace.hop(id)));
    }

    #[test]
    fn what_a_stranger_wrote_keeps_its_identity_on_its_way_home() {
        let (topic, value) = ("waybill.intake.standard".into(), Some(Bytes::from_static(b"value")));
        let headers = Headers::default();
        let strange = Outgoing { topic, partition: 0, timestamp_ms: 0, key: None, value, headers };
        let strange = delivered(strange, 7);
        let postmark = Postmark::of(&strange, true, &Secret(1));
        let home = redirected(&strange, &postmark, (b"key", 4), &Secret(1)).expect("a record");
        assert_eq!(Postmark::of(&delivered(home, 99), true, &Secret(1)).id, postmark.id);
    }
}
