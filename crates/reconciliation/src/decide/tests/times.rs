//! The time that work gets, whatever time its request had; and what ends with the consent.

use domain::lifecycle::event::Resolution;
use domain::messages::{CommandAction, DispatchTask, DispatchWork, IdentityWork, Lane, Verdict};
use domain::{Code, Destination, EventBody, FailureClass, Message, OperationId, TerminalOutcome, Token};

use super::world::*;
use crate::memory::Undo;

fn dispatched_work(world: &World) -> &DispatchWork {
    match world.sent.iter().rev().find(|(to, _)| matches!(to, Destination::Dispatch(..))) {
        Some((_, Message::Dispatch(work))) => work,
        other => panic!("no work for dispatch but {other:?}"),
    }
}

fn identity_work(world: &World) -> &IdentityWork {
    match world.sent.iter().rev().find(|(to, _)| matches!(to, Destination::Identity(..))) {
        Some((_, Message::Identity(work))) => work,
        other => panic!("no work for identity but {other:?}"),
    }
}

#[test]
fn a_release_brings_the_time_of_the_hold_to_whoever_has_the_work() {
    let due_by = START + 7 * DAY;
    let mut at_identity = World::given([received(), validated(), in_review()]);
    let mut at_dispatch = World::given(on_its_way());
    for world in [&mut at_identity, &mut at_dispatch] {
        world.command(CommandAction::Hold);
        world.pass(9 * DAY);
        world.command(CommandAction::Release);
    }
    assert_eq!(identity_work(&at_identity).context.due_by, due_by + 9 * DAY);
    assert_eq!(dispatched_work(&at_dispatch).context.due_by, due_by + 9 * DAY);
}

#[test]
fn an_answer_that_comes_after_the_deadline_brings_time_to_act_on_it() {
    let mut world = World::given(on_its_way());
    world.when([unknown(Resolution::Review)]);
    world.now = START + 8 * DAY;
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, Some(Verdict::TookEffect {}), None), None);
    assert_eq!(dispatched_work(&world).context.due_by, START + 9 * DAY);
    assert_eq!(world.watched().context.due_by, START + 7 * DAY, "the request is no less overdue");

    let mut world = World::given([received(), validated(), in_review()]);
    world.now = START + 8 * DAY;
    let verdict = Some(Verdict::IsMember { member_token: Token([8; 16]) });
    assert_eq!(world.command_with(CommandAction::DecideReview, verdict, None), None);
    assert_eq!(identity_work(&world).context.due_by, START + 9 * DAY);

    let mut world = World::given([received(), validated(), in_review()]);
    assert_eq!(world.command_with(CommandAction::DecideReview, verdict, None), None);
    assert_eq!(identity_work(&world).context.due_by, START + 7 * DAY, "in time nothing changes");
}

#[test]
fn a_compensation_has_the_settle_clock_and_not_what_is_left_of_the_request() {
    let mut world = World::given(on_its_way().into_iter().chain([cancelled(domain::Stage::Dispatch)]));
    world.now = START + 20 * DAY;
    world.when([fulfilled(3)]);
    let work = dispatched_work(&world);
    assert!(matches!(work.task, DispatchTask::Compensate { .. }));
    assert_eq!(work.context.due_by, START + 21 * DAY);
}

#[test]
fn an_unresolved_compensation_is_resolved_by_command() {
    let compensation = OperationId::of_compensation(operation());
    let given = || {
        let facts = on_its_way().into_iter().chain([cancelled(domain::Stage::Dispatch), fulfilled(3)]);
        let mut world = World::given(facts);
        world.when([unknown(Resolution::Review)]);
        assert_eq!(world.watched().undo, Undo::Failed);
        world.now = world.now + 3 * DAY;
        world
    };
    let mut world = given();
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, Some(Verdict::TookNoEffect {}), None), None);
    let work = dispatched_work(&world);
    assert_eq!((work.operation_id, work.context.due_by), (compensation, world.now + DAY));
    assert!(matches!(work.task, DispatchTask::ResolveUnknown { took_effect: false, .. }));
    let again = world.command_with(CommandAction::ResolveUnknown, Some(Verdict::TookEffect {}), None);
    assert_eq!(again, Some(Code::NotInThisState), "the first answer is the one");
    world.when([(domain::Stage::Dispatch, EventBody::Compensated { operation_id: compensation })]);
    assert_eq!(world.ended().outcome, TerminalOutcome::Cancelled);

    let mut world = given();
    world.pass(31 * DAY);
    assert!(world.memory.is_empty(), "nobody is waited for without end");

    let facts = on_its_way().into_iter().chain([cancelled(domain::Stage::Dispatch), fulfilled(3)]);
    let mut running = World::given(facts);
    let early = running.command_with(CommandAction::ResolveUnknown, Some(Verdict::TookEffect {}), None);
    assert_eq!(early, Some(Code::NotInThisState));
}

#[test]
fn a_consent_that_ends_before_the_request_goes_out_rejects_it_for_that_reason() {
    let not_sent = || {
        let (operation_id, class) = (operation(), FailureClass::Authorisation);
        (domain::Stage::Dispatch, EventBody::AttemptsExhausted { operation_id, attempts: 0, class })
    };
    let mut world = World::given([received(), validated(), matched()]);
    world.command(CommandAction::Hold);
    world.now = START + 366 * DAY;
    world.command(CommandAction::Release);
    assert_eq!(identity_work(&world).context.consent_end, Some(START + 365 * DAY));
    world.when([not_sent()]);
    let end = world.ends_told()[0];
    assert_eq!((end.outcome, end.code), (Some(TerminalOutcome::Rejected), Some(Code::ConsentExpired)));

    let mut world = World::given(on_its_way());
    world.when([not_sent()]);
    assert_eq!(world.exceptions(), [Code::AttemptsExhausted], "a partner that does not let us in is another matter");
}

#[test]
fn every_outcome_carries_the_sources_own_thread() {
    let mut world = World::new();
    world.when(on_its_way());
    world.when([duplicate(), fulfilled(3)]);
    world.when([duplicate()]);
    let outcomes = world.outcomes();
    assert_eq!(outcomes.len(), 4);
    assert!(outcomes.iter().all(|outcome| outcome.correlation_id.as_deref() == Some("case-9")));
}

#[test]
fn decisions_about_urgent_requests_say_so_and_no_others() {
    let says = |asked: Lane| {
        let mut world = World::new();
        let (by, mut body) = received();
        if let EventBody::Received { lane, .. } = &mut body {
            *lane = asked;
        }
        world.append(by, body);
        world.read_one().expect("a decision").is_urgent
    };
    assert_eq!(Lane::ALL.map(says), [true, false, false]);
}
