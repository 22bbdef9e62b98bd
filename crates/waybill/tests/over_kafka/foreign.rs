//! Clients that know nothing of Waybill but its topics and the registry: they are understood, and understand.

use std::collections::BTreeSet;
use std::time::Duration;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use contracts::{Catalogue, Codec};
use domain::Message;
use domain::messages::IntakeRequest;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message as _};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::cluster::{Deployment, example, server, until};

/// The partitioners of librdkafka and of Java's client. Neither is told anything of ours.
const PARTITIONERS: [&str; 2] = ["consistent_random", "murmur2_random"];

/// The submissions of the example, framed with the id that the registry gives their schema.
fn submissions() -> Vec<(String, Vec<u8>)> {
    let lines = std::fs::read_to_string(example("requests.jsonl")).expect("an example");
    let id = ask("subjects/waybill.IntakeRequest/versions/latest")["id"].as_u64().expect("an id");
    let rows = contracts::catalogue::BUNDLED.iter();
    let rows =
        rows.map(|row| (if row.id == 1 { id as u32 } else { 1_000_000 + row.id }, row.subject, row.version, row.text));
    let codec = Codec::new(Catalogue::new(rows).expect("a catalogue"));
    let framed = |line: &str| {
        let request: IntakeRequest =
            contracts::json::from_json(serde_json::from_str(line).expect("JSON")).expect("a request");
        let (key, mut value) = (request.idempotency_key.clone(), Vec::new());
        codec.encode(&Message::Intake(Box::new(request)), &mut value).expect("it fits");
        (key, value)
    };
    lines.lines().map(framed).collect()
}

/// What the registry answers.
fn ask(path: &str) -> Value {
    let answer = async { reqwest::get(format!("{}/{path}", server("REGISTRY"))).await?.json().await };
    Runtime::new().expect("a runtime").block_on(answer).expect("an answer")
}

fn produce(topic: &str, partitioner: &str) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", server("KAFKA")).set("partitioner", partitioner).set("enable.idempotence", "true");
    let producer: BaseProducer = config.create().expect("a producer");
    for (key, value) in submissions() {
        producer.send(BaseRecord::to(topic).key(&key).payload(&value)).map_err(|(error, _)| error).expect("queued");
    }
    producer.flush(Duration::from_secs(20)).expect("sent");
}

/// Whichever partition a foreign client chooses, a key names one request.
#[test]
fn producers_of_any_partitioner_are_taken_and_duplicates_across_them_suppressed() {
    let deployment = Deployment::prepared();
    let worker = deployment.start("all", &["run", "--all"]);
    for partitioner in PARTITIONERS {
        produce(&format!("{}intake.standard", deployment.prefix()), partitioner);
    }
    let status = until("all to be judged", || {
        let status = deployment.waybill(&["--json", "status"]);
        let status: Value = serde_json::from_slice(&status.stdout).ok()?;
        (status["requests"] == 3 && status["duplicates"] == 3).then_some(status)
    });
    assert_eq!((&status["refused_submissions"], &status["conflicts"]), (&0.into(), &0.into()), "{status}");
    drop(worker);
}

/// Brokers take more than the fleet does, so that a record of the limit fits with its framing. What is beyond it stalls nobody, and is
/// not lost either.
#[test]
fn a_record_beyond_the_limit_becomes_a_letter_and_stalls_nobody() {
    let deployment = Deployment::prepared();
    let worker = deployment.start("all", &["run", "--all"]);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", server("KAFKA"))
        .set("message.max.bytes", "2000000")
        .create()
        .expect("a producer");
    let topic = format!("{}intake.standard", deployment.prefix());
    for (key, mut value) in submissions() {
        value.resize(1_500_000, b'x');
        producer.send(BaseRecord::to(&topic).key(&key).payload(&value)).map_err(|(error, _)| error).expect("queued");
    }
    producer.flush(Duration::from_secs(20)).expect("sent");
    produce(&topic, PARTITIONERS[0]);
    until("the others to be taken", || {
        let status = deployment.waybill(&["--json", "status"]);
        let status: Value = serde_json::from_slice(&status.stdout).ok()?;
        (status["requests"] == 3).then_some(())
    });
    until("a letter for each of those beyond it", || {
        let letters = deployment.answer(&["letters", "list"]);
        let letters = letters.as_array().expect("a list");
        (letters.iter().filter(|letter| letter["code"] == "undecodable").count() == 3).then_some(())
    });
    drop(worker);
}

/// Another Avro library, with nothing but the registry, reads what the fleet writes.
#[test]
fn consumers_decode_by_the_registry_alone() {
    let deployment = Deployment::prepared();
    let worker = deployment.start("all", &["run", "--all"]);
    produce(&format!("{}intake.standard", deployment.prefix()), PARTITIONERS[0]);
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", server("KAFKA"))
        .set("group.id", deployment.prefix())
        .set("auto.offset.reset", "earliest")
        .create()
        .expect("a consumer");
    let topics =
        ["events", "outcomes.enrolment", "identity.standard"].map(|name| format!("{}{name}", deployment.prefix()));
    consumer.subscribe(&topics.each_ref().map(String::as_str)).expect("subscribed");
    let mut decoded = BTreeSet::new();
    until("a record of every topic", || {
        let record = consumer.poll(Duration::from_millis(100))?.expect("a record");
        let value = record.payload().expect("a value");
        assert_eq!(value[0], 0, "Confluent's frame");
        let id = u32::from_be_bytes(value[1..5].try_into().expect("four bytes"));
        let schema = ask(&format!("schemas/ids/{id}"))["schema"].as_str().expect("a schema").to_owned();
        let schema = Schema::parse_str(&schema).expect("Avro");
        let reader = GenericDatumReader::builder(&schema).build().expect("a reader");
        let datum = reader.read_value(&mut &value[5..]).expect("it decodes");
        assert!(matches!(datum, Avro::Record(_)), "{datum:?}");
        decoded.insert(record.topic().to_owned());
        (decoded.len() == topics.len()).then_some(())
    });
    drop(worker);
}
