//! Lanes: urgent first, and nobody starves.

use std::sync::Arc;
use std::time::Duration;

use contracts::Topic;
use domain::Lane;
use fleet::GateOptions;
use fleet::bus::{Bus, Consumed, Membership, TopicPartition, Wake};

use crate::world::{World, at_home, route, settle, work};

const BESIDE_URGENT_FOR: Duration = Duration::from_secs(30);

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
fn a_turn_full_of_others_ends_when_somebody_urgent_comes() {
    let mut world = World::new();
    world.records_max = 10_000;
    let [urgent, _, bulk] = operations();
    for _ in 0..5_000 {
        world.tell(Lane::Bulk, bulk, "count");
    }
    let mut slot = world.join("one");
    while slot.turn(Duration::ZERO).expect("a turn").tally.records < 1_000 {}
    // The urgent record is written while the turn is on its way: before it looks for the third time what there is.
    let (log, topic) = (world.bus.log.clone(), world.topics.name(&Topic::Dispatch(Lane::Urgent)));
    let mut record = Some(world.record(Lane::Urgent, &route(urgent).key(), work(urgent, "count", "late")));
    let mut looks = 0;
    world.faults.before_takes(move |taken| {
        looks += usize::from(*taken == *topic);
        if let Some(record) = record.take_if(|_| looks == 3) {
            let mut producer = log.producer("test").expect("a producer");
            producer.send(record).expect("sent");
            producer.commit(None).expect("committed");
        }
    });
    let report = slot.turn(Duration::ZERO).expect("a turn");
    assert_eq!(world.facts(urgent), ["late:1"], "it is decided in the turn under way");
    assert!(report.tally.records < 1_000, "{report:?}");
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

#[test]
fn bulk_waits_while_the_supervisor_is_behind_and_nothing_else_does() {
    let mut world = World::new();
    let events = world.topics.name(&Topic::Events);
    let (group, topic, beside_urgent_for) = ("supervisor".into(), events.clone(), BESIDE_URGENT_FOR);
    world.gate = Some(GateOptions { group, topic, lag_max: 40, beside_urgent_for });
    let [urgent, _, bulk] = operations();
    for _ in 0..200 {
        world.tell(Lane::Bulk, bulk, "count");
    }
    let mut slot = world.join("one");
    let mut go_on = |world: &World| {
        for _ in 0..20 {
            world.clock.advance(Duration::from_millis(100));
            slot.turn(Duration::ZERO).expect("a turn");
        }
        world.facts(bulk).len()
    };
    let let_in = go_on(&world);
    assert!(40 < let_in && let_in < 200, "{let_in} were taken before the lag was seen");
    let tag = world.tell(Lane::Urgent, urgent, "count");
    assert_eq!(go_on(&world), let_in, "nobody has read on");
    assert_eq!(world.facts(urgent), [format!("{tag}:1")]);
    supervise(&world, events);
    assert!(let_in < go_on(&world), "the supervisor has caught up");
}

#[test]
fn beside_urgent_requests_bulk_comes_in_by_the_handful() {
    let mut world = World::new();
    world.gate = Some(GateOptions {
        group: "supervisor".into(),
        topic: world.topics.name(&Topic::Events),
        lag_max: 9_999,
        beside_urgent_for: BESIDE_URGENT_FOR,
    });
    world.records_max = 256;
    let [urgent, _, bulk] = operations();
    for _ in 0..300 {
        world.tell(Lane::Bulk, bulk, "count");
    }
    let let_in = |world: &World| world.facts(bulk).len();
    let mut slot = world.join("one");
    world.tell(Lane::Urgent, urgent, "count");
    settle(&mut slot);
    let first = let_in(&world);
    assert!(0 < first && first <= 128, "{first} at once, and no more until some time has passed");
    world.tell(Lane::Urgent, urgent, "count");
    settle(&mut slot);
    assert_eq!((world.facts(urgent).len(), let_in(&world)), (2, first), "nobody urgent waits");
    world.clock.advance(Duration::from_millis(300));
    settle(&mut slot);
    assert!(first < let_in(&world) && let_in(&world) <= first + 128);
    world.clock.advance(Duration::from_secs(60));
    settle(&mut slot);
    assert_eq!(let_in(&world), 300, "nobody is urgent any more");
}

/// Does as if the supervisor had read all there is.
fn supervise(world: &World, events: Arc<str>) {
    let (group, instance) = ("supervisor".into(), "supervisor".into());
    let membership = Membership { group, instance, topics: vec![events], session_timeout: Duration::from_secs(10) };
    let mut supervisor = world.bus.consumer(membership).expect("a consumer");
    let mut wakes = (0..100).map(|_| supervisor.wait(Duration::ZERO).expect("a wake"));
    assert!(wakes.any(|wake| matches!(wake, Wake::Assigned(_))));
    let end = |at: TopicPartition| (at.clone(), world.bus.watermarks(&at).expect("watermarks").stable);
    let next: Vec<_> = supervisor.assignment().into_iter().map(end).collect();
    let mut producer = world.bus.producer("supervisor").expect("a producer");
    producer.commit(Some(Consumed { group: &supervisor.group(), next: &next })).expect("a commit");
}
