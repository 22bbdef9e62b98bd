//! Shared tables: read before anything is decided, and followed ever after.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::Topic;
use domain::messages::PolicyRecord;
use domain::worker::Table;
use domain::{Decision, Input, Lane, Memory, Message, Moment, Poison, RecordId, Timestamp, Trace, View, Worker};
use fleet::Postman;

use crate::bus::Verdict;
use crate::toy::Toy;
use crate::world::{World, at_home, settle, settle_in_time};

/// A toy that has to have learnt so many rows before it decides.
struct Learner(Toy, Arc<Mutex<Vec<(u64, bool)>>>, usize);

impl Worker for Learner {
    const STAGE: domain::Stage = Toy::STAGE;
    type Key = dispatch::Key;
    type Entry = dispatch::Entry;

    fn decide(
        &self,
        view: &View<'_, Self::Key, Self::Entry>,
        input: Input<'_, Self::Key>,
        moment: &Moment,
    ) -> Result<Decision<Self::Key, Self::Entry>, Poison> {
        assert!(self.2 <= self.1.lock().expect("one thread").len(), "decided before its tables were read");
        self.0.decide(view, input, moment)
    }

    fn due(key: &Self::Key, entry: &Self::Entry) -> Option<Timestamp> {
        Toy::due(key, entry)
    }

    fn learn(&mut self, (table, key): (Table, &[u8]), message: Option<&Message>, offset: u64) {
        assert_eq!((table, key), (Table::Policies, &b"clocks"[..]));
        self.1.lock().expect("one thread").push((offset, message.is_some()));
    }

    /// The second row concerns everything.
    fn stirred(&self, row: Option<(Table, &[u8])>, memory: &Memory<Self::Key, Self::Entry>) -> Vec<Self::Key> {
        assert!(row.is_none_or(|row| row == (Table::Policies, b"clocks")));
        let concerns = 2 <= self.1.lock().expect("one thread").len();
        memory
            .iter()
            .filter(|(key, entry)| concerns && Self::due(key, entry).is_some())
            .map(|(key, _)| key.clone())
            .collect()
    }
}

/// More than several steps read.
const ROWS: usize = 22_000;

#[test]
fn tables_are_read_before_the_first_decision_and_followed_after_it() {
    // A row is learnt once and in order, a tombstone too; coming back as a new member neither loses nor repeats any.
    let mut world = World::new();
    let learnt: Arc<Mutex<Vec<(u64, bool)>>> = Arc::default();
    put_row(&world, true);
    put_row(&world, false);
    let first = world.tell(Lane::Standard, 1, "count");
    let mut slot = world.join_as(Learner(world.toy(), learnt.clone(), 1), "one");
    settle(&mut slot);
    put_row(&world, true);
    let second = world.tell(Lane::Standard, 1, "count");
    let mut unheard = Some(Verdict::CommitUnheard);
    world.faults.judge_commits(move |_| unheard.take().unwrap_or(Verdict::Commit));
    settle_in_time(&world, &mut slot);
    put_row(&world, true);
    settle(&mut slot);
    assert_eq!(*learnt.lock().expect("one thread"), [(0, true), (1, false), (2, true), (3, true)]);
    assert_eq!(world.facts(1), [format!("{first}:1"), format!("{second}:2")]);
    assert_eq!(world.letters().len(), 0);
}

#[test]
fn nothing_is_decided_before_a_long_table_is_read_to_where_it_ended() {
    // Neither after a start, nor by whoever takes over what somebody decided who may have read more.
    let mut world = World::new();
    world.write((0..ROWS).map(|_| row(&world)));
    let staying = at_home(0).next().expect("an operation");
    let before = world.tell(Lane::Standard, staying, "count");
    let mut one = world.join_as(Learner(world.toy(), Arc::default(), ROWS), "one");
    settle_in_time(&world, &mut one);
    assert_eq!(world.facts(staying), [format!("{before}:1")]);
    let mut two = world.join_as(Learner(world.toy(), Arc::default(), 2 * ROWS), "two");
    for _ in 0..2 {
        settle_in_time(&world, &mut two);
        settle_in_time(&world, &mut one);
    }
    assert_eq!((one.ready().collect::<Vec<_>>(), two.ready().collect::<Vec<_>>()), (vec![0], vec![1]));
    world.write((0..ROWS).map(|_| row(&world)));
    one.leave().expect("left");
    let after = world.tell(Lane::Standard, staying, "count");
    settle_in_time(&world, &mut two);
    assert_eq!(world.facts(staying), [format!("{before}:1"), format!("{after}:2")]);
    assert_eq!(world.letters().len(), 0);
}

#[test]
fn rows_that_came_before_brokers_went_away_are_learnt() {
    let mut world = World::new();
    let learnt: Arc<Mutex<Vec<(u64, bool)>>> = Arc::default();
    (0..3).for_each(|_| put_row(&world, true));
    world.faults.fail_reads(1);
    let tag = world.tell(Lane::Standard, 1, "count");
    let mut slot = world.join_as(Learner(world.toy(), learnt.clone(), 3), "one");
    settle_in_time(&world, &mut slot);
    assert_eq!(*learnt.lock().expect("one thread"), [(0, true), (1, true), (2, true)]);
    assert_eq!(world.facts(1), [format!("{tag}:1")]);
}

#[test]
fn a_row_that_cannot_be_read_is_passed_over() {
    // A table is not a stage: what its producer got wrong stops nobody.
    let mut world = World::new();
    let learnt: Arc<Mutex<Vec<(u64, bool)>>> = Arc::default();
    let mut broken = row(&world);
    broken.value = Some(bytes::Bytes::from_static(b"{}"));
    world.write([broken]);
    put_row(&world, true);
    let tag = world.tell(Lane::Standard, 1, "count");
    let mut slot = world.join_as(Learner(world.toy(), learnt.clone(), 1), "one");
    settle(&mut slot);
    assert_eq!(*learnt.lock().expect("one thread"), [(1, true)]);
    assert_eq!(world.facts(1), [format!("{tag}:1")]);
}

#[test]
fn what_is_learnt_brings_forward_what_it_concerns_once() {
    // Also where it was learnt by a successor, which holds all it restores against all there is.
    for restarts in [false, true] {
        let mut world = World::new();
        let learnt: Arc<Mutex<Vec<(u64, bool)>>> = Arc::default();
        put_row(&world, true);
        let mut slot = world.join_as(Learner(world.toy(), learnt.clone(), 1), "one");
        world.tell(Lane::Standard, 1, "wait:3600000");
        world.tell(Lane::Standard, 2, "stubborn:3600000");
        settle(&mut slot);
        assert_eq!((world.facts(1).len(), world.facts(2).len()), (1, 1));
        put_row(&world, true);
        if restarts {
            learnt.lock().expect("one thread").clear();
            slot = world.join_as(Learner(world.toy(), learnt.clone(), 1), "one");
        }
        settle_in_time(&world, &mut slot);
        assert_eq!(world.facts(1)[1..], ["timer"], "its time had not come, but the row concerned it");
        assert_eq!(world.facts(2).len(), 1, "what stays as it is waits for its own time");
        let idle = slot.idle(Duration::from_secs(60));
        assert!(Duration::from_secs(50) < idle, "nothing spins: {idle:?}");
    }
}

#[test]
fn what_was_kept_aside_is_held_against_what_was_learnt_meanwhile() {
    // Who joins anew has no partitions when the row comes, and then takes them up as they were left.
    let mut world = World::new();
    put_row(&world, true);
    let mut slot = world.join_as(Learner(world.toy(), Arc::default(), 1), "one");
    world.tell(Lane::Standard, 1, "wait:3600000");
    settle(&mut slot);
    world.tell(Lane::Standard, 2, "count");
    let mut unheard = Some(Verdict::CommitUnheard);
    world.faults.judge_commits(move |_| unheard.take().unwrap_or(Verdict::Commit));
    assert!(slot.turn(Duration::ZERO).expect("a turn").undone);
    put_row(&world, true);
    settle_in_time(&world, &mut slot);
    assert_eq!(world.facts(1)[1..], ["timer"]);
}

fn put_row(world: &World, is_there: bool) {
    let mut record = row(world);
    record.value = record.value.filter(|_| is_there);
    world.write([record]);
}

fn row(world: &World) -> fleet::bus::Outgoing {
    let policy = PolicyRecord {
        name: "clocks".into(),
        version: 1,
        text: String::new(),
        digest: [0; 32],
        activated_by: "ann".into(),
        activated_at: Timestamp(0),
    };
    let postman = Postman::named(world.codec.clone(), world.topics.clone(), "/test");
    let id = RecordId([9; 16]);
    let message = Message::Policy(Box::new(policy));
    postman.write(&Topic::Policies, b"clocks", &message, Timestamp(0), id, Trace::root(id)).expect("a record")
}
