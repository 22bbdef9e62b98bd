//! Partitions that come, go, and come back; and those who don't know that they have gone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::Topic;
use domain::{Lane, Stage};
use fleet::bus::{Bus, Consumer, Membership, Wake};
use fleet::probe::Point;
use fleet::{Slot, SlotError};

use crate::bus::Verdict;
use crate::toy::{LOST_AFTER, Toy};
use crate::world::{DRAIN, SESSION, World, at_home, settle, settle_in_time};

#[test]
fn a_successor_takes_up_where_the_process_ended() {
    // Memory comes back from the changelog; a call of before is lost, no earlier than it certainly is.
    let mut world = World::new();
    let mut slot = world.join("one");
    let first = world.tell(Lane::Standard, 1, "count");
    let called = world.tell(Lane::Standard, 1, "call");
    settle(&mut slot);
    drop(slot);
    let last = world.tell(Lane::Standard, 1, "count");
    let mut successor = world.join("two");
    settle(&mut successor);
    assert_eq!(successor.ready().count(), 0, "the session of the first has not ended");
    world.clock.advance(SESSION + Duration::from_millis(1));
    settle(&mut successor);
    assert_eq!(world.facts(1), [format!("{first}:1"), format!("{called}:2"), format!("{last}:3")]);
    world.clock.advance(LOST_AFTER - SESSION - Duration::from_millis(2));
    settle(&mut successor);
    assert_eq!((world.facts(1).len(), successor.pending().outstanding), (3, 1), "not before its time");
    world.clock.advance(Duration::from_millis(1));
    settle(&mut successor);
    assert_eq!(world.facts(1)[3..], ["lost"]);
}

#[test]
fn calls_survive_a_partition_that_comes_straight_back() {
    // Who gives a partition up and gets it straight back still awaits its calls, whenever their answers come.
    for moment in ["between", "while restoring", "after"] {
        let mut world = World::new();
        let mut one = world.join("one");
        let staying = at_home(0).next().expect("an operation");
        world.tell(Lane::Standard, staying, "call");
        settle(&mut one);
        let mut two = world.join("two");
        settle(&mut two);
        settle(&mut one);
        world.clock.advance(DRAIN);
        one.turn(Duration::ZERO).expect("gives up");
        assert_eq!(one.ready().count(), 0);
        if moment == "between" {
            world.caller.answer_all();
        }
        world.faults.pin(world.changelog(0), 3);
        settle(&mut two);
        settle(&mut one);
        assert_eq!((one.ready().count(), one.pending().restoring), (0, 1));
        if moment == "while restoring" {
            world.caller.answer_all();
            settle(&mut one);
        }
        world.faults.unpin();
        settle(&mut one);
        if moment == "after" {
            world.caller.answer_all();
        }
        world.clock.advance(LOST_AFTER);
        settle_both(&mut one, &mut two);
        assert_eq!(world.facts(staying)[1..], ["answered"], "{moment}");
    }
}

#[test]
fn memory_that_was_out_of_sight_for_an_hour_is_not_taken_up_again() {
    // What others have forgotten meanwhile may have left no trace in the changelog, so it is read back as by a process that starts,
    // which knows nothing of calls either.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call");
    settle(&mut slot);
    world.clock.advance(Duration::from_secs(61 * 60));
    settle(&mut slot);
    assert_eq!(world.facts(1)[1..], ["lost"]);
}

#[test]
fn calls_survive_two_rebalances_in_a_row() {
    // A partition that is given up again before its memory was read back keeps its calls all the same.
    let mut world = World::new();
    let mut one = world.join("one");
    let staying = at_home(0).next().expect("an operation");
    world.tell(Lane::Standard, staying, "call");
    settle(&mut one);
    world.faults.pin(world.changelog(0), 3);
    let mut two = world.join("two");
    settle(&mut two);
    settle(&mut one);
    world.clock.advance(DRAIN);
    settle_both(&mut one, &mut two);
    assert_eq!(one.pending().restoring, 1);
    two.leave().expect("left");
    settle(&mut one);
    assert_eq!(one.pending().restoring, 1);
    world.caller.answer_all();
    world.faults.unpin();
    settle(&mut one);
    assert_eq!(world.facts(staying)[1..], ["answered"]);
}

#[test]
fn a_zombie_writes_nothing() {
    // Who wakes up in the middle of a turn after its partitions have moved has its transaction refused, and does no harm afterwards.
    let mut world = World::new();
    let mut zombie = world.join("one");
    settle(&mut zombie);
    let tag = world.tell(Lane::Standard, 1, "call");
    let successor = take_over_at_commit(&world, SESSION + Duration::from_millis(1));
    assert!(zombie.turn(Duration::ZERO).expect("a turn").undone);
    let mut successor = successor.lock().expect("one thread").take().expect("joined");
    assert_eq!(world.facts(1), [format!("{tag}:1")]);
    world.caller.answer_all();
    for _ in 0..5 {
        settle(&mut successor);
        settle_in_time(&world, &mut zombie);
    }
    assert_eq!(world.facts(1), [format!("{tag}:1"), "answered".to_owned()]);
    assert_eq!(world.caller.made(), [(1, 1)]);
    assert_eq!((zombie.ready().count(), successor.ready().count()), (1, 1));
}

#[test]
fn a_zombie_whose_answer_comes_writes_nothing_either() {
    // A transaction that consumes no record is refused all the same: it carries proof of membership.
    let mut world = World::new();
    let mut zombie = world.join("one");
    world.tell(Lane::Standard, 1, "call");
    settle(&mut zombie);
    world.caller.answer_all();
    let _successor = take_over_at_commit(&world, LOST_AFTER);
    assert!(zombie.turn(Duration::ZERO).expect("a turn").undone);
    settle_in_time(&world, &mut zombie);
    assert_eq!(world.facts(1)[1..], ["lost"]);
}

#[test]
fn a_slot_whose_name_was_taken_stops() {
    // Two holders of one name would fence each other for ever, so the older one goes and the newer one works on undisturbed.
    let mut world = World::new();
    let mut old = world.join("one");
    settle(&mut old);
    let tag = world.tell(Lane::Standard, 1, "count");
    let new = Arc::new(Mutex::new(None));
    let (taken, other) = (new.clone(), world.join_later("one"));
    world.trap.at(Point::BeforeCommit, move || {
        let mut slot = other();
        settle(&mut slot);
        *taken.lock().expect("one thread") = Some(slot);
    });
    assert!(old.turn(Duration::ZERO).expect("a turn").undone);
    let end = (0..9).find_map(|_| old.turn(Duration::from_millis(100)).err());
    assert_eq!(end, Some(SlotError::Replaced));
    let mut new = new.lock().expect("one thread").take().expect("joined");
    let next = world.tell(Lane::Standard, 1, "count");
    settle(&mut new);
    assert_eq!(world.facts(1), [format!("{tag}:1"), format!("{next}:2")]);
}

#[test]
fn a_slot_that_the_group_mistakes_for_another_joins_again() {
    // A member of its name that nobody works behind, as is left when the answer to a member's joining was lost, ends no slot; nor
    // do brokers that go away while it joins again, nor a producer that can't tell any more who has the name.
    for is_jammed in [false, true] {
        let mut world = World::new();
        let mut slot = world.join("one");
        let mut told = vec![world.tell(Lane::Standard, 1, "count")];
        settle(&mut slot);
        let _ghost = ghost(&world);
        if is_jammed {
            world.faults.jam_producers();
        }
        world.faults.fail_joins(3);
        told.push(world.tell(Lane::Standard, 1, "count"));
        settle_in_time(&world, &mut slot);
        let counted: Vec<String> = told.iter().zip(1..).map(|(tag, count)| format!("{tag}:{count}")).collect();
        assert_eq!(world.facts(1), counted, "producers jammed: {is_jammed}");
    }
}

#[test]
fn a_slot_that_has_fenced_itself_is_not_replaced() {
    // A commit was never answered, and brokers go away while the slot comes back, before or after they have told it that the name is
    // its own again. What the group says of another member meanwhile must not be taken for a successor.
    for is_name_unheard in [false, true] {
        let mut world = World::new();
        let mut slot = world.join("one");
        let first = world.tell(Lane::Standard, 1, "count");
        settle(&mut slot);
        world.faults.judge_commits(|_| Verdict::CommitUnheard);
        let second = world.tell(Lane::Standard, 1, "count");
        assert!(slot.turn(Duration::ZERO).expect("a turn").undone);
        world.faults.pass_commits();
        if is_name_unheard {
            world.faults.lose_takeovers(3);
        } else {
            world.faults.fail_joins(3);
        }
        assert!(slot.turn(Duration::ZERO).expect("a turn").undone, "it gets half way");
        let _ghost = ghost(&world);
        settle_in_time(&world, &mut slot);
        assert_eq!(world.facts(1), [format!("{first}:1"), format!("{second}:2")]);
    }
}

#[test]
fn a_slot_that_is_replaced_while_it_comes_back_knows_so() {
    // Its new producer is at hand and brokers go away before it has joined; then another slot takes the name and joins.
    let mut world = World::new();
    let mut old = world.join("one");
    settle(&mut old);
    world.faults.judge_commits(|_| Verdict::CommitUnheard);
    let tag = world.tell(Lane::Standard, 1, "count");
    assert!(old.turn(Duration::ZERO).expect("a turn").undone);
    world.faults.pass_commits();
    world.faults.fail_joins(1);
    assert!(old.turn(Duration::ZERO).expect("a turn").undone, "it gets half way");
    let mut new = world.join("one");
    settle(&mut new);
    let end = (0..9).find_map(|_| old.turn(Duration::from_millis(100)).err());
    assert_eq!(end, Some(SlotError::Replaced));
    let next = world.tell(Lane::Standard, 1, "count");
    settle_in_time(&world, &mut new);
    assert_eq!(world.facts(1), [format!("{tag}:1"), format!("{next}:2")]);
}

/// A member of the slot's name that nobody works behind.
fn ghost(world: &World) -> Box<dyn Consumer> {
    let topics = Topic::inputs(Stage::Dispatch).iter().map(|topic| world.topics.name(topic)).collect();
    let (group, instance) = (Stage::Dispatch.as_str().to_owned(), "one".to_owned());
    let membership = Membership { group, instance, topics, session_timeout: SESSION };
    let mut ghost = world.bus.log.consumer(membership).expect("joined");
    assert!(matches!(ghost.wait(Duration::ZERO), Ok(Wake::Assigned(_))));
    ghost
}

#[test]
fn memory_is_complete_only_when_nobody_can_add_to_it() {
    // A restore does not end at the last stable offset while a transaction of somebody who is gone stands open behind it.
    let mut world = World::new();
    let tag = world.tell(Lane::Standard, 1, "count");
    world.faults.pin(world.changelog(crate::world::home(1)), 2);
    let mut slot = world.join("one");
    settle_in_time(&world, &mut slot);
    assert!(!slot.is_ready());
    assert_eq!(world.facts(1).len(), 0, "nothing is decided on half a memory");
    world.faults.unpin();
    settle_in_time(&world, &mut slot);
    assert!(slot.is_ready());
    assert_eq!(world.facts(1), [format!("{tag}:1")]);
}

#[test]
fn a_slot_without_partitions_is_ready() {
    // With more slots than partitions some own nothing, and are as ready as one can be.
    let world = World::new();
    let mut slots = ["one", "two", "three"].map(|instance| world.join(instance));
    assert!(slots.iter().all(|slot| !slot.is_ready()), "nobody has been told anything");
    for _ in 0..3 {
        slots.iter_mut().for_each(|slot| drop(settle(slot)));
    }
    assert!(slots.iter().all(Slot::is_ready));
    assert_eq!(slots.each_ref().map(|slot| slot.ready().count()), [1, 0, 1]);
}

/// While the next turn is about to commit, `span` passes and another slot takes over.
fn take_over_at_commit(world: &World, span: Duration) -> Arc<Mutex<Option<Slot<Toy>>>> {
    let successor = Arc::new(Mutex::new(None));
    let (clock, joined, join) = (world.clock.clone(), successor.clone(), world.join_later("two"));
    world.trap.at(Point::BeforeCommit, move || {
        clock.advance(span);
        let mut slot = join();
        settle(&mut slot);
        *joined.lock().expect("one thread") = Some(slot);
    });
    successor
}

fn settle_both(one: &mut Slot<Toy>, two: &mut Slot<Toy>) {
    for _ in 0..3 {
        settle(one);
        settle(two);
    }
}
