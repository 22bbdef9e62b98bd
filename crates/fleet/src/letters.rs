//! How a record becomes a dead letter: kept whole and sealed, in the same transaction, with a fact about it on the log.

use domain::ids::derive;
use domain::messages::{DeadLetter, Lane, SealedOriginal};
use domain::{EventBody, LetterId, LifecycleEvent, Message, Poison, RecordId, RequestId, Timestamp, Token, Worker};

use crate::blocking::{FleetEntry, FleetKey};
use crate::bus::Delivered;
use crate::desk::Desk;
use crate::envelope::Postmark;
use crate::originals::Original;
use crate::partition::Partition;
use crate::turn::{Turn, Unwritable};

/// What is known of an input that failed.
pub(crate) struct Failed<'a> {
    /// The record; none for a timer or an answer.
    pub(crate) record: Option<&'a Delivered>,
    /// Its identity and trace.
    pub(crate) postmark: &'a Postmark,
    /// The request, if known.
    pub(crate) request_id: Option<RequestId>,
    /// The lane of its topic.
    pub(crate) lane: Option<Lane>,
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
        let letter_id = LetterId(derive(&[b"letter", &failed.postmark.id.0, &previous]));
        let letter = self.compose_letter(turn.now, letter_id, failed, poison)?;
        let event =
            EventBody::DeadLettered { letter_id, class: poison.class, code: poison.code, signature: letter.signature };
        let key = domain::ids::uuid_text(&letter.signature.0);
        let id = RecordId(letter_id.0);
        let trace = failed.postmark.trace;
        let message = Message::Letter(Box::new(letter));
        let record = self.postman.write(&contracts::Topic::DeadLetters, &key, &message, turn.now, id, trace)?;
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
        if let (Some(request_id), Some(_)) = (failed.request_id, failed.record) {
            let next = match partition.fleet_view().get(&FleetKey::Blocked(request_id)) {
                Some(FleetEntry::Blocked { next, .. }) => *next,
                Some(FleetEntry::Parked { .. } | FleetEntry::Suspect { .. }) | None => 0,
            };
            let blocked = FleetEntry::Blocked { letter_id, next };
            partition.fleet_overlay.record(domain::Change::Put(FleetKey::Blocked(request_id), blocked));
        }
        Ok(())
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
            attempts: 1 + u32::from(failed.postmark.letter.is_some()),
            failed_at: now,
            trace: failed.postmark.trace,
            original: self.seal_original(letter_id, record)?,
        })
    }

    fn seal_original(&self, letter_id: LetterId, record: Option<&Delivered>) -> Result<SealedOriginal, Unwritable> {
        let original = record.map_or_else(Original::default, |record| Original {
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers.clone(),
            at: Timestamp(record.timestamp_ms),
        });
        self.originals.seal(letter_id, &original).map_err(|_| Unwritable::Sealing)
    }
}
