//! Calls and their answers.

use std::time::Duration;

use domain::Lane;
use fleet::bus::BusError;
use fleet::probe::Point;

use crate::bus::Verdict;
use crate::toy::LOST_AFTER;
use crate::world::{LEASE, SESSION, World, settle, settle_in_time};

#[test]
fn a_call_is_made_once_its_decision_is_committed_and_not_before() {
    // Nothing happens outside the log that the log does not know of.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    world.tell(Lane::Standard, 1, "call");
    world.faults.judge_commits(|_| Verdict::Fail(BusError::Unavailable("not now".into())));
    for _ in 0..20 {
        slot.turn(Duration::ZERO).expect("undone");
        world.clock.advance(Duration::from_secs(3));
        assert_eq!(world.caller.made(), []);
    }
    world.faults.pass_commits();
    settle_in_time(&world, &mut slot);
    assert_eq!(world.caller.made(), [(1, 1)]);
}

#[test]
fn answers_are_held_until_their_decision_is_committed() {
    // An answer can't be taken again from anywhere: whatever happens to its turn, it is decided, in order, exactly once.
    let mut world = World::new();
    let mut slot = world.join("one");
    for number in 1..=9 {
        world.tell(Lane::Standard, number, "call");
    }
    settle(&mut slot);
    world.caller.answer_all();
    let mut failures = 7;
    world.faults.judge_commits(move |_| {
        failures -= 1;
        let error = if failures % 2 == 0 { BusError::StaleGeneration } else { BusError::Full("no space".into()) };
        if 0 <= failures { Verdict::Fail(error) } else { Verdict::Commit }
    });
    settle_in_time(&world, &mut slot);
    for number in 1..=9 {
        assert_eq!(world.facts(number)[1..], ["answered"], "{number}");
    }
    assert_eq!(slot.pending().outstanding, 0);
}

#[test]
fn an_answer_of_a_caller_that_forgets_is_that_the_call_is_lost() {
    // A call whose way back is dropped does not hang.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call");
    settle(&mut slot);
    world.caller.drop_all();
    settle(&mut slot);
    assert_eq!(world.facts(1)[1..], ["lost"]);
}

#[test]
fn the_oldest_call_is_told_by_its_age_until_it_is_answered() {
    // Whoever watches sees an answer that is overdue, not only how many there are.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    assert_eq!(slot.ages().call, Duration::ZERO);
    for number in 1..=2 {
        world.tell(Lane::Standard, number, "call");
        settle(&mut slot);
        world.clock.advance(Duration::from_secs(2));
    }
    assert_eq!(slot.ages().call, Duration::from_secs(4));
    world.caller.answer_all();
    settle(&mut slot);
    assert_eq!(slot.ages().call, Duration::ZERO);
}

#[test]
fn calls_wait_for_the_lease() {
    // A slot that was away for as long as its lease makes no call until the group has heard of it again.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    world.tell(Lane::Standard, 1, "call");
    let clock = world.clock.clone();
    world.trap.at(Point::BeforeCalls, move || clock.advance(LEASE));
    let report = slot.turn(Duration::ZERO).expect("a turn");
    assert_eq!((report.tally.calls, report.calls_made, world.caller.open()), (1, 0, 0));
    settle(&mut slot);
    assert_eq!(world.caller.made(), [(1, 1)]);
}

#[test]
fn a_call_that_waited_for_longer_than_the_lease_is_not_made_any_more() {
    // A successor counts on the end of a call by the time of its decision, and by a clock of its own, which may be ahead. One that
    // never began is known not to have begun.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    for (number, waits) in [(1, LEASE + Duration::from_millis(1)), (2, LEASE)] {
        world.tell(Lane::Standard, number, "call");
        let clock = world.clock.clone();
        world.trap.at(Point::BeforeCalls, move || clock.advance(waits));
        slot.turn(Duration::ZERO).expect("a turn");
    }
    settle(&mut slot);
    assert_eq!(world.caller.made(), [(2, 1)]);
    assert_eq!(world.facts(1)[1..], ["not-made"]);
}

#[test]
fn a_slot_that_lost_its_partition_makes_none_of_its_calls() {
    // Who was silent for a whole session may have a successor: calls that were committed and not made are given up, in time.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    world.tell(Lane::Standard, 1, "call");
    let decided_at = world.clock.clone();
    world.trap.at(Point::BeforeCalls, move || decided_at.advance(SESSION + Duration::from_millis(1)));
    settle(&mut slot);
    assert_eq!(world.caller.made(), []);
    world.clock.advance(LOST_AFTER - SESSION - Duration::from_millis(2));
    settle(&mut slot);
    assert_eq!(world.facts(1).len(), 1, "not before its time");
    world.clock.advance(Duration::from_millis(1));
    settle(&mut slot);
    assert_eq!(world.facts(1)[1..], ["lost"]);
}

#[test]
fn a_call_whose_answer_cannot_be_decided_counts_as_lost() {
    // An answer on which the worker fails becomes a letter, and its operation does not hang: the call is given up in time.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call");
    settle(&mut slot);
    world.set_broken(true);
    world.caller.answer_all();
    settle(&mut slot);
    assert_eq!(world.letters().len(), 1);
    // In steps that the session outlives, so that nothing is restored, which would do the same.
    let nearly = LOST_AFTER - Duration::from_millis(1);
    for _ in 0..4 {
        world.clock.advance(nearly / 4);
        settle(&mut slot);
    }
    assert_eq!(world.facts(1).len(), 1, "not before its time");
    world.clock.advance(Duration::from_millis(1));
    settle(&mut slot);
    assert_eq!(world.facts(1)[1..], ["lost"]);
    assert_eq!(world.letters().len(), 1);
}
