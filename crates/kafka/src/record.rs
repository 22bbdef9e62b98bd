//! Records as librdkafka has them, and as the fleet has them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use fleet::bus::{Delivered, HeaderName, Headers, Outgoing};
use rdkafka::Message;
use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Header, Headers as _, OwnedHeaders};
use rdkafka::producer::BaseRecord;

use crate::errors::number;

/// A record of this topic, copied out of librdkafka's memory into one buffer that key, value and headers share.
pub(crate) fn delivered(topic: &Arc<str>, message: &BorrowedMessage<'_>, known: &'static [&'static str]) -> Delivered {
    let headers = message.headers().map(readable).unwrap_or_default();
    let (key, value) = (message.key(), message.payload());
    let parts = || [key, value].into_iter().chain(headers.iter().map(|header| header.value)).flatten();
    let mut buffer = Vec::with_capacity(parts().map(<[u8]>::len).sum());
    parts().for_each(|part| buffer.extend_from_slice(part));
    let mut rest = Bytes::from(buffer);
    let mut next = |part: &[u8]| rest.split_to(part.len());
    let (key, value) = (key.map(&mut next), value.map(&mut next));
    let header = |(nth, header): (usize, &Header<'_, &[u8]>)| {
        (name(nth, header.key, known), next(header.value.unwrap_or_default()))
    };
    Delivered {
        topic: topic.clone(),
        partition: u32::try_from(message.partition()).unwrap_or_default(),
        offset: u64::try_from(message.offset()).unwrap_or_default(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or_default(),
        key,
        value,
        headers: Headers(headers.iter().enumerate().map(header).collect()),
    }
}

/// The headers whose names are text. The Rust binding panics at others, which no Java client can write: then each is read by itself.
fn readable(headers: &BorrowedHeaders) -> Vec<Header<'_, &[u8]>> {
    let all = || (0..headers.count()).filter_map(|nth| headers.try_get(nth)).collect();
    catch_unwind(AssertUnwindSafe(all)).unwrap_or_else(|_| {
        let read = |nth| catch_unwind(AssertUnwindSafe(|| headers.try_get(nth))).ok().flatten();
        (0..headers.count()).filter_map(read).collect()
    })
}

/// Most records have their headers in the order in which they are known.
fn name(nth: usize, name: &str, known: &'static [&'static str]) -> HeaderName {
    let expected = known.get(nth).filter(|known| **known == name);
    match expected.or_else(|| known.iter().find(|known| **known == name)) {
        Some(known) => HeaderName::Borrowed(known),
        None => HeaderName::Owned(name.to_owned()),
    }
}

/// A record as librdkafka takes it: to exactly this partition, without a partitioner having a say.
pub(crate) fn outgoing(record: &Outgoing) -> BaseRecord<'_, [u8], [u8]> {
    let mut base = BaseRecord::to(&record.topic).partition(number(record.partition)).timestamp(record.timestamp_ms);
    if let Some(key) = &record.key {
        base = base.key(&key[..]);
    }
    if let Some(value) = &record.value {
        base = base.payload(&value[..]);
    }
    if record.headers.0.is_empty() {
        return base;
    }
    let empty = OwnedHeaders::new_with_capacity(record.headers.0.len());
    let insert = |headers: OwnedHeaders, (name, value): &(HeaderName, Bytes)| {
        headers.insert(Header { key: name, value: Some(&value[..]) })
    };
    base.headers(record.headers.0.iter().fold(empty, insert))
}
