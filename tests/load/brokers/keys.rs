//! A large memory: how long a slot of intake needs to have at hand what it remembers, and how much room that takes: cold, when all of it
//! is read back from the changelog, and warm, when it lies on the shelf that the first one left.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use contracts::Topic;
use domain::ids::derive;
use domain::{MemoryKey as _, RequestId, Stage};
use fleet::bus::{Headers, Outgoing};
use fleet::partitioner::partition_of;
use serde::{Deserialize, Serialize};

use super::weigh::{Sample, Weights};
use crate::machine;
use crate::plant::{Observer, Partners, Plant};

/// What is to be read back.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) broker: String,
    pub(super) prefix: String,
    pub(super) keys: u64,
    /// Where settled entries lie.
    pub(super) shelves: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Restored {
    pub(crate) keys: u64,
    /// From joining the group until everything was at hand.
    pub(crate) seconds: f64,
    pub(crate) processor_s: f64,
    /// Idle afterwards, and at the highest.
    pub(crate) memory_mib: u64,
    pub(crate) memory_mib_max: u64,
}

/// The key of an entry of intake's that is a request: whose entry it is, what it is, and the id.
const REQUEST_KEY_BYTES: usize = 18;
/// How long the process idles before its memory is looked at.
const IDLE: Duration = Duration::from_secs(3);

/// Remembers so many accepted requests, each as intake writes it down: what one of them holds was read off the fleet's topics.
pub(super) fn fill(plant: &Plant, weights: &Weights, keys: u64) {
    let kind = weights.kinds.iter().find(|kind| kind.topic == "memory.intake" && kind.what == "kept");
    // The fleet keeps entries of its own there, which the first byte of their keys tells from the worker's.
    let is_request = |sample: &&Sample| sample.key.as_ref().is_some_and(|key| key.len() == REQUEST_KEY_BYTES);
    let samples: Vec<&Sample> = kind.expect("intake remembers").samples.iter().filter(is_request).collect();
    let topic = plant.topics.name(&Topic::Memory(Stage::Intake));
    let partitions = plant.topics.partitions(&Topic::Memory(Stage::Intake));
    let mut producer = plant.bus.producer(&format!("{}fill", plant.prefix())).expect("a producer");
    for nth in 0..keys {
        let sample = samples[usize::try_from(nth).expect("few") % samples.len()];
        let key = intake::Key::Request(RequestId(derive(&[b"key", &nth.to_be_bytes()]))).encode();
        let mark = sample.key.as_ref().map_or(&[][..], |key| &key[..1]);
        producer
            .send(Outgoing {
                topic: topic.clone(),
                partition: partition_of(&key, partitions),
                timestamp_ms: plant.clock.now_ms(),
                key: Some([mark, &key].concat().into()),
                value: sample.value.clone().map(Bytes::from),
                headers: Headers::default(),
            })
            .expect("sent");
        if nth % 10_000 == 9_999 {
            producer.commit(None).expect("committed");
        }
    }
    producer.commit(None).expect("committed");
}

/// Starts a slot of intake and waits until it is ready.
pub(super) fn run(order: &Order) -> Restored {
    let mut plant = super::plant(&order.broker, &order.prefix);
    plant.shelves = Some(order.shelves.clone());
    let (told, entries) = mpsc::channel();
    let observer: Observer = Arc::new(move |turned| {
        if turned.is_ready {
            // Nobody listens any more once the first word was heard.
            let _ = told.send((turned.pending)().entries);
        }
    });
    let (begun, processor) = (Instant::now(), machine::processor_in_all());
    plant.start(&[Stage::Intake], &Partners::instant(), &observer);
    // Should the slot end, nobody is left who could tell.
    drop(observer);
    let remembered = entries.recv().expect("it becomes ready");
    let (took, processor) = (begun.elapsed(), machine::processor_in_all() - processor);
    drop(entries);
    assert_eq!(u64::try_from(remembered).expect("few"), order.keys, "everything is remembered");
    std::thread::sleep(IDLE);
    let (memory_mib, memory_mib_max) = machine::memory_mib();
    plant.stop();
    Restored {
        keys: order.keys,
        seconds: took.as_secs_f64(),
        processor_s: processor.as_secs_f64(),
        memory_mib,
        memory_mib_max,
    }
}
