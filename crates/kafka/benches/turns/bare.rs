//! The same stage by a loop over librdkafka: one queue, no checks, no copies that could be spared.

use std::collections::BTreeMap;
use std::time::Duration;

use fleet::bus::{Bus, Cleanup, TopicSpec};
use kafka::{Kafka, Settings};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use crate::{Chain, PARTITIONS, value};

/// A consumer, a producer and what they work between.
pub(crate) struct Bare {
    broker: String,
    consumer: BaseConsumer,
    producer: BaseProducer,
    input: String,
    output: String,
}

const LONG: Duration = Duration::from_secs(30);

// === impl Bare ===

impl Bare {
    pub(crate) fn new(broker: &str, name: &str) -> Self {
        let [input, output] = ["in", "out"].map(|short| format!("{name}-{short}"));
        let spec =
            |name: &String| TopicSpec { name: name.as_str().into(), partitions: PARTITIONS, cleanup: Cleanup::Keep };
        let bus = Kafka::connect(Settings::new(broker, name)).expect("good settings");
        bus.create_topics(&[spec(&input), spec(&output)]).expect("topics");
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker)
            .set("group.id", name)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.queue.backoff.ms", "2")
            .set("queued.max.messages.kbytes", "32768")
            .create()
            .expect("a consumer");
        consumer.subscribe(&[&input]).expect("a subscription");
        while consumer.assignment().expect("an assignment").count() == 0 {
            assert!(consumer.poll(Duration::from_millis(100)).is_none(), "nothing is there yet");
        }
        let producer = producer(broker, name);
        Self { broker: broker.to_owned(), consumer, producer, input, output }
    }

    fn end(producer: &BaseProducer) {
        while 0 < producer.in_flight_count() {
            std::thread::sleep(Duration::from_micros(100));
            producer.poll(Duration::ZERO);
        }
        producer.commit_transaction(LONG).expect("a commit");
    }

    fn consume(&self, offsets: &TopicPartitionList) {
        let proof = self.consumer.group_metadata().expect("a membership");
        self.producer.send_offsets_to_transaction(offsets, &proof, LONG).expect("offsets");
    }
}

fn producer(broker: &str, id: &str) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker)
        .set("transactional.id", id)
        .set("linger.ms", "0")
        .set("compression.type", std::env::var("COMPRESSION").as_deref().unwrap_or("lz4"))
        .set("retry.backoff.ms", "3")
        .set("retry.backoff.max.ms", "50")
        .set("delivery.report.only.error", "true")
        .set("queue.buffering.max.messages", "1000000")
        .create()
        .expect("a producer");
    producer.init_transactions(LONG).expect("transactions");
    producer
}

impl Chain for Bare {
    fn fill(&mut self, records: usize) {
        let producer = producer(&self.broker, &format!("{}-fill", self.input));
        for nth in 0..records {
            if nth % 10_000 == 0 {
                producer.begin_transaction().expect("a transaction");
            }
            let value = value(nth);
            let partition = (nth as u32 % PARTITIONS) as i32;
            let record = BaseRecord::to(&self.input).partition(partition).key(&value[..16]).payload(&value[..]);
            producer.send(record).map_err(|(error, _)| error).expect("a record");
            if nth % 10_000 == 9_999 || nth + 1 == records {
                Self::end(&producer);
            }
        }
    }

    fn turn(&mut self, most: usize) -> usize {
        let (mut count, mut next) = (0, BTreeMap::new());
        let mut wait = LONG;
        while count < most {
            let Some(message) = self.consumer.poll(wait) else { break };
            let message = message.expect("a record");
            if count == 0 {
                self.producer.begin_transaction().expect("a transaction");
                wait = Duration::ZERO;
            }
            count += 1;
            for _ in 0..2 {
                let record = BaseRecord::to(&self.output)
                    .partition(message.partition())
                    .key(message.key().unwrap_or_default())
                    .payload(message.payload().unwrap_or_default());
                self.producer.send(record).map_err(|(error, _)| error).expect("a record");
            }
            next.insert(message.partition(), message.offset() + 1);
        }
        if 0 < count {
            let mut offsets = TopicPartitionList::new();
            for (partition, next) in next {
                offsets.add_partition_offset(&self.input, partition, Offset::Offset(next)).expect("an offset");
            }
            self.consume(&offsets);
            Self::end(&self.producer);
        }
        count
    }

    fn one(&mut self, consumes: bool) {
        let value = value(0);
        self.producer.begin_transaction().expect("a transaction");
        let record = BaseRecord::to(&self.output).partition(0).key(&value[..16]).payload(&value[..]);
        self.producer.send(record).map_err(|(error, _)| error).expect("a record");
        if consumes {
            let mut offsets = TopicPartitionList::new();
            offsets.add_partition_offset(&self.input, 0, Offset::Offset(0)).expect("an offset");
            self.consume(&offsets);
        }
        Self::end(&self.producer);
    }
}
