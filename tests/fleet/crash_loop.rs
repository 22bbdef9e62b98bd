//! Records at which the process ends, again and again.

use std::panic::panic_any;
use std::time::Duration;

use domain::{Code, Lane};
use fleet::bus::Outgoing;

use crate::world::{Crash, World, at_home, settle, settle_until_crash, survives};

/// The process ends whenever it comes to decide the record with this tag.
fn deadly(world: &World, tag: &str) {
    let text = format!("{tag}:").into_bytes();
    let holds = move |record: &Outgoing| {
        record.value.as_ref().is_some_and(|value| value.windows(text.len()).any(|window| *window == text[..]))
    };
    world.faults.judge_commits(move |records| {
        if records.iter().any(&holds) {
            panic_any(Crash);
        }
        crate::bus::Verdict::Commit
    });
}

#[test]
fn a_record_at_which_the_process_ends_becomes_a_letter() {
    // After three starts without progress records are tried alone and on record; the one tried three times is condemned unread. All
    // others count once.
    let mut world = World::new();
    let mut told: Vec<(u8, String)> = Vec::new();
    for number in at_home(0).take(3).chain(at_home(1).take(3)) {
        told.extend((0..5).map(|_| (number, world.tell(Lane::Standard, number, "count"))));
    }
    let (guilty, culprit) = told[7].clone();
    deadly(&world, &culprit);
    let mut starts = 0;
    while world.letters().is_empty() {
        let mut slot = world.join("one");
        starts += 1;
        assert!(starts <= 6, "the crash loop has no end");
        if starts <= 5 {
            settle_until_crash(&mut slot);
        } else {
            settle(&mut slot);
        }
    }
    let mut slot = world.join("one");
    settle(&mut slot);
    assert_eq!(world.letters().iter().map(|letter| letter.code).collect::<Vec<_>>(), [Code::CrashLoop]);
    for number in at_home(0).take(3).chain(at_home(1).take(3)).filter(|number| *number != guilty) {
        let tags = told.iter().filter(|(told, _)| *told == number);
        let counted: Vec<String> = tags.zip(1..).map(|((_, tag), count)| format!("{tag}:{count}")).collect();
        assert_eq!(world.facts(number), counted);
    }
    // Not even the key of a condemned record of dispatch names its request, so its successors don't wait.
    assert_eq!(world.facts(guilty).len(), 4);
}

#[test]
fn suspicion_outlives_a_rebalance() {
    // A slot that comes and goes while the process starts does not make it forget that it must be careful.
    let mut world = World::new();
    let number = at_home(0).next().expect("an operation");
    let culprit = world.tell(Lane::Standard, number, "count");
    let other = world.tell(Lane::Standard, number, "count");
    deadly(&world, &culprit);
    for _ in 0..6 {
        let Some(mut slot) = survives(|| {
            let mut slot = world.join("one");
            slot.turn(Duration::ZERO).expect("a turn");
            slot
        }) else {
            continue;
        };
        let mut passing = world.join("two");
        settle(&mut passing);
        drop(survives(|| settle(&mut slot)));
        passing.leave().expect("left");
    }
    let mut slot = world.join("one");
    settle(&mut slot);
    assert_eq!(world.letters().iter().map(|letter| letter.code).collect::<Vec<_>>(), [Code::CrashLoop]);
    assert_eq!(world.facts(number), [format!("{other}:1")]);
}

#[test]
fn restarts_of_an_idle_or_a_working_process_arouse_no_suspicion() {
    // Only starts that had something to do and got nowhere count.
    let mut world = World::new();
    for _ in 0..8 {
        let mut slot = world.join("one");
        settle(&mut slot);
    }
    for round in 1..=8 {
        let tags: Vec<String> = (0..40).map(|_| world.tell(Lane::Standard, 1, "count")).collect();
        let mut slot = world.join("one");
        let reports = settle(&mut slot);
        let largest = reports.iter().map(|report| report.tally.records).max();
        assert_eq!(largest, Some(32), "no record is tried alone");
        assert_eq!(world.facts(1).len(), round * tags.len());
    }
    assert_eq!(world.letters().len(), 0);
}
