//! Following the log: exactly once, whatever fails.

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use domain::{EventBody, RequestId, Trace};
use projections::queries::{accounts, attention, request, timeline};
use projections::rebuild;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::anything;
use crate::engine;
use crate::history::{self, event, received};
use crate::stage::Theatre;

/// Runs a property over seeds that never change.
pub(crate) fn seeded<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    if let Err(failure) = runner.run(&strategy, test) {
        panic!("{failure}");
    }
}

/// A future that is ready when it is looked at for the `count`-th time.
async fn looked_at(mut count: u32) {
    poll_fn(|_| {
        count = count.saturating_sub(1);
        if count == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Whatever is going on when a projector is stopped, reading, half a transaction or its commit, the next one goes on from what is
/// committed.
#[test]
fn a_projector_stopped_anywhere_loses_nothing_and_repeats_nothing() {
    seeded(12, (anything::history(), 1..20_usize), |(history, records)| {
        let mut theatre = Theatre::new(3);
        let events = i64::try_from(history.len()).expect("a short history");
        theatre.log.append(history);
        for moment in 1..40 {
            let (projector, mut status) = theatre.projector(records);
            let end = theatre.end();
            theatre.run(projector.run(async {
                tokio::select! {
                    () = looked_at(moment) => {}
                    _ = status.wait_for(|status| status.next == end) => {}
                }
            }));
        }
        theatre.catch_up(records);
        let account = theatre.run(accounts::of_log(&theatre.database)).expect("an answer");
        prop_assert_eq!(account.events, events);
        let report = theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {}));
        prop_assert!(report.is_ok(), "{:?}", report);
        Ok(())
    });
}

#[test]
fn what_cannot_be_read_is_a_row_and_nobody_waits_behind_it() {
    let mut theatre = Theatre::new(1);
    let lost = history::request(1);
    theatre.log.append([event(lost, 0, received(1))]);
    append_value(&mut theatre, lost, Some(Bytes::from_static(b"rubbish")));
    append_value(&mut theatre, lost, None);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 2));
    let status = theatre.catch_up(100);
    assert_eq!((status.records, status.unreadable), (10, 2));
    let gaps = theatre.run(timeline::gaps(&theatre.database, lost)).expect("an answer");
    let codes: Vec<_> = gaps.iter().map(|gap| (gap.log_offset, gap.code.as_str())).collect();
    assert_eq!(codes, [(1, "not-framed"), (2, "value-missing")]);
    let next =
        theatre.run(request::by_id(&theatre.database, history::request(2))).expect("an answer").expect("a request");
    assert_eq!(next.state, "closed");
}

#[test]
fn an_event_away_from_its_requests_partition_has_no_place_in_its_story() {
    let mut theatre = Theatre::new(2);
    let (id, trace) = (Default::default(), Trace::default());
    let mut record = theatre.log.postman.event(event(history::request(1), 0, received(1)), id, trace).expect("it fits");
    record.partition = 1 - record.partition;
    theatre.log.producer.send(record).expect("room");
    theatre.log.producer.commit(None).expect("a commit");
    assert_eq!(theatre.catch_up(10).unreadable, 1);
    assert_eq!(theatre.run(request::by_id(&theatre.database, history::request(1))).expect("an answer"), None);
}

/// Two acceptances under one key may be two requests, or one request accepted twice: both are alarms on both sides, and neither
/// stops anything.
#[test]
fn a_key_bound_twice_raises_alarms_and_stops_nothing() {
    let mut theatre = Theatre::new(4);
    theatre.log.append([event(history::request(1), 0, received(1)), event(history::request(2), 0, received(1))]);
    theatre.log.append([event(history::request(3), 0, received(3)), event(history::request(3), 1, received(3))]);
    theatre.log.append([event(history::request(4), 0, received(4))]);
    assert_eq!(theatre.catch_up(1).alarms, 4);
    let alarms = theatre.run(attention::alarms(&theatre.database, 10)).expect("an answer");
    let mut requests: Vec<_> =
        alarms.iter().map(|alarm| alarm.request_id.parse::<RequestId>().expect("an id")).collect();
    let mut wanted = [1, 2, 3, 3].map(history::request);
    requests.sort();
    wanted.sort();
    assert_eq!(requests, wanted);
    assert!(alarms.iter().all(|alarm| alarm.kind == "key_bound_twice"));
    let accounts = theatre.run(accounts::by_source(&theatre.database)).expect("an answer");
    assert_eq!(accounts[0].accepted, 4);
}

/// The trigger stands for whatever makes a database refuse: a full disk, a lost connection.
#[test]
fn a_database_that_fails_is_waited_out() {
    let mut theatre = Theatre::new(2);
    let codec = theatre.log.codec.clone();
    theatre.sql(engine::REFUSE);
    theatre.log.append((0..20).flat_map(|number| history::fulfilled(&codec, number)));
    let mut live = theatre.live(50);
    let failing = theatre.run(live.status.wait_for(|status| status.failing.is_some())).expect("it runs").clone();
    assert_eq!(failing.records, 0);
    theatre.sql(engine::ALLOW);
    let status = theatre.reach_end(&mut live);
    assert_eq!((status.records, status.failing), (140, None));
    theatre.stop(live);
    let accounts = theatre.run(accounts::by_source(&theatre.database)).expect("an answer");
    assert_eq!((accounts[0].accepted, accounts[0].fulfilled, accounts[0].open), (20, 20, 0));
}

/// Nobody should start two. In a file each finds what the other wrote in its way, and begins again from what is committed; in a
/// schema one of them waits until the other one has ended.
#[test]
fn two_projectors_on_one_database_project_nothing_twice() {
    let mut theatre = Theatre::new(3);
    let codec = theatre.log.codec.clone();
    let (mut one, mut other) = (theatre.live(16), theatre.live_elsewhere(16));
    for first in (0..200).step_by(20) {
        theatre.log.append((first..first + 20).flat_map(|number| history::fulfilled(&codec, number)));
    }
    theatre.reach_end(&mut one);
    theatre.reach_end(&mut other);
    theatre.stop(one);
    theatre.stop(other);
    let account = theatre.run(accounts::of_log(&theatre.database)).expect("an answer");
    assert_eq!((account.events, account.anomalies), (1_400, 0));
    theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect("both are equal");
}

/// An acceptance that comes after a dead letter of the same request fills in columns that otherwise never change.
#[test]
fn an_acceptance_that_comes_late_is_found_by_all_its_indexes() {
    let mut theatre = Theatre::new(1);
    let (request_id, operator) = (history::request(1), "jo".into());
    let letter_id = Default::default();
    let (class, code) = (domain::FailureClass::Defect, domain::Code::DecidePanicked);
    let lettered = EventBody::DeadLettered { letter_id, class, code, signature: Default::default() };
    let replayed = EventBody::LetterReplayed { letter_id, command_id: Default::default(), operator };
    theatre.log.append([event(request_id, 0, lettered)]);
    theatre.catch_up(1);
    theatre.log.append([event(request_id, 1, replayed), event(request_id, 2, received(1))]);
    theatre.catch_up(1);
    let EventBody::Received { exchange_id, .. } = received(1) else { panic!("no receipt") };
    let found = theatre.run(projections::queries::exchange::requests(&theatre.database, exchange_id));
    assert_eq!(found.expect("an answer").len(), 1);
    theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect("both are equal");
}

/// A process without a projector brings its database up to date when it is asked; one that has nothing to do changes nothing.
#[test]
fn catching_up_goes_on_from_what_is_committed() {
    let mut theatre = Theatre::new(3);
    let codec = theatre.log.codec.clone();
    for request in 1..6 {
        theatre.log.append(history::fulfilled(&codec, request));
        let (projector, status) = theatre.projector(2);
        assert!(!status.borrow().covers(&theatre.end()));
        theatre.run(projector.catch_up()).expect("the log is there");
        assert!(status.borrow().covers(&theatre.end()), "{:?}", status.borrow());
        assert_eq!(status.borrow().behind(&theatre.end()), 0);
        let (idle, status) = theatre.projector(2);
        theatre.run(idle.catch_up()).expect("the log is there");
        assert_eq!(status.borrow().records, 0, "there was nothing left");
    }
    theatre.run(rebuild(&theatre.log.log(), &theatre.database, |_| {})).expect("both are equal");
}

fn append_value(theatre: &mut Theatre, request_id: RequestId, value: Option<Bytes>) {
    let (id, trace) = (Default::default(), Trace::default());
    let record = theatre.log.postman.event(event(request_id, 0, received(1)), id, trace).expect("it fits");
    theatre.log.producer.send(fleet::bus::Outgoing { value, ..record }).expect("room");
    theatre.log.producer.commit(None).expect("a commit");
}
