use proptest::prelude::*;

use super::*;
use crate::lifecycle::event::{Clock, Resolution};
use crate::lifecycle::evidence::Withdrawal;
use crate::lifecycle::{Clocks, PolicyRef};
use crate::messages::{CommandAction, Lane, Manifest, PayerRole, ReceivedData, Stage, Verdict, Workflow};
use crate::person::ConsentPolicy;
use crate::{Code, CommandId, FailureClass, OperationId, PartnerId};

/// One event of every kind, in declaration order.
fn one_of_each() -> Vec<EventBody> {
    [of_the_stages(), of_the_supervisor_and_triage()].concat()
}

fn of_the_stages() -> Vec<EventBody> {
    let operation_id = OperationId([1; 16]);
    let command_id = CommandId::default();
    let operator = crate::ids::OperatorId::from("jo");
    let partner = PartnerId::from("evergreen");
    let code = Code::NoCandidate;
    let class = FailureClass::Transport;
    let policy = PolicyRef::default();
    vec![
        EventBody::Received {
            submission_id: Default::default(),
            source: "enrolment".into(),
            key_token: Default::default(),
            exchange_id: Default::default(),
            parent_request_id: None,
            workflow: Workflow::RequestData,
            role: PayerRole::Requester,
            lane: Lane::Standard,
            counterparty: partner.clone(),
            member_token: Default::default(),
            due_by: Timestamp(10),
            signed: true,
            correlation_id: None,
        },
        EventBody::Validated { consent: ConsentPolicy::Regular, consent_end: Timestamp(9), policy },
        EventBody::Refused { source: "enrolment".into(), code, field: None, intended: None },
        EventBody::DuplicateSuppressed { submission_id: Default::default() },
        EventBody::ConflictRefused { submission_id: Default::default(), fields: vec!["ask".into()] },
        EventBody::Diverted { from: Lane::Urgent, to: Lane::Bulk },
        EventBody::IdentityMatched {
            member_token: Default::default(),
            rule: "member-id".into(),
            candidates: 1,
            policy,
            roster_version: 1,
            evidence: None,
        },
        EventBody::IdentityUnmatched { code, candidates: 0, policy, roster_version: 1, evidence: None },
        EventBody::ReviewOpened {
            code,
            candidates: 2,
            policy,
            due_by: Timestamp(5),
            roster_version: None,
            evidence: None,
        },
        EventBody::ReviewDecided { command_id, operator, verdict: Verdict::IsNobody {}, reason: None },
        EventBody::CommandPassed { command_id, action: CommandAction::Cancel, review: None },
        EventBody::PartnerDispatched { operation_id, partner, bucket: 0 },
        EventBody::AttemptFailed { operation_id, attempt: 1, class, code: "reset".into(), retry_at: None },
        EventBody::OutcomeUnknown { operation_id, attempt: 1, resolution: Resolution::Query },
        EventBody::Acknowledged { operation_id, reference: "r".into() },
        EventBody::Fulfilled { operation_id, manifest: Manifest::default(), received: ReceivedData::default() },
        EventBody::PartnerRefused { operation_id, class, code: "no-match".into() },
        EventBody::AttemptsExhausted { operation_id, attempts: 6, class },
        EventBody::Cancelled { command_id, stage: Stage::Identity },
        EventBody::CancelFailed { command_id, code },
        EventBody::Compensated { operation_id },
        EventBody::CompensationFailed { operation_id, class },
    ]
}

fn of_the_supervisor_and_triage() -> Vec<EventBody> {
    let operation_id = OperationId([1; 16]);
    let (command_id, letter_id) = Default::default();
    let operator = crate::ids::OperatorId::from("jo");
    let code = Code::NoCandidate;
    let class = FailureClass::Transport;
    vec![
        EventBody::DeadlineBreached { clock: Clock::Stage, due: Timestamp(3) },
        EventBody::ExceptionRaised { code, owner: "operations".into(), runbook: "stage-overdue".into() },
        EventBody::Escalated { tier: 1, owner: "operations".into() },
        EventBody::CancelRequested { command_id, operator: operator.clone() },
        EventBody::Held { command_id, operator: operator.clone() },
        EventBody::Released { command_id, operator: operator.clone() },
        EventBody::CommandRefused { command_id, action: CommandAction::Hold, code, operator: None },
        EventBody::Superseded { by: Default::default() },
        EventBody::VerificationFailed { code, withdrawn: None },
        EventBody::CompensationStarted { operation_id, code },
        EventBody::Closed { outcome: TerminalOutcome::Escalated, code: None, events: 3, chain: [0; 32] },
        EventBody::DeadLettered { letter_id, class, code, signature: Default::default() },
        EventBody::LetterReplayed { letter_id, command_id, operator: operator.clone() },
        EventBody::LetterDiscarded { letter_id, command_id, operator },
    ]
}

#[test]
fn a_delivery_is_disputed_also_after_the_end_and_a_match_is_taken_back_only_before_it() {
    let closing = EventBody::Closed { outcome: TerminalOutcome::Escalated, code: None, events: 3, chain: [0; 32] };
    let delivered = one_of_each().into_iter().find(|body| matches!(body, EventBody::Fulfilled { .. })).expect("one");
    let outcome = |bodies: [&EventBody; 3]| {
        let mut lifecycle = Lifecycle::default();
        for body in bodies {
            lifecycle.fold(body, Timestamp(1), &[7; 32]);
        }
        lifecycle.outcome
    };
    let withdrawal =
        Withdrawal { member_token: Default::default(), roster_version: 1, fields: vec![], probability_ppm: 0 };
    for (withdrawn, after_the_end) in
        [(None, TerminalOutcome::Escalated), (Some(withdrawal), TerminalOutcome::Fulfilled)]
    {
        let disputed = EventBody::VerificationFailed { code: Code::CountMismatch, withdrawn };
        assert_eq!(outcome([&delivered, &disputed, &closing]), Some(TerminalOutcome::Escalated));
        assert_eq!(outcome([&delivered, &closing, &disputed]), Some(after_the_end));
    }
}

fn history() -> impl Strategy<Value = Vec<EventBody>> {
    proptest::collection::vec(proptest::sample::select(one_of_each()), 0..40)
}

fn fold_all(mut lifecycle: Lifecycle, events: &[EventBody]) -> Lifecycle {
    for (index, body) in events.iter().enumerate() {
        let at = Timestamp(i64::try_from(index).expect("a short history"));
        lifecycle.fold(body, at, &digest(format!("{body:?}").as_bytes()));
    }
    lifecycle
}

fn steps_back(body: &EventBody) -> bool {
    matches!(
        body,
        EventBody::CompensationStarted { .. }
            | EventBody::Compensated { .. }
            | EventBody::Released { .. }
            | EventBody::CancelFailed { .. }
            | EventBody::LetterReplayed { .. }
            | EventBody::ExceptionRaised { .. }
            | EventBody::ReviewDecided { .. }
    )
}

/// The states that lie over the main line, and those beyond it.
fn on_the_main_line(state: State) -> bool {
    state <= State::Fulfilled
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8 * ProptestConfig::default().cases))]

    #[test]
    fn progress_never_falls_and_the_first_outcome_stays(history in history()) {
        let mut lifecycle = Lifecycle::default();
        for body in &history {
            let before = lifecycle;
            lifecycle.fold(body, Timestamp(1), &[7; 32]);
            prop_assert!(before.progress <= lifecycle.progress);
            let disputed = matches!(body, EventBody::VerificationFailed { .. });
            if before.outcome.is_some() && !disputed {
                prop_assert_eq!(before.outcome, lifecycle.outcome);
            }
            if before.state == State::Closed {
                prop_assert_eq!(lifecycle.state, State::Closed);
            }
            if on_the_main_line(before.state) && on_the_main_line(lifecycle.state) {
                prop_assert!(before.state <= lifecycle.state || steps_back(body), "{:?} went back by {:?}", before.state, body);
            }
        }
        prop_assert_eq!(lifecycle.events as usize, history.len());
    }

    #[test]
    fn an_end_is_left_only_by_compensation_exception_or_closing(history in history()) {
        let mut lifecycle = Lifecycle::default();
        for body in &history {
            let before = lifecycle;
            lifecycle.fold(body, Timestamp(1), &[7; 32]);
            let ended = matches!(before.state, State::Fulfilled | State::Rejected | State::Cancelled | State::Superseded);
            if ended && before.outcome.is_some() && before.state != lifecycle.state {
                prop_assert!(matches!(
                    body,
                    EventBody::CompensationStarted { .. } | EventBody::Compensated { .. } | EventBody::ExceptionRaised { .. } | EventBody::Closed { .. }
                ), "{:?} left {:?}", body, before.state);
            }
        }
    }

    /// Nothing that happens in a state gives it more time.
    #[test]
    fn a_state_was_entered_when_it_changed_and_at_no_other_time(history in history()) {
        let mut lifecycle = fold_all(Lifecycle::default(), &one_of_each()[..1]);
        for (body, at) in history.iter().zip(1..) {
            let before = lifecycle;
            lifecycle.fold(body, Timestamp(at), &[7; 32]);
            let entered = if lifecycle.state == before.state { before.since } else { Timestamp(at) };
            prop_assert_eq!(lifecycle.since, entered, "{:?} in {:?}", body, before.state);
        }
    }

    #[test]
    fn folding_agrees_with_snapshots(history in history(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(history.len() + 1);
        let (a, b) = history.split_at(cut);
        let whole = fold_all(Lifecycle::default(), &history);
        let mut resumed = fold_all(Lifecycle::default(), a);
        let whole_times_differ = Lifecycle { since: whole.since, ..fold_all(resumed, b) };
        resumed = whole_times_differ;
        prop_assert_eq!(resumed, whole);
    }

    /// Nothing hangs: whatever happened, an open request has a clock, and a state without one is an end.
    #[test]
    fn every_open_state_has_a_clock(history in history()) {
        let lifecycle = fold_all(Lifecycle::default(), &history);
        let deadline = Clocks::STANDARD.next(&lifecycle, Lane::Standard, Timestamp(1_000_000));
        let resting = matches!(
            lifecycle.state,
            State::Fulfilled | State::Rejected | State::Cancelled | State::Superseded | State::Compensated | State::Closed
        );
        prop_assert_eq!(deadline.is_none(), resting, "{:?}", lifecycle);
    }
}

#[test]
fn the_common_path_ends_closed_without_anomaly() {
    let all = one_of_each();
    let path: Vec<_> = [0, 1, 6, 11, 14, 15, 32].iter().map(|index| all[*index].clone()).collect();
    let lifecycle = fold_all(Lifecycle::default(), &path);
    assert_eq!((lifecycle.state, lifecycle.anomalies), (State::Closed, 0));
    assert_eq!(lifecycle.outcome, Some(TerminalOutcome::Fulfilled));
}

/// A request is received from its first event on, not from 1970.
#[test]
fn the_first_event_enters_the_first_state() {
    let mut lifecycle = Lifecycle::default();
    lifecycle.fold(&one_of_each()[0], Timestamp(7), &[0; 32]);
    assert_eq!((lifecycle.state, lifecycle.since), (State::Received, Timestamp(7)));
}

#[test]
fn a_fulfilment_after_a_cancel_is_an_effect_too_many() {
    let all = one_of_each();
    let mut lifecycle =
        fold_all(Lifecycle::default(), &[all[0].clone(), all[11].clone(), all[25].clone(), all[18].clone()]);
    assert_eq!(lifecycle.state, State::Cancelled);
    assert_eq!(lifecycle.fold(&all[15], Timestamp(9), &[0; 32]), Step::Anomalous(Anomaly::EffectAfterEnd));
    assert_eq!(lifecycle.outcome, Some(TerminalOutcome::Cancelled));
}

#[test]
fn a_fulfilment_that_outruns_the_cancel_wins() {
    let all = one_of_each();
    let mut lifecycle = fold_all(Lifecycle::default(), &[all[0].clone(), all[11].clone(), all[25].clone()]);
    assert_eq!(lifecycle.state, State::Cancelling);
    assert_eq!(lifecycle.fold(&all[15], Timestamp(9), &[0; 32]), Step::Advanced);
    assert_eq!(lifecycle.fold(&all[18], Timestamp(9), &[0; 32]), Step::Anomalous(Anomaly::AfterEnd));
    assert_eq!(lifecycle.outcome, Some(TerminalOutcome::Fulfilled));
}

#[test]
fn a_late_acknowledgement_recovers_an_exception() {
    let all = one_of_each();
    let mut lifecycle =
        fold_all(Lifecycle::default(), &[all[0].clone(), all[11].clone(), all[22].clone(), all[23].clone()]);
    assert_eq!(lifecycle.state, State::Exception);
    assert_eq!(lifecycle.fold(&all[14], Timestamp(9), &[0; 32]), Step::Advanced);
    assert_eq!(lifecycle.state, State::Acknowledged);
}

#[test]
fn a_delivery_that_fails_its_verification_was_no_fulfilment() {
    let all = one_of_each();
    let path: Vec<_> = [0, 11, 15, 30, 23, 32].iter().map(|index| all[*index].clone()).collect();
    let lifecycle = fold_all(Lifecycle::default(), &path);
    assert_eq!((lifecycle.state, lifecycle.anomalies), (State::Closed, 0));
    assert_eq!(lifecycle.outcome, Some(TerminalOutcome::Escalated));
}

#[test]
fn a_release_also_lifts_a_hold_that_became_an_exception() {
    let all = one_of_each();
    let path: Vec<_> = [0, 11, 26, 22, 23, 27].iter().map(|index| all[*index].clone()).collect();
    let lifecycle = fold_all(Lifecycle::default(), &path);
    assert_eq!((lifecycle.state, lifecycle.anomalies), (State::PartnerDispatched, 0));
}
