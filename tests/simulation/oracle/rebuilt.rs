//! What the log rebuilds: the projections' rows, and what the supervisor remembers. Both are held against the log at one vector of
//! offsets, that at which the supervisor has read all there is.

use std::collections::BTreeMap;

use contracts::Topic;
use domain::{EventBody, LetterId, LifecycleEvent, MemoryKey, Message, RequestId, Stage, State, Timestamp};
use fleet::bus::{Delivered, TopicPartition};
use projections::rows::{RequestRow, Rows};
use projections::{Fact, Position, project};
use reconciliation::{Entry, Key};
use tests::World;
use tests::hiring::group;
use tests::reading::read;
use tests::world::PARTITIONS;

use super::Oracle;

/// The projections' rows of requests, as they follow from facts one by one.
#[derive(Default)]
pub(super) struct Rebuilt {
    rows: BTreeMap<RequestId, Option<Box<RequestRow>>>,
    /// Facts that the supervisor could not decide lie in letters, and those behind them wait.
    lettered: BTreeMap<LetterId, RequestId>,
}

// === impl Rebuilt ===

impl Rebuilt {
    /// Takes in a fact.
    pub(super) fn take(&mut self, record: &Delivered, event: &LifecycleEvent, value: &[u8]) {
        let position = Position { partition: record.partition, offset: record.offset };
        let fact = Fact::new(position, Timestamp(record.timestamp_ms), event.clone(), value);
        match &event.body {
            EventBody::DeadLettered { letter_id, .. } if event.by == Stage::Reconciliation => {
                self.lettered.insert(*letter_id, event.request_id);
            }
            EventBody::LetterReplayed { letter_id, .. } | EventBody::LetterDiscarded { letter_id, .. } => {
                self.lettered.remove(letter_id);
            }
            _ => {}
        }
        project(self.rows.entry(event.request_id).or_default(), &fact, &mut Rows::default());
    }

    /// Holds the supervisor's memory against the rows, if it has read as far as they go.
    pub(super) fn compare(&self, world: &World) -> Vec<String> {
        let Some(brokers) = world.brokers().filter(|brokers| brokers.pinned() == 0 && world.is_well()) else {
            return Vec::new();
        };
        let inputs = Topic::inputs(Stage::Reconciliation);
        let mut places = inputs.iter().flat_map(|topic| (0..PARTITIONS).map(|at| (world.topics.name(topic), at)));
        let has_read = |(topic, partition)| {
            brokers.waiting(&group(Stage::Reconciliation), &TopicPartition::new(topic, partition)) == Ok(0)
        };
        if !places.all(has_read) {
            return Vec::new();
        }
        let supervised = supervised(world);
        let rows = self.rows.iter().filter_map(|(id, row)| Some((id, row.as_deref()?)));
        rows.filter(|(id, row)| row.accepted.is_some() && !self.lettered.values().any(|lettered| lettered == *id))
            .filter_map(|(id, row)| Some(format!("{id}: {}", differs(row, supervised.get(id))?)))
            .collect()
    }
}

/// In what the supervisor's entry differs from the rows of the log.
fn differs(row: &RequestRow, entry: Option<&Entry>) -> Option<String> {
    let state = row.lifecycle.state;
    match entry {
        Some(Entry::WatchedRequest(watched)) => {
            if watched.lifecycle != row.lifecycle {
                let (log, memory) = (&row.lifecycle, &watched.lifecycle);
                return Some(format!("the log comes to {log:?}, and the supervisor remembers {memory:?}"));
            }
            if watched.ahead.is_some() {
                return Some("the supervisor waits for facts of its own that it has read".to_owned());
            }
            if watched.route.is_some() != row.dispatched_at.is_some() {
                return Some(format!("the supervisor has it at {:?}, and the log does not", watched.route));
            }
            let tier = row.tier.filter(|_| state == State::Exception).unwrap_or(watched.tier);
            (tier != watched.tier).then(|| format!("owner {tier} by the log, {} by memory", watched.tier))
        }
        Some(Entry::EndedRequest(ended)) => {
            let is_so = state == State::Closed && row.lifecycle.outcome == Some(ended.outcome);
            (!is_so).then(|| format!("the supervisor has it ended as {:?}, and the log says {state:?}", ended.outcome))
        }
        Some(Entry::EarlyCommands(_)) | None => (state != State::Closed)
            .then(|| format!("it is {state:?} by the log, and the supervisor knows nothing of it")),
    }
}

/// What the supervisor remembers of requests.
fn supervised(world: &World) -> BTreeMap<RequestId, Entry> {
    let mut entries = BTreeMap::new();
    for record in read(world, &Topic::Memory(Stage::Reconciliation)) {
        let Some((b'w', key)) = record.key.as_deref().and_then(<[u8]>::split_first) else { continue };
        let Some(Key::Request(request_id)) = Key::decode(key) else { continue };
        match &record.value {
            Some(value) => entries.insert(request_id, value.clone()),
            None => entries.remove(&request_id),
        };
    }
    let read = |value: &[u8]| world.codec.decode_entry(Stage::Reconciliation, value).expect("an entry");
    entries.into_iter().map(|(id, value)| (id, read(&value))).collect()
}

impl Oracle {
    /// Makes the rows once more from the log alone, and compares them with those that grew with it, and with memory.
    pub(crate) fn rebuild(&self, world: &World) -> Vec<String> {
        let mut again = Rebuilt::default();
        for record in read(world, &Topic::Events) {
            let value = record.value.as_deref().unwrap_or_default();
            if let Ok((_, Message::Event(event))) = world.codec.decode(&Topic::Events, value) {
                again.take(&record, &event, value);
            }
        }
        let mut wrong = self.rebuilt.compare(world);
        if again.rows != self.rebuilt.rows {
            wrong.push("the log makes other rows than those that grew with it".to_owned());
        }
        wrong
    }
}
