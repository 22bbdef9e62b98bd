//! Records, as they are appended and as they are handed over.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// The most bytes one record may have (key, value and headers), on both buses.
pub const RECORD_LIMIT_BYTES: usize = 1024 * 1024;

/// A partition of a topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's full name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: u32,
}

/// Record headers in order; names may repeat, as in Kafka. `Debug` counts them: what strangers put there is not repeated.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(HeaderName, Bytes)>);

/// A header's name; the well-known ones cost no allocation.
pub type HeaderName = std::borrow::Cow<'static, str>;

/// A record as a consumer or reader hands it over. `Debug` shows where it lies and its sizes, never its content.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The topic it came from.
    pub topic: Arc<str>,
    /// The partition it came from.
    pub partition: u32,
    /// Its offset there.
    pub offset: u64,
    /// When it was appended or created, in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its value; none is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers.
    pub headers: Headers,
}

/// A record to append within the producer's transaction. `Debug` shows where it goes and its sizes, never its content.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The topic's full name.
    pub topic: Arc<str>,
    /// The partition, always explicit: the fleet partitions keys itself (murmur2, as Java clients do).
    pub partition: u32,
    /// When it was created, in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// The key, if any.
    pub key: Option<Bytes>,
    /// The value; none writes a tombstone.
    pub value: Option<Bytes>,
    /// The headers.
    pub headers: Headers,
}

// === impl TopicPartition ===

impl TopicPartition {
    /// The partition of a topic.
    pub fn new(topic: impl Into<Arc<str>>, partition: u32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl Headers ===

impl Headers {
    /// The first header of this name.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|(have, _)| have == name).map(|(_, value)| value)
    }

    /// The first header of this name as text, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Adds a header.
    pub fn push(&mut self, name: impl Into<HeaderName>, value: impl Into<Bytes>) {
        self.0.push((name.into(), value.into()));
    }

    /// The bytes of all names and values.
    pub fn size_bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} headers of {} bytes", self.0.len(), self.size_bytes())
    }
}

// === impl Outgoing ===

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, timestamp_ms, key, value, headers } = self;
        write!(f, "Outgoing(to {topic}-{partition} of {timestamp_ms}, key {}, ", Size(key.as_ref()))?;
        write!(f, "value {}, {headers:?})", Size(value.as_ref()))
    }
}

impl Outgoing {
    /// The bytes of key, value and headers, as the size limit counts them.
    pub fn size_bytes(&self) -> usize {
        size_bytes(self.key.as_ref(), self.value.as_ref(), &self.headers)
    }
}

// === impl Delivered ===

impl fmt::Debug for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, offset, timestamp_ms, key, value, headers } = self;
        write!(f, "Delivered({topic}-{partition} @{offset} of {timestamp_ms}, key {}, ", Size(key.as_ref()))?;
        write!(f, "value {}, {headers:?})", Size(value.as_ref()))
    }
}

impl Delivered {
    /// The bytes of key, value and headers, as limits count them.
    pub fn size_bytes(&self) -> usize {
        size_bytes(self.key.as_ref(), self.value.as_ref(), &self.headers)
    }

    /// The partition it came from.
    pub fn topic_partition(&self) -> TopicPartition {
        TopicPartition { topic: self.topic.clone(), partition: self.partition }
    }
}

fn size_bytes(key: Option<&Bytes>, value: Option<&Bytes>, headers: &Headers) -> usize {
    key.map_or(0, Bytes::len) + value.map_or(0, Bytes::len) + headers.size_bytes()
}

/// How large something secret is, for people.
pub(crate) struct Size<'a>(pub(crate) Option<&'a Bytes>);

impl fmt::Display for Size<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "of {} bytes", bytes.len()),
            None => f.write_str("absent"),
        }
    }
}
