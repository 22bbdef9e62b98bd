//! Clocks that run out, and who owns what then.

use std::time::Duration;

use domain::lifecycle::event::Clock;
use domain::messages::{CommandAction, DispatchTask, IdentityTask, OutcomeStatus, Stage};
use domain::{Code, Decision, EventBody, Input, State, TerminalOutcome, Worker};

use super::world::*;
use crate::{Key, Reconciliation};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_clock_that_runs_out_is_a_fact_with_an_owner_and_a_runbook() {
    let mut world = World::given([received(), validated()]);
    world.pass(HOUR - Duration::from_millis(1));
    assert!(world.own().is_empty());
    world.pass(Duration::from_millis(1));
    let raised = EventBody::ExceptionRaised {
        code: Code::StageOverdue,
        owner: "operations".into(),
        runbook: "stage-overdue".into(),
    };
    assert_eq!(world.own(), [EventBody::DeadlineBreached { clock: Clock::Stage, due: START + HOUR }, raised]);
    let told = world.outcomes()[0];
    assert_eq!(
        (told.status, told.state, told.code),
        (OutcomeStatus::Progress, Some(State::Exception), Some(Code::StageOverdue))
    );
}

#[test]
fn failed_attempts_give_a_stage_no_more_time() {
    let mut world = World::given(on_its_way()[..4].to_vec());
    for attempt in 1..24 {
        world.pass(HOUR);
        world.when([attempt_failed(attempt)]);
    }
    assert!(world.exceptions().is_empty());
    world.pass(HOUR);
    assert_eq!(world.exceptions(), [Code::StageOverdue], "a day after it was sent");
}

#[test]
fn an_exception_climbs_the_ladder_and_ends_with_its_last_owner() {
    let mut world = World::given([received(), validated()]);
    world.pass(HOUR);
    for owner in ["duty-manager", "compliance"] {
        world.pass(DAY);
        let Some(EventBody::Escalated { owner: next, .. }) = world.own().pop() else { panic!("not escalated") };
        assert_eq!(next, owner);
        assert_eq!(world.state(), State::Exception);
    }
    world.pass(DAY);
    assert_eq!((world.state(), world.folded().outcome), (State::Closed, Some(TerminalOutcome::Escalated)));
    assert_eq!(world.ends_told()[0].code, Some(Code::NobodyActed));
    let breaches = world.own().iter().filter(|body| matches!(body, EventBody::DeadlineBreached { .. })).count();
    assert_eq!(breaches, 4, "each clock ran out once");
}

#[test]
fn what_still_runs_is_stopped_when_nobody_acted() {
    let mut world = World::given([received(), validated()]);
    world.pass(5 * DAY);
    assert!(matches!(world.identity_tasks()[..], [IdentityTask::CancelIdentity { .. }]));
    world.when([matched(), passed(1, CommandAction::Cancel)]);
    assert!(matches!(world.dispatch_tasks()[..], [DispatchTask::CancelDispatch { .. }]), "the item had left identity");
    world.when([dispatched(), fulfilled(3)]);
    assert!(matches!(world.dispatch_tasks()[..], [_, DispatchTask::Compensate { .. }]), "and the stop came too late");
    let mut world = World::given(on_its_way());
    world.pass(8 * DAY);
    assert!(matches!(world.dispatch_tasks()[..], [DispatchTask::CancelDispatch { .. }]));
}

#[test]
fn late_progress_recovers_an_exception_and_the_ladder_starts_anew() {
    let mut world = World::given([received(), validated()]);
    world.pass(HOUR + DAY);
    assert_eq!(world.watched().tier, 1);
    world.when([matched()]);
    assert_eq!(world.state(), State::IdentityMatched);
    world.pass(5 * HOUR);
    assert_eq!((world.state(), world.watched().tier), (State::Exception, 0));
    assert_eq!(world.exceptions(), [Code::StageOverdue, Code::StageOverdue]);
}

#[test]
fn the_requests_own_clock_runs_out_once() {
    let mut world = World::given([received(), validated(), in_review()]);
    world.command(CommandAction::Hold);
    world.pass(13 * DAY);
    world.command(CommandAction::Release);
    world.when([matched(), dispatched()]);
    world.now = START + 20 * DAY;
    world.when([acknowledged()]);
    world.pass(Duration::ZERO);
    assert_eq!(world.exceptions(), [Code::RequestOverdue]);
    world.when([]);
    assert!(world.watched().overdue);
    let clock = world.own().into_iter().find_map(|body| {
        let EventBody::DeadlineBreached { clock, .. } = body else { return None };
        Some(clock)
    });
    assert_eq!(clock, Some(Clock::Request));
}

#[test]
fn every_state_has_its_own_word_for_overdue() {
    let mut world = World::given(on_its_way());
    world.command(CommandAction::Hold);
    world.pass(14 * DAY);
    assert_eq!(world.exceptions(), [Code::HoldOverdue]);
    assert_eq!(world.command(CommandAction::Release), None, "a hold that became an exception can be released");
    world.catch_up();
    assert_eq!((world.state(), world.folded().anomalies), (State::Acknowledged, 0));

    let mut world = World::given(on_its_way());
    world.command(CommandAction::Cancel);
    world.pass(DAY);
    assert_eq!(world.exceptions(), [Code::SettleOverdue]);

    let mut world = World::given([received(), validated(), dead_lettered(Stage::Identity)]);
    world.pass(DAY);
    assert_eq!(world.exceptions(), [Code::LetterOverdue]);
}

#[test]
fn a_timer_that_comes_early_or_for_nobody_does_nothing() {
    let mut world = World::given([received(), validated()]);
    let before = world.watched().clone();
    let decision = world.take(Input::Timer(&Key::Request(REQUEST)));
    assert!(decision.events.is_empty() && decision.forward.is_empty());
    assert_eq!(world.watched(), &before);
    let nobody = Key::Request(domain::RequestId([1; 16]));
    assert_eq!(world.take(Input::Timer(&nobody)), Decision::nothing());
}

#[test]
fn a_new_policy_moves_the_clocks() {
    let mut world = World::given([received(), validated()]);
    world.activate("clocks", "version = 2\nidentity = '3h'");
    world.pass(HOUR);
    assert!(world.own().is_empty());
    let key = Key::Request(REQUEST);
    let due = world.memory.get(&key).and_then(|entry| Reconciliation::due(&key, entry));
    assert_eq!(due, Some(START + 3 * HOUR));
    world.pass(2 * HOUR);
    assert_eq!(world.exceptions(), [Code::StageOverdue]);
}
