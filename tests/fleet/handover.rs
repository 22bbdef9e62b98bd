//! Orderly ends: of a slot, and of its part in a partition.

use std::time::Duration;

use domain::Lane;
use fleet::Report;

use crate::bus::Verdict;
use crate::toy::LOST_AFTER;
use crate::world::{DRAIN, World, at_home, settle, settle_in_time};

#[test]
fn a_stopping_slot_awaits_its_answers_and_leaves_at_once() {
    // A stop loses no answer, begins nothing new, and its successor need not wait for a session to end.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call");
    settle(&mut slot);
    slot.close();
    let tag = world.tell(Lane::Standard, 1, "count");
    settle(&mut slot);
    assert!(!slot.is_drained());
    world.caller.answer_all();
    assert!(!slot.is_drained(), "the answer is not on record yet");
    settle(&mut slot);
    assert!(slot.is_drained());
    assert_eq!(world.facts(1)[1..], ["answered"]);
    slot.leave().expect("left");

    let mut successor = world.join("two");
    settle(&mut successor);
    assert_eq!(world.facts(1)[2..], [format!("{tag}:2")]);
}

#[test]
fn an_undone_turn_does_not_end_a_drain() {
    // An answer whose commit failed is still awaited.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call");
    settle(&mut slot);
    world.caller.answer_all();
    let mut failures = 3;
    world.faults.judge_commits(move |_| {
        failures -= 1;
        let error = fleet::bus::BusError::Unavailable("not now".into());
        if 0 <= failures { crate::bus::Verdict::Fail(error) } else { crate::bus::Verdict::Commit }
    });
    slot.drain().expect("drained");
    assert_eq!(world.facts(1)[1..], ["answered"]);
}

#[test]
fn who_is_stopping_and_has_to_join_again_is_stopping_still() {
    // A commit whose answer was lost, in the last turn of all: its slot comes back to see what became of it, and begins nothing new.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call");
    settle(&mut slot);
    slot.close();
    world.caller.answer_all();
    world.tell(Lane::Standard, 2, "count");
    let mut verdict = Some(Verdict::CommitUnheard);
    world.faults.judge_commits(move |_| verdict.take().unwrap_or(Verdict::Commit));
    settle_in_time(&world, &mut slot);
    assert_eq!((world.facts(1)[1..].len(), world.facts(2).len()), (1, 0));
    slot.leave().expect("left");
}

#[test]
fn a_drain_ends_although_a_partner_does_not() {
    // After the drain time the slot goes; what it awaited is lost to the successor, at its time and not before.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call");
    settle(&mut slot);
    slot.drain().expect("drained");
    let mut successor = world.join("two");
    settle(&mut successor);
    assert_eq!(successor.pending().outstanding, 1);
    world.clock.advance(LOST_AFTER - DRAIN - Duration::from_millis(20));
    settle(&mut successor);
    assert_eq!(world.facts(1).len(), 1, "not before its time");
    world.clock.advance(Duration::from_millis(20));
    settle(&mut successor);
    assert_eq!(world.facts(1)[1..], ["lost"]);
}

#[test]
fn calls_a_stopping_slot_does_not_make_are_known_never_to_have_been_made() {
    // What the last answers ask for is not begun; the successor need not take it for lost, and repeats nothing that happened.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call:twice");
    settle(&mut slot);
    slot.close();
    world.caller.answer_all();
    settle(&mut slot);
    assert!(slot.is_drained());
    slot.leave().expect("left");

    let mut successor = world.join("two");
    settle(&mut successor);
    assert_eq!(world.caller.made(), [(1, 1)]);
    assert_eq!(world.facts(1)[1..], ["answered", "not-made"]);
    drop(successor);
    let mut third = world.join("two");
    settle(&mut third);
    assert_eq!(world.facts(1)[1..], ["answered", "not-made"], "said once");
}

#[test]
fn a_partition_is_given_up_when_its_answers_are_in() {
    // A rebalance waits for answers, as long as the drain allows, and begins nothing meanwhile.
    let mut world = World::new();
    let mut one = world.join("one");
    let moving = at_home(1).next().expect("an operation");
    world.tell(Lane::Standard, moving, "call");
    settle(&mut one);
    let mut two = world.join("two");
    settle(&mut two);
    let tag = world.tell(Lane::Standard, moving, "count");
    settle(&mut one);
    settle(&mut two);
    assert_eq!((one.ready().count(), two.ready().count()), (2, 0), "the answer is awaited");
    assert_eq!(one.turn(Duration::ZERO), Ok(Report::default()), "nothing new is begun");

    world.caller.answer_all();
    settle(&mut one);
    settle(&mut two);
    settle(&mut one);
    assert_eq!((one.ready().collect::<Vec<_>>(), two.ready().collect::<Vec<_>>()), (vec![0], vec![1]));
    assert_eq!(world.facts(moving)[1..], ["answered".to_owned(), format!("{tag}:2")]);
}

#[test]
fn a_partition_is_given_up_when_the_time_is_over() {
    // The group does not wait for a partner for ever: the new owner gives the call up in time.
    let mut world = World::new();
    let mut one = world.join("one");
    let moving = at_home(1).next().expect("an operation");
    world.tell(Lane::Standard, moving, "call");
    settle(&mut one);
    let mut two = world.join("two");
    settle(&mut two);
    settle(&mut one);
    world.clock.advance(DRAIN);
    settle(&mut one);
    settle(&mut two);
    assert_eq!(two.ready().collect::<Vec<_>>(), [1]);
    world.caller.answer_all();
    settle(&mut one);
    world.clock.advance(LOST_AFTER - DRAIN);
    settle(&mut two);
    assert_eq!(world.facts(moving)[1..], ["lost"], "the answer came to one who may not decide it any more");
}

#[test]
fn calls_under_way_are_not_taken_for_calls_that_were_never_made() {
    // The next owner may repeat what was never made. What is under way may have taken effect: it waits for its end.
    let mut world = World::new();
    let mut one = world.join("one");
    let [under_way, again] = [0, 1].map(|nth| at_home(1).nth(nth).expect("an operation"));
    world.tell(Lane::Standard, under_way, "call");
    world.tell(Lane::Standard, again, "call:twice");
    settle(&mut one);
    let mut two = world.join("two");
    settle(&mut two);
    settle(&mut one);
    world.caller.answer_about(again);
    settle(&mut one);
    world.clock.advance(DRAIN);
    settle(&mut one);
    settle(&mut two);
    assert_eq!(two.ready().collect::<Vec<_>>(), [1]);
    assert_eq!((world.facts(again).len(), world.facts(under_way).len()), (3, 1));
    assert_eq!(world.facts(again)[1..], ["answered", "not-made"]);
    world.clock.advance(LOST_AFTER - DRAIN);
    settle(&mut two);
    assert_eq!(world.facts(under_way)[1..], ["lost"]);
}
