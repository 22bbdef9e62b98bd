//! The accounts of a run, drawn up from the outside: what the log says, what sources were told, what partners really did.
//!
//! Nothing here uses a worker's code. Lifecycles are judged by plain counts of their own instead of by the fold, so that a mistake
//! there can't hide itself.

use std::collections::BTreeMap;
use std::fmt;

use domain::lifecycle::event::Resolution;
use domain::lifecycle::evidence::ReviewStep;
use domain::lifecycle::fold::{chain, digest};
use domain::messages::{AttemptRef, Outcome, OutcomeStatus, Verdict};
use domain::{Code, EventBody, LifecycleEvent, OperationId, RequestId, TerminalOutcome};
use uuid::Uuid;

use crate::partner::Effects;
use crate::upstream::{Expected, Submission};

/// Everything that was seen of a run.
#[derive(Default)]
pub struct Accounts {
    stories: BTreeMap<RequestId, Story>,
    /// How often a source was told what about which of its threads.
    told: BTreeMap<(OutcomeStatus, Option<String>), usize>,
    effects: BTreeMap<Uuid, Effects>,
}

/// What the log says of one request.
#[derive(Clone, Default)]
pub struct Story {
    /// How often it was received.
    pub received: u32,
    /// How often it was closed, and how.
    pub closed: Vec<TerminalOutcome>,
    /// How often it was fulfilled.
    pub fulfilled: u32,
    /// Whether a person has to decide who the member is.
    pub in_review: bool,
    /// Whether the first of two people has said it, and another one has to.
    pub awaits_second: bool,
    /// How often one of its records was given up as a dead letter.
    pub lettered: u32,
    /// The last exception raised, unless a person's answer has lifted it.
    pub exception: Option<Code>,
    /// The last attempt whose outcome a person has to find out.
    pub unknown: Option<AttemptRef>,
    /// The kinds of its events, in order.
    pub kinds: Vec<&'static str>,
    /// The running hash after each number of events.
    chains: Vec<[u8; 32]>,
    closed_on_another_history: bool,
}

/// When a request counts as ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// Once it is closed: every clock has run out.
    Closed,
    /// Once it is closed, or a named owner has to act: nobody waited for the clocks.
    ClosedOrOwned,
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imbalance(pub String);

// === impl Accounts ===

impl Accounts {
    /// Takes in one event of the log; `kind` is its name, `value` its bytes there.
    pub fn event(&mut self, event: &LifecycleEvent, kind: &'static str, value: &[u8]) {
        let story = self.stories.entry(event.request_id).or_default();
        if let EventBody::Closed { events, chain, .. } = &event.body {
            let seen = usize::try_from(*events).unwrap_or(usize::MAX);
            story.closed_on_another_history |= seen == 0 || story.chains.get(seen - 1) != Some(chain);
        }
        let last = story.chains.last().copied().unwrap_or_default();
        story.chains.push(chain(&last, &digest(value)));
        story.kinds.push(kind);
        story.tell(&event.body);
    }

    /// Takes in one outcome.
    pub fn outcome(&mut self, outcome: &Outcome) {
        *self.told.entry((outcome.status, outcome.correlation_id.clone())).or_default() += 1;
    }

    /// Forgets one answer, to show that the accounts notice.
    pub fn forget_one_answer(&mut self) {
        if let Some(key) = self.told.keys().find(|(status, _)| is_answer(*status)).cloned() {
            self.told.remove(&key);
        }
    }

    /// Takes in what one partner did for one operation.
    pub fn effect(&mut self, operation: Uuid, effects: Effects) {
        self.effects.insert(operation, effects);
    }

    /// The requests, with what the log says of them.
    pub fn requests(&self) -> impl Iterator<Item = (&RequestId, &Story)> {
        self.stories.iter().filter(|(_, story)| story.received > 0)
    }

    /// The requests that have not ended.
    pub fn open(&self) -> impl Iterator<Item = (&RequestId, &Story)> {
        self.requests().filter(|(_, story)| story.closed.is_empty())
    }

    /// The kinds of all events.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.stories.values().flat_map(|story| story.kinds.iter().copied())
    }

    /// How many dead letters stand for records that named no request: all the answer those have.
    pub fn letters(&self) -> usize {
        let nameless = self.stories.values().filter(|story| story.received == 0);
        nameless.map(|story| usize::try_from(story.lettered).unwrap_or(usize::MAX)).sum()
    }

    /// Everything that does not balance with what was sent; nothing if all is well.
    pub fn balance(&self, sent: &[Submission], rest: Rest) -> Vec<Imbalance> {
        let mut found = Vec::new();
        self.requests().for_each(|(id, story)| story.check(*id, rest, &mut found));
        self.check_answers(sent, &mut found);
        self.check_effects(&mut found);
        found.into_iter().map(Imbalance).collect()
    }

    /// Every submission has its one answer, or became a dead letter where nobody could tell whom to answer.
    fn check_answers(&self, sent: &[Submission], found: &mut Vec<String>) {
        let mut wanted: BTreeMap<(OutcomeStatus, Option<String>), usize> = BTreeMap::new();
        for submission in sent {
            if let Some(answer) = answer(submission.expected) {
                *wanted.entry((answer, submission.request.correlation_id.clone())).or_default() += 1;
            }
        }
        let answers: BTreeMap<_, _> = self.told.iter().filter(|((status, _), _)| is_answer(*status)).collect();
        for (key, count) in &wanted {
            let told = answers.get(key).copied().copied().unwrap_or(0);
            if told != *count {
                found.push(format!(
                    "{} was to be told {} {count} times, and was told {told} times",
                    thread(key),
                    key.0.as_str()
                ));
            }
        }
        for (key, count) in answers.into_iter().filter(|(key, _)| !wanted.contains_key(key)) {
            found.push(format!("{} was told {} {count} times, which nobody expected", thread(key), key.0.as_str()));
        }
        let (requests, accepted) =
            (self.requests().count(), sent.iter().filter(|one| is_accepted(one.expected)).count());
        if requests != accepted {
            found.push(format!("{accepted} submissions were to be accepted, and {requests} requests exist"));
        }
        let (letters, lettered) =
            (self.letters(), sent.iter().filter(|one| one.expected == Expected::Lettered).count());
        if letters != lettered {
            found.push(format!(
                "{lettered} submissions were to become dead letters, and {letters} letters name no request"
            ));
        }
    }

    /// No effect twice, and one behind every fulfilment.
    fn check_effects(&self, found: &mut Vec<String>) {
        let twice = self.effects.iter().filter(|(_, effects)| effects.done_twice());
        found.extend(twice.map(|(operation, effects)| format!("operation {operation} was done twice: {effects:?}")));
        for (id, story) in self.requests().filter(|(_, story)| story.fulfilled > 0) {
            let operation = Uuid::from_bytes(OperationId::of_send(*id).0);
            if self.effects.get(&operation).is_none_or(|effects| effects.performed == 0) {
                found.push(format!("{id} is fulfilled, but no partner has done operation {operation}: {story:?}"));
            }
        }
    }
}

// === impl Story ===

impl Story {
    /// Whether it is open and a named owner has to act.
    pub fn is_owned(&self) -> bool {
        self.closed.is_empty() && self.exception.is_some()
    }

    fn tell(&mut self, body: &EventBody) {
        self.received += u32::from(matches!(body, EventBody::Received { .. }));
        self.fulfilled += u32::from(matches!(body, EventBody::Fulfilled { .. }));
        self.lettered += u32::from(matches!(body, EventBody::DeadLettered { .. }));
        self.in_review |= matches!(body, EventBody::ReviewOpened { .. });
        self.in_review &= !matches!(body, EventBody::ReviewDecided { .. });
        if let EventBody::CommandPassed { review: Some(step), .. } = body {
            self.awaits_second |= step.step == ReviewStep::FIRST_VERDICT;
        }
        self.awaits_second &= !matches!(body, EventBody::CommandRefused { code: Code::VerdictsDisagree, .. });
        if let EventBody::ExceptionRaised { code, .. } = body {
            self.exception = Some(*code);
        }
        if let EventBody::OutcomeUnknown { operation_id, attempt, resolution: Resolution::Review } = *body {
            self.unknown = Some(AttemptRef { operation_id, attempt });
        }
        if let EventBody::ReviewDecided { verdict: Verdict::TookEffect {} | Verdict::TookNoEffect {}, .. } = body {
            self.exception = None;
        }
        if let EventBody::Closed { outcome, .. } = body {
            self.closed.push(*outcome);
        }
    }

    fn check(&self, id: RequestId, rest: Rest, found: &mut Vec<String>) {
        if self.received != 1 {
            found.push(format!("{id} was received {} times: {self:?}", self.received));
        }
        let owned = rest == Rest::ClosedOrOwned && self.is_owned();
        if self.closed.len() != 1 && !(self.closed.is_empty() && owned) {
            found.push(format!("{id} was closed {} times: {self:?}", self.closed.len()));
        }
        if self.fulfilled > 1 {
            found.push(format!("{id} was fulfilled {} times: {self:?}", self.fulfilled));
        }
        if self.closed_on_another_history {
            found.push(format!("{id} was closed on another history than the log's: {self:?}"));
        }
    }
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kinds.join(" "))
    }
}

impl fmt::Display for Imbalance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn thread((_, correlation): &(OutcomeStatus, Option<String>)) -> &str {
    correlation.as_deref().unwrap_or("a submission without a thread")
}

fn is_accepted(expected: Expected) -> bool {
    answer(expected) == Some(OutcomeStatus::Accepted)
}

/// What a source has to be told; nothing where the source can't be known.
fn answer(expected: Expected) -> Option<OutcomeStatus> {
    match expected {
        Expected::Dispatched | Expected::Unmatched | Expected::InReview => Some(OutcomeStatus::Accepted),
        Expected::Duplicate => Some(OutcomeStatus::Duplicate),
        Expected::Conflict => Some(OutcomeStatus::Conflict),
        Expected::Refused => Some(OutcomeStatus::Refused),
        Expected::Lettered => None,
    }
}

/// Whether an outcome answers a submission, other than telling how its request goes on.
fn is_answer(status: OutcomeStatus) -> bool {
    match status {
        OutcomeStatus::Accepted | OutcomeStatus::Duplicate | OutcomeStatus::Refused | OutcomeStatus::Conflict => true,
        OutcomeStatus::Progress | OutcomeStatus::Final => false,
    }
}
