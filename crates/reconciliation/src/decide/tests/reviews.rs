//! Commands about reviews.

use domain::lifecycle::evidence::ReviewStep;
use domain::messages::{CommandAction, IdentityTask, Verdict};
use domain::{Code, EventBody, State, Token};

use super::world::*;

#[test]
fn a_review_is_decided_while_it_is_open_even_when_overdue() {
    let verdict = Some(Verdict::IsMember { member_token: Token([8; 16]) });
    let mut world = World::given([received(), validated(), in_review()]);
    assert_eq!(world.command(CommandAction::DecideReview), Some(Code::VerdictMissing));
    let wrong = Some(Verdict::TookEffect {});
    assert_eq!(world.command_with(CommandAction::DecideReview, wrong, None), Some(Code::VerdictMissing));
    world.pass(2 * DAY);
    assert_eq!(world.exceptions(), [Code::StageOverdue]);
    assert_eq!(world.command_with(CommandAction::DecideReview, verdict, None), None);
    assert!(matches!(world.identity_tasks()[..], [IdentityTask::DecideReview { .. }]));
    world.when([matched()]);
    assert_eq!(world.state(), State::IdentityMatched);
    let too_late = world.command_with(CommandAction::DecideReview, verdict, None);
    assert_eq!(too_late, Some(Code::NoOpenReview));
}

#[test]
fn a_review_of_a_request_on_hold_waits_for_its_release() {
    let verdict = Some(Verdict::IsNobody {});
    let mut world = World::given([received(), validated(), in_review()]);
    assert_eq!(world.command(CommandAction::Hold), None);
    assert_eq!(world.command_with(CommandAction::DecideReview, verdict, None), Some(Code::OnHold));
    assert_eq!(
        world.command_with(CommandAction::DecideReview, Some(Verdict::Look {}), None),
        None,
        "a look is on record"
    );
    assert_eq!(world.command(CommandAction::Release), None);
    assert_eq!(world.command_with(CommandAction::DecideReview, verdict, None), None);
}

/// Where no review is open a look changes nothing and has no place to be refused in: it stands on record as what it is.
#[test]
fn a_look_is_on_record_whatever_has_become_of_the_request() {
    let look =
        |world: &mut World, state| world.command_with(CommandAction::DecideReview, Some(Verdict::Look {}), state);
    let looks = |world: &World| {
        let is_look = |body: &&EventBody| {
            matches!(body, EventBody::CommandPassed { review: Some(step), .. }
                if step.step == ReviewStep::LOOKED && step.operator.as_str() == "jo")
        };
        world.own().iter().filter(is_look).count()
    };
    let mut world = World::given([received(), validated(), matched()]);
    assert_eq!((look(&mut world, None), looks(&world)), (None, 1), "in the midst of it");
    assert_eq!(world.state(), State::IdentityMatched);
    assert_eq!(look(&mut world, Some(State::InReview)), Some(Code::StateStale), "it was asked for in another state");
    let mut world = World::given([received(), validated(), unmatched()]);
    world.when([]);
    assert_eq!((look(&mut world, None), looks(&world)), (None, 1), "after its end");
}
