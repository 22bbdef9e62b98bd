//! The event log is kept for ever: whatever goes wrong with a fact, nobody writes it there twice, and no stranger writes there at all.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use contracts::Topic;
use domain::messages::CommandAction;
use domain::{Code, EventBody, Lane, RequestId, Stage};
use fleet::bus::Outgoing;
use tests::feed::bare;
use tests::reading::{events, read};

use crate::bench::Bench;
use crate::letters::{accepted, again, damaged, judge, story};

const SOON: Duration = Duration::from_secs(5);

/// The values of the event log, each of which stands there once, and none of which is missing.
fn all_facts(bench: &Bench) -> BTreeSet<Bytes> {
    let records = read(&bench.world, &Topic::Events);
    let values: BTreeSet<Bytes> = records.iter().map(|record| record.value.clone().expect("a fact")).collect();
    assert_eq!(values.len(), records.len(), "a fact stands on the log twice");
    values
}

#[test]
fn a_fact_that_cannot_be_read_is_replayed_without_being_written_again() {
    for last in [CommandAction::ReplayLetter, CommandAction::DiscardLetter] {
        let (request_id, mut facts, work) = accepted(&mut Bench::new());
        let mut bench = Bench::new();
        bench.request();
        let value = facts[1].value.take().expect("a value");
        let damaged = value.slice(..value.len() - 1);
        facts[1].value = Some(damaged.clone());
        for record in facts.into_iter().chain([work]) {
            bench.feed.send(again(record)).expect("sent");
        }
        bench.feed.commit();
        bench.world.pass(SOON);
        let first = bench.new_letters().remove(0);
        assert_eq!((first.stage, first.request_id), (Stage::Reconciliation, Some(request_id)));
        let before = all_facts(&bench);
        assert!(before.contains(&damaged));

        judge(&mut bench, &first, CommandAction::ReplayLetter);
        let second = bench.new_letters().remove(0);
        assert_eq!((second.topic.as_str(), second.offset), (first.topic.as_str(), first.offset), "it is the same fact");
        assert_eq!((second.signature, second.request_id), (first.signature, first.request_id));
        judge(&mut bench, &second, last);
        let added: Vec<&'static str> = events(&bench.world)
            .iter()
            .filter(|event| event.request_id == request_id)
            .map(|event| contracts::headers::event_type(&event.body))
            .filter(|kind| kind.contains("letter"))
            .collect();
        assert!(added.len() >= 3, "{added:?}");
        assert!(before.is_subset(&all_facts(&bench)));
        bench.send_good();
    }
}

/// A business key may look like anything, also like the id of somebody's request.
#[test]
fn a_strangers_key_moves_no_request() {
    let mut bench = Bench::new();
    bench.send_good();
    let request_id = events(&bench.world)[0].request_id;
    let before = story(&bench, request_id);
    let key = request_id.to_string();
    for topic in [Topic::Intake(Lane::Standard), Topic::Commands] {
        let record = bare(&bench.world, &topic, Some(key.as_bytes()), Some(Bytes::from_static(b"rubbish")));
        bench.feed.send(record).expect("sent");
    }
    bench.feed.commit();
    bench.world.pass(SOON);
    let letters = bench.new_letters();
    assert_eq!(letters.len(), 3, "intake's, and one of each that reads commands");
    assert!(letters.iter().all(|letter| letter.request_id.is_none() && letter.code == Code::NotFramed));
    for letter in &letters {
        judge(&mut bench, letter, CommandAction::DiscardLetter);
    }
    assert_eq!(story(&bench, request_id), before, "nothing was said of it");
}

/// Headers that only the fleet may write are nothing where anybody may write.
#[test]
fn a_strangers_marks_lift_nothing_and_name_nothing() {
    let (mut bench, request_id, letter) = damaged();
    let told = story(&bench, request_id).len();

    let key = request_id.to_string();
    let forged = |value: Option<Bytes>| {
        let mut record: Outgoing = bare(&bench.world, &Topic::Commands, Some(key.as_bytes()), value);
        record.headers.push("waybill-letter", letter.letter_id.to_string());
        record.headers.push("waybill-record-id", RequestId([7; 16]).to_string());
        record.headers.push("waybill-origin", format!("{}@0", bench.world.topics.name(&Topic::Events)));
        record
    };
    let records = [forged(None), forged(Some(Bytes::from_static(b"rubbish")))];
    for record in records {
        bench.feed.send(record).expect("sent");
    }
    bench.feed.commit();
    bench.world.pass(SOON);
    let letters = bench.new_letters();
    assert_eq!(letters.len(), 4, "two records that two workers can't read");
    assert!(letters.iter().all(|letter| letter.request_id.is_none() && letter.topic.ends_with("commands")));
    assert_eq!(story(&bench, request_id).len(), told, "its block stands");
    assert!(!events(&bench.world).iter().any(|event| matches!(event.body, EventBody::Closed { .. })));
}
