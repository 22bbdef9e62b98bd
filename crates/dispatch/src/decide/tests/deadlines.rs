//! Time that is given, time that is over, and consent that ends.

use domain::CommandId;
use domain::messages::{DispatchWork, Stage};

use super::commands::unresolved;
use super::*;
use crate::fixture::{COMMAND, cancel};

const DAY: Duration = Duration::from_secs(86_400);
/// As the supervisor gives it on release: the time of the hold does not count.
const LATER: Timestamp = Timestamp(DUE_BY.0 + 2 * 86_400_000);

fn hold() -> DispatchTask {
    DispatchTask::HoldDispatch { command_id: COMMAND }
}

/// What the supervisor sends with more time for operation 1.
fn with_time_until(due_by: Timestamp, task: DispatchTask) -> DispatchWork {
    let mut work = work(1, route("a"), Lane::Standard, task);
    work.context.due_by = due_by;
    work
}

fn release(due_by: Timestamp) -> DispatchWork {
    with_time_until(due_by, DispatchTask::ReleaseDispatch { command_id: COMMAND })
}

fn resolve(due_by: Timestamp, took_effect: bool) -> DispatchWork {
    with_time_until(due_by, DispatchTask::ResolveUnknown { command_id: COMMAND, took_effect })
}

fn exhausted(attempts: u32, class: FailureClass) -> EventBody {
    EventBody::AttemptsExhausted { operation_id: OPERATION, attempts, class }
}

#[test]
fn a_release_after_the_first_deadline_goes_on_with_the_time_it_brings() {
    let mut early = Bench::new([poller()]);
    early.task(hold());
    early.task(send());
    let mut waiting = accepted(poller());
    waiting.task(hold());
    let mut behind = Bench::new([poller()]);
    behind.work(work(2, route("a"), Lane::Standard, send()));
    behind.work(work(3, route("a"), Lane::Standard, send()));
    behind.task(send());
    behind.task(hold());
    behind.answer(completed());
    behind.answer(completed());
    for mut bench in [early, waiting, behind] {
        bench.said();
        bench.until(DUE_BY + DAY);
        assert_eq!((bench.said(), bench.calls.len()), (vec![], 0), "a hold suspends the clock");
        bench.work(release(LATER));
        assert_eq!((bench.calls.len(), bench.calls[0].context.due_by), (1, LATER));
        bench.answer(completed());
        assert_eq!(bench.said().last(), Some(&fulfilled()));
    }
}

#[test]
fn no_call_may_take_longer_than_its_request() {
    let mut bench = accepted(poller());
    bench.now = DUE_BY - Duration::from_millis(500);
    bench.next();
    assert_eq!(bench.calls[0].deadline, DUE_BY, "a whole timeout would end later");
}

#[test]
fn a_call_that_is_answered_while_held_past_its_deadline_waits_for_its_release() {
    for result in [failed(FailureClass::Transport), failed(FailureClass::Timeout), pending(1_000)] {
        let mut bench = sent(poller());
        bench.task(hold());
        bench.now = DUE_BY + DAY;
        bench.answer(result);
        assert_eq!(bench.operation(1).phase, Phase::Held {});
        bench.work(release(LATER));
        bench.answer(completed());
        assert_finished(&bench, Finish::Fulfilled);
    }
}

#[test]
fn a_release_lets_a_queued_operation_wait_longer_and_never_shorter() {
    let mut bench = Bench::new([poller()]);
    bench.work(work(2, route("a"), Lane::Standard, send()));
    bench.work(work(3, route("a"), Lane::Standard, send()));
    bench.task(send());
    bench.work(release(LATER));
    bench.work(release(DUE_BY));
    assert_eq!(bench.operation(1).phase, Phase::Queued { place: 0, due_by: LATER });
    bench.said();
    bench.until(LATER);
    assert_eq!(bench.said(), [exhausted(0, FailureClass::Timeout)]);
}

#[test]
fn what_a_person_resolves_after_the_deadline_is_still_fetched() {
    let mut bench = unresolved(poller());
    bench.until(DUE_BY + DAY);
    bench.work(resolve(LATER, true));
    assert_eq!(bench.calls[0].verb, CallVerb::Query);
    bench.answer(completed());
    assert_eq!(bench.said(), [fulfilled()]);

    let mut bench = unresolved(forgetful());
    bench.until(DUE_BY + DAY);
    bench.work(resolve(LATER, false));
    assert!(matches!(bench.calls[0].verb, CallVerb::Send { .. }));
}

#[test]
fn an_unresolved_operation_is_given_up_in_the_end() {
    let mut bench = unresolved(forgetful());
    bench.until(DUE_BY + 30 * DAY);
    assert_eq!(bench.said(), [exhausted(1, FailureClass::OutcomeUnknown)]);
    assert_finished(&bench, Finish::Exhausted);

    let mut bench = Bench::new([forgetful()]);
    bench.task(DispatchTask::Compensate { undoes: operation_id(9), reference: Some("ref-9".into()) });
    bench.answer(CallResult::Lost);
    bench.said();
    bench.until(DUE_BY + 30 * DAY);
    let class = FailureClass::OutcomeUnknown;
    assert_eq!(bench.said(), [EventBody::CompensationFailed { operation_id: OPERATION, class }]);
    assert_finished(&bench, Finish::CompensationFailed);
}

#[test]
fn once_the_request_is_over_an_unresolved_operation_waits_for_a_late_callback_and_no_longer() {
    let stop = DispatchTask::CancelDispatch { command_id: CommandId::of_stop(domain::RequestId([1; 16])) };
    let mut settled = unresolved(forgetful());
    settled.task(stop.clone());
    let mut met_a_call = sent(forgetful());
    met_a_call.task(stop);
    met_a_call.answer(failed(FailureClass::Timeout));
    for mut bench in [settled, met_a_call] {
        let answered = EventBody::CancelFailed {
            command_id: CommandId::of_stop(domain::RequestId([1; 16])),
            code: Code::OutcomeUnknownUnresolved,
        };
        assert_eq!(bench.said().last(), Some(&answered));
        bench.until(Timestamp(7 * 86_400_000) - Duration::from_millis(1));
        assert!(bench.is_unresolved());
        bench.until(Timestamp(7 * 86_400_000));
        assert_finished(&bench, Finish::Exhausted);
        bench.until(Timestamp(14 * 86_400_000));
        assert_eq!(bench.entry(1), None);
    }
    let mut by_a_person = unresolved(forgetful());
    by_a_person.task(cancel());
    by_a_person.until(Timestamp(8 * 86_400_000));
    assert!(by_a_person.is_unresolved(), "an open request waits for its answer");
}

#[test]
fn what_was_stopped_is_not_sent_again_whatever_a_person_finds_out() {
    let stop = CommandId::of_stop(domain::RequestId([1; 16]));
    let mut settled = unresolved(forgetful());
    settled.task(DispatchTask::CancelDispatch { command_id: stop });
    let mut met_a_call = sent(forgetful());
    met_a_call.task(DispatchTask::CancelDispatch { command_id: stop });
    met_a_call.answer(failed(FailureClass::Timeout));
    let mut met_a_cancel = sent(forgetful());
    met_a_cancel.task(cancel());
    met_a_cancel.task(DispatchTask::CancelDispatch { command_id: stop });
    met_a_cancel.answer(failed(FailureClass::Timeout));
    for mut bench in [settled, met_a_call, met_a_cancel] {
        bench.said();
        bench.work(resolve(DUE_BY, false));
        assert_eq!(bench.said(), [EventBody::Cancelled { command_id: stop, stage: Stage::Dispatch }]);
        assert!(bench.calls.is_empty());
        assert_finished(&bench, Finish::Cancelled);
    }
}

#[test]
fn nothing_is_disclosed_once_the_consent_has_ended() {
    let consented = |end: Timestamp, task: DispatchTask| {
        let mut work = work(1, route("a"), Lane::Standard, task);
        work.context.consent_end = Some(end);
        work
    };
    let last = Timestamp(1_000);
    let mut held = Bench::new([poller()]);
    held.task(hold());
    held.work(consented(last, send()));
    held.now = last + Duration::from_millis(1);
    held.work(release(DUE_BY));
    assert_eq!(held.said(), [exhausted(0, FailureClass::Authorisation)]);
    assert!(held.calls.is_empty());
    assert_finished(&held, Finish::Exhausted);

    let mut failing = Bench::new([poller()]);
    failing.work(consented(last, send()));
    failing.answer(CallResult::Failed {
        class: FailureClass::Throttled,
        code: "busy".into(),
        retry_after: Some(Duration::from_secs(2)),
    });
    failing.next();
    assert_eq!(failing.said().last(), Some(&exhausted(1, FailureClass::Authorisation)), "a retry is a disclosure too");

    let mut asked = Bench::new([poller()]);
    asked.now = last;
    asked.work(consented(last, send()));
    asked.answer(pending(5_000));
    asked.next();
    asked.answer(completed());
    assert_eq!(asked.said().last(), Some(&fulfilled()), "what was asked in time is fetched");

    let mut undoing = Bench::new([poller()]);
    undoing.now = last + DAY / 100;
    undoing.work(consented(last, DispatchTask::Compensate { undoes: operation_id(9), reference: None }));
    assert_eq!(undoing.calls.len(), 1, "undoing discloses nothing");
}
