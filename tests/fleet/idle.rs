//! A slot with nothing to do does nothing, whatever it waits for.

use std::time::Duration;

use domain::{Lane, Worker};
use fleet::Slot;
use fleet::bus::BusError;
use fleet::clock::Clock;

use crate::bus::Verdict;
use crate::world::{World, home, settle};

/// How many turns a slot takes in a second of virtual time.
fn turns_a_second<W: Worker>(world: &World, slot: &mut Slot<W>) -> usize {
    let until = world.clock.since_boot() + Duration::from_secs(1);
    let mut turns = 0;
    while world.clock.since_boot() < until {
        slot.turn(Duration::from_millis(100)).expect("a turn");
        turns += 1;
        assert!(turns < 10_000, "the slot spins");
    }
    turns
}

#[test]
fn an_idle_slot_waits_as_long_as_it_may() {
    // Ten waits of 100 ms make a second, with a far timer and a call under way.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call");
    world.tell(Lane::Standard, 2, "wait:60000");
    settle(&mut slot);
    assert_eq!(turns_a_second(&world, &mut slot), 10);
}

#[test]
fn a_slot_wakes_when_something_comes_due() {
    // A timer in 250 ms ends the third wait half way.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 2, "wait:250");
    settle(&mut slot);
    let began = world.clock.since_boot();
    while world.facts(2).len() < 2 {
        slot.turn(Duration::from_millis(100)).expect("a turn");
    }
    assert_eq!(world.clock.since_boot() - began, Duration::from_millis(250));
}

#[test]
fn a_resting_slot_does_not_spin_on_the_records_it_may_not_take() {
    // While the bus fails the slot tries seldom, although there are records.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    world.tell(Lane::Standard, 1, "count");
    world.faults.judge_commits(|_| Verdict::Fail(BusError::Unavailable("not now".into())));
    let turns = turns_a_second(&world, &mut slot);
    assert!(turns < 30, "{turns} turns");
}

#[test]
fn a_restoring_slot_does_not_spin_on_a_transaction_that_stands_open() {
    // Somebody who is gone may hold a restore up for seconds.
    let mut world = World::new();
    world.tell(Lane::Standard, 1, "count");
    world.faults.pin(world.changelog(home(1)), 1);
    let mut slot = world.join("one");
    settle(&mut slot);
    let turns = turns_a_second(&world, &mut slot);
    assert!(turns <= 210, "{turns} turns");
}

#[test]
fn a_slot_that_waits_for_answers_before_a_handover_does_not_spin() {
    // Records it may not take any more are no news.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call");
    settle(&mut slot);
    let mut other = world.join("two");
    settle(&mut other);
    world.tell(Lane::Standard, 1, "count");
    let turns = turns_a_second(&world, &mut slot);
    assert!(turns <= 12, "{turns} turns");
}

#[test]
fn a_timer_held_up_by_its_barrier_does_not_make_the_slot_spin() {
    // Records that are there and can't be read yet hold a caught-up timer up, at ease.
    let mut world = World::new();
    let mut slot = world.join_patient("one");
    world.tell(Lane::Standard, 1, "wait:1000");
    settle(&mut slot);
    let input =
        fleet::bus::TopicPartition::new(world.topics.name(&contracts::Topic::Dispatch(Lane::Standard)), home(1));
    world.faults.pin(input, 1);
    world.clock.advance(Duration::from_secs(1));
    let turns = turns_a_second(&world, &mut slot);
    assert!(turns <= 110, "{turns} turns");
    assert_eq!(world.facts(1).len(), 1);
}

#[test]
fn a_timer_that_decides_nothing_does_not_make_the_slot_spin() {
    // It is looked at again after a second.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "stubborn:0");
    settle(&mut slot);
    assert!(turns_a_second(&world, &mut slot) <= 12);
}
