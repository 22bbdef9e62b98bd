//! What outsiders write to the log: upstream systems, the enrolment system, operators.

use bytes::Bytes;
use contracts::Topic;
use domain::ids::derive;
use domain::messages::{AttemptRef, Command, CommandAction, CommandTarget, IntakeRequest, Lane, MemberRecord, Verdict};
use domain::person::RosterMember;
use domain::phi::Phi;
use domain::{CommandId, Message, RecordId, Timestamp, Trace};
use fleet::Postman;
use fleet::bus::{BusError, Headers, Outgoing, Producer};
use fleet::clock::Clock;
use fleet::partitioner::partition_of;

use crate::world::World;

/// A producer of its own. What is written is on the log after [`Feed::commit`].
pub struct Feed {
    postman: Postman,
    producer: Box<dyn Producer>,
    name: String,
    written: u32,
    /// The last command, as it was sent.
    last: Option<Outgoing>,
}

/// What an operator wants.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// What it is about.
    pub target: CommandTarget,
    /// What is wanted.
    pub action: CommandAction,
    /// The answer, where the action asks for one.
    pub verdict: Option<Verdict>,
    /// The attempt the answer is about, if it is about one.
    pub about: Option<AttemptRef>,
}

impl Feed {
    /// A feed of this name; an earlier one of the same name is fenced.
    pub fn open(world: &World, name: &str) -> Self {
        let postman = Postman::named(world.codec.clone(), world.topics.clone(), &format!("/{name}"));
        let producer = world.bus.producer(name).expect("a producer");
        Self { postman, producer, name: name.to_owned(), written: 0, last: None }
    }

    /// A submission, keyed as asked.
    pub fn submit(&mut self, world: &World, lane: Lane, key: &[u8], request: &IntakeRequest) {
        self.write(world, &Topic::Intake(lane), key, &Message::Intake(Box::new(request.clone())));
    }

    /// A member, as the enrolment system publishes them.
    pub fn enrol(&mut self, world: &World, member_key: &str, member: &RosterMember) {
        let sealed = world.vault.seal_member(member_key, member).expect("sealed");
        let updated_at = Timestamp(world.clock.now_ms());
        let record = MemberRecord { member_key: member_key.to_owned(), member: sealed, updated_at };
        self.write(world, &Topic::Members, member_key.as_bytes(), &Message::Member(Box::new(record)));
    }

    /// An account that the enrolment system takes off the roster.
    pub fn remove(&mut self, world: &World, member_key: &str) {
        self.send(bare(world, &Topic::Members, Some(member_key.as_bytes()), None)).expect("sent");
    }

    /// An operator's command, under the key of its target. `key` is the request id or the letter's signature, as text.
    pub fn command(&mut self, world: &World, key: &str, order: impl Into<Instruction>) {
        self.command_by(world, key, "operator", order);
    }

    /// The same by somebody in particular.
    pub fn command_by(&mut self, world: &World, key: &str, operator: &str, order: impl Into<Instruction>) {
        let Instruction { target, action, verdict, about } = order.into();
        let command = Command {
            command_id: CommandId(derive(&[b"command", self.name.as_bytes(), &self.written.to_be_bytes()])),
            target,
            action,
            operator: operator.into(),
            reason: "decided in a test".to_owned(),
            issued_at: Timestamp(world.clock.now_ms()),
            verdict,
            expected_state: None,
            about,
        };
        let message = Message::Command(Box::new(command));
        let record = self.record(world, &Topic::Commands, key.as_bytes(), &message);
        self.last = Some(record.clone());
        self.send(record).expect("sent");
    }

    /// The last command once more, as a producer sends it that got no answer.
    pub fn repeat_command(&mut self) {
        if let Some(record) = self.last.clone() {
            self.send(record).expect("sent");
        }
    }

    /// Any message.
    pub fn write(&mut self, world: &World, topic: &Topic, key: &[u8], message: &Message) {
        let record = self.record(world, topic, key, message);
        self.send(record).expect("sent");
    }

    /// Any message as a record, not yet sent.
    pub fn record(&mut self, world: &World, topic: &Topic, key: &[u8], message: &Message) -> Outgoing {
        self.written += 1;
        let id = RecordId(derive(&[b"feed", self.name.as_bytes(), &self.written.to_be_bytes()]));
        let at = Timestamp(world.clock.now_ms());
        self.postman.write(topic, key, message, at, id, Trace::root(id)).expect("writable")
    }

    /// Any record.
    pub fn send(&mut self, record: Outgoing) -> Result<(), BusError> {
        self.producer.send(record)
    }

    /// Puts what was written on the log.
    pub fn commit(&mut self) {
        self.producer.commit(None).expect("committed");
    }

    /// Takes back what was written since the last commit.
    pub fn abort(&mut self) {
        self.producer.abort().expect("aborted");
    }
}

/// A record of bytes that need not be a message, without headers.
pub fn bare(world: &World, topic: &Topic, key: Option<&[u8]>, value: Option<Bytes>) -> Outgoing {
    Outgoing {
        topic: world.topics.name(topic),
        partition: key.map_or(0, |key| partition_of(key, world.topics.partitions(topic))),
        timestamp_ms: world.clock.now_ms(),
        key: key.map(Bytes::copy_from_slice),
        value,
        headers: Headers::default(),
    }
}

impl From<(CommandTarget, CommandAction, Option<Verdict>)> for Instruction {
    fn from((target, action, verdict): (CommandTarget, CommandAction, Option<Verdict>)) -> Self {
        Self { target, action, verdict, about: None }
    }
}
