//! What stands on the event log, as projections take it in: a fact, or a record that is none.

use std::sync::Arc;

use contracts::{Codec, DecodeError, Topic, headers, json};
use domain::ids::uuid_text;
use domain::lifecycle::fold;
use domain::{Code, LifecycleEvent, Message, RequestId, Timestamp};
use fleet::bus::Delivered;
use fleet::partitioner::partition_of;

/// Where a record stands on the event log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position {
    /// The partition.
    pub partition: u32,
    /// The offset within it.
    pub offset: u64,
}

/// One record of the event log.
#[derive(Clone, Debug)]
pub enum Reading {
    /// It tells what happened to a request.
    Fact(Box<Fact>),
    /// It can't be understood here.
    Unreadable(Unreadable),
}

/// An event as it stands on the log.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Where it stands.
    pub position: Position,
    /// When it was appended.
    pub appended_at: Timestamp,
    /// The event.
    pub event: LifecycleEvent,
    /// The SHA-256 of its value, as the fold takes it.
    pub digest: [u8; 32],
    /// The event's own fields as compact JSON.
    pub detail: Arc<str>,
}

/// A record of the event log that became no row of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreadable {
    /// Where it stands.
    pub position: Position,
    /// When it was appended.
    pub appended_at: Timestamp,
    /// The request its key names, if it names one.
    pub request_id: Option<RequestId>,
    /// The bytes of its value.
    pub bytes: usize,
    /// Why.
    pub code: Code,
    /// Where it failed, without content.
    pub place: String,
}

// === impl Reading ===

impl Reading {
    /// Reads a record. `partitions` is how many the log has: an event away from its request's partition has no defined order among
    /// the request's events, so it is told apart like one that can't be read.
    pub fn of(record: &Delivered, codec: &Codec, partitions: u32) -> Self {
        let unreadable = |code, place: &str| {
            Self::Unreadable(Unreadable {
                position: position(record),
                appended_at: Timestamp(record.timestamp_ms),
                request_id: record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()?.parse().ok()),
                bytes: record.value.as_ref().map_or(0, |value| value.len()),
                code,
                place: place.to_owned(),
            })
        };
        let Some(value) = &record.value else { return unreadable(Code::ValueMissing, "value") };
        let event = match codec.decode(&Topic::Events, value) {
            Ok((_, Message::Event(event))) => *event,
            Ok((_, other)) => return unreadable(Code::Misdirected, headers::ce_type(&other)),
            Err(error) => return failed(&error, unreadable),
        };
        if partition_of(&uuid_text(&event.request_id.0), partitions) != record.partition {
            return unreadable(Code::Misdirected, "partition");
        }
        Self::Fact(Box::new(Fact::new(position(record), Timestamp(record.timestamp_ms), event, value)))
    }

    /// When it was appended.
    pub fn appended_at(&self) -> Timestamp {
        match self {
            Self::Fact(fact) => fact.appended_at,
            Self::Unreadable(unreadable) => unreadable.appended_at,
        }
    }

    /// Where it stands.
    pub fn position(&self) -> Position {
        match self {
            Self::Fact(fact) => fact.position,
            Self::Unreadable(unreadable) => unreadable.position,
        }
    }
}

fn position(record: &Delivered) -> Position {
    Position { partition: record.partition, offset: record.offset }
}

fn failed(error: &DecodeError, unreadable: impl FnOnce(Code, &str) -> Reading) -> Reading {
    unreadable(error.code(), error.place())
}

// === impl Fact ===

impl Fact {
    /// The fact that an event is, standing at `position` with `value` as its bytes.
    pub fn new(position: Position, appended_at: Timestamp, event: LifecycleEvent, value: &[u8]) -> Self {
        let detail = json::to_json(&event.body).map(|text| inner(&text).into()).unwrap_or_default();
        Self { position, appended_at, event, digest: fold::digest(value), detail }
    }

    /// What happened, as its CloudEvents type says without the prefix: `partner-dispatched`.
    pub fn kind(&self) -> &'static str {
        let name = headers::event_type(&self.event.body);
        name.strip_prefix("waybill.").unwrap_or(name)
    }
}

/// The fields of an event out of `{"Name":{…}}`.
fn inner(tagged: &str) -> &str {
    let fields = tagged.split_once(':').map_or(tagged, |(_, fields)| fields);
    fields.strip_suffix('}').unwrap_or(fields)
}

#[cfg(test)]
mod tests;
