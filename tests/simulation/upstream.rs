//! The upstream system and the operator of the simulated world.

use contracts::Topic;
use domain::messages::{CommandAction, CommandTarget, Verdict};
use domain::{Code, Message, RequestId, Timestamp};
use fleet::clock::Clock;
use sandbox::accounts::Story;
use sandbox::upstream::{Submission, Traffic, population, traffic};
use tests::{Feed, PAYER, SOURCE, World};

use crate::accounts::draw_up;

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
    feed: Feed,
    passes: u32,
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
        Self { seed, waiting: traffic(&plan).into(), sent: Vec::new(), feed: Feed::open(world, "upstream"), passes: 0 }
    }

    /// Publishes the roster.
    pub(crate) fn enrol(&mut self, world: &World) {
        for person in population(self.seed, PAYER, MEMBERS) {
            self.feed.enrol(world, &person.member_key, &person.member);
        }
        self.feed.commit();
    }

    /// Now and then sends a few submissions.
    pub(crate) fn send_some(&mut self, world: &World) {
        if self.waiting.is_empty() || !world.chance.hits(50) {
            return;
        }
        for _ in 0..=world.chance.below(8) {
            let Some(submission) = self.waiting.pop_front() else { break };
            let message = Message::Intake(Box::new(submission.request.clone()));
            let topic = Topic::Intake(submission.lane);
            let mut record = self.feed.record(world, &topic, &submission.record_key, &message);
            if let Some(garbled) = &submission.garbled {
                record.value = Some(garbled.clone().into());
            }
            self.feed.send(record).expect("sent");
            self.sent.push(submission);
        }
        self.feed.commit();
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
            self.feed.commit();
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
        let target = CommandTarget::RequestTarget { request_id };
        self.feed.command(world, &request_id.to_string(), (target, action, verdict));
    }
}
