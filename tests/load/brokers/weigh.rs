//! What a request leaves on the topics: how many records of which kind, how large, and some of them as samples.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use contracts::headers::{CE_SOURCE, CE_TYPE};
use fleet::bus::{Delivered, Isolation, Limit, TopicPartition};
use serde::{Deserialize, Serialize};

use super::broker::Broker;
use crate::plant::Plant;

/// How many samples of a kind are kept: more than any compression looks back.
const SAMPLES_MAX: usize = 1_000;

/// All kinds of records that a run has left.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Weights {
    pub(super) requests: u64,
    pub(super) kinds: Vec<Kind>,
}

/// Records of one topic that are alike.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Kind {
    /// The topic without the run's prefix.
    pub(super) topic: String,
    /// Which worker writes it; empty for upstream's.
    pub(super) writer: String,
    /// What it says it is: its `ce_type`, or whether an entry of memory is `kept` or `forgotten`.
    pub(super) what: String,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) samples: Vec<Sample>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) partition: u32,
    #[serde(with = "text")]
    pub(super) key: Option<Vec<u8>>,
    #[serde(with = "text")]
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, String)>,
}

/// Bytes on each topic, for each request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Bytes {
    /// By topic: records, bytes before compression, bytes in the broker's log where that can be seen.
    pub(crate) topics: BTreeMap<String, (f64, f64, f64)>,
    pub(crate) records: f64,
    pub(crate) events: f64,
    pub(crate) before_compression: f64,
    pub(crate) after_compression: f64,
}

// === impl Weights ===

impl Weights {
    /// Reads all topics of a run whole, without upstream's: the roster is not part of any request.
    pub(super) fn of(plant: &Plant, requests: u64) -> Self {
        let mut kinds = BTreeMap::<(String, String, String), Kind>::new();
        each_record(
            plant,
            |topic| !topic.ends_with("members"),
            |record| {
                let topic = record.topic.strip_prefix(plant.prefix()).unwrap_or(&record.topic).to_owned();
                let writer = writer(&topic, record);
                let kind = kinds.entry((topic, writer, what(record))).or_default();
                kind.records += 1;
                kind.bytes += u64::try_from(record.size_bytes()).unwrap_or_default();
                if kind.samples.len() < SAMPLES_MAX {
                    kind.samples.push(Sample::of(record));
                }
            },
        );
        let named = kinds.into_iter().map(|((topic, writer, what), kind)| Kind { topic, writer, what, ..kind });
        Self { requests, kinds: named.collect() }
    }

    /// How many requests were closed.
    pub(super) fn closed(&self) -> u64 {
        self.kinds.iter().filter(|kind| kind.what == CLOSED).map(|kind| kind.records).sum()
    }

    /// The bytes of a request by topic.
    pub(super) fn bytes(&self, plant: &Plant, broker: &Broker) -> Bytes {
        let mut bytes = Bytes::default();
        let each = |total: u64| total as f64 / self.requests as f64;
        for kind in &self.kinds {
            let topic = bytes.topics.entry(kind.topic.clone()).or_default();
            topic.0 += each(kind.records);
            topic.1 += each(kind.bytes);
        }
        for (topic, weight) in &mut bytes.topics {
            weight.2 = each(broker.log_bytes(&format!("{}{topic}", plant.prefix())).unwrap_or_default());
            bytes.records += weight.0;
            bytes.before_compression += weight.1;
            bytes.after_compression += weight.2;
        }
        bytes.events = bytes.topics.get("events").map_or(0.0, |weight| weight.1);
        bytes
    }
}

/// The event that ends a request.
pub(super) const CLOSED: &str = "waybill.closed";

/// Who wrote a record: entries of memory carry no headers, but lie on a topic of their writer's.
fn writer(topic: &str, record: &Delivered) -> String {
    let source =
        record.headers.text(CE_SOURCE).and_then(|source| source.strip_prefix('/').filter(|source| *source != "load"));
    source.or_else(|| topic.strip_prefix("memory.")).unwrap_or_default().to_owned()
}

fn what(record: &Delivered) -> String {
    let said = record.headers.text(CE_TYPE).map(str::to_owned);
    said.unwrap_or_else(|| if record.value.is_some() { "kept" } else { "forgotten" }.to_owned())
}

/// Reads every record of a run's topics that is committed by now.
pub(super) fn each_record(plant: &Plant, is_wanted: impl Fn(&str) -> bool, mut see: impl FnMut(&Delivered)) {
    let mut open = Vec::new();
    for spec in plant.topic_specs().into_iter().filter(|spec| is_wanted(&spec.name)) {
        for partition in 0..spec.partitions {
            let at = TopicPartition::new(Arc::clone(&spec.name), partition);
            let marks = plant.bus.watermarks(&at).expect("watermarks");
            if marks.low < marks.stable {
                open.push((at, marks));
            }
        }
    }
    let mut reader = plant.bus.reader(Isolation::ReadCommitted).expect("a reader");
    let from: Vec<_> = open.iter().map(|(at, marks)| (at.clone(), marks.low)).collect();
    reader.assign(&from).expect("assigned");
    let mut records = Vec::new();
    while !open.is_empty() {
        records.clear();
        let limit = Limit { records: 20_000, bytes: 32 << 20 };
        reader.read(limit, Duration::from_millis(200), &mut records).expect("readable");
        records.iter().for_each(&mut see);
        open.retain(|(at, marks)| reader.position(at).expect("a position") < marks.stable);
    }
}

// === impl Sample ===

impl Sample {
    fn of(record: &Delivered) -> Self {
        let headers = record.headers.0.iter();
        let readable = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Self {
            partition: record.partition,
            key: record.key.as_ref().map(|key| key.to_vec()),
            value: record.value.as_ref().map(|value| value.to_vec()),
            headers: headers.map(|(name, value)| (name.to_string(), readable(value))).collect(),
        }
    }
}

/// Bytes as text in JSON.
mod text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, out: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(out)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(text: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(text)?;
        text.map(|text| STANDARD.decode(text).map_err(D::Error::custom)).transpose()
    }
}
