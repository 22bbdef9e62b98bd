//! A calm world to throw things at, and what it answers.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use contracts::Topic;
use domain::messages::{DeadLetter, IntakeRequest, Outcome, OutcomeStatus};
use domain::{
    Code, EventBody, FailureClass, Lane, LetterId, LifecycleEvent, Message, Stage, SubmissionId, TerminalOutcome,
    Timestamp,
};
use fleet::bus::Outgoing;
use fleet::clock::Clock;
use fleet::originals::Originals;
use intake::sources::UNREGISTERED;
use sandbox::upstream::{Submission, Traffic, population, traffic};
use tests::feed::bare;
use tests::reading::{events, letters, outcomes};
use tests::{Feed, PAYER, SOURCE, Setup, World};

use crate::strangers;

/// What one bad record leads to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Answer {
    /// A dead letter.
    Letter { stage: Stage, class: FailureClass, code: Code, place: String },
    /// A refusal, told on the outcome topic of `to`.
    Refused { to: String, code: Code, fields: Vec<String> },
    /// It was no bad input after all.
    Accepted,
}

/// The world, an upstream system with good requests in hand, and what was heard so far.
pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) feed: Feed,
    good: VecDeque<Submission>,
    letters: BTreeSet<LetterId>,
    answered: BTreeSet<SubmissionId>,
}

const SEED: u64 = 11;
const MEMBERS: u64 = 60;
/// Long enough for a request to end, short enough for no clock to run out.
const SOON: Duration = Duration::from_secs(1200);

impl Bench {
    pub(crate) fn new() -> Self {
        let mut setup = Setup::calm(SEED);
        setup.sources.push(("signer.toml".to_owned(), strangers::registration()));
        let world = World::new(setup);
        let mut feed = Feed::open(&world, "upstream");
        for person in population(SEED, PAYER, MEMBERS) {
            feed.enrol(&world, &person.member_key, &person.member);
        }
        feed.commit();
        let plan = Traffic {
            seed: SEED,
            source: SOURCE.into(),
            payer: PAYER.to_owned(),
            members: MEMBERS,
            partners: world.registry.iter().map(|partner| partner.id.clone()).collect(),
            count: 200,
            now: Timestamp(world.clock.now_ms()),
            only_good: true,
        };
        let good = traffic(&plan).into();
        Self { world, feed, good, letters: BTreeSet::new(), answered: BTreeSet::new() }
    }

    /// A good request that was not sent before.
    pub(crate) fn request(&mut self) -> IntakeRequest {
        self.good.pop_front().expect("enough good requests").request
    }

    /// The value of a message as it is written.
    pub(crate) fn value(&self, message: &Message) -> Bytes {
        let mut value = Vec::new();
        self.world.codec.encode(message, &mut value).expect("it fits its schema");
        value.into()
    }

    /// A submission as a record.
    pub(crate) fn record(&self, request: &IntakeRequest) -> Outgoing {
        let value = self.value(&Message::Intake(Box::new(request.clone())));
        self.bare(Some(request.idempotency_key.as_bytes()), Some(value))
    }

    /// Bytes on an intake topic.
    pub(crate) fn bare(&self, key: Option<&[u8]>, value: Option<Bytes>) -> Outgoing {
        bare(&self.world, &INTAKE, key, value)
    }

    /// Sends a record and, right after it, a good request; lets the fleet work, and tells what came of the first.
    pub(crate) fn answers(&mut self, record: Outgoing) -> Vec<Answer> {
        let sent = record.clone();
        self.feed.send(record).expect("the bus takes it");
        self.feed.commit();
        self.send_good();
        self.hear(Some(&sent))
    }

    /// Sends a good request that must end fulfilled.
    pub(crate) fn send_good(&mut self) {
        let submission = self.good.pop_front().expect("enough good requests");
        self.feed.submit(&self.world, submission.lane, &submission.record_key, &submission.request);
        self.feed.commit();
        self.world.pass(SOON);
        let outcomes = outcomes(&self.world, SOURCE);
        let accepted = outcomes.iter().find(|outcome| outcome.correlation_id == submission.request.correlation_id);
        let accepted = accepted.expect("a good request is answered");
        assert_eq!(accepted.status, OutcomeStatus::Accepted);
        self.answered.extend(accepted.submission_id);
        let is_end =
            |outcome: &&Outcome| outcome.request_id == accepted.request_id && outcome.status == OutcomeStatus::Final;
        let end = outcomes.iter().find(is_end).expect("a good request ends");
        assert_eq!(end.outcome, Some(TerminalOutcome::Fulfilled));
    }

    /// The answers that were not heard before, in a fixed order. Letters must hold `sent` as it was.
    pub(crate) fn hear(&mut self, sent: Option<&Outgoing>) -> Vec<Answer> {
        let letters = self.new_letters();
        for letter in &letters {
            let original = self.world.vault.open(letter.letter_id, &letter.original).expect("a letter opens");
            if let Some(sent) = sent {
                assert_eq!((&original.key, &original.value), (&sent.key, &sent.value), "a letter keeps its record");
                assert_eq!((&*letter.topic, letter.partition), (&*sent.topic, sent.partition));
            }
        }
        let mut answers: Vec<Answer> = letters.into_iter().map(Answer::of).collect();
        let sources: Vec<String> = self.world.sources.ids().map(ToString::to_string).collect();
        for source in sources.iter().map(String::as_str).chain([UNREGISTERED]) {
            for outcome in outcomes(&self.world, source) {
                let is_new = outcome.submission_id.is_some_and(|id| self.answered.insert(id));
                answers.extend(is_new.then(|| Answer::told(source, outcome)));
            }
        }
        answers.sort();
        answers
    }

    /// Letters that were not seen before. Each of them stands on the event log, too.
    pub(crate) fn new_letters(&mut self) -> Vec<DeadLetter> {
        let letters: Vec<DeadLetter> =
            letters(&self.world).into_iter().filter(|letter| self.letters.insert(letter.letter_id)).collect();
        let facts: BTreeSet<LetterId> = events(&self.world).iter().filter_map(dead_lettered).collect();
        assert_eq!(facts, self.letters, "a letter and its fact go together");
        letters
    }
}

/// Where bad submissions go.
pub(crate) const INTAKE: Topic = Topic::Intake(Lane::Standard);

fn dead_lettered(event: &LifecycleEvent) -> Option<LetterId> {
    if let EventBody::DeadLettered { letter_id, .. } = event.body { Some(letter_id) } else { None }
}

// === impl Answer ===

impl Answer {
    /// A letter of a record that can't be read.
    pub(crate) fn unreadable(stage: Stage, code: Code, place: &str) -> Self {
        Self::Letter { stage, class: FailureClass::Schema, code, place: place.to_owned() }
    }

    /// A refusal.
    pub(crate) fn refused(to: &str, code: Code, fields: &[&str]) -> Self {
        Self::Refused { to: to.to_owned(), code, fields: fields.iter().map(|field| (*field).to_owned()).collect() }
    }

    fn of(letter: DeadLetter) -> Self {
        Self::Letter { stage: letter.stage, class: letter.class, code: letter.code, place: letter.place }
    }

    fn told(source: &str, outcome: Outcome) -> Self {
        match outcome.status {
            OutcomeStatus::Accepted => Self::Accepted,
            OutcomeStatus::Refused => {
                let code = outcome.code.expect("a refusal says why");
                assert!(outcome.remedy.is_some_and(|remedy| remedy.contains(code.remedy())), "{code} has no remedy");
                Self::Refused { to: source.to_owned(), code, fields: outcome.fields }
            }
            status @ (OutcomeStatus::Duplicate
            | OutcomeStatus::Conflict
            | OutcomeStatus::Progress
            | OutcomeStatus::Final) => panic!("nobody asked for {status:?}"),
        }
    }
}
