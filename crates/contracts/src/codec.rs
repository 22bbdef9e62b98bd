//! The codec: messages to framed Avro and back. Every value is written with the schema this build was made for and read with the
//! schema it was written with, found by the id in its frame.
//!
//! Errors name places, never content: what can't be read may be somebody's name.

use std::io::BufRead;
use std::sync::Arc;

use domain::{Code, FailureClass, Message, Poison, Stage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_avro_fast::de::read::SliceRead;
use serde_avro_fast::de::{DeserializerConfig, DeserializerState};
use serde_avro_fast::ser::{SerializerConfig, SerializerState};

use crate::catalogue::{Catalogue, Held, Known};
use crate::foreign::Resolver;
use crate::frame;
use crate::place;
use crate::subject::Subject;
use crate::topics::Topic;

/// Encodes and decodes. Clones share one catalogue, and what it has learnt.
#[derive(Clone, Debug)]
pub struct Codec {
    catalogue: Arc<Catalogue>,
    resolver: Option<Arc<dyn Resolver>>,
}

/// A value that does not fit the schema it is to be written with: a defect of this build.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {subject} does not fit its schema at {place}")]
pub struct EncodeError {
    /// What was to be written.
    pub subject: Subject,
    /// The field, as a path.
    pub place: String,
}

/// Why a value can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is not in the Confluent wire format.
    #[error("the value is not framed with a schema id")]
    NotFramed,
    /// Its schema is not in the catalogue.
    #[error("no schema of id {id} is known")]
    SchemaUnknown {
        /// The id in the frame.
        id: u32,
    },
    /// Its schema belongs elsewhere.
    #[error("a {subject} has no place here")]
    SchemaUnexpected {
        /// What it is.
        subject: Subject,
    },
    /// The bytes do not fit the schema.
    #[error("the bytes do not fit their schema at {place}")]
    Undecodable {
        /// The field, as a path without indexes; `end` for bytes beyond the datum. Of one that has to be there and that the writer's
        /// schema lacks, its name alone.
        place: String,
    },
}

// === impl Codec ===

impl Codec {
    /// A codec over the bundled catalogue.
    pub fn bundled() -> Self {
        Self::new(Catalogue::bundled())
    }

    /// A codec over a catalogue.
    pub fn new(catalogue: Catalogue) -> Self {
        Self { catalogue: Arc::new(catalogue), resolver: None }
    }

    /// The same codec, with somebody to ask for ids that its catalogue does not know. What is told is kept in the catalogue.
    pub fn with_resolver(self, resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver: Some(resolver), ..self }
    }

    /// The catalogue.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Appends the framed message; answers its schema id.
    pub fn encode(&self, message: &Message, out: &mut Vec<u8>) -> Result<u32, EncodeError> {
        let subject = Subject::of(message);
        match message {
            Message::Intake(body) => self.write(subject, body, out),
            Message::Identity(body) => self.write(subject, body, out),
            Message::Dispatch(body) => self.write(subject, body, out),
            Message::Partner(body) => self.write(subject, body, out),
            Message::Command(body) => self.write(subject, body, out),
            Message::Event(body) => self.write(subject, body, out),
            Message::Outcome(body) => self.write(subject, body, out),
            Message::Letter(body) => self.write(subject, body, out),
            Message::Member(body) => self.write(subject, body, out),
            Message::Policy(body) => self.write(subject, body, out),
            Message::Guard(body) => self.write(subject, body, out),
        }
    }

    /// Reads a framed message of a topic; answers its schema id with it.
    pub fn decode(&self, topic: &Topic, value: &[u8]) -> Result<(u32, Message), DecodeError> {
        let (id, known, datum) = self.open(value)?;
        if !topic.holds(known.subject) {
            return Err(DecodeError::SchemaUnexpected { subject: known.subject });
        }
        // Versions whose shapes serde's defaults can't bridge are upcast here, by (subject, version), before anybody sees them.
        let message = match known.subject {
            Subject::IntakeRequest => Message::Intake(known.read(datum)?),
            Subject::IdentityWork => Message::Identity(known.read(datum)?),
            Subject::DispatchWork => Message::Dispatch(known.read(datum)?),
            Subject::PartnerMessage => Message::Partner(known.read(datum)?),
            Subject::Command => Message::Command(known.read(datum)?),
            Subject::LifecycleEvent => Message::Event(known.read(datum)?),
            Subject::Outcome => Message::Outcome(known.read(datum)?),
            Subject::DeadLetter => Message::Letter(known.read(datum)?),
            Subject::MemberRecord => Message::Member(known.read(datum)?),
            Subject::Policy => Message::Policy(known.read(datum)?),
            Subject::GuardVerdict => Message::Guard(known.read(datum)?),
            subject @ (Subject::Dossier
            | Subject::RosterMember
            | Subject::MemoryIntake
            | Subject::MemoryIdentity
            | Subject::MemoryDispatch
            | Subject::MemoryReconciliation
            | Subject::MemoryTriage
            | Subject::MemoryFleet) => return Err(DecodeError::SchemaUnexpected { subject }),
        };
        Ok((id, message))
    }

    /// Appends the framed entry of a worker's memory.
    pub fn encode_entry<E: Serialize>(&self, stage: Stage, entry: &E, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_value(Subject::memory(stage), entry, out)
    }

    /// Reads an entry of a worker's memory.
    pub fn decode_entry<E: DeserializeOwned>(&self, stage: Stage, value: &[u8]) -> Result<E, DecodeError> {
        self.decode_value(Subject::memory(stage), value)
    }

    /// Appends a framed value that is no message: sealed content, the fleet's own entries.
    pub fn encode_value<T: Serialize>(
        &self,
        subject: Subject,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.write(subject, value, out).map(|_| ())
    }

    /// Reads a framed value of this subject.
    pub fn decode_value<T: DeserializeOwned>(&self, subject: Subject, value: &[u8]) -> Result<T, DecodeError> {
        let (_, known, datum) = self.open(value)?;
        if known.subject != subject {
            return Err(DecodeError::SchemaUnexpected { subject: known.subject });
        }
        known.read(datum)
    }

    fn open<'v>(&self, value: &'v [u8]) -> Result<(u32, Held<'_>, &'v [u8]), DecodeError> {
        let (id, datum) = frame::split(value).ok_or(DecodeError::NotFramed)?;
        let known = self.catalogue.known(id).or_else(|| self.resolve(id)).ok_or(DecodeError::SchemaUnknown { id })?;
        Ok((id, known, datum))
    }

    fn resolve(&self, id: u32) -> Option<Held<'_>> {
        let foreign = self.resolver.as_ref()?.resolve(id)?;
        let known = Arc::clone(foreign.known());
        self.catalogue.learn(id, foreign);
        Some(Held::Learnt(known))
    }

    fn write<T: Serialize>(&self, subject: Subject, value: &T, out: &mut Vec<u8>) -> Result<u32, EncodeError> {
        let (id, known) = self.catalogue.writer(subject);
        let start = out.len();
        frame::open(id, out);
        known.write(value, out).map_err(|place| {
            out.truncate(start);
            EncodeError { subject, place }
        })?;
        Ok(id)
    }
}

// === impl Known ===

impl Known {
    /// Appends the datum, or answers the place that does not fit.
    fn write<T: Serialize>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), String> {
        let start = out.len();
        let mut config = SerializerConfig::new(&self.schema);
        let mut state = SerializerState::from_writer(&mut *out, &mut config);
        if value.serialize(state.serializer()).is_ok() {
            return Ok(());
        }
        // What was written breaks off at what could not be, or at a field that was waited for, as all our types name their fields in
        // the order of their schemas.
        let datum = out.get(start..).unwrap_or_default();
        Err(place::of(&self.json, datum, datum.len()))
    }

    fn read<T: DeserializeOwned>(&self, datum: &[u8]) -> Result<T, DecodeError> {
        let mut state = self.reader(datum);
        let read = T::deserialize(state.deserializer());
        let left = left(state.into_reader());
        match read {
            Ok(value) if left == 0 => Ok(value),
            Ok(_) => Err(DecodeError::Undecodable { place: END.to_owned() }),
            Err(error) => {
                let place = missing(&error.to_string()).map(str::to_owned);
                let stood = datum.len().saturating_sub(left);
                Err(DecodeError::Undecodable { place: place.unwrap_or_else(|| place::of(&self.json, datum, stood)) })
            }
        }
    }

    /// Hostile lengths are harmless: texts can't be longer than what is left, sequences not longer than the datum.
    fn reader<'v>(&self, datum: &'v [u8]) -> DeserializerState<'_, SliceRead<'v>> {
        let mut config = DeserializerConfig::new(&self.schema);
        config.max_seq_size = datum.len();
        DeserializerState::with_config(SliceRead::new(datum), config)
    }
}

/// How many bytes nobody has read.
fn left(mut reader: SliceRead<'_>) -> usize {
    reader.fill_buf().map_or(0, <[u8]>::len)
}

/// The field that a record must have and its writer did not know. Only such an error is quoted: others may repeat what they met.
fn missing(error: &str) -> Option<&str> {
    error.strip_prefix("missing field `")?.strip_suffix('`')
}

/// The place of bytes beyond the datum.
const END: &str = "end";

// === impl DecodeError ===

impl DecodeError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::NotFramed => Code::NotFramed,
            Self::SchemaUnknown { .. } => Code::SchemaUnknown,
            Self::SchemaUnexpected { .. } => Code::SchemaUnexpected,
            Self::Undecodable { .. } => Code::Undecodable,
        }
    }

    /// Where it failed, without volatile parts and without PHI.
    pub fn place(&self) -> &str {
        match self {
            Self::NotFramed => "frame",
            Self::SchemaUnknown { .. } => "schema id",
            Self::SchemaUnexpected { subject } => subject.as_str(),
            Self::Undecodable { place } => place,
        }
    }
}

impl From<DecodeError> for Poison {
    fn from(error: DecodeError) -> Self {
        Self { class: FailureClass::Schema, code: error.code(), place: error.place().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use domain::lifecycle::EventBody;
    use domain::messages::{Manifest, ReceivedData};
    use domain::{LifecycleEvent, OperationId, RecordId, RequestId, Timestamp};

    use super::*;
    use crate::catalogue::BUNDLED;

    fn fulfilled(records: u64) -> Message {
        let body = EventBody::Fulfilled {
            operation_id: OperationId([1; 16]),
            manifest: Manifest { records, sha256: [2; 32] },
            received: ReceivedData { records: 7, sha256: [2; 32], evidence: None },
        };
        Message::Event(Box::new(LifecycleEvent {
            request_id: RequestId([3; 16]),
            at: Timestamp(1),
            by: Stage::Dispatch,
            version: "1".into(),
            cause: RecordId([4; 16]),
            body,
        }))
    }

    #[test]
    fn a_codec_is_shared_by_threads() {
        fn shared<T: Clone + Send + Sync + 'static>() {}
        shared::<Codec>();
    }

    #[test]
    fn what_does_not_fit_is_refused_and_leaves_no_trace() {
        let mut out = b"before".to_vec();
        let error = Codec::bundled().encode(&fulfilled(u64::MAX), &mut out).expect_err("an Avro long is signed");
        assert_eq!(error.place, "body.Fulfilled.manifest.records");
        assert_eq!(out, b"before");
    }

    #[test]
    fn values_are_read_by_the_id_they_carry_whatever_the_numbering() {
        let numbered = |offset: u32| {
            let rows = BUNDLED.iter().map(|row| (row.id + offset, row.subject, row.version, row.text));
            Codec::new(Catalogue::new(rows).expect("a catalogue"))
        };
        let (here, there) = (numbered(0), numbered(500));
        let mut value = Vec::new();
        let id = 500 + here.catalogue().id(Subject::LifecycleEvent);
        assert_eq!(there.encode(&fulfilled(7), &mut value), Ok(id));
        assert_eq!(there.decode(&Topic::Events, &value), Ok((id, fulfilled(7))));
        assert_eq!(here.decode(&Topic::Events, &value), Err(DecodeError::SchemaUnknown { id }));
    }

    #[test]
    fn entries_of_another_worker_are_not_taken_for_ones_own() {
        let codec = Codec::bundled();
        let mut value = Vec::new();
        codec.encode(&fulfilled(7), &mut value).expect("encodes");
        let error = codec.decode_entry::<LifecycleEvent>(Stage::Triage, &value).expect_err("an event");
        assert_eq!(error, DecodeError::SchemaUnexpected { subject: Subject::LifecycleEvent });
    }
}
