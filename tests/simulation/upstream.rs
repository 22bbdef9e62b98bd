//! The upstream system and the operator of the simulated world.

use contracts::Topic;
use domain::ids::derive;
use domain::messages::{Command, CommandAction, CommandTarget, MemberRecord, Verdict};
use domain::phi::Phi;
use domain::{Code, CommandId, Message, RecordId, RequestId, Timestamp, Trace};
use fleet::Postman;
use fleet::bus::Producer;
use fleet::clock::Clock;
use sandbox::accounts::Story;
use sandbox::upstream::{Submission, Traffic, population, traffic};

use crate::accounts::draw_up;
use crate::world::{PAYER, SOURCE, World};

const MEMBERS: u64 = 60;
const SUBMISSIONS: u64 = 40;
/// After so many passes over what is open, the operator lets the clocks do the rest.
const PASSES_MAX: u32 = 6;

/// Sends the traffic of a seed, and decides what is left for a person.
pub(crate) struct Upstream {
    seed: u64,
    waiting: std::collections::VecDeque<Submission>,
    /// What was sent so far.
    pub(crate) sent: Vec<Submission>,
    postman: Postman,
    producer: Box<dyn Producer>,
    passes: u32,
    ids: u32,
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
            waiting: traffic(&plan).into(),
            sent: Vec::new(),
            postman: Postman::named(world.codec.clone(), world.topics.clone(), "/sim/upstream"),
            producer: world.bus.producer("sim-upstream").expect("a producer"),
            passes: 0,
            ids: 0,
        }
    }

    /// Publishes the roster.
    pub(crate) fn enrol(&mut self, world: &World) {
        for person in population(self.seed, PAYER, MEMBERS) {
            let sealed = world.vault.seal_member(&person.member_key, &person.member).expect("sealed");
            let updated_at = Timestamp(world.clock.now_ms());
            let key = person.member_key.clone();
            let record = MemberRecord { member_key: person.member_key, member: sealed, updated_at };
            self.write(world, &Topic::Members, key.as_bytes(), &Message::Member(Box::new(record)));
        }
        self.producer.commit(None).expect("committed");
    }

    /// Now and then sends a few submissions.
    pub(crate) fn send_some(&mut self, world: &World) {
        if self.waiting.is_empty() || !world.chance.hits(50) {
            return;
        }
        for _ in 0..=world.chance.below(8) {
            let Some(submission) = self.waiting.pop_front() else { break };
            let message = Message::Intake(Box::new(submission.request.clone()));
            self.write(world, &Topic::Intake(submission.lane), &submission.record_key, &message);
            self.sent.push(submission);
        }
        self.producer.commit(None).expect("committed");
    }

    /// Whether everything was sent.
    pub(crate) fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Decides what waits for a person; how many requests are open.
    pub(crate) fn act_as_operator(&mut self, world: &World) -> usize {
        world.crashes.stop();
        let accounts = draw_up(world);
        let open: Vec<(RequestId, &Story)> = accounts.open().map(|(id, story)| (*id, story)).collect();
        self.passes += 1;
        if self.passes <= PASSES_MAX {
            for (request_id, story) in &open {
                self.decide(world, *request_id, story);
            }
            self.producer.commit(None).expect("committed");
        }
        open.len()
    }

    fn decide(&mut self, world: &World, request_id: RequestId, story: &Story) {
        let (action, verdict) = if story.in_review {
            (CommandAction::DecideReview, Some(Verdict::IsNobody {}))
        } else if story.exception == Some(Code::OutcomeUnknownUnresolved) {
            (CommandAction::ResolveUnknown, Some(Verdict::TookEffect {}))
        } else if story.exception.is_some() {
            (CommandAction::Cancel, None)
        } else {
            return;
        };
        self.ids += 1;
        let command = Command {
            command_id: CommandId(derive(&[b"sim", &self.ids.to_be_bytes()])),
            target: CommandTarget::RequestTarget { request_id },
            action,
            operator: "sim".into(),
            reason: "decided in the simulation".to_owned(),
            issued_at: Timestamp(world.clock.now_ms()),
            verdict,
            expected_state: None,
        };
        self.write(world, &Topic::Commands, request_id.to_string().as_bytes(), &Message::Command(Box::new(command)));
    }

    fn write(&mut self, world: &World, topic: &Topic, key: &[u8], message: &Message) {
        self.ids += 1;
        let id = RecordId(derive(&[b"upstream", &self.ids.to_be_bytes()]));
        let at = Timestamp(world.clock.now_ms());
        let record = self.postman.write(topic, key, message, at, id, Trace::root(id)).expect("writable");
        self.producer.send(record).expect("sent");
    }
}
