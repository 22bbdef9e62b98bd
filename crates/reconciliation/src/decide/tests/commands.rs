//! What people ask for, and what comes of it.

use std::time::Duration;

use domain::messages::{AttemptRef, CommandAction, DispatchTask, IdentityTask, Route, Stage, Verdict};
use domain::{Change, Code, CommandId, Destination, EventBody, State, TerminalOutcome};

use super::world::*;
use crate::memory::WatchedRequest;
use crate::{Entry, Key};

const FIRST: CommandId = CommandId([1; 16]);

#[test]
fn a_cancel_enters_at_identity_and_follows_the_item() {
    let mut world = World::given([received(), validated()]);
    assert_eq!(world.command(CommandAction::Cancel), None);
    assert_eq!(world.identity_tasks(), [&IdentityTask::CancelIdentity { command_id: FIRST }]);
    world.when([matched(), passed(1, CommandAction::Cancel)]);
    assert_eq!(world.dispatch_tasks(), [&DispatchTask::CancelDispatch { command_id: FIRST }]);
    assert_eq!(world.state(), State::Cancelling);
    world.when([cancelled(Stage::Dispatch)]);
    assert_eq!((world.state(), world.closings()), (State::Closed, 1));
}

#[test]
fn what_dispatch_is_told_of_an_item_on_its_way_goes_where_the_item_goes() {
    let mut world = World::given([received(), validated()]);
    assert_eq!(world.command(CommandAction::Cancel), None);
    world.when([matched(), passed(1, CommandAction::Cancel)]);
    let Some((Destination::Dispatch(_, told), _)) = world.sent.last() else { panic!("dispatch was not told") };
    let EventBody::PartnerDispatched { partner, bucket, .. } = dispatched().1 else { panic!("dispatched") };
    assert_eq!(*told, Route { partner, bucket });
}

#[test]
fn a_cancel_goes_to_dispatch_once_dispatch_has_the_item() {
    let mut world = World::given(on_its_way());
    assert_eq!(world.command(CommandAction::Cancel), None);
    assert_eq!(world.dispatch_tasks(), [&DispatchTask::CancelDispatch { command_id: FIRST }]);
    world.when([cancel_failed(Code::EffectTookPlace)]);
    assert_eq!((world.state(), world.closings()), (State::Acknowledged, 0));
}

#[test]
fn a_cancel_that_finds_nothing_running_ends_the_request() {
    let mut world = World::given(on_its_way());
    world.when([exhausted()]);
    assert_eq!(world.command(CommandAction::Cancel), None);
    world.when([cancel_failed(Code::NotInThisState)]);
    assert_eq!((world.closings(), world.folded().outcome), (1, Some(TerminalOutcome::Cancelled)));
}

#[test]
fn a_cancel_of_nobody_knows_what_leaves_the_question_open() {
    use domain::lifecycle::event::Resolution;
    let mut world = World::given(on_its_way());
    world.when([unknown(Resolution::Review)]);
    assert_eq!(world.command(CommandAction::Cancel), None);
    assert_eq!(world.command(CommandAction::ResolveUnknown), Some(Code::NotInThisState));
    world.when([cancel_failed(Code::OutcomeUnknownUnresolved)]);
    assert_eq!((world.state(), world.exceptions().len()), (State::Exception, 2));
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, Some(Verdict::TookEffect {}), None), None);
}

#[test]
fn of_many_commands_the_newest_are_remembered() {
    let mut world = World::given(on_its_way());
    for number in 1..=40 {
        world.give(number, if number % 2 == 1 { CommandAction::Hold } else { CommandAction::Release }, None, None);
    }
    let told = world.dispatch_tasks().len();
    world.give(39, CommandAction::Hold, None, None);
    assert_eq!((world.dispatch_tasks().len(), told), (40, 40), "it was judged before");
}

#[test]
fn a_command_that_comes_twice_is_carried_out_once() {
    let mut world = World::given(on_its_way());
    world.give(1, CommandAction::Hold, None, None);
    let (facts, work) = (world.log.len(), world.sent.len());
    assert_eq!(world.give(1, CommandAction::Hold, None, None), None);
    assert_eq!((world.log.len(), world.sent.len()), (facts, work));
    world.catch_up();
    assert_eq!(world.give(2, CommandAction::Hold, None, None), Some(Code::AlreadyDone));
}

#[test]
fn a_command_that_was_carried_out_is_not_judged_again_behind_one_that_waits() {
    let mut world = World::given(on_its_way());
    for number in [1, 2, 1] {
        assert_eq!(world.hand_in(number, CommandAction::Hold, None, None), None);
    }
    world.pass(Duration::from_millis(1));
    let refused: Vec<_> = world.own().iter().filter_map(refusal).collect();
    assert_eq!(refused, [Code::AlreadyDone], "the second hold, and not the first one again");
}

#[test]
fn commands_are_judged_by_what_was_written_not_by_what_was_read_back() {
    let mut world = World::given(on_its_way());
    assert_eq!(world.command(CommandAction::Cancel), None);
    assert_eq!(world.command(CommandAction::Cancel), Some(Code::AlreadyDone));
    assert_eq!(world.command(CommandAction::Hold), Some(Code::NotInThisState));
    world.catch_up();
    assert_eq!((world.state(), world.folded().anomalies), (State::Cancelling, 0));
}

#[test]
fn a_hold_stops_the_work_and_the_requests_clock() {
    let mut world = World::given([received(), validated(), matched()]);
    assert_eq!(world.command(CommandAction::Hold), None);
    world.catch_up();
    assert_eq!(world.state(), State::Held);
    assert_eq!(world.outcomes()[0].state, Some(State::Held));
    let due_by = world.watched().context.due_by;
    world.pass(10 * DAY);
    assert!(world.exceptions().is_empty(), "longer than the request may take, but held");
    assert_eq!(world.command(CommandAction::Release), None);
    world.catch_up();
    assert_eq!(world.state(), State::IdentityMatched);
    assert_eq!(world.watched().context.due_by, due_by + 10 * DAY);
    let tasks = world.identity_tasks();
    assert!(matches!(tasks[..], [IdentityTask::HoldIdentity { .. }, IdentityTask::ReleaseIdentity { .. }]));
}

#[test]
fn a_cancel_lifts_a_hold_for_good_even_where_it_fails() {
    let mut world = World::given(on_its_way());
    let (due_by, held) = (world.watched().context.due_by, std::time::Duration::from_secs(60));
    assert_eq!(world.command(CommandAction::Hold), None);
    world.pass(held);
    assert_eq!(world.command(CommandAction::Cancel), None);
    assert_eq!(world.watched().context.due_by, due_by + held, "a hold suspends the clock");
    world.when([cancel_failed(Code::EffectTookPlace)]);
    assert_eq!((world.state(), world.watched().held_since), (State::Acknowledged, None));
    assert_eq!(world.command(CommandAction::Release), Some(Code::NotInThisState));
}

#[test]
fn a_hold_that_was_released_in_the_meantime_is_not_passed_on() {
    let mut world = World::given([received(), validated(), matched()]);
    world.give(1, CommandAction::Hold, None, None);
    world.when([dispatched()]);
    world.give(2, CommandAction::Release, None, None);
    world.when([passed(1, CommandAction::Hold)]);
    assert_eq!(world.dispatch_tasks(), [&DispatchTask::ReleaseDispatch { command_id: CommandId([2; 16]) }]);
    let mut world = World::given([received(), validated(), matched()]);
    world.give(1, CommandAction::Hold, None, None);
    world.when([passed(1, CommandAction::Hold)]);
    world.give(2, CommandAction::Release, None, None);
    world.when([passed(2, CommandAction::Release)]);
    let tasks = world.dispatch_tasks();
    assert!(matches!(tasks[..], [DispatchTask::HoldDispatch { .. }, DispatchTask::ReleaseDispatch { .. }]));
}

#[test]
fn an_unknown_outcome_is_resolved_once() {
    use domain::lifecycle::event::Resolution;
    let mut world = World::given(on_its_way()[..4].to_vec());
    let took_effect = Some(Verdict::TookEffect {});
    let early = world.command_with(CommandAction::ResolveUnknown, took_effect, None);
    assert_eq!(early, Some(Code::NotInThisState));
    world.when([unknown(Resolution::Review)]);
    assert_eq!(world.command(CommandAction::ResolveUnknown), Some(Code::VerdictMissing));
    let wrong = Some(Verdict::IsNobody {});
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, wrong, None), Some(Code::VerdictMissing));
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, took_effect, None), None);
    let answer = DispatchTask::ResolveUnknown { command_id: CommandId([4; 16]), took_effect: true };
    assert_eq!(world.dispatch_tasks(), [&answer]);
    world.catch_up();
    assert_eq!((world.state(), world.folded().anomalies), (State::PartnerDispatched, 0), "out of its owner's hands");
    let decided = EventBody::ReviewDecided {
        command_id: CommandId([4; 16]),
        operator: "jo".into(),
        verdict: Verdict::TookEffect {},
        reason: Some("asked".into()),
    };
    assert_eq!(world.own().last(), Some(&decided));
    let other_answer = Some(Verdict::TookNoEffect {});
    let second = world.command_with(CommandAction::ResolveUnknown, other_answer, None);
    assert_eq!(second, Some(Code::NotInThisState));
}

/// What was said of one attempt is not said of the next, whenever it is said: who says it may not have seen the next one fail.
#[test]
fn an_answer_about_another_attempt_is_refused() {
    use domain::lifecycle::event::Resolution;
    let no_effect = Some(Verdict::TookNoEffect {});
    let mut world = World::given(on_its_way()[..4].to_vec());
    let first = world.about.take();
    world.when([unknown(Resolution::Review)]);
    let of_none = world.command_with(CommandAction::ResolveUnknown, no_effect, None);
    assert_eq!(of_none, Some(Code::VerdictMissing), "nobody knows what it is about");
    world.about = first;
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, no_effect, None), None);
    world.now = world.now + DAY / 48;
    world.when([unknown_again(2, Resolution::Review)]);
    world.now = world.now + DAY / 48;
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, no_effect, None), Some(Code::StateStale));
    world.about = first.map(|first| AttemptRef { attempt: 2, ..first });
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, no_effect, None), None);
}

/// Memory that an earlier version wrote says only that some attempt is in question, and since when.
#[test]
fn an_answer_to_a_question_of_an_earlier_version_is_judged_by_its_time() {
    use domain::lifecycle::event::Resolution;
    let no_effect = Some(Verdict::TookNoEffect {});
    let mut world = World::given(on_its_way()[..4].to_vec());
    let before = world.now;
    world.now = world.now + DAY / 48;
    world.when([unknown(Resolution::Review)]);
    let Some(Entry::WatchedRequest(request)) = world.memory.get(&Key::Request(REQUEST)) else { panic!("watched") };
    let request = WatchedRequest { unknown: None, ..(**request).clone() };
    world.memory.apply(Change::Put(Key::Request(REQUEST), Entry::WatchedRequest(Box::new(request))));
    let asked = std::mem::replace(&mut world.now, before);
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, no_effect, None), Some(Code::StateStale));
    world.now = asked;
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, no_effect, None), None);
}

/// The partner did it and can't be asked for what came of it: the owner hears that nothing more is to be had.
#[test]
fn an_answer_that_leads_nowhere_comes_back_to_an_owner() {
    use domain::lifecycle::event::Resolution;
    let mut world = World::given(on_its_way()[..4].to_vec());
    world.when([unknown(Resolution::Review)]);
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, Some(Verdict::TookEffect {}), None), None);
    world.when([exhausted()]);
    assert_eq!(world.exceptions(), [Code::OutcomeUnknownUnresolved, Code::AttemptsExhausted]);
    assert_eq!((world.state(), world.watched().code), (State::Exception, Some(Code::AttemptsExhausted)));
}

/// A hold and an exception over it are two things: each is lifted by what lifts it.
#[test]
fn a_release_leaves_to_an_owner_what_came_over_the_hold() {
    use domain::lifecycle::event::Resolution;
    let mut world = World::given(on_its_way()[..4].to_vec());
    assert_eq!(world.command(CommandAction::Hold), None);
    world.when([unknown(Resolution::Review)]);
    assert_eq!((world.state(), world.exceptions().len()), (State::Exception, 1));
    let took_effect = Some(Verdict::TookEffect {});
    let early = world.command_with(CommandAction::ResolveUnknown, took_effect, None);
    assert_eq!(early, Some(Code::NotInThisState), "it would hide the hold");
    assert_eq!(world.command(CommandAction::Release), None);
    world.catch_up();
    assert_eq!((world.state(), world.exceptions().len()), (State::Exception, 2));
    assert_eq!(world.command(CommandAction::Hold), Some(Code::NotInThisState), "its owner has it in hand");
    assert_eq!(world.command_with(CommandAction::ResolveUnknown, took_effect, None), None);
    world.catch_up();
    assert_eq!((world.state(), world.folded().anomalies), (State::PartnerDispatched, 0));
}

#[test]
fn a_disputed_delivery_ends_when_its_owner_has_settled_it() {
    let mut world = World::given(on_its_way());
    assert_eq!(world.command(CommandAction::Release), Some(Code::NotInThisState));
    world.when([fulfilled(2)]);
    assert_eq!((world.state(), world.exceptions()), (State::Exception, vec![Code::CountMismatch]));
    assert_eq!(world.command(CommandAction::Cancel), Some(Code::EffectTookPlace));
    assert_eq!(world.command(CommandAction::Release), None);
    world.catch_up();
    assert_eq!((world.state(), world.closings(), world.folded().anomalies), (State::Closed, 1, 0));
    let end = world.ends_told().last().map(|end| (end.outcome, end.code));
    assert_eq!(end, Some((Some(TerminalOutcome::Escalated), Some(Code::CountMismatch))));
}

#[test]
fn an_operator_who_saw_another_state_decides_again() {
    let mut world = World::given(on_its_way());
    let seen = Some(State::PartnerDispatched);
    assert_eq!(world.command_with(CommandAction::Cancel, None, seen), Some(Code::StateStale));
    let seen = Some(State::Acknowledged);
    assert_eq!(world.command_with(CommandAction::Cancel, None, seen), None);
}

#[test]
fn commands_about_ended_and_unknown_requests_are_answered() {
    let mut world = World::given([received(), validated(), cancelled(Stage::Identity)]);
    assert_eq!(world.ended().code, Some(Code::CancelledByOperator));
    assert_eq!(world.command(CommandAction::Cancel), Some(Code::AlreadyDone));
    assert_eq!(world.command(CommandAction::Hold), Some(Code::NotInThisState));
    let seen = Some(State::Validated);
    assert_eq!(world.command_with(CommandAction::Cancel, None, seen), Some(Code::StateStale));
    let mut world = World::given(on_its_way().into_iter().chain([fulfilled(3)]));
    assert_eq!(world.command(CommandAction::Cancel), Some(Code::EffectTookPlace));
    // Ended, but watched in case an effect comes to light.
    let mut world = World::given(on_its_way().into_iter().chain([partner_refused()]));
    assert_eq!(world.watched().lifecycle.state, State::Closed);
    assert_eq!(world.command(CommandAction::Cancel), Some(Code::NotInThisState));
}

/// What gives a command its place may be on the log and not read.
#[test]
fn a_command_is_refused_only_by_what_the_whole_log_says() {
    let mut world = World::new();
    assert_eq!(world.hand_in(1, CommandAction::Cancel, None, None), None);
    world.pass(Duration::from_secs(4));
    assert!(world.about_nothing.is_empty(), "nothing is decided yet");
    world.pass(Duration::from_secs(1));
    let refused = EventBody::CommandRefused {
        command_id: FIRST,
        action: CommandAction::Cancel,
        code: Code::TargetUnknown,
        operator: Some("jo".into()),
    };
    assert_eq!((world.about_nothing.as_slice(), world.log.len()), ([refused].as_slice(), 0));
    assert!(world.memory.is_empty());

    let mut world = World::given([received(), validated()]);
    world.append(in_review().0, in_review().1);
    let nobody = Some(Verdict::IsNobody {});
    assert_eq!(world.hand_in(1, CommandAction::DecideReview, nobody, Some(State::InReview)), None);
    assert!(world.sent.is_empty() && world.own().is_empty(), "nor before the review is read");
    world.pass(Duration::from_millis(1));
    assert!(matches!(world.identity_tasks()[..], [IdentityTask::DecideReview { .. }]));
}

#[test]
fn commands_that_overtake_their_request_are_judged_in_order() {
    let mut world = World::new();
    world.append(received().0, received().1);
    world.append(validated().0, validated().1);
    assert_eq!(world.hand_in(1, CommandAction::Hold, None, None), None);
    assert_eq!(world.hand_in(1, CommandAction::Hold, None, None), None, "the same again");
    world.read_one();
    assert_eq!(world.hand_in(2, CommandAction::Release, None, None), None, "behind the one that waits");
    world.pass(Duration::from_millis(1));
    assert_eq!(world.own().iter().find_map(refusal), None);
    assert_eq!((world.state(), world.watched().held_since), (State::Validated, None));
    let tasks = world.identity_tasks();
    assert!(
        matches!(tasks[..], [IdentityTask::HoldIdentity { .. }, IdentityTask::ReleaseIdentity { .. }]),
        "{tasks:?}"
    );
}

/// However many come, what is remembered of a request nobody knows stays small.
#[test]
fn a_flood_of_commands_about_nothing_is_refused_beyond_a_few() {
    let mut world = World::new();
    let refused = (1..=44).filter(|number| world.hand_in(*number, CommandAction::Hold, None, None).is_some());
    assert_eq!(refused.count(), 12);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.about_nothing.len(), 44);
}

#[test]
fn a_command_given_before_the_end_is_not_answered_again_after_it() {
    let mut world = World::given([received(), validated()]);
    assert_eq!(world.give(1, CommandAction::Cancel, None, None), None);
    world.when([cancelled(Stage::Identity)]);
    let facts = world.log.len();
    assert_eq!(world.give(1, CommandAction::Cancel, None, None), None);
    assert_eq!((world.log.len(), world.ended().commands.as_slice()), (facts, [FIRST].as_slice()));
}

#[test]
fn a_letter_discarded_under_a_cancel_is_a_cancel() {
    let mut world = World::given([received(), validated(), dead_lettered(Stage::Identity)]);
    assert_eq!(world.command(CommandAction::Cancel), None);
    world.when([letter_discarded()]);
    assert_eq!(world.ended().outcome, TerminalOutcome::Cancelled);
}

#[test]
fn letters_are_not_the_supervisors() {
    let mut world = World::given(on_its_way());
    for action in [CommandAction::ReplayLetter, CommandAction::DiscardLetter] {
        assert_eq!(world.command(action), Some(Code::NotInThisState));
    }
}

#[test]
fn commands_that_identity_has_no_place_for_are_refused_for_it() {
    let mut world = World::given(on_its_way());
    world.when([passed(1, CommandAction::DecideReview)]);
    assert_eq!(world.own().iter().find_map(refusal), Some(Code::NotInThisState));
}
