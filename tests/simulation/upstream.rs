//! Everybody outside the fleet of the simulated world: the upstream system, the door through which payers call back, the operators.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use contracts::Topic;
use domain::messages::{AttemptRef, CommandAction, CommandTarget, Lane, Message, PartnerMessage, Stage, Verdict};
use domain::{Code, LetterId, OperationId, RequestId, Token};
use fleet::clock::Clock;
use sandbox::accounts::Story;
use sandbox::upstream::Submission;
use tests::feed::{Instruction, bare};
use tests::plan::Kind;
use tests::{Feed, World};
use uuid::Uuid;

use crate::enrolment::Enrolment;
use crate::guessing::Guess;
use crate::oracle::{Fact, Oracle};
use crate::race::{self, Step, candidates};
use crate::scenario::{Act, Order, Scenario};
use crate::sending::{guesses_of, repeated, submissions};

/// After so many passes over what is open, the operator lets the clocks do the rest.
const PASSES_MAX: u32 = 6;

/// Sends the traffic of a seed, carries callbacks, and decides what is left for a person.
pub(crate) struct Upstream {
    waiting: VecDeque<Submission>,
    /// What was sent so far.
    pub(crate) sent: Vec<Submission>,
    /// How many records nobody can read were sent to the fleet's own topics.
    pub(crate) poisoned: usize,
    /// Such records on their way.
    poisons: Vec<Kind>,
    feed: Feed,
    door: Feed,
    /// Callbacks that come once more, and when.
    again: Vec<(i64, PartnerMessage)>,
    /// Callbacks the log did not take.
    stuck: Vec<PartnerMessage>,
    orders: Vec<Order>,
    seen: BTreeMap<&'static str, u32>,
    /// Commands still to be given, and when.
    commands: Vec<(i64, RequestId, Given)>,
    /// Letters that are still to be sent back or put aside, and when.
    letters: Vec<(i64, LetterId)>,
    /// Letters of requests that nobody has settled yet, with the signature of their group and whose they are.
    waiting_letters: BTreeMap<LetterId, (Token, Stage)>,
    held: BTreeMap<RequestId, i64>,
    /// What racing reviewers are still to do, and when.
    races: Vec<(i64, RequestId, &'static str, Step)>,
    /// Whom reviews have shown.
    shown: BTreeMap<RequestId, Vec<Token>>,
    pub(crate) enrolment: Enrolment,
    /// What is still to be guessed.
    guesses: VecDeque<Guess>,
    passes: u32,
}

/// What is ordered.
type Given = (CommandAction, Option<Verdict>, Option<AttemptRef>);

impl Upstream {
    pub(crate) fn new(scenario: &Scenario, world: &World) -> Self {
        let mut feed = Feed::open(world, "upstream");
        let enrolment = Enrolment::begin(scenario.seed, scenario.changes_the_roster(), (world, &mut feed));
        Self {
            waiting: submissions(scenario, world).collect(),
            sent: Vec::new(),
            poisoned: 0,
            poisons: Vec::new(),
            feed,
            door: Feed::open(world, "door"),
            again: Vec::new(),
            stuck: Vec::new(),
            orders: scenario.orders.clone(),
            seen: BTreeMap::new(),
            commands: Vec::new(),
            letters: Vec::new(),
            waiting_letters: BTreeMap::new(),
            held: BTreeMap::new(),
            races: Vec::new(),
            shown: BTreeMap::new(),
            enrolment,
            guesses: guesses_of(scenario, world).into(),
            passes: 0,
        }
    }

    /// Does what outsiders do by now; how much it was.
    pub(crate) fn act(&mut self, world: &World, oracle: &Oracle) -> usize {
        self.poisons.extend(world.strike());
        if !world.is_well() {
            return 0;
        }
        for kind in std::mem::take(&mut self.poisons) {
            self.poison(world, &kind);
        }
        self.send_some(world);
        self.guess(world);
        self.enrolment.act(world, &mut self.feed) + self.obey(world, oracle) + self.carry_callbacks(world)
    }

    /// Now and then sends a few submissions; now and then one of them twice, as a producer does that got no answer.
    fn send_some(&mut self, world: &World) {
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

    /// Sends the guesses whose time has come.
    fn guess(&mut self, world: &World) {
        let is_due = |guess: &mut Guess| guess.at_ms <= world.clock.now_ms();
        while let Some(guess) = self.guesses.pop_front_if(is_due) {
            self.send(world, guess.submission);
            self.feed.commit();
        }
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

    /// A record nobody can read comes to a topic that only the fleet should write to.
    fn poison(&mut self, world: &World, kind: &Kind) {
        let Kind::Poison { topic } = kind else { return };
        let topics = [
            Topic::Identity(Lane::Standard),
            Topic::Dispatch(Lane::Urgent),
            Topic::PartnerMessages,
            Topic::Intake(Lane::Bulk),
        ];
        let value = Bytes::from_static(b"\0\0\0\0\x07not what it says");
        let record = bare(world, &topics[*topic], Some(b"nobody"), Some(value));
        self.feed.send(record).expect("sent");
        self.feed.commit();
        self.poisoned += 1;
        world.faults.count(kind, "struck");
    }

    /// Carries what payers have called back with to the log, now and then once more: at once, or when it is old.
    pub(crate) fn carry_callbacks(&mut self, world: &World) -> usize {
        let now = world.clock.now_ms();
        let mut come = std::mem::take(&mut self.stuck);
        for message in world.partners.callbacks() {
            if world.chance.hits(200) {
                let late_ms = [0, 30_000, 7_200_000, 200_000_000][world.chance.below(4)];
                self.again.push((now + late_ms, message.clone()));
            }
            come.push(message);
        }
        if !world.is_well() {
            self.stuck = come;
            return 0;
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

    /// Whether all traffic was sent, but for guesses.
    pub(crate) fn has_sent(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.has_sent() && self.guesses.is_empty()
    }

    /// Hears of new facts: some of them make people order something.
    pub(crate) fn hear(&mut self, (world, oracle): (&World, &Oracle), facts: &[Fact]) {
        let now = world.clock.now_ms();
        for fact in facts {
            if let Some(letter) = fact.letter.filter(|_| oracle.knows(fact.request_id)) {
                // Soon, while the flaw may still be there, or when everybody has waited for it.
                let wait_ms = [0, 5_000, 7_300_000][world.chance.below(3)];
                self.letters.push((now + wait_ms, letter.0));
                self.waiting_letters.insert(letter.0, (letter.1, fact.by));
            }
            if let Some(settled) = fact.settled {
                self.waiting_letters.remove(&settled);
            }
            let count = self.seen.entry(fact.kind).or_default();
            *count += 1;
            for Order { act, .. } in self.orders.iter().filter(|order| order.on == fact.kind && order.nth == *count) {
                let mut give = |at, action| self.commands.push((at, fact.request_id, (action, None, None)));
                match *act {
                    Act::Cancel => give(now, CommandAction::Cancel),
                    Act::CancelTwice => [0, 1].iter().for_each(|_| give(now, CommandAction::Cancel)),
                    Act::Release => give(now, CommandAction::Release),
                    Act::DecideTwice => [0, 1].iter().for_each(|_| give(now, CommandAction::DecideReview)),
                    Act::Hold { for_ms } => {
                        give(now, CommandAction::Hold);
                        let until = now + i64::from(for_ms);
                        give(until, CommandAction::Release);
                        self.held.insert(fact.request_id, until);
                    }
                    Act::Race { seed } => {
                        let steps = race::steps(seed).into_iter();
                        self.races.extend(steps.map(|(after, who, step)| (now + after, fact.request_id, who, step)));
                    }
                    Act::Change { change, back_ms } => {
                        if let Some(account) = oracle.account(fact.request_id) {
                            self.enrolment.order((now, fact.kind), account, (change, back_ms));
                        }
                    }
                }
            }
        }
    }

    /// Gives the commands that are due.
    fn obey(&mut self, world: &World, oracle: &Oracle) -> usize {
        let now = world.clock.now_ms();
        self.deal_with_letters(world, now);
        let raced = self.go_on_racing(world, now);
        if self.commands.iter().all(|(at, ..)| now < *at) {
            return raced;
        }
        let (due, later) = std::mem::take(&mut self.commands).into_iter().partition(|(at, ..)| *at <= now);
        self.commands = later;
        let due: Vec<(i64, RequestId, Given)> = due;
        for (_, request_id, (action, verdict, about)) in &due {
            let verdict = match action {
                CommandAction::DecideReview => Some(self.any_verdict(world, *request_id)),
                _ => *verdict,
            };
            if oracle.knows(*request_id) {
                self.give(world, *request_id, (*action, verdict, *about));
            }
        }
        self.feed.commit();
        due.len() + raced
    }

    /// Lets racing reviewers take the steps that are due, in one transaction: who is first is first by a hair.
    fn go_on_racing(&mut self, world: &World, now: i64) -> usize {
        let (due, later) = std::mem::take(&mut self.races).into_iter().partition(|(at, ..)| *at <= now);
        self.races = later;
        let due: Vec<(i64, RequestId, &'static str, Step)> = due;
        for (_, request_id, who, step) in &due {
            let shown = self.shown(world, *request_id);
            let Some((action, verdict)) = step.order(&shown) else { continue };
            let target = CommandTarget::RequestTarget { request_id: *request_id };
            self.feed.command_by(world, &request_id.to_string(), who, (target, action, verdict));
            if world.chance.hits(100) {
                self.feed.repeat_command();
            }
        }
        if !due.is_empty() {
            self.feed.commit();
        }
        due.len()
    }

    /// Whom a review shows, or showed when it was open.
    fn shown(&mut self, world: &World, request_id: RequestId) -> Vec<Token> {
        if let Some(shown) = candidates(world).remove(&request_id) {
            self.shown.insert(request_id, shown);
        }
        self.shown.get(&request_id).cloned().unwrap_or_default()
    }

    /// Sends letters back to their stages; now and then one is put aside.
    fn deal_with_letters(&mut self, world: &World, now: i64) {
        let (due, later) = std::mem::take(&mut self.letters).into_iter().partition(|(at, _)| *at <= now);
        self.letters = later;
        let due: Vec<(i64, LetterId)> = due;
        for (_, letter_id) in &due {
            self.deal_with(world, *letter_id);
        }
        if !due.is_empty() {
            self.feed.commit();
        }
    }

    /// Nobody puts a fact aside that the supervisor has yet to take in: what it says has happened.
    fn deal_with(&mut self, world: &World, letter_id: LetterId) {
        let Some((signature, stage)) = self.waiting_letters.get(&letter_id) else { return };
        let is_discarded = *stage != Stage::Reconciliation && world.chance.hits(100);
        let action = if is_discarded { CommandAction::DiscardLetter } else { CommandAction::ReplayLetter };
        let key = Uuid::from_bytes(signature.0).to_string();
        self.feed.command(world, &key, (CommandTarget::LetterTarget { letter_id }, action, None));
        if world.chance.hits(200) {
            // Two people see to the same letter.
            self.feed.command(
                world,
                &key,
                (CommandTarget::LetterTarget { letter_id }, CommandAction::ReplayLetter, None),
            );
        }
    }

    /// How many letters of requests nobody has settled.
    pub(crate) fn letters(&self) -> usize {
        self.waiting_letters.len()
    }

    /// When the next command is due.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        let again = self.again.iter().map(|(at, _)| *at);
        let again = again.chain(self.letters.iter().map(|(at, _)| *at));
        let again = again.chain(self.races.iter().map(|(at, ..)| *at)).chain(self.enrolment.next_ms());
        let again = again.chain(self.guesses.front().map(|guess| guess.at_ms));
        self.commands.iter().map(|(at, ..)| *at).chain(again).min()
    }

    fn any_verdict(&self, world: &World, request_id: RequestId) -> Verdict {
        let candidates = candidates(world).remove(&request_id).unwrap_or_default();
        if candidates.is_empty() || world.chance.hits(300) {
            return Verdict::IsNobody {};
        }
        Verdict::IsMember { member_token: candidates[world.chance.below(candidates.len())] }
    }

    /// Decides what waits for a person; how many requests are open and letters wait.
    pub(crate) fn act_as_operator(&mut self, world: &World, oracle: &Oracle) -> usize {
        self.passes += 1;
        if self.passes <= PASSES_MAX {
            let effects: BTreeMap<_, _> = world.partners.effects().into_iter().collect();
            let took_effect = |operation: OperationId| {
                effects.get(&uuid::Uuid::from_bytes(operation.0)).is_some_and(|effects| 0 < effects.performed)
            };
            for (request_id, story) in oracle.accounts.open() {
                if let Some(order) = self.decide(world, (*request_id, story), &took_effect) {
                    self.give(world, *request_id, order);
                }
            }
            // Whoever was told that there is no such letter, since triage had not read of it, asks again.
            for letter_id in self.waiting_letters.keys().copied().collect::<Vec<_>>() {
                self.deal_with(world, letter_id);
            }
            self.feed.commit();
        }
        oracle.accounts.open().count() + self.waiting_letters.len()
    }

    fn decide(
        &self,
        world: &World,
        (request_id, story): (RequestId, &Story),
        took_effect: &dyn Fn(OperationId) -> bool,
    ) -> Option<Given> {
        if self.held.get(&request_id).is_some_and(|until| world.clock.now_ms() < *until) {
            return None;
        }
        if story.in_review {
            return Some((CommandAction::DecideReview, Some(self.any_verdict(world, request_id)), None));
        }
        match story.exception? {
            Code::OutcomeUnknownUnresolved => {
                let took_effect = took_effect(OperationId::of_send(request_id));
                let verdict = if took_effect { Verdict::TookEffect {} } else { Verdict::TookNoEffect {} };
                Some((CommandAction::ResolveUnknown, Some(verdict), story.unknown))
            }
            Code::CountMismatch | Code::DigestMismatch => Some((CommandAction::Release, None, None)),
            Code::MatchWithdrawn if 0 < story.fulfilled => Some((CommandAction::Release, None, None)),
            _ => Some((CommandAction::Cancel, None, None)),
        }
    }

    /// One of two people says it. Whoever decides a review looks at it first, mostly.
    fn give(&mut self, world: &World, request_id: RequestId, (action, verdict, about): Given) {
        let (key, target) = (request_id.to_string(), CommandTarget::RequestTarget { request_id });
        let who = world.chance.pick(&["jo", "kim"]);
        if action == CommandAction::DecideReview && !world.chance.hits(50) {
            self.feed.command_by(world, &key, who, (target, action, Some(Verdict::Look {})));
        }
        self.feed.command_by(world, &key, who, Instruction { target, action, verdict, about });
        if world.chance.hits(150) {
            self.feed.repeat_command();
        }
    }
}
