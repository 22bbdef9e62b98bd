//! What waits behind a letter, and how it goes on.

use std::time::Duration;

use contracts::Topic;
use domain::messages::{Command, CommandAction, CommandTarget, DeadLetter};
use domain::{CommandId, EventBody, Lane, LetterId, Message, RecordId, Timestamp, Trace};
use fleet::bus::{Headers, Outgoing};
use fleet::partitioner::partition_of;
use fleet::{Postman, Slot};
use triage::Triage;

use crate::toy::Toy;
use crate::world::{PARTITIONS, World, at_home, home, settle};

#[test]
fn a_requests_successors_wait_behind_its_letter_and_others_flow() {
    // Poison never blocks: the record becomes a letter and a fact, what follows of its request is parked, other requests go on.
    let mut world = World::new();
    world.set_broken(true);
    let [poisoned, other] = [0, 1].map(|nth| at_home(0).nth(nth).expect("an operation"));
    world.tell(Lane::Standard, poisoned, "poison");
    world.tell(Lane::Urgent, poisoned, "count");
    let flowing = world.tell(Lane::Standard, other, "count");
    let mut slot = world.join("one");
    settle(&mut slot);
    world.tell(Lane::Bulk, poisoned, "count");
    settle(&mut slot);
    let facts = world.facts(poisoned);
    assert_eq!((facts.len(), facts.last().map(String::as_str)), (2, Some("letter misdirected")));
    assert_eq!(world.facts(other), [format!("{flowing}:1")]);
    let letter = &world.letters()[0];
    assert_eq!((letter.request_id.map(|id| id.0), letter.attempts), (Some([poisoned; 16]), 1));
    assert_eq!(world.read(&Topic::DeadLetters).len(), 1);
    let pending = slot.pending();
    assert_eq!((pending.blocked, pending.parked), (1, 1));
    let age = slot.ages().parked;
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(slot.ages().parked, age + Duration::from_secs(60));

    drop(slot);
    let mut slot = world.join("one");
    settle(&mut slot);
    assert_eq!(slot.pending(), pending, "who waits is part of memory");
}

#[test]
fn a_replayed_letter_lifts_its_successors_in_order() {
    // After the fix the letter's record is decided first, then what waited, in the order it came; nothing waits any more.
    let mut world = World::new();
    world.set_broken(true);
    let mut slot = world.join("one");
    let told: Vec<String> = ["poison", "count", "count"].map(|wish| world.tell(Lane::Standard, 1, wish)).into();
    settle(&mut slot);
    world.set_broken(false);
    command(&world, &mut slot, CommandAction::ReplayLetter);
    let told = [told, vec![world.tell(Lane::Standard, 1, "count")]].concat();
    settle(&mut slot);
    let counted: Vec<String> = told.iter().zip(1..).map(|(tag, count)| format!("{tag}:{count}")).collect();
    assert_eq!(world.facts(1), [vec!["letter misdirected".to_owned()], counted].concat());
    assert_eq!((slot.pending().blocked, slot.pending().parked), (0, 0));
}

#[test]
fn a_discarded_letter_lifts_its_successors() {
    // A letter put aside holds nobody up.
    let mut world = World::new();
    world.set_broken(true);
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "poison");
    let waiting = world.tell(Lane::Standard, 1, "count");
    settle(&mut slot);
    command(&world, &mut slot, CommandAction::DiscardLetter);
    settle(&mut slot);
    assert_eq!(world.facts(1), ["letter misdirected".to_owned(), format!("{waiting}:1")]);
    assert_eq!((slot.pending().blocked, slot.pending().parked), (0, 0));
}

#[test]
fn a_letter_lifts_no_block_but_its_own() {
    // A request may have several letters, and waits behind one of them: what becomes of another lets nobody go on.
    let mut world = World::new();
    world.set_broken(true);
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "poison");
    world.tell(Lane::Standard, 1, "count");
    settle(&mut slot);
    let topic = world.topics.name(&Topic::Dispatch(Lane::Standard));
    let mut headers = Headers::default();
    headers.push("waybill-letter", LetterId([9; 16]).to_string());
    let key = Some(contracts::topics::id_key(&[1; 16]));
    world.write([Outgoing { topic, partition: home(1), timestamp_ms: 0, key, value: None, headers }]);
    settle(&mut slot);
    assert_eq!(world.facts(1), ["letter misdirected"]);
    assert_eq!((slot.pending().blocked, slot.pending().parked), (1, 1));
}

#[test]
fn a_letter_that_fails_again_keeps_its_successors_waiting() {
    // A replay that fails is a new letter in the place of the old one; lifting that one lifts all that ever waited.
    let mut world = World::new();
    world.set_broken(true);
    let mut slot = world.join("one");
    let poisoned = world.tell(Lane::Standard, 1, "poison");
    let waiting = world.tell(Lane::Standard, 1, "count");
    settle(&mut slot);
    command(&world, &mut slot, CommandAction::ReplayLetter);
    settle(&mut slot);
    assert_eq!((world.letters().len(), slot.pending().parked), (2, 1));
    assert_ne!(world.letters()[0].letter_id, world.letters()[1].letter_id);
    command(&world, &mut slot, CommandAction::ReplayLetter);
    settle(&mut slot);
    let attempts: Vec<u32> = world.letters().iter().map(|letter| letter.attempts).collect();
    assert_eq!(attempts, [1, 2, 3], "a replay counts on");
    world.set_broken(false);
    command(&world, &mut slot, CommandAction::ReplayLetter);
    settle(&mut slot);
    assert_eq!(world.facts(1)[3..], [format!("{poisoned}:1"), format!("{waiting}:2")]);
    assert_eq!((slot.pending().blocked, slot.pending().parked), (0, 0));
}

#[test]
fn a_successor_that_fails_blocks_those_behind_it() {
    // Lifting goes on only as far as the next failure; the order within a request holds.
    let mut world = World::new();
    world.set_broken(true);
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "poison");
    let first = world.tell(Lane::Standard, 1, "count");
    let second = world.tell(Lane::Standard, 1, "panic");
    let third = world.tell(Lane::Standard, 1, "count");
    settle(&mut slot);
    command(&world, &mut slot, CommandAction::DiscardLetter);
    settle(&mut slot);
    assert_eq!(world.facts(1)[1..], [format!("{first}:1"), "letter decide-panicked".to_owned()]);
    assert_eq!((slot.pending().blocked, slot.pending().parked), (1, 1));
    world.set_broken(false);
    command(&world, &mut slot, CommandAction::ReplayLetter);
    settle(&mut slot);
    assert_eq!(world.facts(1)[3..], [format!("{second}:2"), format!("{third}:3")]);
}

#[test]
fn a_command_that_fails_holds_its_request_up_in_no_stage() {
    // A command is no link in the request's story: it becomes a letter, and the facts go on to be folded.
    let world = World::new();
    let mut triage = world.join_as(Triage::default(), "triage");
    let key = contracts::topics::id_key(&[7; 16]);
    let broken = |topic: &Topic| {
        let (topic, partition) = (world.topics.name(topic), partition_of(&key, PARTITIONS));
        let value = Some(bytes::Bytes::from_static(b"{}"));
        Outgoing { topic, partition, timestamp_ms: 0, key: Some(key.clone()), value, headers: Headers::default() }
    };
    world.write([broken(&Topic::Commands)]);
    settle(&mut triage);
    assert_eq!((world.letters().len(), triage.pending().blocked), (1, 0));
    world.write([broken(&Topic::DeadLetters)]);
    settle(&mut triage);
    assert_eq!(triage.pending().blocked, 1, "unlike what our own workers write");
}

#[test]
fn a_record_of_a_foreign_producer_keeps_its_identity_over_a_replay() {
    // Where it lies names it, and a replay lies elsewhere: what follows from it must have the same ids all the same.
    let world = World::new();
    let mut triage = world.join_as(Triage::default(), "keeper");
    let topic = world.topics.name(&Topic::Commands);
    let (key, value) = (Some(bytes::Bytes::from_static(b"k")), Some(bytes::Bytes::from_static(b"{}")));
    world.write([Outgoing { topic, partition: 1, timestamp_ms: 0, key, value, headers: Headers::default() }]);
    settle(&mut triage);
    write_command(&world, &world.letters()[0], CommandAction::ReplayLetter);
    settle(&mut triage);
    let causes: Vec<RecordId> = world
        .events()
        .into_iter()
        .filter(|event| matches!(event.body, EventBody::DeadLettered { .. }))
        .map(|event| event.cause)
        .collect();
    assert_eq!(causes.len(), 2);
    assert_eq!(causes[0], causes[1]);
}

/// Has triage carry out a command about the newest letter.
pub(crate) fn command(world: &World, slot: &mut Slot<Toy>, action: CommandAction) {
    let mut triage = world.join_as(Triage::default(), "triage");
    settle(&mut triage);
    let letters = world.letters();
    // Letters of different causes lie on different partitions: the one to deal with is the one the request is blocked by.
    let settled: Vec<LetterId> = world.events().iter().filter_map(|event| settled(&event.body)).collect();
    let letter = letters.iter().find(|letter| !settled.contains(&letter.letter_id)).expect("a letter that waits");
    write_command(world, letter, action);
    settle(&mut triage);
    triage.leave().expect("left");
    settle(slot);
}

fn write_command(world: &World, letter: &DeadLetter, action: CommandAction) {
    let command = Command {
        command_id: CommandId(letter.letter_id.0),
        target: CommandTarget::LetterTarget { letter_id: letter.letter_id },
        action,
        operator: "ann".into(),
        reason: "a test".into(),
        issued_at: Timestamp(0),
        verdict: None,
        expected_state: None,
        about: None,
    };
    let key = contracts::topics::id_key(&letter.signature.0);
    let postman = Postman::named(world.codec.clone(), world.topics.clone(), "/test");
    let id = RecordId(letter.letter_id.0);
    let message = Message::Command(Box::new(command));
    world
        .write([postman.write(&Topic::Commands, &key, &message, Timestamp(0), id, Trace::root(id)).expect("a record")]);
}

fn settled(body: &EventBody) -> Option<LetterId> {
    match body {
        EventBody::LetterReplayed { letter_id, .. } | EventBody::LetterDiscarded { letter_id, .. } => Some(*letter_id),
        _ => None,
    }
}
