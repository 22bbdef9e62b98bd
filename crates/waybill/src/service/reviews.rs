//! Open reviews: which there are the projections say, and identity's own memory whom there is to choose from.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use contracts::Topic;
use domain::messages::{Stage, Workflow};
use domain::{MemoryKey as _, RequestId, Token};
use fleet::partitioner::partition_of;
use identity::{Candidate, Entry, Key};
use projections::queries::attention;
use serde::Serialize;

use super::told;
use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;
use crate::read_model::Rows;

/// A review that waits for a person.
#[derive(Serialize)]
pub(super) struct Review {
    request_id: String,
    source: Option<String>,
    counterparty: Option<String>,
    workflow: Option<Workflow>,
    lane: Option<String>,
    code: Option<String>,
    opened_at: Option<String>,
    due_by: Option<String>,
    overdue: Option<bool>,
    held: Option<bool>,
    owner: Option<String>,
    opened_by: Vec<String>,
    first_verdict_by: Option<String>,
    appeal_until: Option<String>,
    candidates: Vec<Choice>,
}

/// Somebody there is to choose from.
#[derive(Serialize)]
struct Choice {
    member_token: Token,
    member_key: String,
    rule: String,
    probability_ppm: u32,
    weight_centibits: i32,
}

/// What people have done about a review.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) owner: Option<String>,
    pub(super) opened_by: Vec<String>,
    pub(super) first_verdict_by: Option<String>,
    pub(super) appeal_until: Option<String>,
}

/// How many reviews are told, the most urgent first; `status` tells how many there are.
const TOLD_MAX: u32 = 1_000;

/// The open reviews, the most urgent first.
pub(super) fn open(plant: &Plant, rows: &Rows) -> Result<Vec<Review>, Failure> {
    let open = rows.get(|database| attention::reviews(database, TOLD_MAX))?;
    let mut questions = questions(plant, open.iter().filter_map(|review| review.request_id.parse().ok()))?;
    let with_question = |review: attention::Review| {
        let question = questions.remove(&review.request_id);
        let (workflow, held) = question.as_ref().map(|question| (question.context.workflow, question.held)).unzip();
        let standing = question.as_ref().map(Standing::of).unwrap_or_default();
        Review {
            request_id: review.request_id,
            source: review.source,
            counterparty: review.counterparty,
            workflow,
            lane: review.lane,
            code: review.code,
            opened_at: review.opened_at.map(told),
            due_by: review.due_by.map(told),
            overdue: review.due_by.map(|due_by| due_by < plant.clock.now_ms()),
            held,
            owner: standing.owner,
            opened_by: standing.opened_by,
            first_verdict_by: standing.first_verdict_by,
            appeal_until: standing.appeal_until,
            candidates: question
                .map(|question| question.candidates)
                .unwrap_or_default()
                .into_iter()
                .map(Choice::from)
                .collect(),
        }
    };
    Ok(open.into_iter().map(with_question).collect())
}

/// The open review of one request, as identity remembers it.
pub(super) fn question(plant: &Plant, request_id: RequestId) -> Result<Option<identity::memory::Review>, Failure> {
    Ok(questions(plant, std::iter::once(request_id))?.remove(&request_id.to_string()))
}

/// The account that stands today for whom a request was matched to, as identity last saw it: another one, where theirs was merged since.
pub(super) fn heir(plant: &Plant, request_id: RequestId) -> Result<Option<String>, Failure> {
    let of_it = |(key, entry)| match (key, entry) {
        (Key::Ground(_, id), Entry::Ground(ground)) if id == request_id => ground.heir,
        _ => None,
    };
    Ok(remembered(plant, std::iter::once(request_id))?.find_map(of_it))
}

/// What identity remembers of the open reviews.
fn questions(
    plant: &Plant,
    open: impl Iterator<Item = RequestId>,
) -> Result<BTreeMap<String, identity::memory::Review>, Failure> {
    let question = |(_, entry)| match entry {
        Entry::OpenReview(review) => Some((review.context.request_id.to_string(), *review)),
        Entry::Ground(_) | Entry::Watch(_) => None,
    };
    Ok(remembered(plant, open)?.filter_map(question).collect())
}

/// What identity remembers, read from the partitions of its changelog that belong to these requests.
fn remembered(
    plant: &Plant,
    of: impl Iterator<Item = RequestId>,
) -> Result<impl Iterator<Item = (Key, Entry)>, Failure> {
    let topic = Topic::Memory(Stage::Identity);
    let count = plant.topics.partitions(&topic);
    let partitions: BTreeSet<u32> =
        of.map(|request_id| partition_of(request_id.to_string().as_bytes(), count)).collect();
    let mut newest = BTreeMap::new();
    for (record, _) in Tail::of_partitions(plant, topic, partitions)?.all()? {
        newest.insert(record.key, record.value);
    }
    // Entries of the fleet lie here too and are of another schema; whose an entry is, is the first letter of its key.
    let entry = |(key, value): (Option<Bytes>, Option<Bytes>)| {
        let (_, key) = key.as_deref()?.split_first()?;
        Some((Key::decode(key)?, plant.codec.decode_entry::<Entry>(Stage::Identity, &value?).ok()?))
    };
    Ok(newest.into_iter().filter_map(entry))
}

// === impl Standing ===

impl Standing {
    pub(super) fn of(review: &identity::memory::Review) -> Self {
        Self {
            owner: review.owner.as_ref().map(ToString::to_string),
            opened_by: review.opened_by.iter().map(ToString::to_string).collect(),
            first_verdict_by: review.first.as_ref().map(|first| first.operator.to_string()),
            appeal_until: review.settles_at.map(|at| told(at.0)),
        }
    }
}

// === impl Choice ===

impl From<Candidate> for Choice {
    fn from(candidate: Candidate) -> Self {
        let Candidate { member_token, member_key, rule, probability_ppm, weight } = candidate;
        Self { member_token, member_key, rule, probability_ppm, weight_centibits: weight }
    }
}
