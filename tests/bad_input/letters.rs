//! What becomes of letters: a request waits behind its own, other requests flow, and a person replays or discards.

use std::time::Duration;

use contracts::Topic;
use domain::messages::{CommandAction, CommandTarget, DeadLetter, OutcomeStatus};
use domain::{Code, EventBody, FailureClass, RequestId, Stage, TerminalOutcome};
use fleet::bus::{Delivered, Outgoing};
use tests::SOURCE;
use tests::reading::{events, outcomes, read};

use crate::bench::Bench;

const SOON: Duration = Duration::from_secs(5);

/// The records a request has left in another world, up to and with the work that intake hands to identity.
pub(crate) fn accepted(bench: &mut Bench) -> (RequestId, Vec<Delivered>, Delivered) {
    bench.send_good();
    let lanes = bench.world.all_topics().into_iter().filter(|topic| matches!(topic, Topic::Identity(_)));
    let work = lanes.flat_map(|topic| read(&bench.world, &topic)).next().expect("work for identity");
    let key = work.key.clone().expect("a key");
    let request_id = std::str::from_utf8(&key).expect("text").parse().expect("a request id");
    let facts = read(&bench.world, &Topic::Events).into_iter().filter(|record| record.key.as_ref() == Some(&key));
    (request_id, facts.take(2).collect(), work)
}

pub(crate) fn again(record: Delivered) -> Outgoing {
    let Delivered { topic, partition, offset: _, timestamp_ms, key, value, headers } = record;
    Outgoing { topic, partition, timestamp_ms, key, value, headers }
}

/// What the log says of one request.
pub(crate) fn story(bench: &Bench, request_id: RequestId) -> Vec<EventBody> {
    let facts = events(&bench.world).into_iter().filter(|event| event.request_id == request_id);
    facts.map(|event| event.body).collect()
}

pub(crate) fn judge(bench: &mut Bench, letter: &DeadLetter, action: CommandAction) {
    let target = CommandTarget::LetterTarget { letter_id: letter.letter_id };
    bench.feed.command(&bench.world, &letter.signature.to_string(), (target, action, None));
    bench.feed.commit();
    bench.world.pass(SOON);
}

/// A world in which a request was accepted and its work for identity was damaged on the way, and the letter that came of it.
pub(crate) fn damaged() -> (Bench, RequestId, DeadLetter) {
    let (request_id, facts, mut work) = accepted(&mut Bench::new());
    let mut bench = Bench::new();
    bench.request();
    let value = work.value.take().expect("a value");
    work.value = Some(value.slice(..value.len() - 1));
    for record in facts.into_iter().chain([work]) {
        bench.feed.send(again(record)).expect("sent");
    }
    bench.feed.commit();
    bench.world.pass(SOON);
    let mut letters = bench.new_letters();
    assert_eq!(letters.len(), 1);
    (bench, request_id, letters.remove(0))
}

#[test]
fn a_request_waits_behind_its_letter_and_others_flow() {
    let (mut bench, request_id, letter) = damaged();
    assert_eq!((letter.stage, letter.class, letter.code), (Stage::Identity, FailureClass::Schema, Code::Undecodable));
    assert_eq!((letter.request_id, letter.attempts), (Some(request_id), 1));
    assert_eq!(letter.place, "task.Resolve.ask.service_to");
    assert!(matches!(
        story(&bench, request_id)[..],
        [
            EventBody::Received { .. },
            EventBody::Validated { .. },
            EventBody::DeadLettered { code: Code::Undecodable, .. }
        ]
    ));
    bench.send_good();
    assert_eq!(story(&bench, request_id).len(), 3, "it waits");
}

#[test]
fn the_replay_of_what_is_still_poison_is_a_letter_of_its_own() {
    let (mut bench, request_id, first) = damaged();
    judge(&mut bench, &first, CommandAction::ReplayLetter);
    let letters = bench.new_letters();
    let [second] = &letters[..] else { panic!("{} letters", letters.len()) };
    assert_eq!((second.request_id, second.attempts), (Some(request_id), 2));
    assert_eq!((second.signature, &second.place), (first.signature, &first.place));
    let told = story(&bench, request_id);
    assert!(matches!(told[3..], [EventBody::LetterReplayed { .. }, EventBody::DeadLettered { .. }]), "{told:?}");

    judge(&mut bench, &first, CommandAction::ReplayLetter);
    assert!(bench.new_letters().is_empty(), "a letter is replayed once");
    let told = story(&bench, request_id);
    assert!(matches!(told[5..], [EventBody::CommandRefused { code: Code::AlreadyDone, .. }]), "{told:?}");
    bench.send_good();
}

#[test]
fn a_request_whose_letter_is_discarded_is_closed_as_rejected() {
    let (mut bench, request_id, first) = damaged();
    judge(&mut bench, &first, CommandAction::ReplayLetter);
    let second = bench.new_letters().remove(0);
    judge(&mut bench, &second, CommandAction::DiscardLetter);
    let told = story(&bench, request_id);
    let closed = told.last().expect("a story");
    let EventBody::Closed { outcome, code, .. } = closed else { panic!("{told:?}") };
    assert_eq!((*outcome, *code), (TerminalOutcome::Rejected, Some(Code::LetterDiscarded)));
    let ends = outcomes(&bench.world, SOURCE).into_iter().filter(|outcome| outcome.request_id == Some(request_id));
    let ends: Vec<_> = ends.filter(|outcome| outcome.status == OutcomeStatus::Final).collect();
    assert_eq!(ends.len(), 1);
    assert_eq!((ends[0].outcome, ends[0].code), (Some(TerminalOutcome::Rejected), Some(Code::LetterDiscarded)));
    assert!(bench.new_letters().is_empty());
    bench.send_good();
}

/// No request came to be of a submission that can't be read: its letter stands for itself.
#[test]
fn the_letter_of_an_unreadable_submission_is_settled_by_itself() {
    let mut bench = Bench::new();
    let record = bench.bare(Some(b"row-1"), Some("no Avro".into()));
    bench.feed.send(record).expect("sent");
    bench.feed.commit();
    bench.world.pass(SOON);
    let first = bench.new_letters().remove(0);
    assert_eq!((first.stage, first.request_id, first.attempts), (Stage::Intake, None, 1));
    judge(&mut bench, &first, CommandAction::ReplayLetter);
    let second = bench.new_letters().remove(0);
    assert_eq!((second.signature, second.attempts), (first.signature, 2));
    judge(&mut bench, &second, CommandAction::DiscardLetter);
    assert!(bench.new_letters().is_empty());
    let subject = RequestId(second.letter_id.0);
    let told = story(&bench, subject);
    assert!(matches!(told[..], [EventBody::DeadLettered { .. }, EventBody::LetterDiscarded { .. }]), "{told:?}");
    bench.send_good();
}
