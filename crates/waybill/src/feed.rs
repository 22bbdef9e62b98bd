//! Writing to the log from outside the workers: submissions, roster records, commands, callbacks.

use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use contracts::Topic;
use domain::ids::derive;
use domain::messages::{Command, IntakeRequest, MemberRecord, PartnerMessage, PolicyRecord};
use domain::person::RosterMember;
use domain::phi::Phi;
use domain::{Lane, Message, RecordId, Timestamp, Trace};
use fleet::Postman;
use fleet::bus::{BusError, Headers, Outgoing, Producer};
use fleet::partitioner::partition_of;
use fleet::sync::locked;

use crate::compose::Plant;
use crate::exit::Failure;

/// A producer of records that no worker writes.
pub(crate) struct Feed {
    plant: Plant,
    postman: Postman,
    /// None where the last transaction could not even be given up.
    producer: Mutex<Option<Box<dyn Producer>>>,
    waiting: Mutex<Vec<Arc<Errand>>>,
    name: String,
    transactional_id: String,
}

/// What somebody wants appended, and what became of it.
struct Errand {
    records: Vec<Outgoing>,
    done: OnceLock<Result<(), Failure>>,
}

impl Feed {
    /// A feed of this name; with the process's it makes its transactional id, so a second one of both names fences the first.
    pub(crate) fn open(plant: &Plant, name: &str) -> Result<Self, Failure> {
        let postman = Postman::named(plant.codec.clone(), plant.topics.clone(), &format!("/waybill/{name}"));
        let transactional_id = plant.config.writer(&format!("{name}-{}", plant.config.process_name()));
        let (producer, waiting) = (Mutex::new(Some(plant.bus.producer(&transactional_id)?)), Mutex::default());
        Ok(Self { plant: plant.clone(), postman, producer, waiting, name: name.to_owned(), transactional_id })
    }

    /// The record of a submission, under a key of the producer's own choice.
    pub(crate) fn intake_record(&self, lane: Lane, key: &[u8], request: IntakeRequest) -> Result<Outgoing, Failure> {
        let id = self.fresh_id(&[key, request.correlation_id.as_deref().unwrap_or_default().as_bytes()]);
        self.record(&Topic::Intake(lane), key, &Message::Intake(Box::new(request)), id)
    }

    /// Publishes roster records in one transaction, sealed.
    pub(crate) fn load_members(&self, members: Vec<(String, RosterMember)>) -> Result<usize, Failure> {
        let now = self.now();
        let records = members.into_iter().map(|(member_key, member)| {
            let sealed = self
                .plant
                .vault
                .seal_member(&member_key, &member)
                .map_err(|error| Failure::Other(anyhow::anyhow!("a member can't be sealed: {error}")))?;
            let id = self.fresh_id(&[member_key.as_bytes()]);
            let key = member_key.clone().into_bytes();
            let record = MemberRecord { member_key, member: sealed, updated_at: now };
            self.record(&Topic::Members, &key, &Message::Member(Box::new(record)), id)
        });
        self.append(records.collect::<Result<Vec<_>, _>>()?)
    }

    /// Publishes policies in one transaction, and takes back those of which there is a name alone: all of it holds at once.
    pub(crate) fn policies(&self, changes: Vec<(&str, Option<PolicyRecord>)>) -> Result<usize, Failure> {
        let records = changes.into_iter().map(|(name, policy)| match policy {
            Some(policy) => {
                let id = self.fresh_id(&[name.as_bytes()]);
                self.record(&Topic::Policies, name.as_bytes(), &Message::Policy(Box::new(policy)), id)
            }
            None => Ok(Outgoing {
                topic: self.plant.topics.name(&Topic::Policies),
                partition: partition_of(name.as_bytes(), self.plant.topics.partitions(&Topic::Policies)),
                timestamp_ms: self.now().0,
                key: Some(Bytes::copy_from_slice(name.as_bytes())),
                value: None,
                headers: Headers::default(),
            }),
        });
        self.append(records.collect::<Result<Vec<_>, _>>()?)
    }

    /// Gives a command, under the key that brings it to its owner.
    pub(crate) fn command(&self, key: &[u8], command: Command) -> Result<(), Failure> {
        let id = RecordId(command.command_id.0);
        let record = self.record(&Topic::Commands, key, &Message::Command(Box::new(command)), id)?;
        self.append(vec![record]).map(drop)
    }

    /// Hands on a partner's callback, in the trace it came with; durable when this returns.
    pub(crate) fn partner_message(&self, message: PartnerMessage, trace: Option<Trace>) -> Result<(), Failure> {
        let key = message.route.key().into_bytes();
        let id = self.fresh_id(&[message.message_id.as_bytes()]);
        let message = Message::Partner(Box::new(message));
        let record =
            self.record_in(&Topic::PartnerMessages, &key, &message, (id, trace.unwrap_or_else(|| Trace::root(id))))?;
        self.append(vec![record]).map(drop)
    }

    /// Appends records in one transaction. Threads that append at the same time share one: a transaction takes a while, and what
    /// comes meanwhile goes with the next.
    pub(crate) fn append(&self, records: Vec<Outgoing>) -> Result<usize, Failure> {
        let count = records.len();
        let errand = Arc::new(Errand { records, done: OnceLock::new() });
        locked(&self.waiting).push(Arc::clone(&errand));
        let mut producer = locked(&self.producer);
        if errand.done.get().is_none() {
            self.run(&mut producer, &std::mem::take(&mut *locked(&self.waiting)));
        }
        drop(producer);
        match Arc::into_inner(errand).and_then(|errand| errand.done.into_inner()) {
            Some(done) => done.map(|()| count),
            None => Err(Failure::Other(anyhow::anyhow!("the feed has lost an errand"))),
        }
    }

    /// Runs errands in one transaction. If that fails for what may be in it each gets one of its own: what is wrong with one is not
    /// the others' fault.
    fn run(&self, producer: &mut Option<Box<dyn Producer>>, errands: &[Arc<Errand>]) {
        let together = self.commit(producer, errands);
        for errand in errands {
            let done = match &together {
                Err(error) if 1 < errands.len() && error.may_blame_content() => {
                    self.commit(producer, std::slice::from_ref(errand))
                }
                whole => whole.clone(),
            };
            // Each errand is run once, by whoever took it from the queue.
            let _ = errand.done.set(done.map_err(Failure::from));
        }
    }

    /// Whoever was fenced, which a transaction that took too long is enough for, takes the name back and tries once more: nothing of
    /// what it sent is true. Where nobody knows whether it went through, nothing is sent again.
    fn commit(&self, producer: &mut Option<Box<dyn Producer>>, errands: &[Arc<Errand>]) -> Result<(), BusError> {
        match self.transact(producer, errands) {
            Err(BusError::Fenced) => self.transact(producer, errands),
            sent => sent,
        }
    }

    /// One transaction, or none. A producer that can't give up what it has begun is of no use any more.
    fn transact(&self, producer: &mut Option<Box<dyn Producer>>, errands: &[Arc<Errand>]) -> Result<(), BusError> {
        let mut own = match producer.take() {
            Some(own) => own,
            None => self.plant.bus.producer(&self.transactional_id)?,
        };
        let mut records = errands.iter().flat_map(|errand| errand.records.iter().cloned());
        let sent = records.try_for_each(|record| own.send(record)).and_then(|()| own.commit(None));
        let is_usable = sent.is_ok() || sent != Err(BusError::Fenced) && own.abort().is_ok();
        *producer = is_usable.then_some(own);
        sent
    }

    fn record(&self, topic: &Topic, key: &[u8], message: &Message, id: RecordId) -> Result<Outgoing, Failure> {
        self.record_in(topic, key, message, (id, Trace::root(id)))
    }

    fn record_in(
        &self,
        topic: &Topic,
        key: &[u8],
        message: &Message,
        (id, trace): (RecordId, Trace),
    ) -> Result<Outgoing, Failure> {
        let written = self.postman.write(topic, key, message, self.now(), id, trace);
        written.map_err(|error| Failure::Input(format!("a record can't be written: {error}")))
    }

    fn fresh_id(&self, parts: &[&[u8]]) -> RecordId {
        let now = self.now().0.to_be_bytes();
        let all: Vec<&[u8]> = [self.name.as_bytes(), &now].into_iter().chain(parts.iter().copied()).collect();
        RecordId(derive(&all))
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.plant.clock.now_ms())
    }
}

/// A feed shared between threads.
pub(crate) type SharedFeed = Arc<Feed>;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use domain::messages::{CommandAction, CommandTarget};
    use domain::{CommandId, RequestId};

    use super::*;
    use crate::config::Config;
    use crate::tables::Tables;

    #[test]
    fn a_feed_that_was_fenced_takes_its_name_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/waybill.toml");
        let data = |name: &str| (name == "WAYBILL_DATA_DIR").then(|| folder.path().display().to_string());
        let config = Config::load(Some(&file), data).expect("a configuration");
        let tables = Tables::load(&config).expect("tables");
        let plant = Plant::open(config, tables).expect("a plant");
        let feed = Feed::open(&plant, "test").expect("a feed");
        let request_id = RequestId([1; 16]);
        let give = |number: u8| {
            feed.command(
                b"key",
                Command {
                    command_id: CommandId([number; 16]),
                    target: CommandTarget::RequestTarget { request_id },
                    action: CommandAction::Hold,
                    operator: "operator".into(),
                    reason: "a test".into(),
                    issued_at: Timestamp(1),
                    verdict: None,
                    expected_state: None,
                    about: None,
                },
            )
        };
        give(1).expect("given");
        let rival = plant.bus.producer(&feed.transactional_id).expect("the same name");
        give(2).expect("given by a feed that was fenced");
        drop(rival);
        give(3).expect("given");
    }
}
