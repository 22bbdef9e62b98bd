//! W3C trace context: the thread that joins one request's records across all hops.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{RecordId, hex};

/// The trace a record belongs to and the span that wrote it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Trace {
    /// The trace id: constant over all hops of one submission.
    #[serde(with = "fixed")]
    pub trace_id: [u8; 16],
    /// The span id of the hop that wrote the record.
    #[serde(with = "fixed")]
    pub span_id: [u8; 8],
    /// Whether the trace is sampled.
    pub sampled: bool,
}

impl Trace {
    /// Reads a `traceparent` header; none if it is malformed, so that a broken caller can't break the record.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let shape = bytes.len() == 55 && text.starts_with("00-") && bytes[35] == b'-' && bytes[52] == b'-';
        // Digits above nine are in lower case, or else it is malformed.
        if !shape || bytes.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        let [flags] = hex::read(bytes, |_| 53)?;
        let trace_id = hex::read(bytes, |index| TRACE_ID + 2 * index)?;
        let span_id = hex::read(bytes, |index| SPAN_ID + 2 * index)?;
        let trace = Self { trace_id, span_id, sampled: flags & 1 == 1 };
        (trace.trace_id != [0; 16] && trace.span_id != [0; 8]).then_some(trace)
    }

    /// A trace of its own for a record that came without one.
    pub fn root(record: RecordId) -> Self {
        Self { trace_id: record.0, span_id: Self::span_of(record), sampled: true }
    }

    /// The same trace, seen from the hop that writes `record`.
    pub fn hop(self, record: RecordId) -> Self {
        Self { span_id: Self::span_of(record), ..self }
    }

    /// The 55 ASCII characters of the `traceparent` header.
    pub fn text(&self) -> [u8; 55] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        self.trace_id.iter().enumerate().for_each(|(index, byte)| hex::put(&mut text, TRACE_ID + 2 * index, *byte));
        self.span_id.iter().enumerate().for_each(|(index, byte)| hex::put(&mut text, SPAN_ID + 2 * index, *byte));
        hex::put(&mut text, 53, u8::from(self.sampled));
        text
    }

    fn span_of(record: RecordId) -> [u8; 8] {
        let mut span = [0; 8];
        span.copy_from_slice(&record.0[8..]);
        span
    }
}

/// Where the ids stand in the header's text.
const TRACE_ID: usize = 3;
const SPAN_ID: usize = 36;

impl fmt::Display for Trace {
    /// The `traceparent` header's value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Byte arrays as Avro `fixed`.
pub mod fixed {
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    /// Writes the raw bytes.
    pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    /// Reads exactly `N` raw bytes.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error> {
        struct Fixed<const N: usize>;
        impl<const N: usize> Visitor<'_> for Fixed<N> {
            type Value = [u8; N];

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{N} bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<[u8; N], E> {
                bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }
        deserializer.deserialize_bytes(Fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceparent_round_trips_and_hops_keep_the_trace() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = Trace::parse(text).expect("a traceparent");
        assert_eq!(trace.to_string(), text);
        let hop = trace.hop(RecordId([7; 16]));
        assert_eq!(hop.trace_id, trace.trace_id);
        assert_ne!(hop.span_id, trace.span_id);
        for broken in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Trace::parse(broken), None, "{broken}");
        }
    }
}
