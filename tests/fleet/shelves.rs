//! What is settled lies on a shelf: who takes over reads the end of the changelog alone, and remembers as if it had read all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dispatch::Key;
use domain::Lane;
use fleet::bus::BusError;
use fleet::probe::Point;
use fleet::shelf::Shelves;
use fleet::{FleetEntry, Slot, SlotError};
use proptest::prelude::*;
use shelf::MemoryShelves;

use crate::brittle::{Brittle, failed};
use crate::bus::Verdict;
use crate::keeper::Keeper;
use crate::world::{PARTITIONS, SESSION, World, home, route, settle, settle_in_time, survives};

/// Long enough for a checkpoint to be wanted.
const CHECKPOINT: Duration = Duration::from_secs(10);

fn world(shelves: &MemoryShelves) -> World {
    let mut world = World::new();
    world.shelves = Some(Arc::new(shelves.clone()));
    world
}

/// Tells of operations, once each.
fn tell(world: &mut World, numbers: impl IntoIterator<Item = u8>) {
    numbers.into_iter().for_each(|number| drop(world.tell(Lane::Standard, number, "count")));
}

/// The slot's process is gone, and its session over.
fn kill(world: &World, slot: Slot<Keeper>) {
    drop(slot);
    world.clock.advance(SESSION + Duration::from_millis(1));
}

/// What each operation was found to be, whenever it was told of.
fn facts(world: &World, numbers: impl IntoIterator<Item = u8>) -> Vec<Vec<String>> {
    numbers.into_iter().map(|number| world.facts(number)).collect()
}

#[test]
fn a_successor_reads_what_came_after_the_checkpoint_alone() {
    let mut read = Vec::new();
    for shelves in [Some(MemoryShelves::default()), None] {
        let mut world = World::new();
        world.shelves = shelves.map(|shelves| Arc::new(shelves) as Arc<dyn Shelves>);
        let mut slot = world.join_as(Keeper, "one");
        tell(&mut world, 1..=100);
        settle(&mut slot);
        // The next turn of each partition says how far its changelog had come before it.
        for numbers in [101..=104, 105..=108, 109..=112] {
            world.clock.advance(CHECKPOINT);
            tell(&mut world, numbers);
            settle(&mut slot);
        }
        let entries = slot.pending().entries;
        kill(&world, slot);
        world.faults.take_records_read();
        let mut successor = world.join_as(Keeper, "two");
        settle(&mut successor);
        read.push(world.faults.take_records_read());
        assert_eq!(successor.pending().entries, entries);
        tell(&mut world, 1..=113);
        settle(&mut successor);
        let expected: Vec<Vec<String>> = (1..=112).map(|_| vec!["first".into(), "again".into()]).collect();
        assert_eq!(facts(&world, 1..=112), expected);
        assert_eq!(world.facts(113), ["first"]);
    }
    let [warm, cold] = read[..] else { panic!("two") };
    assert!(224 <= cold && warm <= 40, "{warm} records read with a shelf, {cold} without");
}

#[test]
fn settled_entries_are_not_in_memory() {
    let shelves = MemoryShelves::default();
    let mut world = world(&shelves);
    let mut slot = world.join_as(Keeper, "one");
    tell(&mut world, 1..=20);
    settle(&mut slot);
    let in_memory: Vec<Key> = (0..PARTITIONS)
        .flat_map(|number| slot.memory(number).expect("at hand").iter())
        .map(|(key, _)| key.clone())
        .collect();
    assert_eq!(in_memory.len(), 20);
    assert!(in_memory.iter().all(|key| matches!(key, Key::Route(_))), "{in_memory:?}");
    assert_eq!(slot.pending().entries, 40);
}

#[test]
fn who_leaves_in_good_order_leaves_nothing_to_read() {
    let shelves = MemoryShelves::default();
    let mut world = world(&shelves);
    let mut slot = world.join_as(Keeper, "one");
    tell(&mut world, 1..=20);
    settle(&mut slot);
    slot.leave().expect("left");
    world.faults.take_records_read();
    let mut successor = world.join_as(Keeper, "two");
    settle(&mut successor);
    assert_eq!(world.faults.take_records_read(), 0);
    tell(&mut world, 1..=20);
    settle(&mut successor);
    assert!(facts(&world, 1..=20).iter().all(|facts| *facts == ["first", "again"]));
}

#[test]
fn partitions_that_move_take_their_shelf_along() {
    // Whoever gives a partition up has closed its shelf by the time the next owner opens it, and reads on there when it comes back.
    let shelves = MemoryShelves::default();
    let mut world = world(&shelves);
    let mut one = world.join_as(Keeper, "one");
    tell(&mut world, 1..=40);
    settle(&mut one);
    let mut two = world.join_as(Keeper, "two");
    for _ in 0..5 {
        settle(&mut two);
        settle(&mut one);
    }
    assert_eq!((one.ready().count(), two.ready().count()), (1, 1));
    world.faults.take_records_read();
    tell(&mut world, 1..=40);
    settle(&mut two);
    settle(&mut one);
    two.leave().expect("left");
    settle(&mut one);
    assert_eq!(one.ready().count(), 2);
    assert_eq!(world.faults.take_records_read(), 0, "nothing was to be read");
    tell(&mut world, 1..=40);
    settle(&mut one);
    assert!(facts(&world, 1..=40).iter().all(|facts| *facts == ["first", "again", "again"]));
}

#[test]
fn a_zombie_keeps_its_shelf_and_the_successor_does_without() {
    let shelves = MemoryShelves::default();
    let mut world = world(&shelves);
    let mut zombie = world.join_as(Keeper, "one");
    tell(&mut world, 1..=20);
    settle(&mut zombie);
    world.clock.advance(SESSION + Duration::from_millis(1));
    let mut successor = world.join_as(Keeper, "two");
    settle(&mut successor);
    tell(&mut world, 1..=30);
    settle(&mut successor);
    settle_in_time(&world, &mut zombie);
    settle(&mut successor);
    settle_in_time(&world, &mut zombie);
    tell(&mut world, 1..=30);
    for _ in 0..3 {
        settle(&mut successor);
        settle_in_time(&world, &mut zombie);
    }
    assert!(facts(&world, 1..=20).iter().all(|facts| *facts == ["first", "again", "again"]));
    assert!(facts(&world, 21..=30).iter().all(|facts| *facts == ["first", "again"]));
}

#[test]
fn a_changelog_made_anew_is_noticed() {
    let shelves = MemoryShelves::default();
    let mut before = world(&shelves);
    let mut slot = before.join_as(Keeper, "one");
    tell(&mut before, 1..=20);
    settle(&mut slot);
    slot.leave().expect("left");
    let mut anew = world(&shelves);
    let mut slot = anew.join_as(Keeper, "one");
    settle(&mut slot);
    tell(&mut anew, 1..=20);
    settle(&mut slot);
    assert!(
        facts(&anew, 1..=20).iter().all(|facts| *facts == ["first"]),
        "what the other changelog held is not known here"
    );
}

#[test]
fn what_cant_be_looked_up_does_not_pass_for_what_never_was() {
    for is_read in [true, false] {
        let (reads_fail, writes_fail) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let shelves = Brittle {
            inner: MemoryShelves::default(),
            reads_fail: reads_fail.clone(),
            writes_fail: writes_fail.clone(),
        };
        let mut world = World::new();
        world.shelves = Some(Arc::new(shelves));
        let mut slot = world.join_as(Keeper, "one");
        settle(&mut slot);
        tell(&mut world, 1..=20);
        let failing = if is_read { &reads_fail } else { &writes_fail };
        if is_read {
            settle(&mut slot);
        }
        failing.store(true, Ordering::Relaxed);
        let events = world.events().len();
        // Where writing fails, the first turn commits what can't be put away; no turn after that commits anything.
        let mut ended = None;
        for _ in 0..10 {
            ended = ended.or_else(|| slot.turn(Duration::ZERO).err());
            if ended.is_none() {
                tell(&mut world, 1..=20);
            }
        }
        assert_eq!(ended, Some(SlotError::Shelf(failed())));
        let committed = if is_read { events } else { world.events().len() };
        assert_eq!(world.events().len(), committed);
        failing.store(false, Ordering::Relaxed);
        kill(&world, slot);
        let mut successor = world.join_as(Keeper, "two");
        settle(&mut successor);
        for facts in facts(&world, 1..=20) {
            assert_eq!(facts[0], "first");
            assert!(facts[1..].iter().all(|fact| fact == "again"), "{facts:?}");
        }
    }
}

/// What happens to a worker and its machine.
#[derive(Clone, Debug)]
enum Step {
    /// It is told of operations; of some it is to forget the route.
    Tell(Vec<(u8, bool)>),
    /// Time passes, so that a checkpoint is wanted.
    Rest,
    /// Its process ends: at a point of the next turn, or at rest.
    Kill(Option<bool>),
    /// Its machine fails: so many thousandths of what was written to shelves are left.
    Fail(usize),
    /// It leaves in good order.
    Leave,
    /// A commit fails, or succeeds unheard.
    Commit { succeeds: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let tell = || proptest::collection::vec((1..30_u8, any::<bool>()), 1..6).prop_map(Step::Tell);
    prop_oneof![
        tell(),
        tell(),
        Just(Step::Rest),
        proptest::option::of(any::<bool>()).prop_map(Step::Kill),
        (0..=1_000_usize).prop_map(Step::Fail),
        Just(Step::Leave),
        any::<bool>().prop_map(|succeeds| Step::Commit { succeeds }),
    ]
}

/// What was told of each operation's route last: whether it is remembered.
type Routes = BTreeMap<u8, bool>;

fn take(world: &mut World, slot: &mut Option<Slot<Keeper>>, step: Step, routes: &mut Routes) {
    match step {
        Step::Tell(told) => {
            for (number, forgets) in told {
                world.tell(Lane::Standard, number, if forgets { "forget" } else { "count" });
                routes.insert(number, !forgets);
            }
        }
        Step::Rest => world.clock.advance(CHECKPOINT),
        Step::Kill(point) => {
            if let Some(before) = point {
                world.trap.crash_at(if before { Point::BeforeCommit } else { Point::BeforeCalls });
                survives(|| slot.as_mut().map(settle));
                world.trap.disarm();
            }
            *slot = None;
        }
        Step::Fail(_) => *slot = None,
        Step::Leave => {
            if let Some(slot) = slot.take() {
                slot.leave().expect("left");
            }
        }
        Step::Commit { succeeds } => {
            let mut verdict = Some(match succeeds {
                true => Verdict::CommitUnheard,
                false => Verdict::Fail(BusError::Abort("as wished".into())),
            });
            world.faults.judge_commits(move |_| verdict.take().unwrap_or(Verdict::Commit));
        }
    }
}

/// What the fleet itself remembers.
fn of_the_fleet(slot: &Slot<Keeper>) -> Vec<(Bytes, FleetEntry)> {
    let entries = |number| slot.fleet_memory(number).map(|(key, entry)| (key, entry.clone()));
    (0..PARTITIONS).flat_map(entries).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3 * ProptestConfig::default().cases / 8))]

    /// Whatever happens to processes, machines and commits, and whatever a machine's end left of its shelves: each operation is new
    /// once, and what is not settled is remembered as it was told last.
    #[test]
    fn nothing_is_new_twice(steps in proptest::collection::vec(step(), 1..24)) {
        let shelves = MemoryShelves::default();
        let mut world = world(&shelves);
        let (mut slot, mut routes, mut lives) = (None, Routes::new(), 0);
        for step in steps.into_iter().chain([Step::Kill(None), Step::Rest]) {
            let failure = if let Step::Fail(left) = step { Some(left) } else { None };
            take(&mut world, &mut slot, step, &mut routes);
            if slot.is_none() {
                if let Some(left) = failure {
                    shelves.crash(|batches| batches * left / 1_000);
                }
                world.clock.advance(SESSION + Duration::from_millis(1));
                lives += 1;
                slot = Some(world.join_as(Keeper, &format!("life-{lives}")));
            }
            let slot = slot.as_mut().expect("alive");
            settle_in_time(&world, slot);
        }
        for number in routes.keys() {
            let facts = world.facts(*number);
            prop_assert_eq!(&facts[0], "first");
            prop_assert!(facts[1..].iter().all(|fact| fact == "again"), "{}: {:?}", number, facts);
        }
        let slot = slot.expect("alive");
        for (number, is_remembered) in routes {
            let memory = slot.memory(home(number)).expect("at hand");
            prop_assert_eq!(memory.get(&Key::Route(route(number))).is_some(), is_remembered, "route {}", number);
        }
        let (warm, entries) = (of_the_fleet(&slot), slot.pending().entries);
        kill(&world, slot);
        world.shelves = None;
        let mut slot = world.join_as(Keeper, "cold");
        settle(&mut slot);
        prop_assert_eq!(of_the_fleet(&slot), warm);
        prop_assert_eq!(slot.pending().entries, entries);
    }
}
