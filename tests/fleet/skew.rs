//! Clocks that disagree.

use std::time::Duration;

use domain::Lane;

use crate::world::{World, route, settle, work};

#[test]
fn a_clock_that_is_behind_is_told_by_how_much_and_nothing_is_lost() {
    // Records whose times are yet to come are worked on like any other, and whoever watches learns that clocks disagree.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    let ages = |slot: &mut _| {
        let reports = settle(slot);
        let taken = reports.iter().find(|report| 0 < report.tally.records).expect("a turn that takes the record");
        (taken.record_age, taken.clock_behind)
    };
    let mut early = world.record(Lane::Standard, &route(1).key(), work(1, "count", "early"));
    early.timestamp_ms += 90_000;
    world.write([early]);
    assert_eq!(ages(&mut slot), (Some(Duration::ZERO), Duration::from_secs(90)));
    assert_eq!(world.facts(1), ["early:1"]);

    let late = world.tell(Lane::Standard, 1, "count");
    world.clock.advance(Duration::from_secs(7));
    assert_eq!(ages(&mut slot), (Some(Duration::from_secs(7)), Duration::ZERO));
    assert_eq!(world.facts(1), ["early:1".to_owned(), format!("{late}:2")]);
}
