//! Follows the event log as anybody outside would, and notes when requests are closed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contracts::{Codec, Topic};
use domain::{EventBody, Message, RequestId};
use fleet::bus::{Isolation, Limit, Reader, TopicPartition};

use crate::plant::Plant;

/// Follows the event log.
pub(crate) struct Watch {
    reader: Box<dyn Reader>,
    codec: Codec,
    /// Requests closed so far.
    pub(crate) closed: usize,
    /// When requests were submitted that are not closed yet.
    submitted: BTreeMap<RequestId, Instant>,
    /// From the submission of a request until its `closed` could be read.
    latencies: Vec<Duration>,
}

impl Watch {
    pub(crate) fn new(plant: &Plant) -> Self {
        let mut reader = plant.bus.reader(Isolation::ReadCommitted).expect("a reader");
        let name = plant.topics.name(&Topic::Events);
        let partitions = 0..plant.topics.partitions(&Topic::Events);
        let from: Vec<_> = partitions.map(|partition| (TopicPartition { topic: name.clone(), partition }, 0)).collect();
        reader.assign(&from).expect("assigned");
        Self { reader, codec: plant.codec.clone(), closed: 0, submitted: BTreeMap::new(), latencies: Vec::new() }
    }

    /// A request is being submitted: its latency counts from now.
    pub(crate) fn note(&mut self, request_id: RequestId) {
        self.submitted.insert(request_id, Instant::now());
    }

    /// Reads on until so many requests are closed.
    pub(crate) fn until(&mut self, closed: usize) {
        while self.closed < closed {
            self.read(Duration::from_millis(5));
        }
    }

    /// Reads what is there, waiting at most this long for the first record.
    pub(crate) fn read(&mut self, wait: Duration) {
        let mut records = Vec::new();
        let limit = Limit { records: 5_000, bytes: 16 << 20 };
        self.reader.read(limit, wait, &mut records).expect("readable");
        let now = Instant::now();
        for record in records {
            let value = record.value.unwrap_or_default();
            let Ok((_, Message::Event(event))) = self.codec.decode(&Topic::Events, &value) else { continue };
            if matches!(event.body, EventBody::Closed { .. }) {
                self.closed += 1;
                self.latencies.extend(self.submitted.remove(&event.request_id).map(|since| now - since));
            }
        }
    }

    /// The latencies of the requests that were noted, the shortest first.
    pub(crate) fn latencies(mut self) -> Vec<Duration> {
        self.latencies.sort_unstable();
        self.latencies
    }
}
