//! The stage through the port.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleet::bus::{
    Bus, Cleanup, Consumed, Consumer, Delivered, Headers, Limit, Membership, Outgoing, Producer, TopicPartition,
    TopicSpec, Wake,
};
use kafka::{Kafka, Settings};

use crate::{Chain, PARTITIONS, value};

/// A consumer, a producer and what they work between.
pub(crate) struct Port {
    bus: Kafka,
    consumer: Box<dyn Consumer>,
    producer: Box<dyn Producer>,
    input: Arc<str>,
    output: Arc<str>,
    taken: Vec<Delivered>,
}

// === impl Port ===

impl Port {
    pub(crate) fn new(broker: &str, name: &str) -> Self {
        let mut settings = Settings::new(broker, name);
        if let Ok(kib) = std::env::var("PREFETCH_KIB") {
            settings.prefetch_bytes = kib.parse::<usize>().expect("a number") << 10;
        }
        if let Ok(linger) = std::env::var("LINGER_MS") {
            settings.overrides.0.insert("linger.ms".into(), linger);
        }
        if let Ok(compression) = std::env::var("COMPRESSION") {
            settings.compression = compression;
        }
        let bus = Kafka::connect(settings).expect("good settings");
        let [input, output] = ["in", "out"].map(|short| Arc::<str>::from(format!("{name}-{short}")));
        let spec = |name: &Arc<str>| TopicSpec { name: name.clone(), partitions: PARTITIONS, cleanup: Cleanup::Keep };
        bus.create_topics(&[spec(&input), spec(&output)]).expect("topics");
        let producer = bus.producer(name).expect("a producer");
        let membership = Membership {
            group: name.into(),
            instance: name.into(),
            topics: vec![input.clone()],
            session_timeout: Duration::from_secs(10),
        };
        let mut consumer = bus.consumer(membership).expect("a consumer");
        while !matches!(consumer.wait(Duration::from_secs(1)).expect("news"), Wake::Assigned(_)) {}
        Self { bus, consumer, producer, input, output, taken: Vec::new() }
    }

    fn record(topic: &Arc<str>, partition: u32, value: Bytes) -> Outgoing {
        let (key, headers) = (Some(value.slice(..16)), Headers::default());
        Outgoing { topic: topic.clone(), partition, timestamp_ms: 1_700_000_000_000, key, value: Some(value), headers }
    }
}

impl Chain for Port {
    fn fill(&mut self, records: usize) {
        let mut producer = self.bus.producer(&format!("{}-fill", self.input)).expect("a producer");
        for nth in 0..records {
            let partition = nth as u32 % PARTITIONS;
            producer.send(Self::record(&self.input, partition, value(nth).into())).expect("a record");
            if nth % 10_000 == 9_999 {
                producer.commit(None).expect("a commit");
            }
        }
        producer.commit(None).expect("a commit");
    }

    fn turn(&mut self, most: usize) -> usize {
        self.consumer.wait(Duration::from_secs(1)).expect("news");
        self.taken.clear();
        self.consumer.take(&self.input, Limit { records: most, bytes: 64 << 20 }, &mut self.taken).expect("records");
        let mut next: Vec<(TopicPartition, u64)> = Vec::new();
        for record in &self.taken {
            let value = record.value.clone().unwrap_or_default();
            for _ in 0..2 {
                self.producer.send(Self::record(&self.output, record.partition, value.clone())).expect("a record");
            }
            match next.iter_mut().find(|(at, _)| at.partition == record.partition) {
                Some((_, next)) => *next = record.offset + 1,
                None => next.push((record.topic_partition(), record.offset + 1)),
            }
        }
        if !next.is_empty() {
            self.producer.commit(Some(Consumed { group: &self.consumer.group(), next: &next })).expect("a commit");
        }
        self.taken.len()
    }

    fn one(&mut self, consumes: bool) {
        self.producer.send(Self::record(&self.output, 0, value(0).into())).expect("a record");
        let group = self.consumer.group();
        let next = [(TopicPartition::new(self.input.clone(), 0), 0)];
        let consumed = consumes.then_some(Consumed { group: &group, next: &next });
        self.producer.commit(consumed).expect("a commit");
    }
}
