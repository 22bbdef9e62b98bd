//! The judge of a run: reads what the fleet has committed as soon as it is there, and holds it against what was promised. Nothing
//! here uses a worker's code or the fold.
//!
//! After each step it looks at what is new: that no record of the fleet's own stands there twice, that every fact has a cause and
//! may follow what is known of its request (`reference`), that clocks run out neither early nor for lag (`clocks`), that urgent work
//! waits for no bulk (`lanes`). Whenever all have come to rest it looks whether each open request has moved in its time (`patience`),
//! and now and then whether the log rebuilds what the supervisor remembers and projections show (`rebuilt`). At the end the accounts
//! of `sandbox` are balanced, and each source has had its one end (`ends`).

mod clocks;
mod ends;
mod grounds;
mod guesses;
mod lanes;
mod orders;
mod patience;
mod rebuilt;
mod reference;
mod relearnt;
mod reviews;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contracts::Topic;
use contracts::headers::{CE_ID, event_type};
use domain::ids::derive;
use domain::lifecycle::event::Resolution;
use domain::messages::{Outcome, Stage};
use domain::{EventBody, Lane, LetterId, LifecycleEvent, Message, OperationId, RecordId, RequestId, Token};
use fleet::bus::{Delivered, Isolation, Limit, Reader, TopicPartition};
use fleet::clock::Clock;
use sandbox::accounts::Accounts;
use tests::partners::UNDER_WAY;
use tests::plan::Kind;
use tests::{SOURCE, World};

use crate::guessing::GUESSER;
use crate::scenario::Scenario;
use crate::sending;
use clocks::Clocks;
use grounds::Grounds;
use guesses::Guesses;
use lanes::Lanes;
use orders::Orders;
use patience::Patience;
use rebuilt::Rebuilt;
use reference::Reference;
use reviews::Reviews;

/// Everything known of a run.
pub(crate) struct Oracle {
    reader: Box<dyn Reader>,
    /// What the log says, and what is owed for it.
    pub(crate) accounts: Accounts,
    requests: BTreeMap<RequestId, Reference>,
    finals: BTreeMap<RequestId, Vec<Outcome>>,
    /// How often a request was submitted again.
    repetitions: BTreeMap<RequestId, usize>,
    /// The names of what was written, of each topic's kind.
    names: BTreeSet<(&'static str, RecordId)>,
    /// What may be a cause: records of every topic.
    causes: BTreeSet<RecordId>,
    clocks: Clocks,
    lanes: Lanes,
    pub(crate) patience: Patience,
    rebuilt: Rebuilt,
    grounds: Grounds,
    guesses: Guesses,
    reviews: Reviews,
    /// The account that the claim of each thread speaks of, and each request's thread.
    about: BTreeMap<String, (String, bool)>,
    threads: BTreeMap<RequestId, String>,
    orders: Orders,
    /// Somebody sets the clock of a process that makes calls: it may be wrong about how long it has waited.
    is_skewed: bool,
    /// The letters that people have dealt with.
    settled: BTreeSet<LetterId>,
    /// All facts in the order in which they came to be seen.
    pub(crate) facts: Vec<Fact>,
    /// What must not be.
    pub(crate) wrong: Vec<String>,
}

/// One fact, as it was seen.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    /// The request.
    pub(crate) request_id: RequestId,
    /// The name of its kind.
    pub(crate) kind: &'static str,
    /// Who wrote it.
    pub(crate) by: Stage,
    /// When it was seen, since the run began.
    pub(crate) seen: Duration,
    /// What of it a person would like to read.
    pub(crate) detail: String,
    /// The letter it tells of, and the signature of its group.
    pub(crate) letter: Option<(LetterId, Token)>,
    /// The letter that a person has dealt with.
    pub(crate) settled: Option<LetterId>,
}

const LIMIT: Limit = Limit { records: 10_000, bytes: 64 << 20 };

// === impl Oracle ===

impl Oracle {
    /// Has seen nothing yet.
    pub(crate) fn new(world: &World, scenario: &Scenario) -> Self {
        let plan = &scenario.plan;
        let mut from = Vec::new();
        for topic in world.all_topics().iter().filter(|topic| is_watched(topic)) {
            let name = world.topics.name(topic);
            let numbers = 0..world.topics.partitions(topic);
            from.extend(numbers.map(|number| (TopicPartition::new(name.clone(), number), 0)));
        }
        let mut reader = world.bus.reader(Isolation::ReadCommitted).expect("a reader");
        reader.assign(&from).expect("assigned");
        Self {
            reader,
            accounts: Accounts::default(),
            requests: BTreeMap::new(),
            finals: BTreeMap::new(),
            repetitions: BTreeMap::new(),
            names: BTreeSet::new(),
            causes: BTreeSet::new(),
            clocks: Clocks::new(),
            lanes: Lanes::new(plan),
            patience: Patience::default(),
            settled: BTreeSet::new(),
            rebuilt: Rebuilt::default(),
            grounds: Grounds::new(world),
            guesses: Guesses::new(world, scenario.seed, plan),
            reviews: Reviews::default(),
            about: sending::accounts(scenario.seed),
            threads: BTreeMap::new(),
            orders: Orders::default(),
            is_skewed: plan
                .0
                .iter()
                .any(|fault| matches!(fault.kind, Kind::Jump { who, .. } if who.stage == Stage::Dispatch)),
            facts: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// Looks at what is new; the facts among it.
    pub(crate) fn follow(&mut self, world: &World) -> Vec<Fact> {
        let mut records = Vec::new();
        let first = self.facts.len();
        self.grounds.follow(world, self.patience.sound());
        self.wrong.extend(self.guesses.follow(world));
        if self.reader.read(LIMIT, Duration::ZERO, &mut records).is_err() {
            return Vec::new();
        }
        // A cause may stand in a topic that is read later.
        self.causes.extend(records.iter().flat_map(|record| [name(record), Some(place(record))]).flatten());
        let read: Vec<(Topic, &Delivered)> = records
            .iter()
            .map(|record| (world.topics.parse(&record.topic).expect("a topic of ours"), record))
            .collect();
        for (topic, record) in read.iter().filter(|(topic, _)| *topic == Topic::Commands) {
            let decoded = record.value.as_ref().and_then(|value| world.codec.decode(topic, value).ok());
            if let Some((_, Message::Command(command))) = decoded {
                self.reviews.given(*command);
            }
        }
        for (topic, record) in &read {
            self.take(world, topic, record);
        }
        self.wrong.extend(self.orders.look(world));
        self.wrong.extend(self.lanes.look(world));
        let breaches = world.partners.breaches().into_iter();
        self.wrong.extend(breaches.filter(|breach| !(self.is_skewed && breach.contains(UNDER_WAY))));
        self.facts[first..].to_vec()
    }

    /// Holds what the supervisor remembers against the log, of which everything was read that can be.
    pub(crate) fn compare(&self, world: &World) -> Vec<String> {
        self.rebuilt.compare(world)
    }

    /// Looks at a world in which nobody has anything to do at this moment.
    pub(crate) fn look_at_rest(&mut self, world: &World) -> Vec<String> {
        let mut wrong = self.patience.judge(world.clock.now_ms());
        if world.is_well() && !world.crew.is_in_disorder() {
            let times = (self.patience.sound(), world.clock.since_boot());
            wrong.extend(self.grounds.overlooked(times, None));
            wrong.extend(self.guesses.overlooked(times, None));
        }
        wrong
    }

    /// What is owed to matches and commands once all have come to their last rest.
    pub(crate) fn look_at_last(&mut self, world: &World) -> Vec<String> {
        let times = (self.patience.sound(), world.clock.since_boot());
        let mut wrong = self.grounds.overlooked(times, Some(Duration::ZERO));
        wrong.extend(self.guesses.overlooked(times, Some(Duration::ZERO)));
        wrong.extend(relearnt::withdrawals(world));
        let put_aside = |id| self.requests.get(&id).is_some_and(|request| request.has_had("letter-discarded"));
        wrong.extend(self.reviews.unanswered(put_aside));
        wrong
    }

    /// The account that a request's claim speaks of.
    pub(crate) fn account(&self, request_id: RequestId) -> Option<&str> {
        Some(self.about.get(self.threads.get(&request_id)?)?.0.as_str())
    }

    /// How often reviews, matches and guesses met with something.
    pub(crate) fn met(&self) -> BTreeMap<&'static str, u64> {
        self.reviews.met.iter().chain(&self.guesses.met).map(|(name, count)| (*name, *count)).collect()
    }

    /// Whether a request came to be.
    pub(crate) fn knows(&self, request_id: RequestId) -> bool {
        self.requests.get(&request_id).is_some_and(|request| request.has_had("received"))
    }

    fn take(&mut self, world: &World, topic: &Topic, record: &Delivered) {
        let own = match topic {
            Topic::Events => Some("fact"),
            Topic::Outcomes(_) => Some("outcome"),
            Topic::DeadLetters => Some("letter"),
            Topic::Identity(_) => Some("identity work"),
            Topic::Dispatch(_) => Some("dispatch work"),
            _ => None,
        };
        // A letter that is sent back is the record that it was.
        let is_replay = record.headers.0.iter().any(|(name, _)| *name == "waybill-letter");
        if let (Some(own), Some(name), false) = (own, name(record), is_replay)
            && !self.names.insert((own, name))
        {
            self.wrong.push(format!("a record stands on the log twice: {own} {name} in {}", record.topic));
        }
        let Some(value) = &record.value else { return };
        match world.codec.decode(topic, value) {
            Ok((_, Message::Event(event))) => {
                self.rebuilt.take(record, &event, value);
                self.fact(world, &event, value);
            }
            Ok((_, Message::Dispatch(work))) => self.orders.given(record, &work),
            Ok((_, Message::Outcome(outcome))) if is_told(topic) => self.outcome(*outcome),
            _ => {}
        }
    }

    fn outcome(&mut self, outcome: Outcome) {
        self.accounts.outcome(&outcome);
        if let (Some(request_id), true) = (outcome.request_id, outcome.outcome.is_some()) {
            self.finals.entry(request_id).or_default().push(outcome);
        }
    }

    fn fact(&mut self, world: &World, event: &LifecycleEvent, value: &[u8]) {
        let kind = event_type(&event.body);
        self.accounts.event(event, kind, value);
        let kind = kind.trim_start_matches("waybill.");
        let (request_id, seen) = (event.request_id, world.clock.since_boot());
        if let EventBody::Received { correlation_id: Some(thread), .. } = &event.body {
            self.threads.insert(request_id, thread.to_string());
        }
        let request = self.requests.entry(request_id).or_default();
        let mut wrong = request.judge(kind, event);
        let about = self.threads.get(&request_id).and_then(|thread| self.about.get(thread));
        wrong.extend(self.guesses.judge(event, self.threads.get(&request_id).map(String::as_str)));
        let certain = about.filter(|(_, has_card)| *has_card).map(|(account, _)| account.as_str());
        wrong.extend(self.grounds.judge(event, certain, seen));
        wrong.extend(self.reviews.judge(event, &self.grounds));
        wrong.extend(self.clocks.judge(event, seen));
        self.patience.hear(event, world.clock.now_ms());
        if let EventBody::AttemptFailed { operation_id, attempt, code, .. } = &event.body
            && code == "lost"
            && !self.is_skewed
            && world
                .partners
                .answers_until_ms(*operation_id, *attempt)
                .is_some_and(|until| world.clock.now_ms() < until)
        {
            wrong.push(format!("attempt {attempt} was given up for lost while its answer was under way"));
        }
        match &event.body {
            EventBody::DeadLettered { .. } | EventBody::OutcomeUnknown { resolution: Resolution::Resend, .. } => {
                self.orders.excuse(request_id);
            }
            EventBody::PartnerDispatched { .. } => self.orders.begun(request_id),
            _ => {}
        }
        if kind == "duplicate-suppressed" {
            *self.repetitions.entry(request_id).or_default() += 1;
        }
        if !self.has_cause(event) {
            wrong.push(format!("{kind} has no cause"));
        }
        self.wrong.extend(wrong.into_iter().map(|wrong| format!("{request_id}: {wrong}")));
        let detail = reference::detail(&event.body);
        let letter = match &event.body {
            EventBody::DeadLettered { letter_id, signature, .. } => Some((*letter_id, *signature)),
            _ => None,
        };
        let settled = match &event.body {
            EventBody::LetterReplayed { letter_id, .. } | EventBody::LetterDiscarded { letter_id, .. } => {
                Some(*letter_id)
            }
            _ => None,
        };
        if settled.is_some_and(|letter| !self.settled.insert(letter)) {
            self.wrong.push(format!("{request_id}: a letter was dealt with twice"));
        }
        self.facts.push(Fact { request_id, kind, by: event.by, seen, detail, letter, settled });
    }

    /// A record, the answer to a call of the request, or a timer, of which only the worker knows the name: those that have timers
    /// write what timers may lead to.
    fn has_cause(&mut self, event: &LifecycleEvent) -> bool {
        if self.causes.contains(&event.cause) {
            return true;
        }
        let send = OperationId::of_send(event.request_id);
        let operations = [send, OperationId::of_compensation(send)];
        let answer = |operation: &OperationId, attempt: u32| {
            RecordId(derive(&[b"answer", &operation.0, &attempt.to_be_bytes()]))
        };
        let is_answer = operations.iter().any(|of| (1..200).any(|attempt| answer(of, attempt) == event.cause));
        if is_answer {
            self.causes.insert(event.cause);
            return event.by == Stage::Dispatch;
        }
        matches!(event.by, Stage::Dispatch | Stage::Reconciliation | Stage::Identity | Stage::Triage)
            && reference::may_follow_a_timer(&event.body)
    }
}

/// What the oracle reads: all but memories and tables.
fn is_watched(topic: &Topic) -> bool {
    match topic {
        Topic::Memory(_) | Topic::Members | Topic::Policies | Topic::Guard | Topic::Rehearsals | Topic::Checkpoints => {
            false
        }
        Topic::Intake(Lane::Urgent | Lane::Standard | Lane::Bulk)
        | Topic::Identity(_)
        | Topic::Dispatch(_)
        | Topic::PartnerMessages
        | Topic::Commands
        | Topic::Events
        | Topic::Outcomes(_)
        | Topic::DeadLetters => true,
    }
}

/// Where the sources are answered that send.
fn is_told(topic: &Topic) -> bool {
    [SOURCE, GUESSER].iter().any(|source| *topic == Topic::Outcomes((*source).into()))
}

/// What a stranger's record is known by: where it lies.
fn place(record: &Delivered) -> RecordId {
    RecordId(derive(&[record.topic.as_bytes(), &record.partition.to_be_bytes(), &record.offset.to_be_bytes()]))
}

fn name(record: &Delivered) -> Option<RecordId> {
    record.headers.text(CE_ID)?.parse().ok()
}
