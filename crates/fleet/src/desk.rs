//! The desk: where one input is decoded, decided, and its effects staged. Pure but for the ports that seal and open; nothing here
//! is true until the turn commits.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use contracts::{Codec, Topic, Topics};
use domain::ids::derive;
use domain::{
    Answer, Change, Code, Decision, Draft, FailureClass, Forward, Input, LetterId, LifecycleEvent, MemoryKey, Message,
    Moment, Poison, Record, RecordId, RequestId, Trace, Worker,
};

use crate::blocking::{FleetEntry, FleetKey};
use crate::bus::{Delivered, Headers, Outgoing, TopicPartition};
use crate::envelope::{Postman, Postmark, fits, mark_replay, redirected};
use crate::letters::Failed;
use crate::originals::Originals;
use crate::partition::Partition;
use crate::turn::{Turn, Unwritable};

/// A worker with everything one decision needs.
pub(crate) struct Desk<W: Worker> {
    pub(crate) worker: W,
    pub(crate) codec: Codec,
    pub(crate) topics: Topics,
    pub(crate) postman: Postman,
    pub(crate) originals: Arc<dyn Originals>,
    pub(crate) version: String,
    /// Records that brought turn after turn down, alone: they become letters unread.
    pub(crate) quarantine: BTreeSet<(TopicPartition, u64)>,
}

/// A record that was decoded, with the topic it came from.
struct Decoded {
    topic: Topic,
    schema_id: u32,
    message: Message,
}

impl<W: Worker> Desk<W> {
    /// Decides a timer that has come due, unless this turn has moved it.
    pub(crate) fn timer(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        (number, key): (u32, &W::Key),
    ) -> Result<(), Unwritable> {
        let due = partition.view().get(key).and_then(|entry| W::due(key, entry));
        let Some(due) = due.filter(|due| *due <= turn.now) else { return Ok(()) };
        turn.tally.timers += 1;
        let id = RecordId(derive(&[b"timer", W::STAGE.as_str().as_bytes(), &key.encode(), &due.0.to_be_bytes()]));
        let postmark = Postmark { id, trace: Trace::root(id), signature: None, letter: None };
        let decided = self.decide(partition, Input::Timer(key), &postmark, turn);
        let staged = decided.and_then(|decision| self.stage(partition, turn, (number, &postmark), decision));
        if let Err(poison) = staged {
            turn.muted.push((number, key.clone()));
            let failed = Failed { record: None, postmark: &postmark, request_id: None, lane: None };
            self.letter(partition, turn, &failed, &poison)?;
        }
        Ok(())
    }

    /// Decides a call's answer.
    pub(crate) fn answer(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        (number, answer, trace): (u32, &Answer, Trace),
    ) -> Result<(), Unwritable> {
        turn.tally.answers += 1;
        turn.answers.push((number, answer.clone(), trace));
        let id = RecordId(derive(&[b"answer", &answer.operation_id.0, &answer.attempt.to_be_bytes()]));
        let trace = if trace == Trace::default() { Trace::root(id) } else { trace };
        let postmark = Postmark { id, trace, signature: None, letter: None };
        let decided = self.decide(partition, Input::Answer(answer), &postmark, turn);
        let staged = decided.and_then(|decision| self.stage(partition, turn, (number, &postmark), decision));
        if let Err(poison) = staged {
            let failed = Failed { record: None, postmark: &postmark, request_id: None, lane: None };
            self.letter(partition, turn, &failed, &poison)?;
        }
        Ok(())
    }

    /// Whether records of a topic may come from producers other than ours.
    fn is_foreign(topic: &Topic) -> bool {
        matches!(topic, Topic::Intake(_) | Topic::Commands | Topic::Members)
    }

    /// Decides a record, and what waits behind it if it is the replay of a letter.
    pub(crate) fn take_in(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        record: &Delivered,
    ) -> Result<(), Unwritable> {
        let Some(topic) = self.topics.parse(&record.topic) else { return Ok(()) };
        let lane = topic.lane();
        let postmark = Postmark::of(record, Self::is_foreign(&topic));
        let keyed = record.key.as_deref().and_then(request_of_key);
        if let (Some(letter), None) = (postmark.letter, &record.value) {
            return self.lift(partition, turn, (record.partition, keyed), letter);
        }
        let decoded = self.decode(topic, record);
        let request_id = decoded.as_ref().ok().and_then(|decoded| decoded.message.request_id()).or(keyed);
        if self.park(partition, turn, record, request_id, postmark.letter) {
            return Ok(());
        }
        let failed = Failed { record: Some(record), postmark: &postmark, request_id, lane };
        let staged = decoded.and_then(|decoded| self.decide_record(partition, turn, record, &postmark, decoded));
        match (staged, postmark.letter) {
            (Ok(()), Some(letter)) => self.lift(partition, turn, (record.partition, request_id), letter),
            (Ok(()), None) => Ok(()),
            (Err(poison), _) => self.letter(partition, turn, &failed, &poison),
        }
    }

    /// Makes a record a letter without deciding it.
    pub(crate) fn condemn(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        record: &Delivered,
        poison: &Poison,
    ) -> Result<(), Unwritable> {
        let topic = self.topics.parse(&record.topic);
        let postmark = Postmark::of(record, topic.as_ref().is_some_and(Self::is_foreign));
        let request_id = record.key.as_deref().and_then(request_of_key);
        let lane = topic.and_then(|topic| topic.lane());
        let failed = Failed { record: Some(record), postmark: &postmark, request_id, lane };
        self.letter(partition, turn, &failed, poison)
    }

    fn decode(&self, topic: Topic, record: &Delivered) -> Result<Decoded, Poison> {
        let poison = |class, code: Code, place: &str| Poison { class, code, place: place.to_owned() };
        if self.quarantine.contains(&(record.topic_partition(), record.offset)) {
            return Err(poison(FailureClass::Defect, Code::TurnFailed, "commit"));
        }
        let value = record.value.as_deref().ok_or_else(|| poison(FailureClass::Schema, Code::ValueMissing, "value"))?;
        let (schema_id, message) = self
            .codec
            .decode(&topic, value)
            .map_err(|error| poison(FailureClass::Schema, error.code(), error.place()))?;
        Ok(Decoded { topic, schema_id, message })
    }

    fn decide_record(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        record: &Delivered,
        postmark: &Postmark,
        decoded: Decoded,
    ) -> Result<(), Poison> {
        if let Some(key) = self.worker.home(&decoded.message) {
            let partitions = self.topics.partitions(&decoded.topic);
            if crate::partitioner::partition_of(key, partitions) != record.partition {
                let outgoing = redirected(record, postmark.id, key, partitions).map_err(unwritable)?;
                turn.outgoing.push(outgoing);
                turn.tally.redirected += 1;
                return Ok(());
            }
        }
        let input = Record {
            lane: decoded.topic.lane(),
            message: decoded.message,
            trace: postmark.trace,
            signature: postmark.signature.clone(),
            schema_id: decoded.schema_id,
            value: record.value.clone().unwrap_or_default(),
            offset: record.offset,
        };
        let decision = self.decide(partition, Input::Record(&input), postmark, turn)?;
        self.stage(partition, turn, (record.partition, postmark), decision)
    }

    /// Runs the worker's judgement; a panic is the record's fault as far as the others are concerned.
    fn decide(
        &self,
        partition: &Partition<W>,
        input: Input<'_, W::Key>,
        postmark: &Postmark,
        turn: &Turn<W>,
    ) -> Result<Decision<W::Key, W::Entry>, Poison> {
        let moment = Moment { now: turn.now, id: postmark.id, trace: postmark.trace };
        let view = partition.view();
        catch_unwind(AssertUnwindSafe(|| self.worker.decide(&view, input, &moment))).unwrap_or_else(|_| {
            Err(Poison { class: FailureClass::Defect, code: Code::DecidePanicked, place: "decide".into() })
        })
    }

    /// Makes a decision part of the turn, whole or not at all.
    fn stage(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        (number, postmark): (u32, &Postmark),
        decision: Decision<W::Key, W::Entry>,
    ) -> Result<(), Poison> {
        let (events, forwarded) = (decision.events.len(), decision.forward.len());
        let staged = turn.outgoing.len();
        if let Err(error) = self.write(turn, postmark, decision.events, decision.forward, decision.replay) {
            turn.outgoing.truncate(staged);
            return Err(unwritable(error));
        }
        turn.tally.events += events;
        turn.tally.forwarded += forwarded;
        turn.tally.calls += decision.calls.len();
        turn.calls.extend(decision.calls.into_iter().map(|call| (number, call)));
        decision.remember.into_iter().for_each(|change| partition.overlay.record(change));
        Ok(())
    }

    fn write(
        &self,
        turn: &mut Turn<W>,
        postmark: &Postmark,
        events: Vec<Draft>,
        forward: Vec<Forward>,
        replays: Vec<domain::worker::Replay>,
    ) -> Result<(), Unwritable> {
        let mut ids = (0..).map(|index| postmark.id.child(W::STAGE.as_str(), index));
        let mut next_id = || ids.next().unwrap_or_default();
        for draft in events {
            let event = LifecycleEvent {
                request_id: draft.request_id,
                at: turn.now,
                by: W::STAGE,
                version: self.version.clone(),
                cause: postmark.id,
                body: draft.body,
            };
            let trace = draft.trace.unwrap_or(postmark.trace);
            turn.outgoing.push(self.postman.event(event, next_id(), trace)?);
        }
        for message in forward {
            let trace = message.trace.unwrap_or(postmark.trace);
            let (topic, key) = contracts::topics::address(&message.to);
            turn.outgoing.push(self.postman.write(&topic, &key, &message.message, turn.now, next_id(), trace)?);
        }
        for replay in replays {
            turn.outgoing.push(self.replayed(turn, &replay)?);
        }
        Ok(())
    }

    /// The record of a letter as it came, marked as its replay; or the bare mark that lifts a discarded letter's block.
    fn replayed(&self, turn: &Turn<W>, replay: &domain::worker::Replay) -> Result<Outgoing, Unwritable> {
        let original = match &replay.original {
            Some(sealed) => self.originals.open(replay.letter_id, sealed).map_err(|_| Unwritable::Sealing)?,
            None => {
                let key = replay.request_id.map(|request| contracts::topics::id_key(&request.0));
                crate::originals::Original { key, ..Default::default() }
            }
        };
        let mut headers: Headers = original.headers;
        mark_replay(&mut headers, replay.letter_id);
        fits(Outgoing {
            topic: replay.topic.as_str().into(),
            partition: replay.partition,
            timestamp_ms: turn.now.0,
            key: original.key,
            value: original.value,
            headers,
        })
    }

    /// Parks a record whose request waits behind a letter. The letter's own replay passes.
    fn park(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        record: &Delivered,
        request_id: Option<RequestId>,
        replays: Option<LetterId>,
    ) -> bool {
        let Some(request_id) = request_id else { return false };
        let key = FleetKey::Blocked(request_id);
        let Some(FleetEntry::Blocked { letter_id, next }) = partition.fleet_view().get(&key).cloned() else {
            return false;
        };
        if replays == Some(letter_id) {
            return false;
        }
        let parked = Change::Put(FleetKey::Parked(request_id, next), FleetEntry::park(record));
        partition.fleet_overlay.record(parked);
        partition.fleet_overlay.record(Change::Put(key, FleetEntry::Blocked { letter_id, next: next + 1 }));
        turn.tally.parked += 1;
        true
    }

    /// Lifts a letter's block and decides, in order, what waited behind it; a successor that fails blocks the rest again.
    fn lift(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        (number, request_id): (u32, Option<RequestId>),
        letter: LetterId,
    ) -> Result<(), Unwritable> {
        let Some(request_id) = request_id else { return Ok(()) };
        let key = FleetKey::Blocked(request_id);
        match partition.fleet_view().get(&key) {
            Some(FleetEntry::Blocked { letter_id, .. }) if *letter_id == letter => {}
            Some(FleetEntry::Blocked { .. } | FleetEntry::Parked { .. } | FleetEntry::Suspect { .. }) | None => {
                return Ok(());
            }
        }
        partition.fleet_overlay.record(Change::Forget(key));
        let (first, last) = (FleetKey::Parked(request_id, 0), FleetKey::Parked(request_id, u64::MAX));
        let waiting: Vec<(FleetKey, FleetEntry)> =
            partition.fleet_view().range(&first, &last).map(|(key, entry)| (key.clone(), entry.clone())).collect();
        for (key, entry) in waiting {
            partition.fleet_overlay.record(Change::Forget(key));
            if let Some(record) = entry.unpark(number) {
                self.take_in(partition, turn, &record)?;
            }
        }
        Ok(())
    }
}

fn request_of_key(key: &[u8]) -> Option<RequestId> {
    std::str::from_utf8(key).ok()?.parse().ok()
}

fn unwritable(error: Unwritable) -> Poison {
    let (class, code) = match error {
        Unwritable::TooLarge { .. } => (FailureClass::Defect, Code::TooLarge),
        Unwritable::Encoding => (FailureClass::Defect, Code::Undecodable),
        Unwritable::Sealing => (FailureClass::Defect, Code::SealBroken),
    };
    Poison { class, code, place: "write".into() }
}
