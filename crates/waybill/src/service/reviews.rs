//! Open reviews, with those there are to choose from: identity's own memory, read from its changelog.

use std::collections::BTreeMap;

use contracts::Topic;
use domain::messages::{Stage, Workflow};
use domain::{Code, Lane, RequestId, SourceId};
use identity::{Candidate, Entry};
use serde::Serialize;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;

/// A review that waits for a person.
#[derive(Serialize)]
pub(super) struct Review {
    request_id: RequestId,
    source: SourceId,
    workflow: Workflow,
    lane: Lane,
    code: Code,
    opened_at: String,
    due_by: String,
    held: bool,
    candidates: Vec<Candidate>,
}

/// The open reviews, the most urgent first.
pub(super) fn open(plant: &Plant) -> Result<Vec<Review>, Failure> {
    let mut newest = BTreeMap::new();
    for (record, _) in Tail::of(plant, Topic::Memory(Stage::Identity))?.all()? {
        newest.insert(record.key, record.value);
    }
    // Entries of the fleet lie here too and are of another schema.
    let entry = |value: Option<bytes::Bytes>| plant.codec.decode_entry::<Entry>(Stage::Identity, &value?).ok();
    let mut reviews: Vec<Review> = newest.into_values().filter_map(entry).map(review).collect();
    reviews.sort_by(|one, other| one.due_by.cmp(&other.due_by));
    Ok(reviews)
}

fn review(entry: Entry) -> Review {
    let Entry::OpenReview { context, code, candidates, opened_at, due_by, held, .. } = entry;
    Review {
        request_id: context.request_id,
        source: context.source,
        workflow: context.workflow,
        lane: context.lane,
        code,
        opened_at: opened_at.to_string(),
        due_by: due_by.to_string(),
        held,
        candidates,
    }
}
