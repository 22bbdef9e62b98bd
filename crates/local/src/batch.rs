//! How records lie in storage: batches, each the share of one transaction in one partition.
//!
//! A batch is a header of 25 bytes (format, checksum of all that follows, offsets spanned, records, time of appending; little
//! endian) and the records. Numbers in records are LEB128 varints, timestamps differences to the record before. A header name is
//! written where it first occurs and referred to by its number afterwards. The base offset is the batch's key in storage, so
//! that a batch can be encoded and checksummed by the producer's thread before its place is known.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use fleet::bus::{Delivered, HeaderName, Headers};
use xxhash_rust::xxh3::xxh3_64;

const FORMAT: u8 = 1;
const CHECKSUM_AT: usize = 1;
const SPAN_AT: usize = 9;
const COUNT_AT: usize = 13;
const APPENDED_AT: usize = 17;
const RECORDS_AT: usize = 25;

/// Encodes one batch.
pub(crate) struct BatchBuilder {
    bytes: Vec<u8>,
    names: Vec<HeaderName>,
    /// The offset, relative to the base, that the next record has if there is no gap.
    next: u64,
    count: u32,
    last_ms: i64,
}

/// An encoded batch at its place in a partition. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// The offset the batch's numbering starts from.
    pub(crate) base: u64,
    bytes: Bytes,
}

/// Walks through the records of a batch; keys, values and header values are slices of the batch.
pub(crate) struct Records {
    batch: Batch,
    topic: Arc<str>,
    partition: u32,
    known: &'static [&'static str],
    names: Vec<HeaderName>,
    at: usize,
    offset: u64,
    last_ms: i64,
}

/// The bytes are no batch, or not the batch that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the checksum does not match")]
    Checksum,
    #[error("it has format {0}, this version reads format {FORMAT}")]
    Format(u8),
    #[error("it ends in the middle")]
    Truncated,
    #[error("its content makes no sense")]
    Content,
}

// === impl BatchBuilder ===

impl BatchBuilder {
    /// An empty batch.
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; RECORDS_AT], names: Vec::new(), next: 0, count: 0, last_ms: 0 }
    }

    /// How many records it has.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// How many bytes it has by now.
    pub(crate) fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a record at the next offset.
    pub(crate) fn push(&mut self, timestamp_ms: i64, key: Option<&Bytes>, value: Option<&Bytes>, headers: &Headers) {
        self.push_at(self.next, timestamp_ms, key, value, headers);
    }

    /// Adds a record at this offset relative to the base, which must not lie before the end.
    pub(crate) fn push_at(
        &mut self,
        offset: u64,
        timestamp_ms: i64,
        key: Option<&Bytes>,
        value: Option<&Bytes>,
        headers: &Headers,
    ) {
        self.number(offset - self.next);
        self.number(zigzag(timestamp_ms.wrapping_sub(self.last_ms)));
        self.optional(key);
        self.optional(value);
        self.number(headers.0.len() as u64);
        for (name, value) in &headers.0 {
            self.name(name);
            self.slice(value);
        }
        self.next = offset + 1;
        self.count += 1;
        self.last_ms = timestamp_ms;
    }

    /// The finished batch, spanning the offsets up to its last record.
    pub(crate) fn finish(self, appended_ms: i64) -> Bytes {
        let span = u32::try_from(self.next).expect("a batch is closed long before it spans 2^32 offsets");
        self.finish_spanning(span, appended_ms)
    }

    /// The finished batch, spanning this many offsets.
    pub(crate) fn finish_spanning(mut self, span: u32, appended_ms: i64) -> Bytes {
        self.bytes[0] = FORMAT;
        self.bytes[SPAN_AT..COUNT_AT].copy_from_slice(&span.to_le_bytes());
        self.bytes[COUNT_AT..APPENDED_AT].copy_from_slice(&self.count.to_le_bytes());
        self.bytes[APPENDED_AT..RECORDS_AT].copy_from_slice(&appended_ms.to_le_bytes());
        let checksum = xxh3_64(&self.bytes[SPAN_AT..]);
        self.bytes[CHECKSUM_AT..SPAN_AT].copy_from_slice(&checksum.to_le_bytes());
        self.bytes.into()
    }

    fn number(&mut self, mut number: u64) {
        while 0x7f < number {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn slice(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// A length of zero means none, everything else is one more than the length.
    fn optional(&mut self, bytes: Option<&Bytes>) {
        match bytes {
            None => self.number(0),
            Some(bytes) => {
                self.number(bytes.len() as u64 + 1);
                self.bytes.extend_from_slice(bytes);
            }
        }
    }

    fn name(&mut self, name: &HeaderName) {
        let known = self.names.iter().position(|have| have == name);
        self.number(known.unwrap_or(self.names.len()) as u64);
        if known.is_none() {
            self.slice(name.as_bytes());
            self.names.push(name.clone());
        }
    }
}

// === impl Batch ===

impl Batch {
    /// A batch that a builder of this process made.
    pub(crate) fn fresh(base: u64, bytes: Bytes) -> Self {
        Self { base, bytes }
    }

    /// A batch that comes from storage: its checksum is compared.
    pub(crate) fn stored(base: u64, bytes: Bytes) -> Result<Self, Malformed> {
        if bytes.len() < RECORDS_AT {
            return Err(Malformed::Truncated);
        }
        if bytes[0] != FORMAT {
            return Err(Malformed::Format(bytes[0]));
        }
        let batch = Self { base, bytes };
        if u64::from_le_bytes(batch.field(CHECKSUM_AT)) != xxh3_64(&batch.bytes[SPAN_AT..]) {
            return Err(Malformed::Checksum);
        }
        Ok(batch)
    }

    /// The offset after the last one it spans.
    pub(crate) fn next(&self) -> u64 {
        self.base + u64::from(u32::from_le_bytes(self.field(SPAN_AT)))
    }

    /// How many records it has.
    pub(crate) fn count(&self) -> u32 {
        u32::from_le_bytes(self.field(COUNT_AT))
    }

    /// When it was appended, by the clock of the log, in milliseconds since the epoch.
    pub(crate) fn appended_ms(&self) -> i64 {
        i64::from_le_bytes(self.field(APPENDED_AT))
    }

    /// How many bytes it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Its encoded form.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its records, as records of this partition; header names in `known` cost no allocation.
    pub(crate) fn records(&self, topic: &Arc<str>, partition: u32, known: &'static [&'static str]) -> Records {
        Records {
            batch: self.clone(),
            topic: topic.clone(),
            partition,
            known,
            names: Vec::new(),
            at: RECORDS_AT,
            offset: self.base,
            last_ms: 0,
        }
    }

    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes[at..at + N].try_into().expect("the length is that of the array")
    }
}

// === impl Records ===

impl Records {
    /// The batch they are of.
    pub(crate) fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The next record, if there is one.
    pub(crate) fn next(&mut self) -> Result<Option<Delivered>, Malformed> {
        if self.at == self.batch.bytes.len() {
            return Ok(None);
        }
        let offset = self.offset.checked_add(self.number()?).ok_or(Malformed::Content)?;
        let timestamp_ms = self.last_ms.wrapping_add(unzigzag(self.number()?));
        let key = self.optional()?;
        let value = self.optional()?;
        let count = usize::try_from(self.number()?).map_err(|_| Malformed::Content)?;
        // A header takes two bytes at least, which bounds what a damaged count can reserve.
        let mut headers = Vec::with_capacity(count.min(self.batch.bytes.len() - self.at));
        for _ in 0..count {
            headers.push((self.name()?, self.slice()?));
        }
        self.offset = offset.checked_add(1).ok_or(Malformed::Content)?;
        self.last_ms = timestamp_ms;
        let (topic, partition) = (self.topic.clone(), self.partition);
        Ok(Some(Delivered { topic, partition, offset, timestamp_ms, key, value, headers: Headers(headers) }))
    }

    fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.batch.bytes.get(self.at).ok_or(Malformed::Truncated)?;
            self.at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed::Content)
    }

    fn bytes(&mut self, length: u64) -> Result<Bytes, Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed::Content)?;
        let end =
            self.at.checked_add(length).filter(|end| *end <= self.batch.bytes.len()).ok_or(Malformed::Truncated)?;
        let bytes = self.batch.bytes.slice(self.at..end);
        self.at = end;
        Ok(bytes)
    }

    fn slice(&mut self) -> Result<Bytes, Malformed> {
        let length = self.number()?;
        self.bytes(length)
    }

    fn optional(&mut self) -> Result<Option<Bytes>, Malformed> {
        let length = self.number()?;
        length.checked_sub(1).map(|length| self.bytes(length)).transpose()
    }

    fn name(&mut self) -> Result<HeaderName, Malformed> {
        let number = usize::try_from(self.number()?).map_err(|_| Malformed::Content)?;
        if number == self.names.len() {
            let bytes = self.slice()?;
            let name = std::str::from_utf8(&bytes).map_err(|_| Malformed::Content)?;
            self.names.push(match self.known.iter().find(|known| **known == name) {
                Some(known) => Cow::Borrowed(*known),
                None => Cow::Owned(name.to_owned()),
            });
        }
        self.names.get(number).cloned().ok_or(Malformed::Content)
    }
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

#[cfg(test)]
mod tests;
