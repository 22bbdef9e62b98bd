//! How long requests take, as the broker's clock has it: from the append of the submission to the append of each event.
//!
//! The topics of a steady run are made so that the broker writes down when it has appended a record. No clock of ours is in the
//! way, nor how often somebody looks.

use std::collections::{BTreeMap, BTreeSet};

use contracts::Topic;
use contracts::headers::CE_TYPE;
use domain::Message;
use domain::ids::uuid_text;
use fleet::bus::Delivered;
use sandbox::upstream::Submission;
use serde::{Deserialize, Serialize};

use super::chain::thread_of;
use super::weigh::{CLOSED, each_record};
use crate::plant::Plant;
use crate::upstream::{request_id, request_of};

/// Whose run it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runner {
    /// The fleet's: events are keyed by request.
    Fleet,
    /// The bare chain's: whatever follows from a submission is keyed by it.
    Chain,
}

/// How long it took from a submission until something happened.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Waits {
    pub(crate) requests: usize,
    pub(crate) p50_ms: i64,
    pub(crate) p99_ms: i64,
    pub(crate) max_ms: i64,
}

/// From submissions to what follows, by what follows. The first ones do not count: group and connections settle with them.
pub(super) fn latencies(plant: &Plant, runner: Runner, skipped_ms: i64) -> BTreeMap<String, Waits> {
    let mut submitted = submitted(plant, runner);
    let first = submitted.values().min().copied().unwrap_or_default();
    submitted.retain(|_, since| first + skipped_ms <= *since);
    follow(plant, runner, &submitted)
}

/// From each of these submissions until its request was closed.
pub(super) fn until_closed(plant: &Plant, submissions: &[Submission]) -> Waits {
    let key = |submission: &Submission| uuid_text(&request_id(plant, submission).0).to_vec();
    let wanted: BTreeSet<Vec<u8>> = submissions.iter().map(key).collect();
    let mut submitted = submitted(plant, Runner::Fleet);
    submitted.retain(|key, _| wanted.contains(key));
    let waits = follow(plant, Runner::Fleet, &submitted).remove("closed").expect("requests that are closed");
    assert_eq!(waits.requests, submissions.len(), "every request is closed");
    waits
}

/// When each submission was appended, under what the events that follow from it are keyed by.
fn submitted(plant: &Plant, runner: Runner) -> BTreeMap<Vec<u8>, i64> {
    let mut submitted = BTreeMap::<Vec<u8>, i64>::new();
    let is_intake = |topic: &str| topic.contains("intake.") && !topic.contains("memory");
    each_record(plant, is_intake, |record| {
        submitted.insert(submission(plant, runner, record), record.timestamp_ms);
    });
    submitted
}

fn follow(plant: &Plant, runner: Runner, submitted: &BTreeMap<Vec<u8>, i64>) -> BTreeMap<String, Waits> {
    let mut waits = BTreeMap::<String, Vec<i64>>::new();
    each_record(
        plant,
        |topic| topic.ends_with("events"),
        |record| {
            let key = record.key.as_deref().unwrap_or_default();
            let key = if runner == Runner::Chain { &key[..key.len() - 1] } else { key };
            let Some(since) = submitted.get(key) else { return };
            let what = record.headers.text(CE_TYPE).unwrap_or(CLOSED);
            waits.entry(what.trim_start_matches("waybill.").to_owned()).or_default().push(record.timestamp_ms - since);
        },
    );
    waits.into_iter().map(|(what, waits)| (what, Waits::of(waits))).collect()
}

/// What events that follow from a submission are keyed by.
fn submission(plant: &Plant, runner: Runner, record: &Delivered) -> Vec<u8> {
    match runner {
        Runner::Chain => thread_of(record.key.as_deref().unwrap_or_default()),
        Runner::Fleet => {
            let topic = plant.topics.parse(&record.topic).unwrap_or(Topic::Events);
            let message = plant.codec.decode(&topic, record.value.as_deref().unwrap_or_default());
            let Ok((_, Message::Intake(request))) = message else { panic!("no submission at {}", record.offset) };
            uuid_text(&request_of(plant, &request.idempotency_key).0).to_vec()
        }
    }
}

// === impl Waits ===

impl Waits {
    fn of(mut waits: Vec<i64>) -> Self {
        waits.sort_unstable();
        let at = |share: usize| waits[(waits.len() - 1) * share / 100];
        Self { requests: waits.len(), p50_ms: at(50), p99_ms: at(99), max_ms: at(100) }
    }
}
