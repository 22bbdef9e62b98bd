//! How far the fleet is, as anybody can see who looks at the brokers.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::cluster::server;

/// One who looks at a worker's input, without taking part.
pub(crate) struct Watch {
    client: BaseConsumer,
    inputs: Vec<(String, i32)>,
}

/// How long anything may take to be taken again before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long new traffic comes in, to every partition, that shows whether it is worked on.
const TRAFFIC: Duration = Duration::from_secs(1);
/// How long one question may take; one without an answer is asked again.
const STEP: Duration = Duration::from_secs(2);
/// The mark that ends a transaction takes up an offset, and is taken by nobody.
const MARKERS: i64 = 2;

// === impl Watch ===

impl Watch {
    /// One for this worker of the deployment with this prefix.
    pub(crate) fn of(prefix: &str, role: &str) -> Self {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", server("KAFKA"))
            .set("group.id", format!("{prefix}{role}"))
            .set("isolation.level", "read_uncommitted")
            .create()
            .expect("a client");
        let inputs: &[&str] = match role {
            "intake" => &["intake.urgent", "intake.standard", "intake.bulk"],
            "identity" => &["identity.urgent", "identity.standard", "identity.bulk"],
            "dispatch" => &["dispatch.urgent", "dispatch.standard", "dispatch.bulk", "partner-messages"],
            "reconciliation" => &["events", "commands"],
            _ => &["commands", "dead-letters"],
        };
        let metadata = client.fetch_metadata(None, Duration::from_secs(20)).expect("brokers");
        let is_input = |name: &str| inputs.iter().any(|input| name == format!("{prefix}{input}"));
        let inputs = metadata.topics().iter().filter(|topic| is_input(topic.name()));
        let inputs = inputs.flat_map(|topic| topic.partitions().iter().map(|at| (topic.name().to_owned(), at.id())));
        Self { inputs: inputs.collect(), client }
    }

    /// Waits until all was taken that has come until a moment from now, but for what brings no record: what lay there before may have
    /// been taken before. How long it took from now on.
    pub(crate) fn until_taken(&self) -> Duration {
        let began = Instant::now();
        std::thread::sleep(TRAFFIC);
        let ends: Vec<i64> = self.inputs.iter().map(|(topic, at)| self.end(topic, *at)).collect();
        loop {
            if self.taken().is_some_and(|taken| taken.iter().zip(&ends).all(|(taken, end)| *end <= taken + MARKERS)) {
                return began.elapsed();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "what lay at {:?} up to {ends:?} is taken up to {:?}",
                self.inputs,
                self.taken()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether anything has come yet.
    pub(crate) fn has_traffic(&self) -> bool {
        self.inputs.iter().any(|(topic, at)| 0 < self.end(topic, *at))
    }

    fn end(&self, topic: &str, at: i32) -> i64 {
        let began = Instant::now();
        loop {
            match self.client.fetch_watermarks(topic, at, STEP) {
                Ok((low, high)) => return if low == high { 0 } else { high },
                // A client that is not made to look again goes on asking the leader that is gone.
                Err(error) => {
                    assert!(began.elapsed() < PATIENCE, "{topic} [{at}]: {error}");
                    let _ = self.client.fetch_metadata(Some(topic), STEP);
                }
            }
        }
    }

    fn taken(&self) -> Option<Vec<i64>> {
        let mut list = TopicPartitionList::new();
        for (topic, at) in &self.inputs {
            list.add_partition_offset(topic, *at, Offset::Invalid).expect("an offset");
        }
        let told = self.client.committed_offsets(list, STEP).ok()?;
        let offset = |(topic, at): &(String, i32)| match told.find_partition(topic, *at)?.offset() {
            Offset::Offset(offset) => Some(offset),
            Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => Some(0),
        };
        self.inputs.iter().map(offset).collect()
    }
}
