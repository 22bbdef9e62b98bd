//! Turns that can't be committed: the one input to blame is found, and the others go on.

use std::collections::BTreeSet;

use domain::messages::CommandAction;
use domain::{Code, Lane};
use fleet::bus::{BusError, Outgoing};

use crate::bus::Verdict;
use crate::world::{World, settle, settle_in_time};

/// A bus that can't commit anything in which this text occurs.
fn allergic_to(world: &World, text: &str, error: BusError) {
    let text = text.as_bytes().to_vec();
    let holds = move |record: &Outgoing| {
        record.value.as_ref().is_some_and(|value| value.windows(text.len()).any(|window| *window == text[..]))
    };
    world.faults.judge_commits(
        move |records| {
            if records.iter().any(&holds) { Verdict::Fail(error.clone()) } else { Verdict::Commit }
        },
    );
}

/// There is one letter, of something that no topic holds.
#[track_caller]
fn assert_without_record(world: &World, code: Code) {
    let letters = world.letters();
    let [letter] = &letters[..] else { panic!("{} letters", letters.len()) };
    let told = (letter.code, letter.place.as_str(), letter.topic.as_str(), letter.hint.as_str());
    assert_eq!(told, (code, "commit (turn-failed)", "", code.remedy()));
}

#[test]
fn the_record_that_brings_its_turn_down_becomes_a_letter() {
    // Among hundreds of records of many requests, lanes and partitions one can't be committed: it alone becomes a letter, in however
    // many turns, and every other record counts once, in order.
    for error in [BusError::Abort("spoilt".into()), BusError::TooLarge { bytes: 2 << 20, limit: 1 << 20 }] {
        let mut world = World::new();
        let mut slot = world.join("one");
        settle(&mut slot);
        let mut told = Vec::new();
        for round in 0..4 {
            for number in 1..=50 {
                let lane = Lane::ALL[usize::from(number) % 3];
                told.push((number, round, world.tell(lane, number, "count")));
            }
        }
        let (guilty, _, culprit) = told[77].clone();
        allergic_to(&world, &format!("{culprit}:"), error);
        settle_in_time(&world, &mut slot);
        let letters = world.letters();
        assert_eq!(letters.iter().map(|letter| letter.code).collect::<Vec<_>>(), [Code::TurnFailed]);
        for number in (1..=50).filter(|number| *number != guilty) {
            let counted: Vec<String> = told
                .iter()
                .filter(|(told, ..)| *told == number)
                .map(|(_, round, tag)| format!("{tag}:{}", round + 1))
                .collect();
            assert_eq!(world.facts(number), counted);
        }
        assert_eq!(world.facts(guilty).len(), 2, "one before it and the letter; the successors wait");
        assert_eq!(slot.pending().parked, 2);
    }
}

#[test]
fn a_record_that_brought_its_turn_down_is_decided_when_it_comes_back() {
    // What could not be committed then may be committed now: a replay is tried like any other record.
    let mut world = World::new();
    let mut slot = world.join("one");
    let culprit = world.tell(Lane::Standard, 1, "count");
    allergic_to(&world, &format!("{culprit}:"), BusError::Abort("spoilt".into()));
    settle_in_time(&world, &mut slot);
    assert_eq!(world.letters().len(), 1);
    world.faults.pass_commits();
    crate::parking::command(&world, &mut slot, CommandAction::ReplayLetter);
    settle_in_time(&world, &mut slot);
    assert_eq!((world.facts(1).last(), world.letters().len()), (Some(&format!("{culprit}:1")), 1));
}

#[test]
fn two_culprits_in_one_turn_are_both_found() {
    // What is to blame need not be alone.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    let told: Vec<(u8, String)> =
        (1..=40).map(|number| (number, world.tell(Lane::Standard, number, "count"))).collect();
    let culprits: BTreeSet<String> = [3, 38].map(|nth: usize| format!("{}:", told[nth].1)).into();
    let searched = culprits.clone();
    world.faults.judge_commits(move |records| {
        let holds = |record: &Outgoing, text: &String| {
            record
                .value
                .as_ref()
                .is_some_and(|value| value.windows(text.len()).any(|window| *window == *text.as_bytes()))
        };
        let spoilt = records.iter().any(|record| searched.iter().any(|text| holds(record, text)));
        if spoilt { Verdict::Fail(BusError::TooLarge { bytes: 0, limit: 0 }) } else { Verdict::Commit }
    });
    settle(&mut slot);
    assert_eq!(world.letters().len(), 2);
    for (number, tag) in told {
        let fine = !culprits.contains(&format!("{tag}:"));
        let wanted = if fine { format!("{tag}:1") } else { format!("letter {}", Code::TurnFailed) };
        assert_eq!(world.facts(number), [wanted]);
    }
}

#[test]
fn a_timer_that_cannot_be_committed_holds_nobody_up() {
    // It becomes a letter, which says that it was a timer and how it failed, and is silent until its entry changes or the worker starts
    // again.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "wait:1000");
    settle(&mut slot);
    // With the length that is written before it: the letter's code begins with the same word.
    allergic_to(&world, "\ntimer", BusError::Abort("spoilt".into()));
    world.clock.advance(std::time::Duration::from_secs(1));
    let tag = world.tell(Lane::Standard, 2, "count");
    settle_in_time(&world, &mut slot);
    assert_without_record(&world, Code::TimerFailed);
    assert_eq!(world.facts(2), [format!("{tag}:1")]);

    world.faults.judge_commits(|_| Verdict::Commit);
    let before = world.facts(1);
    settle_in_time(&world, &mut slot);
    assert_eq!(world.facts(1), before, "the fault is mended, and still it is silent");
    drop(slot);
    let mut slot = world.join("one");
    settle_in_time(&world, &mut slot);
    assert_eq!(world.facts(1)[before.len()..], ["timer"]);
}

#[test]
fn an_answer_that_cannot_be_committed_holds_nobody_up() {
    // It becomes a letter, and its call is given up in time.
    let mut world = World::new();
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "call");
    settle(&mut slot);
    allergic_to(&world, "answered", BusError::Abort("spoilt".into()));
    world.caller.answer_all();
    let tag = world.tell(Lane::Standard, 2, "count");
    settle_in_time(&world, &mut slot);
    assert_without_record(&world, Code::AnswerFailed);
    assert_eq!(world.facts(2), [format!("{tag}:1")]);
    world.clock.advance(crate::toy::LOST_AFTER);
    settle(&mut slot);
    assert_eq!(world.facts(1)[1..], ["lost"]);
}

#[test]
fn a_bus_that_fails_for_a_while_condemns_nobody() {
    // A record becomes a letter only if it fails alone, three times in a row.
    let mut world = World::new();
    let mut slot = world.join("one");
    settle(&mut slot);
    let told: Vec<String> = (0..20).map(|_| world.tell(Lane::Standard, 1, "count")).collect();
    let mut failures = 6;
    world.faults.judge_commits(move |_| {
        failures -= 1;
        if 0 <= failures { Verdict::Fail(BusError::Abort("a broker went away".into())) } else { Verdict::Commit }
    });
    settle_in_time(&world, &mut slot);
    assert_eq!(world.letters().len(), 0);
    let counted: Vec<String> = told.iter().zip(1..).map(|(tag, count)| format!("{tag}:{count}")).collect();
    assert_eq!(world.facts(1), counted);
}

#[test]
fn a_successor_that_cannot_be_committed_does_not_keep_a_lift_from_its_end() {
    // The mark that lifts a block decides what waited behind it. If that brings its turn down it is the successor that becomes a
    // letter, and those behind it wait for that one.
    let mut world = World::new();
    world.set_broken(true);
    let mut slot = world.join("one");
    world.tell(Lane::Standard, 1, "poison");
    let culprit = world.tell(Lane::Standard, 1, "count");
    let patient = world.tell(Lane::Standard, 1, "count");
    settle(&mut slot);
    allergic_to(&world, &format!("{culprit}:"), BusError::Abort("spoilt".into()));
    crate::parking::command(&world, &mut slot, CommandAction::DiscardLetter);
    settle_in_time(&world, &mut slot);
    let codes: Vec<Code> = world.letters().iter().map(|letter| letter.code).collect();
    assert_eq!(codes, [Code::Misdirected, Code::TurnFailed]);
    assert_eq!((slot.pending().blocked, slot.pending().parked), (1, 1));
    let tag = world.tell(Lane::Standard, 2, "count");
    settle_in_time(&world, &mut slot);
    assert_eq!(world.facts(2), [format!("{tag}:1")], "others go on");
    crate::parking::command(&world, &mut slot, CommandAction::DiscardLetter);
    settle_in_time(&world, &mut slot);
    assert_eq!(world.facts(1).last(), Some(&format!("{patient}:1")));
    assert_eq!((slot.pending().blocked, slot.pending().parked), (0, 0));
}
