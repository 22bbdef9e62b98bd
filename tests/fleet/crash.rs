//! What survives the end of a process.

use bytes::Bytes;
use contracts::Topic;
use dispatch::Entry;
use domain::{Lane, Stage};
use fleet::bus::{BusError, Delivered, Headers, Outgoing};
use fleet::probe::Point;

use crate::bus::Verdict;

use crate::world::{SESSION, World, remembered, settle, settle_in_time, settle_until_crash};

#[test]
fn every_record_counts_once_wherever_the_process_ends() {
    // A process that ends at any point of a turn and comes back under its name repeats nothing that was committed and loses nothing.
    for point in Point::ALL {
        let mut world = World::new();
        let mut slot = world.join("one");
        let first = world.tell(Lane::Standard, 1, "count");
        settle(&mut slot);
        let called = world.tell(Lane::Standard, 1, "call");
        if point == Point::BeforeAnswersCommit {
            settle(&mut slot);
            world.caller.answer_all();
        }
        let last = world.tell(Lane::Standard, 1, "count");
        world.trap.crash_at(point);
        settle_until_crash(&mut slot);
        drop(slot);

        let mut slot = world.join("one");
        settle(&mut slot);
        let told = [format!("{first}:1"), format!("{called}:2"), format!("{last}:3")];
        assert_eq!(world.facts(1), told, "{point:?}");
        assert_eq!(world.caller.made().len(), usize::from(point != Point::BeforeCalls), "{point:?}");

        world.caller.answer_all();
        world.clock.advance(SESSION * 2);
        settle(&mut slot);
        // Only a call that was made by this very process is answered; one of before is lost, and one not committed is made anew.
        let what = if point == Point::BeforeCommit { "answered" } else { "lost" };
        assert_eq!(world.facts(1)[3..], [what], "{point:?}");
        assert_eq!(world.caller.made().len(), usize::from(point != Point::BeforeCalls), "{point:?}");
    }
}

#[test]
fn memory_knows_how_far_inputs_were_taken_where_the_group_does_not() {
    // Brokers that lose where a group stands make nobody do anything twice, and nobody passes over anything, even if they go away
    // while somebody goes there.
    for failures in [0, 1] {
        let mut world = World::new();
        let mut slot = world.join("one");
        let mut told: Vec<String> = (0..5).map(|_| world.tell(Lane::Standard, 1, "count")).collect();
        settle(&mut slot);
        drop(slot);
        world.faults.forget_offsets();
        told.push(world.tell(Lane::Standard, 1, "count"));
        world.faults.fail_seeks(failures);
        let mut slot = world.join("one");
        settle_in_time(&world, &mut slot);
        assert_eq!(world.facts(1), counted(&told));
    }
}

/// The facts about records that were counted one after the other.
fn counted(told: &[String]) -> Vec<String> {
    told.iter().zip(1..).map(|(tag, count)| format!("{tag}:{count}")).collect()
}

#[test]
fn what_a_turn_wrote_comes_true_whole_or_not_at_all() {
    // Facts, memory and offsets share one transaction: after an abort none of them is there, and the turn is done again.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    let tag = world.tell(Lane::Standard, 1, "count");
    let mut failures = 2;
    world.faults.judge_commits(move |_| {
        failures -= 1;
        if 0 <= failures { Verdict::Fail(BusError::Unavailable("not now".into())) } else { Verdict::Commit }
    });
    slot.turn(std::time::Duration::ZERO).expect("undone");
    assert_eq!((world.facts(1).len(), remembered(&slot, 1)), (0, None));
    settle_in_time(&world, &mut slot);
    assert_eq!(world.facts(1), [format!("{tag}:1")]);
    assert!(remembered(&slot, 1).is_some());
}

#[test]
fn a_long_memory_is_read_back_whole() {
    // Partitions that are read at once, over several reads each, come to the last state of each entry, and go on from there.
    let mut world = World::new();
    let numbers: Vec<u8> = (1..=40).collect();
    let mut slot = world.join("one");
    for number in &numbers {
        world.tell(Lane::Standard, *number, "count");
    }
    settle(&mut slot);
    let before: Vec<Option<Entry>> = numbers.iter().map(|number| remembered(&slot, *number)).collect();
    drop(slot);
    lengthen(&world, 25_000);
    let mut slot = world.join("one");
    settle(&mut slot);
    let after: Vec<Option<Entry>> = numbers.iter().map(|number| remembered(&slot, *number)).collect();
    assert!(before.iter().all(Option::is_some));
    assert_eq!(after, before);
    let tag = world.tell(Lane::Standard, 7, "count");
    settle(&mut slot);
    assert_eq!(world.facts(7)[1..], [format!("{tag}:2")]);
}

/// Each entry of the changelogs is forgotten and remembered again, as often as makes this many records of a partition.
fn lengthen(world: &World, records: usize) {
    let entries = world.read(&Topic::Memory(Stage::Dispatch));
    for partition in entries.chunk_by(|one, next| one.partition == next.partition) {
        let rounds = records.div_ceil(2 * partition.len());
        let again = |entry: &Delivered, value: Option<Bytes>| Outgoing {
            topic: entry.topic.clone(),
            partition: entry.partition,
            timestamp_ms: entry.timestamp_ms,
            key: entry.key.clone(),
            value,
            headers: Headers::default(),
        };
        for _ in 0..rounds {
            world.write(partition.iter().map(|entry| again(entry, None)));
            world.write(partition.iter().map(|entry| again(entry, entry.value.clone())));
        }
    }
}

#[test]
fn a_commit_nobody_heard_of_is_found_out() {
    // When the outcome of a commit is unknown the slot comes back as a new member and reads what became of it: nothing is repeated,
    // and neither an answer nor a call that was committed is lost.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call:twice");
    settle(&mut slot);
    world.caller.answer_all();
    let tag = world.tell(Lane::Standard, 2, "count");
    let mut unheard = 1;
    world.faults.judge_commits(move |_| {
        unheard -= 1;
        if unheard == 0 { Verdict::CommitUnheard } else { Verdict::Commit }
    });
    settle_in_time(&world, &mut slot);
    assert_eq!(world.facts(1)[1..], ["answered"], "decided once though it was held");
    assert_eq!(world.facts(2), [format!("{tag}:1")]);
    assert_eq!(world.caller.made(), [(1, 1)], "the second call was committed, and whether it was made nobody knows");
    world.clock.advance(SESSION * 2);
    settle(&mut slot);
    assert_eq!(world.facts(1)[2..], ["lost"]);
}

#[test]
fn records_taken_before_a_failure_are_taken_again() {
    // A read that fails half way loses nothing: what it had moved is taken again.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    let tags: Vec<String> = (0..5).map(|_| world.tell(Lane::Standard, 1, "count")).collect();
    let topic = world.topics.name(&Topic::Dispatch(Lane::Standard));
    world.faults.fail_take_after(topic.clone(), 3);
    world.faults.fail_take_after(topic, 2);
    settle_in_time(&world, &mut slot);
    let told: Vec<String> = tags.iter().zip(1..).map(|(tag, count)| format!("{tag}:{count}")).collect();
    assert_eq!(world.facts(1), told);
}

#[test]
fn an_undone_turn_is_taken_again_from_its_first_record() {
    // Also one so long that it looked for records several times.
    let mut world = World::new();
    world.records_max = 2_000;
    let tags: Vec<String> = (0..3_000).map(|_| world.tell(Lane::Standard, 1, "count")).collect();
    let mut slot = world.join("one");
    let mut failures = 2;
    world.faults.judge_commits(move |records| {
        let fails = 1_000 < records.len() && 0 < failures;
        failures -= u32::from(fails);
        if fails { Verdict::Fail(BusError::Unavailable("not now".into())) } else { Verdict::Commit }
    });
    settle_in_time(&world, &mut slot);
    assert_eq!(world.facts(1), counted(&tags));
}

#[test]
fn a_turn_that_can_be_neither_committed_nor_taken_again_is_not_passed_over() {
    // Brokers that go away in the middle of a turn are not there to go back either.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    let told = [(); 3].map(|()| world.tell(Lane::Standard, 1, "count"));
    let mut verdict = Some(Verdict::Fail(BusError::Unavailable("not now".into())));
    world.faults.judge_commits(move |_| verdict.take().unwrap_or(Verdict::Commit));
    world.faults.fail_seeks(1);
    settle_in_time(&world, &mut slot);
    assert_eq!(world.facts(1), counted(&told));
}
