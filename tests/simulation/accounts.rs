//! The accounts of a run, drawn up from the outside: the log, the outcome topic and the partners' own books. Nothing here uses a
//! worker's code; the fold is checked against a few plain counts of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::Topic;
use domain::lifecycle::fold::{chain, digest};
use domain::messages::{Outcome, OutcomeStatus};
use domain::{EventBody, Message, RequestId, TerminalOutcome};
use fleet::bus::{Delivered, Isolation, Limit, TopicPartition};
use sandbox::upstream::{Expected, Submission};

use crate::world::{SOURCE, World};

/// What the log says of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) received: u32,
    pub(crate) closed: Vec<TerminalOutcome>,
    pub(crate) fulfilled: u32,
    pub(crate) in_review: bool,
    pub(crate) candidates: u32,
    /// The code of the exception it is in, as far as nothing has happened since.
    pub(crate) exception: Option<domain::Code>,
    events: u32,
    chain: [u8; 32],
    kinds: Vec<&'static str>,
    wrong: Vec<String>,
}

/// All requests' stories.
pub(crate) type Stories = BTreeMap<RequestId, Story>;

/// Reads the whole event log.
pub(crate) fn stories(world: &World) -> Stories {
    let mut stories = Stories::new();
    for record in read(world, &Topic::Events) {
        let value = record.value.expect("events have values");
        let (_, message) = world.codec.decode(&Topic::Events, &value).expect("a readable event");
        let Message::Event(event) = message else { panic!("no event on the event log") };
        let story = stories.entry(event.request_id).or_default();
        tell(story, &event.body);
        story.events += 1;
        story.chain = chain(&story.chain, &digest(&value));
        story.kinds.push(contracts::headers::event_type(&event.body));
    }
    stories
}

fn tell(story: &mut Story, body: &EventBody) {
    if let EventBody::Closed { outcome, events, chain, .. } = body {
        if (*events, *chain) != (story.events, story.chain) {
            story.wrong.push(format!("closed counts {events} events, the log has {}", story.events));
        }
        story.closed.push(*outcome);
    }
    match body {
        EventBody::Received { .. } => story.received += 1,
        EventBody::Fulfilled { .. } => story.fulfilled += 1,
        EventBody::ReviewOpened { candidates, .. } => {
            story.in_review = true;
            story.candidates = *candidates;
        }
        EventBody::ReviewDecided { .. } => story.in_review = false,
        EventBody::ExceptionRaised { code, .. } => story.exception = Some(*code),
        _ => {}
    }
}

/// Checks everything that must hold once nothing moves any more; all that does not is told.
pub(crate) fn balance(world: &World, sent: &[Submission]) -> Result<Stories, String> {
    let stories = stories(world);
    let mut wrong: Vec<String> = Vec::new();
    check_requests(&stories, &mut wrong);
    check_outcomes(world, sent, &mut wrong);
    check_effects(world, &stories, &mut wrong);
    if wrong.is_empty() { Ok(stories) } else { Err(wrong.join("\n")) }
}

fn check_requests(stories: &Stories, wrong: &mut Vec<String>) {
    for (id, story) in stories.iter().filter(|(_, story)| story.received > 0) {
        wrong.extend(story.wrong.iter().map(|what| format!("{id}: {what}: {:?}", story.kinds)));
        if story.received != 1 {
            wrong.push(format!("{id} was received {} times: {:?}", story.received, story.kinds));
        }
        if story.closed.len() != 1 {
            wrong.push(format!("{id} was closed {} times: {:?}", story.closed.len(), story.kinds));
        }
        if story.fulfilled > 1 {
            wrong.push(format!("{id} was fulfilled {} times: {:?}", story.fulfilled, story.kinds));
        }
    }
}

/// Every submission has its answer, and every request its final word.
fn check_outcomes(world: &World, sent: &[Submission], wrong: &mut Vec<String>) {
    let mut answers: BTreeMap<(OutcomeStatus, Option<String>), usize> = BTreeMap::new();
    for outcome in outcomes(world) {
        *answers.entry((outcome.status, outcome.correlation_id)).or_default() += 1;
    }
    let mut wanted: BTreeMap<(OutcomeStatus, Option<String>), usize> = BTreeMap::new();
    for submission in sent {
        let status = match submission.expected {
            Expected::Dispatched | Expected::Unmatched | Expected::InReview => OutcomeStatus::Accepted,
            Expected::Duplicate => OutcomeStatus::Duplicate,
            Expected::Conflict => OutcomeStatus::Conflict,
            Expected::Refused => OutcomeStatus::Refused,
        };
        *wanted.entry((status, submission.request.correlation_id.clone())).or_default() += 1;
    }
    let at_once = |status: &OutcomeStatus| !matches!(status, OutcomeStatus::Progress | OutcomeStatus::Final);
    answers.retain(|(status, _), _| at_once(status));
    if answers != wanted {
        let differs = |(key, count): &(&(OutcomeStatus, Option<String>), &usize)| wanted.get(*key) != Some(*count);
        let extra: Vec<_> = answers.iter().filter(differs).take(3).collect();
        let missing: Vec<_> = wanted.iter().filter(|(key, count)| answers.get(*key) != Some(*count)).take(3).collect();
        wrong.push(format!("outcomes differ; told: {extra:?}; expected: {missing:?}"));
    }
}

/// No effect twice, none missing behind a fulfilment.
fn check_effects(world: &World, stories: &Stories, wrong: &mut Vec<String>) {
    let mut performed = 0;
    for (partner, _, operation, effects) in world.partners.effects() {
        if effects.done_twice() {
            wrong.push(format!("{partner} did operation {operation} twice: {effects:?}"));
        }
        performed += u32::from(effects.performed > 0);
    }
    let fulfilled: u32 = stories.values().map(|story| story.fulfilled).sum();
    if performed < fulfilled {
        wrong.push(format!("{fulfilled} requests were fulfilled, but partners performed only {performed} operations"));
    }
}

fn outcomes(world: &World) -> Vec<Outcome> {
    let topic = Topic::Outcomes(SOURCE.into());
    let decode = |record: Delivered| {
        let value = record.value.expect("outcomes have values");
        match world.codec.decode(&topic, &value).expect("a readable outcome").1 {
            Message::Outcome(outcome) => *outcome,
            _ => panic!("no outcome on the outcome topic"),
        }
    };
    read(world, &topic).into_iter().map(decode).collect()
}

/// A whole topic, partition by partition.
pub(crate) fn read(world: &World, topic: &Topic) -> Vec<Delivered> {
    let mut reader = world.bus.reader(Isolation::ReadCommitted).expect("a reader");
    let name = world.topics.name(topic);
    let mut records = Vec::new();
    for partition in 0..world.topics.partitions(topic) {
        let at = TopicPartition { topic: name.clone(), partition };
        let high = world.bus.watermarks(&at).expect("watermarks").high;
        reader.assign(&[(at.clone(), 0)]).expect("assigned");
        while reader.position(&at).expect("a position") < high {
            let limit = Limit { records: 10_000, bytes: 64 << 20 };
            reader.read(limit, Duration::ZERO, &mut records).expect("readable");
        }
    }
    records
}
