//! Submissions at a steady rate, as an upstream system sends them: each by itself, outside transactions.

use std::time::{Duration, Instant};

use fleet::bus::Outgoing;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use sandbox::upstream::Submission;

use crate::plant::Plant;
use crate::upstream::Upstream;

const LONG: Duration = Duration::from_secs(30);

/// Sends each when it is due, whether or not the earlier ones are done.
pub(super) fn send(address: &str, plant: &Plant, upstream: &Upstream, submissions: &[Submission], rate: u32) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("enable.idempotence", "true")
        .set("linger.ms", "0")
        .set("compression.type", "lz4")
        .create()
        .expect("a producer");
    let began = Instant::now();
    for (submission, nth) in submissions.iter().zip(0_u32..) {
        let due = Duration::from_secs(1) / rate * nth;
        while let Some(left) = due.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
            std::thread::sleep(left.min(Duration::from_millis(5)));
            producer.poll(Duration::ZERO);
        }
        let record = upstream.record(plant, submission);
        producer.send(foreign(&record)).map_err(|(error, _)| error).expect("sent");
    }
    producer.flush(LONG).expect("delivered");
}

fn foreign(record: &Outgoing) -> BaseRecord<'_, [u8], [u8]> {
    let insert = |headers: OwnedHeaders, (name, value): &(fleet::bus::HeaderName, bytes::Bytes)| {
        headers.insert(Header { key: name, value: Some(&value[..]) })
    };
    let mut sent = BaseRecord::to(&record.topic).partition(i32::try_from(record.partition).expect("a partition"));
    if let Some(key) = &record.key {
        sent = sent.key(&key[..]);
    }
    if let Some(value) = &record.value {
        sent = sent.payload(&value[..]);
    }
    sent.headers(record.headers.0.iter().fold(OwnedHeaders::new(), insert))
}
