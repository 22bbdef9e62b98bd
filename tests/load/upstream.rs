//! What upstream systems write: the roster, and submissions.

use contracts::Topic;
use domain::ids::{derive, stamp_version};
use domain::messages::MemberRecord;
use domain::phi::{Phi, Purpose};
use domain::{Message, RecordId, RequestId, Timestamp, Trace};
use fleet::Postman;
use fleet::bus::{Outgoing, Producer};
use sandbox::upstream::{Submission, Traffic, population, traffic};

use crate::plant::{PAYER, Plant, SOURCE};

const SEED: u64 = 1;
const MEMBERS: u64 = 10_000;

/// Writes what upstream systems write.
pub(crate) struct Upstream {
    postman: Postman,
    producer: Box<dyn Producer>,
}

/// Good submissions about members of the roster.
pub(crate) fn submissions(plant: &Plant, partners: &[&str], count: u64) -> Vec<Submission> {
    traffic(&Traffic {
        seed: SEED,
        source: SOURCE.into(),
        payer: PAYER.to_owned(),
        members: MEMBERS,
        partners: partners.iter().map(|partner| (*partner).into()).collect(),
        count,
        now: Timestamp(plant.clock.now_ms()),
        only_good: true,
    })
}

/// The request that a submission becomes, as intake computes it.
pub(crate) fn request_id(plant: &Plant, submission: &Submission) -> RequestId {
    request_of(plant, &submission.request.idempotency_key)
}

/// The request that a submission of this key becomes.
pub(crate) fn request_of(plant: &Plant, idempotency_key: &str) -> RequestId {
    let key = idempotency_key.as_bytes();
    RequestId(stamp_version(plant.vault.token(Purpose::Request, &[SOURCE.as_bytes(), key]).0))
}

impl Upstream {
    pub(crate) fn new(plant: &Plant) -> Self {
        let postman = Postman::named(plant.codec.clone(), plant.topics.clone(), "/load");
        Self { postman, producer: plant.bus.producer(&format!("{}load", plant.prefix())).expect("a producer") }
    }

    /// Publishes the roster.
    pub(crate) fn enrol(&mut self, plant: &Plant) {
        for person in population(SEED, PAYER, MEMBERS) {
            let member = plant.vault.seal_member(&person.member_key, &person.member).expect("sealed");
            let key = person.member_key.clone();
            let updated_at = Timestamp(plant.clock.now_ms());
            let record = MemberRecord { member_key: person.member_key, member, updated_at };
            let row = self.written(plant, &Topic::Members, key.as_bytes(), &Message::Member(Box::new(record)));
            self.producer.send(row).expect("sent");
        }
        self.producer.commit(None).expect("committed");
    }

    /// Submits, a thousand to a transaction.
    pub(crate) fn send(&mut self, plant: &Plant, submissions: &[Submission]) {
        for batch in submissions.chunks(1_000) {
            for submission in batch {
                self.producer.send(self.record(plant, submission)).expect("sent");
            }
            self.producer.commit(None).expect("committed");
        }
    }

    /// The record of a submission.
    pub(crate) fn record(&self, plant: &Plant, submission: &Submission) -> Outgoing {
        let message = Message::Intake(Box::new(submission.request.clone()));
        self.written(plant, &Topic::Intake(submission.lane), &submission.record_key, &message)
    }

    fn written(&self, plant: &Plant, topic: &Topic, key: &[u8], message: &Message) -> Outgoing {
        let id = RecordId(derive(&[key]));
        let at = Timestamp(plant.clock.now_ms());
        self.postman.write(topic, key, message, at, id, Trace::root(id)).expect("writable")
    }
}
