//! Scenarios: given an operation that has come so far, when this happens, then that follows.

mod commands;
mod deadlines;
mod failures;
mod lanes;

use std::time::Duration;

use domain::messages::{DispatchTask, Lane, PartnerStatus};
use domain::partner::{Completion, Partner};
use domain::{CallResult, CallVerb, Code, EventBody, FailureClass, Message, OperationId, PartnerId, Timestamp};

use crate::fixture::{Bench, DUE_BY, completed, failed, operation_id, partner, pending, route, send, work};
use crate::memory::{Entry, Finish, Key, Phase};

const OPERATION: OperationId = OperationId([1; 16]);

/// An operation that was just sent to a partner.
fn sent(partner: Partner) -> Bench {
    let mut bench = Bench::new([partner]);
    bench.task(send());
    assert_eq!(bench.said(), [dispatched()]);
    bench
}

/// An operation the partner has accepted.
fn accepted(partner: Partner) -> Bench {
    let mut bench = sent(partner);
    bench.answer(pending(1_000));
    assert_eq!(bench.said(), [acknowledged()]);
    bench
}

fn poller() -> Partner {
    partner("a", Completion::Poll)
}

/// A partner of the kind that can do neither: a repetition may repeat the effect, and nobody can be asked.
fn forgetful() -> Partner {
    Partner { deduplicates: false, status_query: false, ..poller() }
}

fn dispatched() -> EventBody {
    EventBody::PartnerDispatched { operation_id: OPERATION, partner: PartnerId::from("a"), bucket: 0 }
}

fn acknowledged() -> EventBody {
    EventBody::Acknowledged { operation_id: OPERATION, reference: "ref-1".into() }
}

fn fulfilled() -> EventBody {
    let CallResult::Completed { manifest, received, .. } = completed() else { panic!("completed") };
    EventBody::Fulfilled { operation_id: OPERATION, manifest, received }
}

fn attempt_failed(attempt: u32, class: FailureClass, code: &str, retry_at: Option<Timestamp>) -> EventBody {
    EventBody::AttemptFailed { operation_id: OPERATION, attempt, class, code: code.into(), retry_at }
}

#[track_caller]
fn assert_finished(bench: &Bench, wanted: Finish) {
    match bench.entry(1) {
        Some(Entry::Ended { finish, .. }) => assert_eq!(*finish, wanted),
        other => panic!("not ended but {other:?}"),
    }
    assert!(bench.calls.is_empty());
    assert_eq!(bench.memory.get(&Key::Work(OPERATION)), None, "the sealed work is not kept longer than needed");
    assert_eq!(bench.load("a").outstanding, 0);
}

#[test]
fn an_immediate_partner_fulfils_with_its_first_answer() {
    let mut bench = sent(partner("a", Completion::Immediate));
    assert!(matches!(bench.calls[0].verb, CallVerb::Send { .. }));
    assert_eq!((bench.calls[0].attempt, bench.calls[0].deadline), (1, Timestamp(2_000)));
    assert_eq!(bench.operation(1).phase, Phase::Calling { lost_at: Timestamp(12_000) });
    bench.answer(completed());
    assert_eq!(bench.said(), [fulfilled()]);
    assert_finished(&bench, Finish::Fulfilled);
}

#[test]
fn a_polled_partner_is_asked_until_it_is_done() {
    let mut bench = accepted(poller());
    for poll in 1..=3 {
        assert_eq!(bench.next_timer().map(|(due, _)| due), Some(Timestamp(1_000 * poll)));
        bench.next();
        assert_eq!(bench.calls[0].verb, CallVerb::Poll { reference: "ref-1".into() });
        bench.answer(if poll < 3 { pending(1_000) } else { completed() });
    }
    assert_eq!(bench.said(), [fulfilled()], "acknowledged once");
    assert_finished(&bench, Finish::Fulfilled);
}

#[test]
fn a_callback_makes_us_look_and_is_not_believed_by_itself() {
    let mut bench = accepted(partner("a", Completion::Callback));
    assert_eq!(bench.next_timer().map(|(due, _)| due), Some(Timestamp(50_000)), "a lost callback is made up for");
    bench.callback(PartnerStatus::Accepted);
    assert!(bench.calls.is_empty(), "nothing new");
    bench.callback(PartnerStatus::Failed);
    bench.callback(PartnerStatus::Completed);
    assert_eq!(bench.calls.len(), 1);
    bench.answer(completed());
    bench.callback(PartnerStatus::Failed);
    assert_eq!(bench.said(), [fulfilled()]);
    assert_finished(&bench, Finish::Fulfilled);
}

#[test]
fn a_callback_during_a_call_is_not_forgotten() {
    let mut bench = sent(partner("a", Completion::Callback));
    bench.callback(PartnerStatus::Completed);
    assert_eq!(bench.said(), [acknowledged()]);
    bench.answer(pending(1_000));
    assert_eq!(bench.calls.len(), 1, "polled at once");
    bench.answer(pending(1_000));
    assert!(bench.calls.is_empty(), "once");
}

#[test]
fn a_callback_that_names_another_request_changes_nothing() {
    let mut bench = sent(partner("a", Completion::Callback));
    let before = bench.operation(1).clone();
    bench.callback_of(domain::RequestId([2; 16]), PartnerStatus::Completed);
    assert_eq!((bench.said(), bench.operation(1)), (vec![], &before), "its reference is another's too");
    bench.answer(pending(1_000));
    assert!(bench.calls.is_empty(), "nor is it a reason to look");
}

#[test]
fn a_callback_settles_an_unknown_outcome() {
    for at_review in [true, false] {
        let mut bench = sent(Partner { deduplicates: !at_review, ..forgetful() });
        bench.answer(failed(FailureClass::Timeout));
        bench.said();
        assert_eq!(matches!(bench.operation(1).phase, Phase::Unresolved { .. }), at_review);
        bench.callback(PartnerStatus::Completed);
        assert_eq!(bench.calls[0].verb, CallVerb::Poll { reference: "ref-1".into() });
        bench.answer(completed());
        assert_eq!(bench.said(), [acknowledged(), fulfilled()]);
    }
}

#[test]
fn the_same_operation_again_is_the_same_operation() {
    let mut bench = sent(poller());
    bench.task(send());
    assert_eq!((bench.calls.len(), bench.said().len()), (1, 0));
    bench.answer(completed());
    bench.said();
    bench.task(send());
    assert_eq!((bench.calls.len(), bench.said().len()), (0, 0));
    bench.until(Timestamp(7 * 86_400_000));
    assert_eq!(bench.entry(1), None, "forgotten once it can't be delivered again");
}

#[test]
fn an_answer_counts_for_the_call_it_answers_only() {
    let mut bench = sent(poller());
    let first = bench.calls[0].clone();
    bench.answer(pending(1_000));
    bench.next();
    bench.said();
    bench.answer_call(&first, completed());
    assert_eq!(bench.said(), []);
    assert_eq!(bench.load("a").outstanding, 1);
}

#[test]
fn what_exceeds_the_window_waits_its_turn_urgent_first() {
    let mut bench = Bench::new([poller()]);
    let lanes = [Lane::Bulk, Lane::Bulk, Lane::Bulk, Lane::Standard, Lane::Urgent, Lane::Urgent];
    for (number, lane) in (1..).zip(lanes) {
        bench.work(work(number, route("a"), lane, send()));
    }
    assert_eq!(bench.said().len(), 2, "dispatched when the call is made, not before");
    let mut order = Vec::new();
    while !bench.calls.is_empty() {
        assert!(bench.calls.len() <= 2);
        order.push(bench.calls[0].operation_id);
        bench.answer(completed());
    }
    assert_eq!(order, [1, 2, 5, 6, 4, 3].map(operation_id));
}

#[test]
fn one_partner_takes_no_slot_of_another() {
    let mut bench = Bench::new([poller(), partner("b", Completion::Poll)]);
    for number in 1..=4 {
        bench.work(work(number, route("a"), Lane::Urgent, send()));
    }
    bench.work(work(5, route("b"), Lane::Bulk, send()));
    assert_eq!(bench.calls.last().map(|call| call.operation_id), Some(operation_id(5)));
}

#[test]
fn no_time_is_spent_that_is_gone() {
    let exhausted =
        |attempts| EventBody::AttemptsExhausted { operation_id: OPERATION, attempts, class: FailureClass::Timeout };
    let mut late = Bench::new([poller()]);
    late.now = DUE_BY;
    late.task(send());
    assert_eq!(late.said(), [exhausted(0)]);
    assert_finished(&late, Finish::Exhausted);

    let mut slow = accepted(poller());
    slow.until(DUE_BY - Duration::from_secs(10));
    slow.answer(CallResult::Pending { reference: "ref-1".into(), retry_after: Some(Duration::from_secs(60)) });
    slow.next();
    assert_eq!(slow.now, DUE_BY - Duration::from_secs(2), "one more look while there is time for it");
    slow.answer(pending(60_000));
    slow.until(DUE_BY);
    assert_eq!(slow.said(), [exhausted(3)]);

    let mut queued = Bench::new([poller()]);
    queued.work(work(2, route("a"), Lane::Standard, send()));
    queued.work(work(3, route("a"), Lane::Standard, send()));
    queued.task(send());
    queued.said();
    queued.until(DUE_BY);
    assert_eq!(queued.said(), [exhausted(0)]);
    let (first, last) = Key::queue(&route("a"));
    assert!(!queued.memory.iter().any(|(key, _)| (&first..=&last).contains(&key)), "its place is given up");
}

#[test]
fn a_partner_nobody_knows_makes_a_letter() {
    let mut bench = Bench::new([poller()]);
    let lost = work(1, route("nobody"), Lane::Bulk, send());
    let poison = bench.message(Message::Dispatch(Box::new(lost))).expect_err("poison");
    assert_eq!((poison.class, poison.code), (FailureClass::Permanent, Code::PartnerUnknown));
}

#[test]
fn a_compensation_is_an_operation_of_its_own() {
    let mut bench = accepted(poller());
    bench.next();
    bench.answer(completed());
    bench.said();
    let undo = DispatchTask::Compensate { undoes: OPERATION, reference: None };
    bench.work(work(2, route("a"), Lane::Standard, undo));
    let reference = Some("ref-1".to_owned());
    assert_eq!(bench.calls[0].verb, CallVerb::Compensate { undoes: OPERATION, reference }, "remembered from its end");
    bench.answer(failed(FailureClass::Transport));
    bench.next();
    bench.answer(CallResult::Compensated);
    assert_eq!(bench.said()[1..], [EventBody::Compensated { operation_id: operation_id(2) }]);
}

#[test]
fn a_compensation_that_fails_says_so() {
    let refused = CallResult::Refused { class: FailureClass::BusinessRule, code: "not-now".into() };
    for result in [refused, failed(FailureClass::Authentication)] {
        let mut bench = Bench::new([poller()]);
        bench.task(DispatchTask::Compensate { undoes: operation_id(9), reference: Some("ref-9".into()) });
        bench.answer(result);
        assert!(matches!(
            bench.said()[..],
            [EventBody::AttemptFailed { .. }, EventBody::CompensationFailed { operation_id: OPERATION, .. }]
        ));
        assert_finished(&bench, Finish::CompensationFailed);
    }
}
