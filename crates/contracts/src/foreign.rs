//! Schemas of other writers: met by id while reading, told by whoever can look ids up. A newer version of ours registers one, and so
//! does a stranger whose tools write the same record in another order, without its documentation, or with a field more.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::catalogue::Known;
use crate::schema;
use crate::subject::Subject;

/// Looks up ids that a catalogue does not know. Decoding waits for the answer, inside a turn: whoever implements this answers within
/// a bounded time, and at once where it can't know more than a moment ago.
pub trait Resolver: fmt::Debug + Send + Sync {
    /// The schema of an id; none if it is no schema of ours, or can't be told now.
    fn resolve(&self, id: u32) -> Option<Foreign>;
}

/// A schema of one of our subjects in somebody else's words. What is written with it is read as the version this build writes:
/// fields that are not there take their defaults, fields not known here are passed over.
#[derive(Clone, Debug)]
pub struct Foreign(Arc<Known>);

/// Why a text is no schema that values could be read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// It is no Avro schema.
    #[error("it is no Avro schema")]
    Malformed,
    /// It describes nothing of ours.
    #[error("it has the name of none of our subjects")]
    NotOurs,
}

// === impl Foreign ===

impl Foreign {
    /// Reads a schema. Its name tells what it describes.
    pub fn parse(text: &str) -> Result<Self, ForeignError> {
        let json: Value = serde_json::from_str(text).map_err(|_| ForeignError::Malformed)?;
        let subject = schema::name(&json).and_then(|name| Subject::named(&name)).ok_or(ForeignError::NotOurs)?;
        let known = Known::parse(subject, subject.version(), text).ok_or(ForeignError::Malformed)?;
        Ok(Self(Arc::new(known)))
    }

    /// What it describes.
    pub fn subject(&self) -> Subject {
        self.0.subject
    }

    /// The schema as JSON.
    pub fn json(&self) -> &Value {
        &self.0.json
    }

    pub(crate) fn known(&self) -> &Arc<Known> {
        &self.0
    }
}
