//! One hop of the bare chain.

use std::collections::BTreeMap;
use std::time::Duration;

use fleet::partitioner::partition_of;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use super::{Order, thread_of};
use crate::brokers::weigh::{Kind, Sample, Weights};
use crate::plant::knob;

/// A hop at work.
pub(super) struct Hop {
    stage: &'static str,
    batch: usize,
    partitions: u32,
    consumer: BaseConsumer,
    producer: BaseProducer,
    outputs: Vec<Output>,
    /// Inputs of the last turn whose partner has answered, at once as it does.
    answered: Vec<Vec<u8>>,
}

/// A kind of record that a hop writes.
struct Output {
    topic: String,
    when: When,
    place: Place,
    /// The last byte of its keys.
    mark: u8,
    /// How many are owed so far; what is left of one is carried over.
    owed: f64,
    rate: f64,
    samples: Vec<Sample>,
    next: usize,
}

/// For which of a hop's inputs something is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// For each.
    Input,
    /// For what makes a request close.
    Ending,
    /// For the answer to each.
    Answer,
}

/// To which partition something is written.
#[derive(Clone, Copy)]
enum Place {
    /// That of its key.
    Key,
    /// That of the input, since it is memory.
    Input,
    /// That of the samples, since it is keyed by partner.
    Sample,
}

const EVENTS: [&str; 6] = ["received", "validated", "identity-matched", "partner-dispatched", "fulfilled", "closed"];
const ENDING: u8 = b'4';
const LONG: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_millis(50);
const LANES: [&str; 3] = ["urgent", "standard", "bulk"];

// === impl Hop ===

impl Hop {
    /// Joins, and waits until it has its partitions.
    pub(super) fn join(order: &Order, stage: &'static str, weights: &Weights) -> Self {
        let name = format!("{}{stage}", order.prefix);
        let consumer: BaseConsumer = consuming(&order.broker, &name).create().expect("a consumer");
        let inputs: Vec<String> = match stage {
            "reconciliation" => vec![format!("{}events", order.prefix)],
            family => LANES.iter().map(|lane| format!("{}{family}.{lane}", order.prefix)).collect(),
        };
        consumer.subscribe(&inputs.iter().map(String::as_str).collect::<Vec<_>>()).expect("a subscription");
        let producer: BaseProducer = producing(&order.broker, &name).create().expect("a producer");
        producer.init_transactions(LONG).expect("transactions");
        let metadata = consumer.fetch_metadata(Some(&inputs[0]), LONG).expect("metadata");
        let partitions = u32::try_from(metadata.topics()[0].partitions().len()).expect("few");
        let outputs = weights.kinds.iter().filter(|kind| kind.writer == stage);
        let outputs = outputs.map(|kind| Output::of(order, stage, kind, weights.requests)).collect();
        let mut hop = Self { stage, batch: order.batch, partitions, consumer, producer, outputs, answered: Vec::new() };
        // Nothing is there for any hop but the first, which takes its first turn right away.
        while stage != "intake" && hop.consumer.assignment().expect("an assignment").count() == 0 {
            assert_eq!(hop.turn(|| {}), 0, "nothing is there yet");
        }
        hop
    }

    /// Takes what is there, writes what follows from it, and commits; how many requests that has closed.
    pub(super) fn turn(&mut self, begins: impl Fn()) -> u64 {
        let answered = std::mem::take(&mut self.answered);
        let mut next = BTreeMap::<(String, i32), i64>::new();
        let (mut count, mut closed) = (0, 0);
        let Self { stage, batch, partitions, consumer, producer, outputs, answered: later } = self;
        let mut wait = if answered.is_empty() { IDLE } else { Duration::ZERO };
        if !answered.is_empty() {
            producer.begin_transaction().expect("a transaction");
            let at = answered.first().map_or(0, |key| partition_of(key, *partitions));
            for key in &answered {
                outputs.iter_mut().filter(|output| output.when == When::Answer).for_each(|output| {
                    output.write(producer, key, at, *partitions);
                });
            }
        }
        while count < *batch {
            let Some(message) = consumer.poll(wait) else { break };
            // Brokers that come and go are told here too.
            let Ok(message) = message else { continue };
            if count == 0 && answered.is_empty() {
                begins();
                producer.begin_transaction().expect("a transaction");
            }
            (count, wait) = (count + 1, Duration::ZERO);
            let (thread, is_ending) = read(stage, &message);
            let at = u32::try_from(message.partition()).expect("a partition");
            closed += u64::from(is_ending);
            for output in outputs.iter_mut() {
                if output.when == When::Input || output.when == When::Ending && is_ending {
                    output.write(producer, &thread, at, *partitions);
                }
            }
            if *stage == "dispatch" {
                later.push(thread);
            }
            next.insert((message.topic().to_owned(), message.partition()), message.offset() + 1);
        }
        if count + answered.len() > 0 {
            self.commit(&next);
        }
        closed
    }

    fn commit(&self, next: &BTreeMap<(String, i32), i64>) {
        if !next.is_empty() {
            let mut offsets = TopicPartitionList::new();
            for ((topic, partition), next) in next {
                offsets.add_partition_offset(topic, *partition, Offset::Offset(*next)).expect("an offset");
            }
            let proof = self.consumer.group_metadata().expect("a membership");
            persist(|| self.producer.send_offsets_to_transaction(&offsets, &proof, LONG));
        }
        while 0 < self.producer.in_flight_count() {
            self.producer.poll(Duration::ZERO);
            std::thread::sleep(Duration::from_micros(100));
        }
        persist(|| self.producer.commit_transaction(LONG));
    }
}

/// Calls again what only took too long.
fn persist(call: impl Fn() -> KafkaResult<()>) {
    while let Err(error) = call() {
        let is_late = matches!(&error, KafkaError::Transaction(error) if error.is_retriable());
        assert!(is_late, "a transaction failed: {error}");
    }
}

/// Which submission a record follows from, and whether it makes its request close.
fn read(stage: &str, message: &BorrowedMessage<'_>) -> (Vec<u8>, bool) {
    let key = message.key().unwrap_or_default();
    if stage == "intake" {
        return (thread_of(key), false);
    }
    let (mark, thread) = key.split_last().expect("a key of the chain's");
    (thread.to_vec(), stage == "reconciliation" && *mark == ENDING)
}

fn consuming(broker: &str, group: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker).set("group.id", group).set("isolation.level", "read_committed");
    config.set("enable.auto.commit", "false").set("auto.offset.reset", "earliest");
    config.set("fetch.wait.max.ms", "100").set("fetch.queue.backoff.ms", "2");
    config.set("queued.max.messages.kbytes", "32768").set("queued.min.messages", "100000");
    config
}

fn producing(broker: &str, id: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker).set("transactional.id", id);
    config.set("linger.ms", (knob("LINGER_US", 500.0) / 1e3).to_string());
    config.set("batch.size", "1000000").set("compression.type", "lz4").set("delivery.report.only.error", "true");
    config.set("retry.backoff.ms", "3").set("retry.backoff.max.ms", "50");
    config.set("queue.buffering.max.messages", "1000000").set("queue.buffering.max.kbytes", "262144");
    config
}

// === impl Output ===

impl Output {
    fn of(order: &Order, stage: &str, kind: &Kind, requests: u64) -> Self {
        let event = EVENTS.iter().position(|event| kind.what == format!("waybill.{event}"));
        let is_memory = kind.topic.starts_with("memory.");
        let when = match (stage, event) {
            ("reconciliation", _) if !is_memory => When::Ending,
            // What a call that is under way leaves in memory goes with its answer.
            ("dispatch", event) if event == Some(4) || kind.what == "forgotten" => When::Answer,
            _ => When::Input,
        };
        let inputs = if stage == "reconciliation" && is_memory { EVENTS.len() as f64 } else { 1.0 };
        let place = match is_memory {
            true => Place::Input,
            false if kind.topic.starts_with("dispatch.") => Place::Sample,
            false => Place::Key,
        };
        Self {
            topic: format!("{}{}", order.prefix, kind.topic),
            when,
            place,
            mark: b'0' + u8::try_from(event.unwrap_or(9)).expect("a digit"),
            owed: 0.0,
            rate: kind.records as f64 / requests as f64 / inputs,
            samples: kind.samples.clone(),
            next: 0,
        }
    }

    /// Writes as many as are owed for one more input.
    fn write(&mut self, producer: &BaseProducer, thread: &[u8], input: u32, partitions: u32) {
        self.owed += self.rate;
        while 0.999 <= self.owed {
            self.owed -= 1.0;
            let sample = &self.samples[self.next];
            self.next = (self.next + 1) % self.samples.len();
            let partition = match self.place {
                Place::Key => partition_of(thread, partitions),
                Place::Input => input,
                Place::Sample => sample.partition,
            };
            let key = [thread, &[self.mark]].concat();
            let partition = i32::try_from(partition).expect("a partition");
            let mut record = BaseRecord::<[u8], [u8]>::to(&self.topic).partition(partition).key(&key);
            if let Some(value) = &sample.value {
                record = record.payload(value);
            }
            if !sample.headers.is_empty() {
                record = record.headers(headers(sample));
            }
            send(producer, record);
        }
    }
}

fn send(producer: &BaseProducer, mut record: BaseRecord<'_, [u8], [u8]>) {
    while let Err((error, rejected)) = producer.send(record) {
        let code = error.rdkafka_error_code();
        assert_eq!(code, Some(rdkafka::types::RDKafkaErrorCode::QueueFull), "a record was not taken: {error}");
        producer.poll(Duration::ZERO);
        std::thread::sleep(Duration::from_micros(100));
        record = rejected;
    }
}

fn headers(sample: &Sample) -> OwnedHeaders {
    let empty = OwnedHeaders::new_with_capacity(sample.headers.len());
    let insert =
        |headers: OwnedHeaders, (key, value): &(String, String)| headers.insert(Header { key, value: Some(value) });
    sample.headers.iter().fold(empty, insert)
}
