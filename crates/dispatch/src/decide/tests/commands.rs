//! Every command, wherever the operation stands.

use domain::messages::{CommandAction, Manifest, ReceivedData, Stage, Workflow};

use super::*;
use crate::fixture::{COMMAND, cancel};

fn cancelled() -> EventBody {
    EventBody::Cancelled { command_id: COMMAND, stage: Stage::Dispatch }
}

fn cancel_failed(code: Code) -> EventBody {
    EventBody::CancelFailed { command_id: COMMAND, code }
}

fn hold() -> DispatchTask {
    DispatchTask::HoldDispatch { command_id: COMMAND }
}

fn release() -> DispatchTask {
    DispatchTask::ReleaseDispatch { command_id: COMMAND }
}

fn resolve(took_effect: bool) -> DispatchTask {
    DispatchTask::ResolveUnknown { command_id: COMMAND, took_effect }
}

/// An operation that waits behind two others.
fn queued() -> Bench {
    let mut bench = Bench::new([poller()]);
    bench.work(work(2, route("a"), Lane::Standard, send()));
    bench.work(work(3, route("a"), Lane::Standard, send()));
    bench.task(send());
    bench.said();
    bench
}

/// An operation at a partner that can neither deduplicate nor be asked, after an answer that did not come: a person has to find out.
pub(super) fn unresolved(partner: Partner) -> Bench {
    let mut bench = sent(partner);
    bench.answer(failed(FailureClass::Timeout));
    while !bench.is_unresolved() {
        bench.next();
        bench.answer(failed(FailureClass::Authentication));
    }
    bench.said();
    bench
}

#[test]
fn what_has_had_no_effect_is_cancelled_at_once() {
    let mut waiting = sent(poller());
    waiting.answer(failed(FailureClass::Transport));
    let mut held = Bench::new([poller()]);
    held.task(hold());
    held.task(send());
    for mut bench in [queued(), waiting, held] {
        bench.said();
        bench.calls.retain(|call| call.operation_id != OPERATION);
        bench.task(cancel());
        assert_eq!(bench.said(), [cancelled()]);
        assert!(matches!(bench.entry(1), Some(Entry::Ended { finish: Finish::Cancelled, .. })));
        while !bench.calls.is_empty() {
            bench.answer(completed());
        }
        assert_finished(&bench, Finish::Cancelled);
    }
}

#[test]
fn a_cancel_that_meets_a_call_waits_for_its_answer() {
    let cases: [(CallResult, &[EventBody]); 5] = [
        (completed(), &[cancel_failed(Code::EffectTookPlace), fulfilled()]),
        (
            failed(FailureClass::Transport),
            &[attempt_failed(1, FailureClass::Transport, "some-code", None), cancelled()],
        ),
        (
            failed(FailureClass::BusinessRule),
            &[attempt_failed(1, FailureClass::BusinessRule, "some-code", None), cancelled()],
        ),
        (
            failed(FailureClass::Authentication),
            &[attempt_failed(1, FailureClass::Authentication, "some-code", None), cancelled()],
        ),
        (CallResult::Cancelled, &[cancelled()]),
    ];
    for (result, wanted) in cases {
        let mut bench = sent(poller());
        bench.task(cancel());
        bench.task(cancel());
        assert_eq!(bench.said(), []);
        bench.answer(result);
        assert_eq!(bench.said(), wanted);
    }
}

#[test]
fn what_was_accepted_is_taken_back_at_the_partner() {
    let mut met_a_call = sent(poller());
    met_a_call.task(cancel());
    met_a_call.answer(pending(1_000));
    let mut waiting = accepted(poller());
    waiting.task(cancel());
    let mut polling = accepted(poller());
    polling.next();
    polling.task(cancel());
    polling.answer(failed(FailureClass::Transport));
    polling.next();
    for mut bench in [met_a_call, waiting, polling] {
        bench.said();
        assert_eq!(bench.calls[0].verb, CallVerb::Cancel { reference: Some("ref-1".into()) });
        bench.answer(failed(FailureClass::Timeout));
        assert!(matches!(bench.said()[..], [EventBody::AttemptFailed { .. }]), "a cancel is safe to repeat");
        bench.next();
        bench.answer(CallResult::Cancelled);
        assert_eq!(bench.said(), [cancelled()]);
        assert_finished(&bench, Finish::Cancelled);
    }
}

#[test]
fn a_cancel_that_fails_lets_the_operation_go_on() {
    let exhausting = [failed(FailureClass::Authorisation)];
    let cases = [
        (CallResult::CancelTooLate, Code::EffectTookPlace),
        (CallResult::Refused { class: FailureClass::Permanent, code: "unsupported".into() }, Code::PartnerRefused),
        (exhausting[0].clone(), Code::AttemptsExhausted),
    ];
    for (result, code) in cases {
        let mut bench = accepted(poller());
        bench.task(cancel());
        bench.answer(result);
        assert!(bench.said().contains(&cancel_failed(code)));
        bench.answer(completed());
        assert_eq!(bench.said(), [fulfilled()]);
    }
}

#[test]
fn a_cancel_that_was_given_up_leaves_the_polls_all_their_attempts() {
    let mut bench = accepted(poller());
    bench.task(cancel());
    for _ in 0..3 {
        bench.answer(failed(FailureClass::Schema));
        bench.next();
    }
    bench.answer(failed(FailureClass::Schema));
    assert!(bench.said().contains(&cancel_failed(Code::AttemptsExhausted)));
    for _ in 0..3 {
        assert!(matches!(bench.calls[0].verb, CallVerb::Poll { .. }));
        bench.answer(failed(FailureClass::Schema));
        bench.next();
    }
    bench.answer(completed());
    assert_finished(&bench, Finish::Fulfilled);
}

#[test]
fn a_cancel_that_meets_the_last_attempt_of_what_was_accepted_is_answered() {
    let mut bench = accepted(poller());
    bench.next();
    bench.task(cancel());
    let class = FailureClass::Authentication;
    bench.answer(failed(class));
    let spent = EventBody::AttemptsExhausted { operation_id: OPERATION, attempts: 2, class };
    let last = attempt_failed(2, class, "some-code", None);
    assert_eq!(bench.said(), [last, cancel_failed(Code::AttemptsExhausted), spent]);
    assert_finished(&bench, Finish::Exhausted);
}

#[test]
fn an_unknown_outcome_is_found_out_before_it_is_cancelled() {
    let cases = [(CallResult::NotFound, cancelled()), (completed(), cancel_failed(Code::EffectTookPlace))];
    for (result, wanted) in cases {
        let mut bench = sent(poller());
        bench.answer(failed(FailureClass::Timeout));
        bench.said();
        bench.task(cancel());
        assert_eq!(bench.said(), []);
        bench.next();
        assert_eq!(bench.calls[0].verb, CallVerb::Query);
        bench.answer(result);
        assert_eq!(bench.said()[0], wanted);
    }
    let mut bench = unresolved(forgetful());
    bench.task(cancel());
    assert_eq!(bench.said(), [cancel_failed(Code::OutcomeUnknownUnresolved)]);
}

#[test]
fn after_the_end_nothing_can_be_cancelled() {
    let mut bench = sent(poller());
    bench.answer(completed());
    bench.said();
    bench.task(cancel());
    bench.task(hold());
    assert_eq!(bench.said(), [cancel_failed(Code::EffectTookPlace)]);
    assert_finished(&bench, Finish::Fulfilled);
}

#[test]
fn a_cancel_may_overtake_its_operation() {
    let mut bench = Bench::new([poller()]);
    bench.task(cancel());
    assert_eq!(bench.said(), []);
    bench.task(send());
    assert_eq!(bench.said(), [cancelled()]);
    assert_finished(&bench, Finish::Cancelled);

    let mut bench = Bench::new([poller()]);
    bench.task(cancel());
    bench.until(Timestamp(7 * 86_400_000));
    assert!(bench.memory.is_empty(), "nothing ever came");
}

#[test]
fn a_held_operation_makes_no_new_call_until_released() {
    let mut early = Bench::new([poller()]);
    early.task(hold());
    early.task(send());
    let mut waiting = accepted(poller());
    waiting.task(hold());
    let mut calling = sent(poller());
    calling.task(hold());
    calling.answer(pending(1_000));
    let mut behind = queued();
    behind.task(hold());
    behind.answer(completed());
    behind.answer(completed());
    for mut bench in [early, waiting, calling, behind] {
        bench.until(DUE_BY - Duration::from_secs(60));
        assert!(bench.calls.is_empty(), "{:?}", bench.calls);
        bench.callback(PartnerStatus::Completed);
        assert!(bench.calls.is_empty());
        bench.task(release());
        assert_eq!(bench.calls.len(), 1);
        bench.answer(completed());
        assert_finished(&bench, Finish::Fulfilled);
    }
}

#[test]
fn a_cancel_lifts_a_hold() {
    let mut bench = accepted(poller());
    bench.task(hold());
    bench.task(cancel());
    bench.answer(CallResult::Cancelled);
    assert_eq!(bench.said(), [cancelled()]);

    let mut bench = sent(poller());
    bench.task(hold());
    bench.task(cancel());
    bench.answer(pending(1_000));
    assert!(matches!(bench.calls[0].verb, CallVerb::Cancel { .. }));
}

#[test]
fn a_cancel_has_time_though_the_hold_that_it_lifts_was_long() {
    // The supervisor gives the time of the hold back, as with a release.
    let mut bench = accepted(poller());
    bench.task(hold());
    bench.until(DUE_BY + Duration::from_secs(86_400));
    let mut cancelled_work = work(1, route("a"), Lane::Standard, cancel());
    cancelled_work.context.due_by = bench.now + Duration::from_secs(60);
    bench.work(cancelled_work);
    bench.answer(CallResult::Cancelled);
    assert_eq!(bench.said(), [cancelled()]);
}

#[test]
fn what_is_being_taken_back_is_not_held() {
    // A hold that comes after the cancel would leave it standing for ever.
    let mut bench = accepted(poller());
    bench.task(cancel());
    bench.task(hold());
    bench.answer(failed(FailureClass::Timeout));
    bench.next();
    bench.answer(CallResult::Cancelled);
    assert_finished(&bench, Finish::Cancelled);
}

#[test]
fn a_release_without_a_hold_leaves_no_trace() {
    let mut bench = Bench::new([poller()]);
    bench.task(release());
    bench.task(hold());
    bench.task(release());
    assert!(bench.memory.is_empty());
}

#[test]
fn a_person_says_that_nothing_happened_and_it_is_sent_again() {
    let mut bench = unresolved(forgetful());
    bench.task(resolve(false));
    assert!(matches!(bench.calls[0].verb, CallVerb::Send { .. }));
    bench.answer(completed());
    assert_eq!(bench.said(), [fulfilled()]);
}

#[test]
fn a_person_says_that_it_happened_and_the_result_is_fetched_where_it_can_be() {
    let mut bench = unresolved(poller());
    bench.task(resolve(true));
    assert_eq!(bench.calls[0].verb, CallVerb::Query);
    bench.answer(CallResult::NotFound);
    assert!(bench.calls.is_empty(), "what a person has confirmed is not sent again");
    assert_finished(&bench, Finish::Exhausted);

    let mut bench = unresolved(Partner { status_query: false, ..poller() });
    bench.task(resolve(true));
    assert!(matches!(bench.calls[0].verb, CallVerb::Send { .. }), "the partner repeats its answer, not the effect");

    let mut bench = unresolved(forgetful());
    bench.task(resolve(true));
    let class = FailureClass::OutcomeUnknown;
    assert_eq!(bench.said(), [EventBody::AttemptsExhausted { operation_id: OPERATION, attempts: 1, class }]);
    assert_finished(&bench, Finish::Exhausted);
}

#[test]
fn with_the_answer_of_a_person_attempts_count_anew() {
    for took_effect in [true, false] {
        let mut bench = sent(Partner { status_query: false, ..poller() });
        for _ in 0..3 {
            bench.answer(failed(FailureClass::Schema));
            bench.next();
        }
        bench.answer(failed(FailureClass::Schema));
        assert!(bench.is_unresolved(), "all attempts are spent");
        bench.task(resolve(took_effect));
        for _ in 0..3 {
            bench.answer(failed(FailureClass::Transport));
            bench.next();
        }
        bench.answer(completed());
        assert_finished(&bench, Finish::Fulfilled);
    }
}

#[test]
fn where_no_data_is_expected_the_effect_is_the_fulfilment() {
    let mut bench = Bench::new([forgetful()]);
    let mut reversal = work(1, route("a"), Lane::Standard, send());
    reversal.context.workflow = Workflow::Reversal;
    bench.work(reversal);
    bench.answer(CallResult::Lost);
    bench.said();
    bench.task(resolve(true));
    let (manifest, received) = (Manifest::default(), ReceivedData::default());
    assert_eq!(bench.said(), [EventBody::Fulfilled { operation_id: OPERATION, manifest, received }]);
}

#[test]
fn an_unknown_compensation_is_settled_by_a_person() {
    for took_effect in [true, false] {
        let mut bench = Bench::new([forgetful()]);
        bench.task(DispatchTask::Compensate { undoes: operation_id(9), reference: Some("ref-9".into()) });
        bench.answer(CallResult::Lost);
        bench.said();
        bench.task(resolve(took_effect));
        if !took_effect {
            assert!(matches!(bench.calls[0].verb, CallVerb::Compensate { .. }));
            bench.answer(CallResult::Compensated);
        }
        assert_eq!(bench.said(), [EventBody::Compensated { operation_id: OPERATION }]);
        bench.task(cancel());
        assert_eq!(bench.said(), [cancel_failed(Code::NotInThisState)]);
    }
}

#[test]
fn what_is_not_unknown_can_not_be_resolved() {
    let action = CommandAction::ResolveUnknown;
    let refused = EventBody::CommandRefused { command_id: COMMAND, action, code: Code::NotInThisState, operator: None };
    let mut ended = sent(poller());
    ended.answer(completed());
    for mut bench in [Bench::new([poller()]), sent(poller()), ended] {
        bench.said();
        bench.task(resolve(true));
        assert_eq!(bench.said(), std::slice::from_ref(&refused));
    }
}
