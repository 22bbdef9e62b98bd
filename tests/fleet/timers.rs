//! Timers: they derive from memory, survive everything memory survives, and are never mistaken about lag.

use std::time::Duration;

use domain::Lane;

use crate::world::{World, home, settle, settle_in_time};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_timer_fires_when_due_and_once() {
    // Also after a restart, as memory brings it back.
    for restarts in [false, true] {
        let mut world = World::new();
        let mut slot = world.join("one");
        world.tell(Lane::Standard, 1, "wait:1000");
        settle(&mut slot);
        world.clock.advance(SECOND - Duration::from_millis(1));
        if restarts {
            slot = world.join("one");
        }
        settle(&mut slot);
        assert_eq!(world.facts(1).len(), 1, "not before its time");
        world.clock.advance(Duration::from_millis(1));
        settle(&mut slot);
        world.clock.advance(SECOND);
        settle(&mut slot);
        assert_eq!(world.facts(1)[1..], ["timer"]);
    }
}

#[test]
fn a_timer_moves_and_goes_with_its_entry() {
    // What was decided meanwhile counts, even in the very turn in which the timer would fire.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "wait:1000");
    settle(&mut slot);
    world.tell(Lane::Standard, 1, "wait:5000");
    settle(&mut slot);
    world.clock.advance(SECOND * 4);
    settle(&mut slot);
    assert_eq!(world.facts(1).len(), 2);
    world.clock.advance(SECOND);
    settle(&mut slot);
    assert_eq!(world.facts(1)[2..], ["timer"]);
}

#[test]
fn a_timer_that_was_put_off_in_the_turn_in_which_it_came_due_does_not_fire() {
    // By an answer, which is decided before it.
    let mut world = World::new();
    let mut slot = world.join("one");
    let [waiting, other] = [0, 1].map(|nth| crate::world::at_home(0).nth(nth).expect("an operation"));
    world.tell(Lane::Standard, waiting, "wait:1000");
    world.tell(Lane::Standard, other, &format!("call-off:{waiting}"));
    settle(&mut slot);
    world.clock.advance(SECOND);
    world.caller.answer_all();
    settle(&mut slot);
    assert_eq!((world.facts(other).len(), world.facts(waiting).len()), (2, 1));
    (0..3_600).for_each(|_| {
        world.clock.advance(SECOND);
        slot.turn(Duration::ZERO).expect("a turn");
    });
    settle(&mut slot);
    assert_eq!(world.facts(waiting)[1..], ["timer"]);
}

#[test]
fn a_time_that_comes_again_is_another_timer() {
    // What follows from the second must not be taken for a repetition of what followed from the first.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "wait:1000");
    settle(&mut slot);
    world.clock.advance(SECOND);
    settle(&mut slot);
    world.tell(Lane::Standard, 1, "wait:0");
    settle(&mut slot);
    assert_eq!(world.facts(1).iter().filter(|fact| *fact == "timer").count(), 2);
    let events = world.events();
    let causes: std::collections::BTreeSet<_> = events.iter().map(|event| event.cause).collect();
    assert_eq!(causes.len(), events.len(), "every fact has a cause of its own");
}

#[test]
fn a_caught_up_timer_waits_for_what_was_there_when_it_came_due() {
    // However late the slot, a deadline is judged on everything that had arrived by then, and lag is never taken for a breach.
    for is_patient in [true, false] {
        let mut world = World::new();
        world.records_max = 4;
        world.tell(Lane::Standard, 1, "wait:1000");
        let lag: Vec<u8> = crate::world::at_home(home(1)).filter(|number| *number != 1).take(30).collect();
        let fired_after = if is_patient {
            fire_behind(&mut world, |world| world.join_patient("one"), &lag)
        } else {
            fire_behind(&mut world, |world| world.join("one"), &lag)
        };
        assert_eq!(fired_after == lag.len(), is_patient, "after {fired_after}");
    }
}

/// How many of the records that arrived before the timer of operation 1 was due were decided when it fired.
fn fire_behind<W: domain::Worker>(world: &mut World, join: impl Fn(&World) -> fleet::Slot<W>, lag: &[u8]) -> usize {
    let mut slot = join(world);
    settle(&mut slot);
    for number in lag {
        world.tell(Lane::Standard, *number, "count");
    }
    world.clock.advance(SECOND);
    for _ in 0..1_000 {
        slot.turn(Duration::ZERO).expect("a turn");
        if world.facts(1).len() == 2 {
            return lag.iter().filter(|number| !world.facts(**number).is_empty()).count();
        }
    }
    panic!("the timer never fired");
}

#[test]
fn a_stream_of_records_does_not_hold_a_caught_up_timer_up() {
    // What arrives after the deadline is none of its business.
    let mut world = World::new();
    world.records_max = 4;
    let mut slot = world.join_patient("one");
    world.tell(Lane::Standard, 1, "wait:1000");
    settle(&mut slot);
    world.clock.advance(SECOND);
    let other = crate::world::at_home(home(1)).find(|number| *number != 1).expect("an operation");
    for _ in 0..10 {
        (0..8).for_each(|_| drop(world.tell(Lane::Standard, other, "count")));
        slot.turn(Duration::ZERO).expect("a turn");
    }
    assert_eq!(world.facts(1)[1..], ["timer"]);
}

#[test]
fn a_timer_that_fails_is_said_once_and_silent_until_its_entry_changes() {
    // It becomes a letter; it neither fires in every turn nor is it forgotten for good.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "wait:1000");
    settle(&mut slot);
    world.set_broken(true);
    world.clock.advance(SECOND);
    settle_in_time(&world, &mut slot);
    assert_eq!(world.letters().len(), 1);
    assert_eq!(slot.pending().timers, 0);
    world.set_broken(false);
    settle_in_time(&world, &mut slot);
    assert_eq!(world.facts(1).len(), 1);
    world.tell(Lane::Standard, 1, "wait:10");
    settle_in_time(&world, &mut slot);
    assert_eq!(world.facts(1)[2..], ["timer"]);
}

#[test]
fn a_timer_whose_entry_moves_in_the_same_turn_leaves_nothing_behind() {
    // What is put off is the timer that fired, not the one that has taken its place.
    for (broken, wish) in [(false, "stubborn:1000"), (true, "wait:1000")] {
        let mut world = World::new();
        let mut slot = world.join("one");
        world.tell(Lane::Standard, 1, wish);
        settle(&mut slot);
        world.set_broken(broken);
        world.clock.advance(SECOND);
        world.tell(Lane::Standard, 1, "wait:60000");
        slot.turn(Duration::ZERO).expect("a turn");
        world.set_broken(false);
        settle_in_time(&world, &mut slot);
        assert_eq!(slot.pending().timers, 1, "after {wish}");
        world.clock.advance(SECOND * 2);
        settle(&mut slot);
        assert!(Duration::ZERO < slot.idle(SECOND), "it spins after {wish}");
        world.clock.advance(SECOND * 60);
        settle(&mut slot);
        assert_eq!((slot.pending().timers, world.facts(1).last().map(String::as_str)), (0, Some("timer")));
    }
}

#[test]
fn a_timer_that_changes_nothing_is_looked_at_again_after_a_while() {
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "stubborn:1000");
    settle(&mut slot);
    world.clock.advance(SECOND);
    settle(&mut slot);
    let idle = slot.idle(SECOND * 60);
    assert!(Duration::ZERO < idle && idle <= SECOND, "it neither spins nor is forgotten: {idle:?}");
}
