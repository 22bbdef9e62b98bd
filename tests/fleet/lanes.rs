//! Lanes: urgent first, and nobody starves.

use std::time::Duration;

use domain::Lane;

use crate::world::{World, at_home, settle};

/// One operation a lane, all on one partition.
fn operations() -> [u8; 3] {
    let mut numbers = at_home(0);
    [(); 3].map(|()| numbers.next().expect("an operation"))
}

#[test]
fn a_flood_leaves_every_lane_its_share() {
    // While all lanes have a backlog every turn takes of each, the most of the urgent one.
    let mut world = World::new();
    world.records_max = 20;
    let numbers = operations();
    for _ in 0..200 {
        for (lane, number) in Lane::ALL.into_iter().zip(numbers) {
            world.tell(lane, number, "count");
        }
    }
    let mut slot = world.join("one");
    let mut before = [0; 3];
    for _ in 0..10 {
        slot.turn(Duration::ZERO).expect("a turn");
        let now = numbers.map(|number| world.facts(number).len());
        let taken = [0, 1, 2].map(|lane| now[lane] - before[lane]);
        assert!(taken == [0; 3] || taken == [14, 4, 2], "{taken:?}");
        before = now;
    }
    assert!(before[0] >= 9 * 14);
}

#[test]
fn an_urgent_record_is_decided_in_the_next_turn() {
    // However deep the flood in the other lanes.
    let mut world = World::new();
    let [urgent, standard, bulk] = operations();
    for _ in 0..500 {
        world.tell(Lane::Standard, standard, "count");
        world.tell(Lane::Bulk, bulk, "count");
    }
    let mut slot = world.join("one");
    for _ in 0..4 {
        slot.turn(Duration::ZERO).expect("a turn");
    }
    let tag = world.tell(Lane::Urgent, urgent, "count");
    slot.turn(Duration::ZERO).expect("a turn");
    assert_eq!(world.facts(urgent), [format!("{tag}:1")]);
}

#[test]
fn turns_grow_with_the_backlog_of_a_single_lane() {
    // What no other lane claims goes to the one that has something.
    let mut world = World::new();
    world.records_max = 256;
    for lane in Lane::ALL {
        let [number, ..] = operations();
        for _ in 0..1_000 {
            world.tell(lane, number, "count");
        }
        let mut slot = world.join("one");
        let sizes: Vec<usize> =
            settle(&mut slot).iter().map(|report| report.tally.records).filter(|size| *size > 0).collect();
        assert_eq!(sizes[..5], [32, 64, 128, 256, 256], "{lane:?}");
    }
}
