//! Each failure class, on each kind of partner.

use domain::lifecycle::event::Resolution;

use super::*;
use crate::memory::{Breaker, Effect, Step};

fn unknown(attempt: u32, resolution: Resolution) -> EventBody {
    EventBody::OutcomeUnknown { operation_id: OPERATION, attempt, resolution }
}

fn exhausted(attempts: u32, class: FailureClass) -> EventBody {
    EventBody::AttemptsExhausted { operation_id: OPERATION, attempts, class }
}

/// What follows when a send, to this kind of partner, fails with this class: the events, and the step that is next.
fn after(class: FailureClass, partner: Partner) -> (Vec<EventBody>, Option<Step>) {
    let mut bench = sent(partner);
    bench.answer(failed(class));
    let waits = bench.memory.iter().find_map(|(_, entry)| match entry {
        Entry::Underway { operation } if matches!(operation.phase, Phase::Waiting { .. }) => Some(operation.step),
        Entry::Underway { .. }
        | Entry::Asked { .. }
        | Entry::Ended { .. }
        | Entry::Early { .. }
        | Entry::Loaded { .. }
        | Entry::Queuing { .. } => None,
    });
    (bench.said(), waits)
}

#[test]
fn what_never_reached_the_partner_is_sent_again_anywhere() {
    for class in [FailureClass::Transport, FailureClass::Throttled] {
        let (said, next) = after(class, forgetful());
        assert!(matches!(said[..], [EventBody::AttemptFailed { retry_at: Some(_), .. }]), "{class:?}: {said:?}");
        assert_eq!(next, Some(Step::Send));
    }
}

#[test]
fn an_unknown_outcome_is_resolved_by_what_the_partner_can() {
    let blind = Partner { status_query: false, ..poller() };
    for class in [FailureClass::Timeout, FailureClass::OutcomeUnknown, FailureClass::Schema] {
        let kinds = [
            (poller(), Resolution::Query, Some(Step::Query)),
            (blind.clone(), Resolution::Resend, Some(Step::Send)),
            (forgetful(), Resolution::Review, None),
        ];
        for (partner, resolution, step) in kinds {
            let (said, next) = after(class, partner);
            let [EventBody::AttemptFailed { retry_at, .. }, resolved] = &said[..] else { panic!("{said:?}") };
            assert_eq!((resolved, next), (&unknown(1, resolution), step), "{class:?}");
            assert_eq!(retry_at.is_some(), step.is_some());
        }
    }
}

#[test]
fn what_needs_a_person_ends_at_once() {
    for class in [FailureClass::Authentication, FailureClass::Authorisation, FailureClass::Defect] {
        let (said, next) = after(class, poller());
        assert_eq!(said, [attempt_failed(1, class, "some-code", None), exhausted(1, class)]);
        assert_eq!(next, None);
    }
}

#[test]
fn a_refusal_is_final() {
    for class in [FailureClass::BusinessRule, FailureClass::Permanent] {
        for result in [failed(class), CallResult::Refused { class, code: "some-code".into() }] {
            let mut bench = sent(forgetful());
            bench.answer(result);
            let code = "some-code".into();
            assert_eq!(bench.said(), [EventBody::PartnerRefused { operation_id: OPERATION, class, code }]);
            assert_finished(&bench, Finish::Refused);
        }
    }
}

#[test]
fn attempts_are_limited() {
    let mut bench = sent(poller());
    for attempt in 1..=4 {
        bench.answer(failed(FailureClass::Transport));
        let retried = matches!(bench.said()[0], EventBody::AttemptFailed { retry_at: Some(_), .. });
        assert_eq!(retried, attempt < 4);
        if attempt < 4 {
            bench.next();
        }
    }
    assert_finished(&bench, Finish::Exhausted);
}

#[test]
fn an_acceptance_is_progress_and_attempts_count_anew() {
    let mut bench = sent(poller());
    for _ in 0..3 {
        bench.answer(failed(FailureClass::Transport));
        bench.next();
    }
    bench.answer(pending(1_000));
    for _ in 0..3 {
        bench.next();
        bench.answer(failed(FailureClass::Transport));
    }
    assert!(matches!(bench.said().last(), Some(EventBody::AttemptFailed { retry_at: Some(_), .. })));
}

#[test]
fn a_partner_that_asks_for_patience_gets_it_and_it_costs_no_attempt() {
    let mut bench = sent(poller());
    let throttled = |seconds| CallResult::Failed {
        class: FailureClass::Throttled,
        code: "busy".into(),
        retry_after: Some(Duration::from_secs(seconds)),
    };
    for _ in 0..20 {
        let earliest = bench.now + Duration::from_secs(30);
        bench.answer(throttled(30));
        bench.next();
        assert!((earliest..earliest + Duration::from_secs(5)).contains(&bench.now));
    }
    bench.said();
    bench.answer(throttled(86_400));
    assert!(
        matches!(bench.said()[..], [EventBody::AttemptFailed { retry_at: None, .. }, _]),
        "longer than there is time"
    );
    assert_finished(&bench, Finish::Exhausted);
}

#[test]
fn patience_has_an_end_before_the_time_is_over() {
    let mut bench = sent(poller());
    for _ in 1..100 {
        bench.answer(failed(FailureClass::Throttled));
        bench.next();
    }
    assert!(bench.now < DUE_BY - Duration::from_secs(600));
    bench.answer(failed(FailureClass::Throttled));
    assert_eq!(bench.said().last(), Some(&exhausted(100, FailureClass::Throttled)));
    assert_finished(&bench, Finish::Exhausted);
}

#[test]
fn a_query_that_finds_nothing_makes_sending_safe_again() {
    let mut bench = sent(Partner { deduplicates: false, ..poller() });
    bench.answer(failed(FailureClass::Timeout));
    assert_eq!(bench.operation(1).phase, Phase::Waiting { until: Timestamp(2_000) }, "the partner may still be at it");
    bench.next();
    assert_eq!(bench.calls[0].verb, CallVerb::Query);
    bench.answer(CallResult::NotFound);
    assert!(matches!(bench.calls[0].verb, CallVerb::Send { .. }));
    assert_eq!((bench.calls[0].attempt, bench.operation(1).effect), (3, Effect::None));
}

#[test]
fn a_query_that_finds_it_saves_the_effect() {
    let mut bench = sent(Partner { deduplicates: false, ..poller() });
    bench.answer(failed(FailureClass::OutcomeUnknown));
    bench.next();
    bench.said();
    bench.answer(pending(1_000));
    assert_eq!(bench.said(), [acknowledged()]);
    bench.next();
    bench.answer(completed());
    assert_eq!(bench.said(), [fulfilled()]);
}

#[test]
fn a_query_that_fails_for_good_leaves_it_to_a_person() {
    for class in [FailureClass::Permanent, FailureClass::Authentication] {
        let mut bench = sent(poller());
        bench.answer(failed(FailureClass::Timeout));
        bench.next();
        bench.said();
        bench.answer(failed(class));
        assert_eq!(bench.said(), [attempt_failed(2, class, "some-code", None), unknown(2, Resolution::Review)]);
        assert!(bench.is_unresolved());
    }
}

#[test]
fn an_unknown_outcome_is_never_given_up_as_a_failure() {
    let mut bench = sent(Partner { status_query: false, ..poller() });
    bench.answer(failed(FailureClass::Timeout));
    while !bench.is_unresolved() {
        bench.next();
        bench.answer(failed(FailureClass::Transport));
    }
    assert_eq!(bench.said().last(), Some(&unknown(4, Resolution::Review)));
}

/// Sent again it would take effect twice, and there is no question left for a person.
#[test]
fn an_attempt_that_a_callback_has_confirmed_is_looked_at_however_its_call_fails() {
    for (answer, class, code) in [
        (failed(FailureClass::Transport), FailureClass::Transport, "some-code"),
        (failed(FailureClass::Timeout), FailureClass::Timeout, "some-code"),
        (failed(FailureClass::Authentication), FailureClass::Authentication, "some-code"),
        (failed(FailureClass::Permanent), FailureClass::Permanent, "some-code"),
        (CallResult::Lost, FailureClass::OutcomeUnknown, "lost"),
    ] {
        let mut bench = sent(forgetful());
        bench.callback(PartnerStatus::Accepted);
        assert_eq!(bench.said(), [acknowledged()]);
        bench.answer(answer);
        assert_eq!(bench.said(), [attempt_failed(1, class, code, Some(bench.now))]);
        assert_eq!(bench.calls[0].verb, CallVerb::Poll { reference: "ref-1".into() });
        bench.answer(completed());
        assert_eq!(bench.said(), [fulfilled()]);
    }
}

#[test]
fn a_lost_call_is_resolved_once_it_is_certainly_over_and_never_blindly() {
    let mut bench = sent(poller());
    bench.now = Timestamp(12_000);
    bench.answer(CallResult::Lost);
    bench.until(Timestamp(12_000));
    assert_eq!(bench.calls[0].verb, CallVerb::Query);

    let mut bench = sent(poller());
    bench.answer(CallResult::Lost);
    bench.until(Timestamp(11_999));
    assert!(bench.calls.is_empty(), "not before the one who made it is certainly done");

    let mut bench = sent(forgetful());
    bench.answer(CallResult::Lost);
    let lost = attempt_failed(1, FailureClass::OutcomeUnknown, "lost", None);
    assert_eq!(bench.said(), [lost, unknown(1, Resolution::Review)]);
    bench.until(DUE_BY);
    assert!(bench.calls.is_empty());
}

#[test]
fn polls_are_safe_to_repeat_whatever_happened() {
    let classes = [FailureClass::Transport, FailureClass::Timeout, FailureClass::OutcomeUnknown, FailureClass::Schema];
    for class in classes {
        let mut bench = accepted(forgetful());
        bench.next();
        bench.answer(failed(class));
        assert!(matches!(bench.said()[..], [EventBody::AttemptFailed { attempt: 2, retry_at: Some(_), .. }]));
        bench.next();
        assert!(matches!(bench.calls[0].verb, CallVerb::Poll { .. }));
    }
    let mut bench = accepted(forgetful());
    bench.next();
    bench.answer(CallResult::Lost);
    bench.next();
    bench.answer(completed());
    assert_finished(&bench, Finish::Fulfilled);
}

#[test]
fn a_poll_that_is_refused_or_finds_nothing_ends_it() {
    let refused = CallResult::Refused { class: FailureClass::BusinessRule, code: "no-match".into() };
    for result in [refused, CallResult::NotFound, CallResult::Cancelled] {
        let mut bench = accepted(poller());
        bench.next();
        bench.answer(result);
        assert!(matches!(bench.said()[..], [EventBody::PartnerRefused { .. }]));
        assert_finished(&bench, Finish::Refused);
    }
}

#[test]
fn an_answer_that_does_not_fit_its_call_leaves_the_outcome_open() {
    for result in [CallResult::NotFound, CallResult::CancelTooLate, CallResult::Compensated] {
        let mut bench = sent(forgetful());
        bench.answer(result);
        let odd = attempt_failed(1, FailureClass::Schema, "unexpected-answer", None);
        assert_eq!(bench.said(), [odd, unknown(1, Resolution::Review)]);
    }
}

#[test]
fn a_failing_partner_is_left_alone_and_returns_through_one_probe() {
    let mut bench = Bench::new([Partner { limits: super_wide(), ..poller() }]);
    for number in 1..=8 {
        bench.work(work(number, route("a"), Lane::Standard, send()));
    }
    for _ in 0..5 {
        bench.answer(failed(FailureClass::Transport));
    }
    assert_eq!(bench.load("a").breaker, Breaker::Tripped { until: Timestamp(5_000) });
    for _ in 0..3 {
        bench.answer(failed(FailureClass::Transport));
    }
    bench.until(Timestamp(4_999));
    assert!(bench.calls.is_empty(), "retries that come due wait in the queue");
    bench.until(Timestamp(5_000));
    assert_eq!(bench.calls.len(), 1);
    let probed = bench.calls[0].operation_id;
    bench.answer(failed(FailureClass::Transport));
    let failures = |bench: &Bench| bench.operation(probed.0[0]).failures;
    assert_eq!(failures(&bench), 2);
    for _ in 0..40 {
        bench.until(bench.now + Duration::from_secs(5));
        bench.answer(failed(FailureClass::Transport));
        assert!(bench.calls.is_empty());
    }
    assert_eq!(failures(&bench), 3, "a failed probe is never the last straw");
    bench.until(bench.now + Duration::from_secs(5));
    bench.answer(completed());
    assert_eq!(bench.calls.len(), 7, "all flow again");
    assert_eq!(bench.load("a").outstanding, 7);
}

fn super_wide() -> domain::partner::Limits {
    domain::partner::Limits { outstanding_max: 100, timeout_ms: 2_000 }
}
