//! How a record becomes a dead letter, kept whole and sealed, in the same transaction, with a fact about it on the log; and how it
//! comes back from one.

use contracts::Topic;
use domain::ids::derive;
use domain::messages::{DeadLetter, Lane, SealedOriginal};
use domain::worker::Replay;
use domain::{
    Change, EventBody, LetterId, LifecycleEvent, Message, Poison, RecordId, RequestId, Timestamp, Token, Worker,
};

use crate::blocking::{FleetEntry, FleetKey};
use crate::bus::{Delivered, Outgoing};
use crate::desk::{Desk, is_foreign};
use crate::envelope::{Postmark, fits};
use crate::marks::{Marks, Origin};
use crate::originals::Original;
use crate::partition::Partition;
use crate::turn::{Turn, Unwritable};

/// What is known of an input that failed.
pub(crate) struct Failed<'a> {
    /// The record; none for a timer or an answer.
    pub(crate) record: Option<&'a Delivered>,
    /// Its identity and trace.
    pub(crate) postmark: &'a Postmark,
    /// The request whose story the record is a link of; none for what strangers wrote.
    pub(crate) request_id: Option<RequestId>,
    /// The lane of its topic.
    pub(crate) lane: Option<Lane>,
}

impl<'a> Failed<'a> {
    /// A timer or an answer.
    pub(crate) fn internal(postmark: &'a Postmark) -> Self {
        Self { record: None, postmark, request_id: None, lane: None }
    }
}

impl<W: Worker> Desk<W> {
    /// Writes the letter and the fact, and blocks the request so that its successors wait.
    pub(crate) fn letter(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        failed: &Failed<'_>,
        poison: &Poison,
    ) -> Result<(), Unwritable> {
        let previous = failed.postmark.letter.map_or([0; 16], |letter| letter.0);
        let stage = W::STAGE.as_str().as_bytes();
        let letter_id = LetterId(derive(&[b"letter", stage, &failed.postmark.id.0, &previous]));
        let letter = self.compose_letter(turn.now, letter_id, failed, poison)?;
        let event =
            EventBody::DeadLettered { letter_id, class: poison.class, code: poison.code, signature: letter.signature };
        let key = domain::ids::uuid_text(&letter.signature.0);
        let id = RecordId(letter_id.0);
        let trace = failed.postmark.trace;
        let message = Message::Letter(Box::new(letter));
        let record = self.postman.write(&Topic::DeadLetters, &key, &message, turn.now, id, trace)?;
        let fact = LifecycleEvent {
            request_id: failed.request_id.unwrap_or(RequestId(letter_id.0)),
            at: turn.now,
            by: W::STAGE,
            version: self.version.clone(),
            cause: failed.postmark.id,
            body: event,
        };
        let fact = self.postman.event(fact, id.child("fact", 0), trace)?;
        turn.outgoing.extend([record, fact]);
        turn.tally.letters += 1;
        turn.tally.events += 1;
        // What our own workers wrote is a link in the request's story; a command that fails is none, it can be judged later.
        if let Some(request_id) = failed.request_id {
            block(partition, request_id, letter_id, failed.postmark.letter);
        }
        Ok(())
    }

    /// The record of a letter as it came, marked as its replay; or the bare mark that lifts a discarded letter's block. A fact
    /// stands on the event log already and must not stand there twice: it comes back over `commands`, which has the same
    /// partitions and is read by the same worker.
    pub(crate) fn replayed(&self, now: Timestamp, replay: &Replay) -> Result<Outgoing, Unwritable> {
        let mut home = self.topics.parse(&replay.topic).ok_or(Unwritable::Nowhere)?;
        let is_fact = home == Topic::Events;
        if is_fact {
            home = Topic::Commands;
        }
        if self.topics.partitions(&home) <= replay.partition {
            return Err(Unwritable::Nowhere);
        }
        let mut original = match &replay.original {
            Some(sealed) => self.originals.open(replay.letter_id, sealed).map_err(|_| Unwritable::Sealing)?,
            None => {
                let key = replay.request_id.map(|request| contracts::topics::id_key(&request.0));
                Original { key, ..Original::default() }
            }
        };
        let mut marks =
            Marks { letter: Some(replay.letter_id), tried: Some(replay.attempts), ..Marks::read(&original.headers) };
        if is_fact {
            marks.origin.get_or_insert(Origin { topic: replay.topic.clone(), offset: 0 });
        }
        marks.write(&mut original.headers, original.value.as_ref(), &*self.originals);
        fits(Outgoing {
            topic: self.topics.name(&home),
            partition: replay.partition,
            timestamp_ms: now.0,
            key: original.key,
            value: original.value,
            headers: original.headers,
        })
    }

    fn compose_letter(
        &self,
        now: Timestamp,
        letter_id: LetterId,
        failed: &Failed<'_>,
        poison: &Poison,
    ) -> Result<DeadLetter, Unwritable> {
        let signature = derive(&[
            W::STAGE.as_str().as_bytes(),
            poison.class.as_str().as_bytes(),
            poison.code.as_str().as_bytes(),
            poison.place.as_bytes(),
        ]);
        let record = failed.record;
        Ok(DeadLetter {
            letter_id,
            stage: W::STAGE,
            version: self.version.clone(),
            topic: record.map(|record| record.topic.to_string()).unwrap_or_default(),
            partition: record.map_or(0, |record| record.partition),
            offset: record.map_or(0, |record| record.offset),
            record_at: record.map_or(now, |record| Timestamp(record.timestamp_ms)),
            request_id: failed.request_id,
            lane: failed.lane,
            schema_id: record
                .and_then(|record| record.value.as_deref())
                .and_then(contracts::frame::split)
                .map(|(schema_id, _)| schema_id),
            class: poison.class,
            code: poison.code,
            place: poison.place.clone(),
            hint: poison.code.remedy().to_owned(),
            signature: Token(signature),
            attempts: failed.postmark.attempts.saturating_add(1),
            failed_at: now,
            trace: failed.postmark.trace,
            original: self.seal_original(letter_id, failed)?,
        })
    }

    fn seal_original(&self, letter_id: LetterId, failed: &Failed<'_>) -> Result<SealedOriginal, Unwritable> {
        let original = failed.record.map_or_else(Original::default, |record| {
            let mut headers = record.headers.clone();
            match self.topics.parse(&record.topic) {
                Some(Topic::Events) => {
                    let origin = Some(Origin { topic: record.topic.to_string(), offset: record.offset });
                    Marks { origin, ..Marks::default() }.write(&mut headers, record.value.as_ref(), &*self.originals);
                }
                Some(topic) if is_foreign(&topic) => {
                    failed.postmark.marks().write(&mut headers, record.value.as_ref(), &*self.originals);
                }
                Some(_) | None => {}
            }
            let (key, value, at) = (record.key.clone(), record.value.clone(), Timestamp(record.timestamp_ms));
            Original { key, value, headers, at }
        });
        self.originals.seal(letter_id, &original).map_err(|_| Unwritable::Sealing)
    }
}

/// Makes a request's successors wait behind a letter. Where they wait already they go on waiting behind the first one, unless this
/// letter is what became of its replay.
fn block<W: Worker>(
    partition: &mut Partition<W>,
    request_id: RequestId,
    letter_id: LetterId,
    replayed: Option<LetterId>,
) {
    let key = FleetKey::Blocked(request_id);
    let next = match partition.fleet_view().get(&key) {
        Some(FleetEntry::Blocked { letter_id: first, .. }) if Some(*first) != replayed => return,
        Some(FleetEntry::Blocked { next, .. }) => *next,
        Some(FleetEntry::Parked { .. } | FleetEntry::Progress { .. } | FleetEntry::Unmade {}) | None => 0,
    };
    partition.fleet_overlay.record(Change::Put(key, FleetEntry::Blocked { letter_id, next }));
}
