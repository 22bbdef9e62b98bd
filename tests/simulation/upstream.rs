//! Everybody outside the fleet of the simulated world: the upstream system, the door through which payers call back, the operator.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use contracts::Topic;
use domain::messages::{CommandAction, CommandTarget, Message, PartnerMessage, Stage, Verdict};
use domain::{Code, OperationId, RequestId, Timestamp, Token};
use fleet::clock::Clock;
use identity::Entry;
use sandbox::accounts::Story;
use sandbox::upstream::{Expected, Submission, Traffic, population, traffic};
use tests::reading::remembered;
use tests::{Feed, PAYER, SOURCE, World};

use crate::accounts::draw_up;

const MEMBERS: u64 = 60;
const SUBMISSIONS: u64 = 40;
/// After so many passes over what is open, the operator lets the clocks do the rest.
const PASSES_MAX: u32 = 6;
/// How often a person interferes with what goes well by itself.
const MEDDLINGS_MAX: u32 = 14;

/// The least time a request in haste has.
const HASTE: Duration = Duration::from_secs(8 * 3600);

/// How long nothing has happened when people turn to what they have held.
const QUIET: Duration = Duration::from_secs(3600);

/// Sends the traffic of a seed, carries callbacks, and decides what is left for a person.
pub(crate) struct Upstream {
    seed: u64,
    waiting: VecDeque<Submission>,
    /// What was sent so far.
    pub(crate) sent: Vec<Submission>,
    feed: Feed,
    door: Feed,
    /// Callbacks that come once more, and when.
    again: Vec<(i64, PartnerMessage)>,
    held: Vec<RequestId>,
    passes: u32,
    meddlings: u32,
}

impl Upstream {
    pub(crate) fn new(seed: u64, world: &World) -> Self {
        let plan = Traffic {
            seed,
            source: SOURCE.into(),
            payer: PAYER.to_owned(),
            members: MEMBERS,
            partners: world.registry.iter().map(|partner| partner.id.clone()).collect(),
            count: SUBMISSIONS,
            now: Timestamp(world.clock.now_ms()),
            only_good: false,
        };
        Self {
            seed,
            waiting: traffic(&plan).into_iter().map(|submission| in_haste(submission, plan.now)).collect(),
            sent: Vec::new(),
            feed: Feed::open(world, "upstream"),
            door: Feed::open(world, "door"),
            again: Vec::new(),
            held: Vec::new(),
            passes: 0,
            meddlings: 0,
        }
    }

    /// Publishes the roster.
    pub(crate) fn enrol(&mut self, world: &World) {
        for person in population(self.seed, PAYER, MEMBERS) {
            self.feed.enrol(world, &person.member_key, &person.member);
        }
        self.feed.commit();
    }

    /// Now and then sends a few submissions; now and then one of them twice, as a producer does that got no answer.
    pub(crate) fn send_some(&mut self, world: &World) {
        if self.waiting.is_empty() || !world.chance.hits(50) {
            return;
        }
        for _ in 0..=world.chance.below(8) {
            let Some(submission) = self.waiting.pop_front() else { break };
            self.send(world, submission.clone());
            if world.chance.hits(100) {
                self.send(world, repeated(submission));
            }
        }
        self.feed.commit();
    }

    fn send(&mut self, world: &World, submission: Submission) {
        let message = Message::Intake(Box::new(submission.request.clone()));
        let topic = Topic::Intake(submission.lane);
        let mut record = self.feed.record(world, &topic, &submission.record_key, &message);
        if let Some(garbled) = &submission.garbled {
            record.value = Some(garbled.clone().into());
        }
        self.feed.send(record).expect("sent");
        self.sent.push(submission);
    }

    /// Carries what payers have called back with to the log, now and then once more: at once, or when it is old.
    pub(crate) fn carry_callbacks(&mut self, world: &World) -> usize {
        let now = world.clock.now_ms();
        let mut come = world.partners.callbacks();
        for message in &come {
            if world.chance.hits(200) {
                let late_ms = [0, 30_000, 7_200_000, 200_000_000][world.chance.below(4)];
                self.again.push((now + late_ms, message.clone()));
            }
        }
        let (due, later) = std::mem::take(&mut self.again).into_iter().partition(|(at, _)| *at <= now);
        self.again = later;
        let due: Vec<(i64, PartnerMessage)> = due;
        come.extend(due.into_iter().map(|(_, message)| message));
        let count = come.len();
        for message in come {
            let key = message.route.key().into_bytes();
            self.door.write(world, &Topic::PartnerMessages, &key, &Message::Partner(Box::new(message)));
        }
        if 0 < count {
            self.door.commit();
        }
        count
    }

    /// Whether everything was sent.
    pub(crate) fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Interferes, by chance: holds a request, lets one go on again, or cancels one. What is held is let go once the world has been
    /// quiet for so long, and mostly not before: some holds outlast the time their request had.
    pub(crate) fn meddle(&mut self, world: &World, quiet: Duration) {
        let patience = if QUIET <= quiet { 300 } else { 10 };
        if !self.held.is_empty() && world.chance.hits(patience) {
            let request_id = self.held.remove(world.chance.below(self.held.len()));
            self.give(world, request_id, (CommandAction::Release, None));
            return self.feed.commit();
        }
        if MEDDLINGS_MAX <= self.meddlings || !world.chance.hits(250) {
            return;
        }
        let open: Vec<RequestId> = draw_up(world).open().map(|(id, _)| *id).collect();
        if open.is_empty() {
            return;
        }
        self.meddlings += 1;
        let request_id = open[world.chance.below(open.len())];
        let action = if world.chance.hits(700) { CommandAction::Hold } else { CommandAction::Cancel };
        if action == CommandAction::Hold {
            self.held.push(request_id);
        }
        self.give(world, request_id, (action, None));
        self.feed.commit();
    }

    /// Decides what waits for a person; how many requests are open.
    pub(crate) fn act_as_operator(&mut self, world: &World) -> usize {
        world.crashes.stop();
        let accounts = draw_up(world);
        self.passes += 1;
        if self.passes <= PASSES_MAX {
            let candidates = candidates(world);
            let effects: BTreeMap<_, _> = world.partners.effects().into_iter().collect();
            let took_effect = |operation: OperationId| {
                effects.get(&uuid::Uuid::from_bytes(operation.0)).is_some_and(|effects| 0 < effects.performed)
            };
            for (request_id, story) in accounts.open() {
                let order = self.decide(world, (*request_id, story), &candidates, &took_effect);
                if let Some(order) = order {
                    self.give(world, *request_id, order);
                }
            }
            self.feed.commit();
        }
        accounts.open().count()
    }

    fn decide(
        &self,
        world: &World,
        (request_id, story): (RequestId, &Story),
        candidates: &BTreeMap<RequestId, Vec<Token>>,
        took_effect: &dyn Fn(OperationId) -> bool,
    ) -> Option<(CommandAction, Option<Verdict>)> {
        if self.held.contains(&request_id) {
            return None;
        }
        if story.in_review {
            let shown = candidates.get(&request_id).filter(|shown| !shown.is_empty() && world.chance.hits(500));
            let verdict = match shown {
                Some(shown) => Verdict::IsMember { member_token: shown[world.chance.below(shown.len())] },
                None => Verdict::IsNobody {},
            };
            return Some((CommandAction::DecideReview, Some(verdict)));
        }
        match story.exception? {
            Code::OutcomeUnknownUnresolved => {
                let took_effect = took_effect(OperationId::of_send(request_id));
                let verdict = if took_effect { Verdict::TookEffect {} } else { Verdict::TookNoEffect {} };
                Some((CommandAction::ResolveUnknown, Some(verdict)))
            }
            Code::CountMismatch | Code::DigestMismatch => Some((CommandAction::Release, None)),
            _ => Some((CommandAction::Cancel, None)),
        }
    }

    fn give(&mut self, world: &World, request_id: RequestId, (action, verdict): (CommandAction, Option<Verdict>)) {
        let target = CommandTarget::RequestTarget { request_id };
        self.feed.command(world, &request_id.to_string(), (target, action, verdict));
    }
}

/// Half of the requests have little time, so that a hold outlasts it; which ones, and how little, follows from the key alone.
fn in_haste(mut submission: Submission, now: Timestamp) -> Submission {
    let number = submission.request.idempotency_key.bytes().last().map_or(0, |digit| u32::from(digit - b'0'));
    if number.is_multiple_of(2) {
        submission.request.due_by = Some(now + HASTE * (1 + number));
    }
    submission
}

/// The same submission once more: the first one of them has taken the key, if anything could.
fn repeated(submission: Submission) -> Submission {
    let expected = match submission.expected {
        Expected::Dispatched | Expected::Unmatched | Expected::InReview | Expected::Duplicate => Expected::Duplicate,
        Expected::Conflict => Expected::Conflict,
        Expected::Refused => Expected::Refused,
        Expected::Lettered => Expected::Lettered,
    };
    Submission { expected, ..submission }
}

/// Whom the open reviews show.
fn candidates(world: &World) -> BTreeMap<RequestId, Vec<Token>> {
    let reviews = remembered::<Entry>(world, Stage::Identity).into_iter();
    reviews
        .map(|Entry::OpenReview { context, candidates, .. }| {
            (context.request_id, candidates.into_iter().map(|candidate| candidate.member_token).collect())
        })
        .collect()
}
