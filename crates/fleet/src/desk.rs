//! The desk: where one input is decoded, decided, and its effects staged. Pure but for the ports that seal and open; nothing here
//! is true until the turn commits.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use contracts::{Codec, Topic, Topics};
use domain::ids::derive;
use domain::{
    Answer, CallResult, Change, Code, Decision, FailureClass, Input, LifecycleEvent, MemoryKey, Message, Moment,
    Poison, Record, RecordId, RequestId, Trace, Worker,
};

use crate::blocking::FleetKey;
use crate::bus::Delivered;
use crate::envelope::{Postman, Postmark, redirected};
use crate::letters::Failed;
use crate::marks::{Marks, Origin};
use crate::originals::Originals;
use crate::partition::Partition;
use crate::turn::{Turn, Unwritable};

/// A worker with everything one decision needs.
pub(crate) struct Desk<W: Worker> {
    pub(crate) worker: W,
    pub(crate) codec: Codec,
    pub(crate) topics: Topics,
    /// The worker's inputs by their full names, which most records bear.
    pub(crate) inputs: Vec<(Arc<str>, Topic)>,
    pub(crate) postman: Postman,
    pub(crate) originals: Arc<dyn Originals>,
    pub(crate) version: String,
    /// Inputs that brought turn after turn down, alone: they become letters undecided.
    pub(crate) quarantine: BTreeSet<RecordId>,
}

/// A record that was decoded.
struct Decoded {
    schema_id: u32,
    message: Message,
}

/// How long a timer rests whose decision left its entry as it was: it would fire in every turn.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl<W: Worker> Desk<W> {
    /// Decides a timer that has come due, unless this turn has moved it.
    pub(crate) fn timer(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        (number, key): (u32, &W::Key),
    ) -> Result<(), Unwritable> {
        let entry = partition.view().get(key);
        let due = entry.and_then(|entry| W::due(key, entry));
        // What was learnt may bring an entry forward; then it is due as long as this turn has not touched it.
        let stood = partition.memory.get(key).and_then(|entry| W::due(key, entry));
        let Some(due) = due.filter(|due| *due <= turn.now || Some(*due) == stood) else { return Ok(()) };
        // The same entry decided again has the same id; the same time come again for another has not.
        let mut stands = Vec::new();
        if entry.is_some_and(|entry| self.codec.encode_entry(W::STAGE, entry, &mut stands).is_err()) {
            stands.clear();
        }
        let (stage, at) = (W::STAGE.as_str().as_bytes(), due.0.to_be_bytes());
        let id = RecordId(derive(&[b"timer", stage, &key.encode(), &at, &stands]));
        turn.begin(number, id);
        turn.tally.timers += 1;
        let postmark = Postmark::internal(id, Trace::root(id));
        let decided = self.decide(partition, Input::Timer(key), &postmark, turn).and_then(|decision| {
            let moved = decision.remember.iter().any(|change| change.key() == key);
            self.stage(partition, turn, (number, &postmark), decision).map(|()| moved)
        });
        match decided {
            Ok(true) => Ok(()),
            Ok(false) => {
                turn.displaced.push((number, key.clone(), due, Some(due.max(turn.now + LOOK_AGAIN))));
                Ok(())
            }
            Err(poison) => {
                turn.displaced.push((number, key.clone(), due, None));
                self.letter(partition, turn, &Failed::internal(&postmark), &without_record(Code::TimerFailed, &poison))
            }
        }
    }

    /// Decides a call's answer. If it can't be decided its call counts as lost, which may be decidable.
    pub(crate) fn answer(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        (number, answer, trace): (u32, &Answer, Trace),
    ) -> Result<(), Unwritable> {
        let id = RecordId(derive(&[b"answer", &answer.operation_id.0, &answer.attempt.to_be_bytes()]));
        turn.begin(number, id);
        turn.tally.answers += 1;
        let trace = if trace == Trace::default() { Trace::root(id) } else { trace };
        let postmark = Postmark::internal(id, trace);
        if 0 < partition.counts().unmade {
            let mark = FleetKey::Unmade(answer.operation_id, answer.attempt);
            partition.fleet_overlay.record(Change::Forget(mark));
        }
        let decided = self.decide(partition, Input::Answer(answer), &postmark, turn);
        let staged = decided.and_then(|decision| self.stage(partition, turn, (number, &postmark), decision));
        let Err(poison) = staged else { return Ok(()) };
        if answer.result != CallResult::Lost {
            turn.unanswered.insert(number);
        }
        self.letter(partition, turn, &Failed::internal(&postmark), &without_record(Code::AnswerFailed, &poison))
    }

    /// Decides a record, and what waits behind it if it is the replay of a letter.
    pub(crate) fn take_in(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        record: &Delivered,
    ) -> Result<(), Unwritable> {
        let Some((topic, postmark)) = self.open(record) else { return Ok(()) };
        turn.begin(record.partition, postmark.id);
        let Some(origin) = &postmark.origin else { return self.admit(partition, turn, record, (topic, postmark)) };
        let record = come_back(record, origin);
        match self.open(&record) {
            Some((topic, postmark)) if Topic::inputs(W::STAGE).contains(&topic) => {
                self.admit(partition, turn, &record, (topic, postmark))
            }
            // It passes by on a topic that others read too.
            Some(_) | None => Ok(()),
        }
    }

    /// Which of our topics a record came from, and what it says of itself.
    pub(crate) fn open(&self, record: &Delivered) -> Option<(Topic, Postmark)> {
        let input = self.inputs.iter().find(|(name, _)| Arc::ptr_eq(name, &record.topic));
        let topic = input.map(|(_, topic)| topic.clone()).or_else(|| self.topics.parse(&record.topic))?;
        let postmark = Postmark::of(record, is_foreign(&topic), &*self.originals);
        Some((topic, postmark))
    }

    /// Decides a record that was taken, or that was parked and waits no longer.
    pub(crate) fn admit(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        record: &Delivered,
        (topic, postmark): (Topic, Postmark),
    ) -> Result<(), Unwritable> {
        let keyed = request_of_key(&topic, record);
        let is_condemned = self.quarantine.contains(&postmark.id);
        if let (Some(letter), None) = (postmark.letter, &record.value) {
            return self.lift(partition, turn, (record.partition, keyed), (letter, is_condemned));
        }
        let decoded = self.decode(&topic, record);
        let request_id = match &decoded {
            // What a stranger says must not move a request, however wrong it goes.
            _ if is_foreign(&topic) => None,
            Ok(decoded) => decoded.message.request_id().or(keyed),
            Err(_) => keyed,
        };
        let failed = Failed { record: Some(record), postmark: &postmark, request_id, lane: topic.lane() };
        if is_condemned {
            return self.letter(partition, turn, &failed, &turn_failed());
        }
        if self.park(partition, turn, (record, request_id), postmark.letter) {
            return Ok(());
        }
        let staged =
            decoded.and_then(|decoded| self.decide_record(partition, turn, (record, &topic, &postmark), decoded));
        match (staged, postmark.letter) {
            (Ok(()), Some(letter)) => self.lift(partition, turn, (record.partition, request_id), (letter, false)),
            (Ok(()), None) => Ok(()),
            (Err(poison), _) => self.letter(partition, turn, &failed, &poison),
        }
    }

    /// Makes a record a letter unread: reading it may be what ends the process.
    pub(crate) fn condemn(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        record: &Delivered,
        poison: &Poison,
    ) -> Result<(), Unwritable> {
        let Some((topic, postmark)) = self.open(record) else { return Ok(()) };
        turn.begin(record.partition, postmark.id);
        let request_id = request_of_key(&topic, record);
        let failed = Failed { record: Some(record), postmark: &postmark, request_id, lane: topic.lane() };
        self.letter(partition, turn, &failed, poison)
    }

    fn decode(&self, topic: &Topic, record: &Delivered) -> Result<Decoded, Poison> {
        let missing = || Poison { class: FailureClass::Schema, code: Code::ValueMissing, place: "value".into() };
        let value = record.value.as_deref().ok_or_else(missing)?;
        let decoded = catch_unwind(AssertUnwindSafe(|| self.codec.decode(topic, value)));
        let (schema_id, message) = decoded.map_err(|_| panicked("decode"))??;
        Ok(Decoded { schema_id, message })
    }

    fn decide_record(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        (record, topic, postmark): (&Delivered, &Topic, &Postmark),
        decoded: Decoded,
    ) -> Result<(), Poison> {
        if let Some(key) = self.worker.home(&decoded.message) {
            let partitions = self.topics.partitions(topic);
            if crate::partitioner::partition_of(key, partitions) != record.partition {
                let outgoing = redirected(record, postmark, (key, partitions), &*self.originals).map_err(unwritable)?;
                turn.outgoing.push(outgoing);
                turn.tally.redirected += 1;
                return Ok(());
            }
        }
        let input = Record {
            lane: topic.lane(),
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

    /// Runs the worker's judgement; a panic is the input's fault as far as the others are concerned.
    fn decide(
        &self,
        partition: &Partition<W>,
        input: Input<'_, W::Key>,
        postmark: &Postmark,
        turn: &Turn<W>,
    ) -> Result<Decision<W::Key, W::Entry>, Poison> {
        if self.quarantine.contains(&postmark.id) {
            return Err(turn_failed());
        }
        let moment = Moment { now: turn.now, id: postmark.id, trace: postmark.trace };
        let view = partition.view();
        catch_unwind(AssertUnwindSafe(|| self.worker.decide(&view, input, &moment)))
            .unwrap_or_else(|_| Err(panicked("decide")))
    }

    /// Makes a decision part of the turn, whole or not at all.
    fn stage(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        (number, postmark): (u32, &Postmark),
        mut decision: Decision<W::Key, W::Entry>,
    ) -> Result<(), Poison> {
        let (events, forwarded) = (decision.events.len(), decision.forward.len());
        let staged = turn.outgoing.len();
        if let Err(error) = self.write(turn, postmark, &mut decision) {
            turn.outgoing.truncate(staged);
            return Err(unwritable(error));
        }
        turn.tally.events += events;
        turn.tally.forwarded += forwarded;
        turn.tally.calls += decision.calls.len();
        turn.urgent += usize::from(decision.is_urgent);
        turn.calls.extend(decision.calls.into_iter().map(|call| (number, call)));
        decision.remember.into_iter().for_each(|change| partition.overlay.record(change));
        Ok(())
    }

    /// Writes a decision's facts, messages and replays.
    fn write(
        &self,
        turn: &mut Turn<W>,
        postmark: &Postmark,
        decision: &mut Decision<W::Key, W::Entry>,
    ) -> Result<(), Unwritable> {
        let mut ids = (0..).map(|index| postmark.id.child(W::STAGE.as_str(), index));
        let mut next_id = || ids.next().unwrap_or_default();
        for draft in decision.events.drain(..) {
            let event = LifecycleEvent {
                request_id: draft.request_id,
                at: turn.now,
                by: W::STAGE,
                version: self.version.clone(),
                cause: postmark.id,
                body: draft.body,
            };
            let trace = draft.trace.unwrap_or(postmark.trace);
            turn.outgoing.push(self.postman.event_on(&mut turn.paper, event, next_id(), trace)?);
        }
        for forward in decision.forward.drain(..) {
            let trace = forward.trace.unwrap_or(postmark.trace);
            let (topic, key) = contracts::topics::address(&forward.to);
            let (to, message) = ((&topic, &key[..]), &forward.message);
            turn.outgoing.push(self.postman.write_on(&mut turn.paper, to, message, turn.now, next_id(), trace)?);
        }
        for replay in &decision.replay {
            turn.outgoing.push(self.replayed(turn.now, replay)?);
        }
        Ok(())
    }
}

/// Whether records of a topic may come from producers other than ours.
pub(crate) fn is_foreign(topic: &Topic) -> bool {
    matches!(topic, Topic::Intake(_) | Topic::Commands | Topic::Members)
}

/// The request that our own producers key a record by. What strangers key theirs by is their affair, also where it looks alike.
fn request_of_key(topic: &Topic, record: &Delivered) -> Option<RequestId> {
    let key = record.key.as_deref().filter(|_| !is_foreign(topic))?;
    std::str::from_utf8(key).ok()?.parse().ok()
}

/// A record that was written again elsewhere, as it stands where it came from.
fn come_back(record: &Delivered, origin: &Origin) -> Delivered {
    let mut headers = record.headers.clone();
    Marks::forget_origin(&mut headers);
    Delivered { topic: origin.topic.as_str().into(), offset: origin.offset, headers, ..record.clone() }
}

/// A panic in judgement. Its place is the line that panicked, where that is known, so that letters of one cause form a group.
fn panicked(step: &str) -> Poison {
    let place = telemetry::panics::take_place().map_or_else(|| step.to_owned(), |line| format!("{step} at {line}"));
    Poison { class: FailureClass::Defect, code: Code::DecidePanicked, place }
}

/// A turn that could not be committed for what is in it.
pub(crate) fn turn_failed() -> Poison {
    Poison { class: FailureClass::Defect, code: Code::TurnFailed, place: "commit".into() }
}

/// What is told of a timer or an answer. No record is named by its letter, so the code says what it was, wherever codes are all that is
/// shown, and the place how it failed.
fn without_record(code: Code, poison: &Poison) -> Poison {
    Poison { class: poison.class, code, place: format!("{} ({})", poison.place, poison.code) }
}

fn unwritable(error: Unwritable) -> Poison {
    let (class, code) = match error {
        Unwritable::TooLarge { .. } => (FailureClass::Defect, Code::TooLarge),
        Unwritable::Encoding => (FailureClass::Defect, Code::Undecodable),
        Unwritable::Sealing => (FailureClass::Defect, Code::SealBroken),
        Unwritable::Nowhere => (FailureClass::Defect, Code::Misdirected),
    };
    Poison { class, code, place: "write".into() }
}
