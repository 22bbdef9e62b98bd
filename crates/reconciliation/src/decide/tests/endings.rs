//! How requests end, and what their sources hear.

use domain::lifecycle::fold::{chain, digest};
use domain::messages::{CommandAction, DispatchTask, OutcomeStatus, Stage, Verdict};
use domain::{Code, Destination, EventBody, Input, Message, OperationId, Poison, State, TerminalOutcome};

use super::world::*;
use crate::memory::Undo;

fn closed(world: &World) -> (TerminalOutcome, Option<Code>) {
    let closing = world.own().into_iter().find_map(|body| {
        let EventBody::Closed { outcome, code, .. } = body else { return None };
        Some((outcome, code))
    });
    closing.expect("a closed request")
}

#[test]
fn a_verified_delivery_closes_the_request_and_its_source_hears_each_step_once() {
    let mut world = World::new();
    world.when(on_its_way());
    world.when([fulfilled(3)]);
    assert_eq!(closed(&world), (TerminalOutcome::Fulfilled, None));
    assert_eq!((world.folded().anomalies, world.state()), (0, State::Closed));
    let told: Vec<_> = world.outcomes().iter().map(|outcome| (outcome.status, outcome.state)).collect();
    assert_eq!(
        told,
        [(OutcomeStatus::Progress, Some(State::Acknowledged)), (OutcomeStatus::Final, Some(State::Closed))]
    );
    let end = world.ends_told()[0];
    assert_eq!((end.outcome, end.code, end.request_id), (Some(TerminalOutcome::Fulfilled), None, Some(REQUEST)));
    assert_eq!(world.ended().outcome, TerminalOutcome::Fulfilled);
}

#[test]
fn closing_proves_what_the_log_held_before_it() {
    let world = World::given(on_its_way().into_iter().chain([fulfilled(3)]));
    let Some(EventBody::Closed { events, chain: proof, .. }) = world.own().pop() else { panic!("not closed") };
    let before = world.log.iter().take(events as usize);
    let recomputed = before.fold([0; 32], |so_far, event| chain(&so_far, &digest(&value_of(event))));
    assert_eq!((events, proof), (6, recomputed));
}

#[test]
fn a_delivery_that_disagrees_with_its_manifest_needs_an_owner() {
    let mut world = World::given(on_its_way());
    world.when([fulfilled(2)]);
    assert_eq!(world.closings(), 0);
    assert!(world.own().contains(&EventBody::VerificationFailed { code: Code::CountMismatch, withdrawn: None }));
    let (owner, runbook) = ("data-quality".into(), "verification-failed".into());
    assert!(world.own().contains(&EventBody::ExceptionRaised { code: Code::CountMismatch, owner, runbook }));
    assert_eq!(world.outcomes()[0].code, Some(Code::CountMismatch));
    world.pass(10 * DAY);
    assert_eq!(closed(&world), (TerminalOutcome::Escalated, Some(Code::NobodyActed)));
    assert_eq!(world.folded().outcome, Some(TerminalOutcome::Escalated));
    assert!(world.dispatch_tasks().is_empty(), "there is nothing left to stop");
}

#[test]
fn ends_found_by_other_workers_close_with_their_reason() {
    let path = on_its_way();
    for (upto, end, outcome, code) in [
        (2, unmatched(), TerminalOutcome::Rejected, Code::NoCandidate),
        (4, partner_refused(), TerminalOutcome::Rejected, Code::PartnerRefused),
        (2, cancelled(Stage::Identity), TerminalOutcome::Cancelled, Code::CancelledByOperator),
    ] {
        let mut world = World::given(path[..upto].to_vec());
        world.when([end.clone(), end]);
        assert_eq!(closed(&world), (outcome, Some(code)));
        assert_eq!((world.closings(), world.ends_told().len()), (1, 1));
        assert_eq!(world.ends_told()[0].remedy.as_deref(), Some(code.remedy()));
    }
}

#[test]
fn a_refused_submission_is_nobodys_request() {
    let mut world = World::new();
    let refused =
        EventBody::Refused { source: "enrolment".into(), code: Code::KeyMissing, field: None, intended: None };
    world.when([(Stage::Intake, refused), duplicate(), matched()]);
    assert!(world.memory.is_empty() && world.own().is_empty() && world.sent.is_empty());
}

#[test]
fn a_suppressed_duplicate_has_the_latest_outcome_repeated() {
    let mut world = World::given(on_its_way());
    world.when([duplicate()]);
    let repeated = world.outcomes()[0];
    assert_eq!((repeated.status, repeated.state), (OutcomeStatus::Progress, Some(State::Acknowledged)));
    assert_eq!(repeated.submission_id, Some(domain::SubmissionId([3; 16])));
    world.when([fulfilled(3)]);
    let ended_at = world.now;
    world.now = ended_at + DAY;
    world.sent.clear();
    world.when([duplicate()]);
    let repeated = world.outcomes()[0];
    assert_eq!((repeated.status, repeated.outcome), (OutcomeStatus::Final, Some(TerminalOutcome::Fulfilled)));
    assert_eq!(repeated.at, ended_at);
    assert!(matches!(&world.sent[0].0, Destination::Outcomes(_, key) if *key == REQUEST.0));
}

#[test]
fn an_end_is_forgotten_in_its_time() {
    let mut world = World::given(on_its_way().into_iter().chain([fulfilled(3)]));
    world.pass(29 * DAY);
    assert_eq!(world.memory.len(), 1);
    world.pass(2 * DAY);
    assert!(world.memory.is_empty());
}

#[test]
fn spent_attempts_and_unresolved_outcomes_need_an_owner_once() {
    use domain::lifecycle::event::Resolution;
    let mut world = World::given(on_its_way());
    world.when([unknown(Resolution::Query), unknown(Resolution::Resend)]);
    assert!(world.exceptions().is_empty());
    world.when([unknown(Resolution::Review), exhausted(), exhausted()]);
    assert_eq!(world.exceptions(), [Code::OutcomeUnknownUnresolved]);
    let mut world = World::given(on_its_way());
    world.when([exhausted()]);
    assert_eq!(world.exceptions(), [Code::AttemptsExhausted]);
}

#[test]
fn an_attempt_that_failed_after_all_is_nobodys_question_any_more() {
    use domain::lifecycle::event::Resolution;
    let mut world = World::given(on_its_way());
    world.when([unknown(Resolution::Review), attempt_failed(2)]);
    let answer = Some(Verdict::TookNoEffect {});
    assert!(world.command_with(CommandAction::ResolveUnknown, answer, None).is_some());
}

#[test]
fn an_effect_after_the_end_is_undone_by_the_partner() {
    let mut world = World::given(on_its_way().into_iter().chain([cancelled(Stage::Dispatch)]));
    world.when([fulfilled(3), fulfilled(3)]);
    let compensation = OperationId::of_compensation(operation());
    let reference = Some("ref-1".to_owned());
    assert_eq!(world.dispatch_tasks(), [&DispatchTask::Compensate { undoes: operation(), reference }]);
    let started = EventBody::CompensationStarted { operation_id: compensation, code: Code::EffectAfterEnd };
    assert!(world.own().contains(&started));
    let Some((Destination::Dispatch(_, route), Message::Dispatch(work))) = world.sent.last() else { panic!("no work") };
    assert_eq!((work.operation_id, route.bucket), (compensation, 2));
    world.when([(Stage::Dispatch, EventBody::Compensated { operation_id: compensation })]);
    assert_eq!((world.closings(), world.ended().outcome), (1, TerminalOutcome::Cancelled));
    assert_eq!(world.folded().outcome, Some(TerminalOutcome::Cancelled));
}

#[test]
fn undoing_has_a_time_of_its_own_however_long_ago_the_end_was() {
    let mut world = World::given(on_its_way().into_iter().chain([cancelled(Stage::Dispatch)]));
    world.pass(DAY * 20);
    world.when([fulfilled(3)]);
    world.pass(std::time::Duration::from_secs(60));
    assert_eq!(world.exceptions(), [], "it has hardly begun");
}

#[test]
fn an_effect_that_cannot_be_undone_gets_an_owner() {
    let operation_id = OperationId::of_compensation(operation());
    let failed = EventBody::CompensationFailed { operation_id, class: domain::FailureClass::Permanent };
    let facts = || on_its_way().into_iter().chain([cancelled(Stage::Dispatch), fulfilled(3)]);
    let mut world = World::given(facts());
    world.when([(Stage::Dispatch, failed)]);
    assert_eq!(world.exceptions(), [Code::CompensationFailed]);
    let mut world = World::given(facts());
    world.when([unknown(domain::lifecycle::event::Resolution::Review)]);
    assert_eq!(world.exceptions(), [Code::OutcomeUnknownUnresolved], "nobody knows whether it was undone");
    let mut world = World::given(facts());
    assert_eq!(world.watched().undo, Undo::Running);
    world.pass(2 * DAY);
    assert_eq!(world.exceptions(), [Code::SettleOverdue]);
    world.pass(40 * DAY);
    assert!(world.memory.is_empty());
}

/// What the partner has accepted and nobody can fetch any more stands, and so may what nobody knows of.
#[test]
fn an_effect_that_stands_when_all_attempts_are_spent_after_the_end_is_undone() {
    let undone = |facts: Vec<(Stage, EventBody)>, last| {
        let mut world = World::given(facts.into_iter().chain([dead_lettered(Stage::Dispatch), letter_discarded()]));
        world.when([last]);
        world.dispatch_tasks().iter().any(|task| matches!(task, DispatchTask::Compensate { .. }))
    };
    assert!(undone(on_its_way(), exhausted()));
    assert!(!undone(on_its_way()[..4].to_vec(), exhausted()), "nothing took effect");
    let unresolved = EventBody::AttemptsExhausted {
        operation_id: operation(),
        attempts: 6,
        class: domain::FailureClass::OutcomeUnknown,
    };
    assert!(undone(on_its_way()[..4].to_vec(), (Stage::Dispatch, unresolved)));
}

#[test]
fn what_is_delivered_after_its_match_was_withdrawn_fulfils_nothing_whatever_came_between() {
    use domain::lifecycle::event::Resolution;
    let mut world = World::given(on_its_way());
    world.when([match_withdrawn()]);
    let stop = DispatchTask::CancelDispatch { command_id: domain::CommandId::of_stop(REQUEST) };
    assert_eq!(world.dispatch_tasks(), [&stop]);
    world.when([unknown(Resolution::Query), unknown(Resolution::Review)]);
    world.when([cancel_failed(Code::OutcomeUnknownUnresolved), fulfilled(3)]);
    assert_eq!((world.closings(), world.state()), (0, State::Exception));
    world.pass(10 * DAY);
    assert_eq!(closed(&world).0, TerminalOutcome::Escalated);
    assert_eq!(world.folded().outcome, Some(TerminalOutcome::Escalated));
}

/// It was delivered, and nobody had acted in time: the delivery stands first, and it fulfils nothing.
#[test]
fn a_delivery_that_fulfils_nothing_and_overtakes_a_closing_ends_as_escalated() {
    let mut world = World::given(on_its_way());
    world.when([match_withdrawn()]);
    world.append(Stage::Dispatch, fulfilled(3).1);
    while world.closings() == 0 {
        world.now = world.now + DAY;
        world.take(Input::Timer(&crate::Key::Request(REQUEST)));
    }
    world.catch_up();
    assert_eq!((world.closings(), world.folded().outcome), (1, Some(TerminalOutcome::Escalated)));
    assert_eq!(world.ended().outcome, TerminalOutcome::Escalated);
    assert_eq!((world.ends_told().len(), world.exceptions()), (1, vec![Code::MatchWithdrawn]));

    let mut world = World::given(on_its_way());
    let (by, refused) = cancel_failed(Code::NotInThisState);
    world.append(by, refused);
    world.append(by, fulfilled(2).1);
    world.catch_up();
    let told: Vec<_> = world.ends_told().iter().map(|end| (end.outcome, end.code)).collect();
    let cancelled = (Some(TerminalOutcome::Cancelled), Some(Code::CancelledByOperator));
    assert_eq!(told, [cancelled, (Some(TerminalOutcome::Escalated), Some(Code::CountMismatch))]);
    assert_eq!((world.closings(), world.folded().outcome), (1, Some(TerminalOutcome::Escalated)));
    assert!(world.exceptions().is_empty());
}

/// An entry of an earlier version has no word of its own for it.
#[test]
fn a_withdrawal_that_an_earlier_version_remembered_stands() {
    let mut world = World::given(on_its_way());
    world.when([match_withdrawn()]);
    let entry = world.memory.get(&crate::Key::Request(REQUEST)).cloned();
    let Some(crate::Entry::WatchedRequest(mut watched)) = entry else { panic!("{entry:?}") };
    watched.withdrawn = false;
    let key = crate::Key::Request(REQUEST);
    world.memory.apply(domain::Change::Put(key, crate::Entry::WatchedRequest(watched)));
    world.when([fulfilled(3)]);
    assert_eq!((world.closings(), world.state()), (0, State::Exception));
}

#[test]
fn an_effect_of_a_forgotten_request_gets_an_owner() {
    let mut world = World::new();
    world.when([fulfilled(3)]);
    assert_eq!(world.exceptions(), [Code::EffectAfterEnd]);
    let mut world = World::given(on_its_way().into_iter().chain([fulfilled(3)]));
    world.when([fulfilled(3)]);
    assert!(world.exceptions().is_empty(), "a repeated delivery is no effect too many");
}

#[test]
fn a_discarded_letter_ends_the_request_it_blocks() {
    let mut world = World::given([received(), validated(), dead_lettered(Stage::Identity)]);
    assert_eq!(world.state(), State::DeadLettered);
    world.when([letter_discarded(), letter_discarded()]);
    assert_eq!(closed(&world), (TerminalOutcome::Rejected, Some(Code::LetterDiscarded)));
    assert!(world.sent.len() == 1 && world.closings() == 1);
}

#[test]
fn a_discarded_letter_of_a_request_that_moved_on_ends_nothing() {
    let mut world = World::given(on_its_way()[..4].to_vec());
    world.when([dead_lettered(Stage::Dispatch), acknowledged(), letter_discarded()]);
    assert_eq!((world.state(), world.closings()), (State::Acknowledged, 0));
    let mut world = World::given([received(), dead_lettered(Stage::Identity), letter_replayed(), letter_discarded()]);
    world.when([validated()]);
    assert_eq!((world.state(), world.closings()), (State::Validated, 0));
}

#[test]
fn a_discarded_letter_ends_nothing_while_another_one_blocks_the_request() {
    let mut world = World::given(on_its_way()[..4].to_vec());
    let another = dead_lettered_again(domain::LetterId([5; 16]), Stage::Dispatch);
    world.when([dead_lettered(Stage::Dispatch), acknowledged(), another, letter_discarded()]);
    assert_eq!((world.state(), world.closings()), (State::DeadLettered, 0));
}

#[test]
fn a_discarded_letter_ends_nothing_that_was_delivered_and_is_in_dispute() {
    let mut world = World::given(on_its_way());
    world.when([fulfilled(2), dead_lettered(Stage::Dispatch), letter_discarded()]);
    assert_eq!((world.state(), world.closings()), (State::Exception, 0));
}

#[test]
fn a_discarded_letter_stops_what_runs_at_the_partner() {
    let mut world = World::given(on_its_way());
    world.when([dead_lettered(Stage::Dispatch), letter_discarded()]);
    assert!(matches!(world.dispatch_tasks()[..], [DispatchTask::CancelDispatch { .. }]));
}

#[test]
fn a_stop_that_became_a_letter_and_was_put_aside_is_told_again() {
    let mut world = World::given(on_its_way());
    world.when([dead_lettered(Stage::Dispatch), letter_discarded()]);
    world.when([dead_lettered(Stage::Dispatch), letter_discarded()]);
    let tasks = world.dispatch_tasks();
    assert!(
        matches!(tasks[..], [DispatchTask::CancelDispatch { .. }, DispatchTask::CancelDispatch { .. }]),
        "{tasks:?}"
    );
    assert_eq!(world.closings(), 1);
}

/// The log decides: an end that was written before ours, and read after we wrote, stands.
#[test]
fn an_end_that_overtakes_a_closing_stands_and_the_source_is_told_again() {
    let mut world = World::given(on_its_way());
    world.when([exhausted()]);
    world.pass(3 * DAY - DAY / 2);
    world.append(Stage::Dispatch, fulfilled(3).1);
    world.now = world.now + DAY;
    world.take(Input::Timer(&crate::Key::Request(REQUEST)));
    world.catch_up();
    let told: Vec<_> = world.ends_told().iter().map(|end| end.outcome).collect();
    assert_eq!(told, [Some(TerminalOutcome::Escalated), Some(TerminalOutcome::Fulfilled)]);
    assert_eq!((world.closings(), world.folded().outcome), (1, Some(TerminalOutcome::Fulfilled)));
    assert_eq!(world.ended().outcome, TerminalOutcome::Fulfilled);
}

#[test]
fn a_closing_that_never_comes_back_is_written_again() {
    let mut world = World::given(on_its_way());
    world.append(Stage::Dispatch, fulfilled(3).1);
    world.read_one();
    let lost = world.log.pop();
    assert!(matches!(lost, Some(event) if matches!(event.body, EventBody::Closed { .. })));
    world.pass(2 * DAY);
    assert_eq!((world.state(), world.closings()), (State::Closed, 1));
    assert_eq!(world.ended().outcome, TerminalOutcome::Fulfilled);
}

#[test]
fn everything_the_supervisor_does_belongs_to_the_submissions_trace() {
    let mut world = World::given([received(), validated()]);
    world.now = world.now + 2 * DAY;
    let decision = world.take(Input::Timer(&crate::Key::Request(REQUEST)));
    assert!(!decision.events.is_empty() && decision.events.iter().all(|draft| draft.trace == Some(TRACE)));
    assert!(!decision.forward.is_empty() && decision.forward.iter().all(|forward| forward.trace == Some(TRACE)));
}

#[test]
fn messages_of_other_stages_are_misdirected() {
    let mut world = World::given(on_its_way());
    world.when([duplicate()]);
    let outcome = Message::Outcome(Box::new(world.outcomes()[0].clone()));
    let decided = world.decide(Input::Record(&record(outcome, bytes::Bytes::new())));
    assert_eq!(decided, Err(Poison::misdirected()));
}
