//! Whatever other workers write, people ask and clocks do, in whatever order.

use std::time::Duration;

use domain::lifecycle::event::Resolution;
use domain::lifecycle::fold::{chain, digest};
use domain::messages::{CommandAction, Stage, Verdict};
use domain::{Code, Decision, EventBody, Input, Message, OperationId, State, Token, Worker};
use proptest::prelude::*;

use super::world::*;
use crate::case::is_own;
use crate::{Entry, Key, Reconciliation};

#[derive(Clone, Debug)]
enum Step {
    /// Another worker writes a fact; it is not read yet.
    Fact(Stage, EventBody),
    /// So many events are read.
    Read(u8),
    /// A person gives a command.
    Command(u8, CommandAction, Option<Verdict>),
    /// All is read and time passes.
    Pass(u64),
}

/// Every kind of fact that other workers write.
fn facts() -> Vec<(Stage, EventBody)> {
    let operation_id = OperationId::of_compensation(operation());
    let class = domain::FailureClass::Permanent;
    let mut facts = on_its_way();
    facts.extend([
        duplicate(),
        in_review(),
        unmatched(),
        unknown(Resolution::Review),
        unknown(Resolution::Query),
        exhausted(),
        partner_refused(),
        fulfilled(3),
        fulfilled(2),
        cancelled(Stage::Identity),
        cancelled(Stage::Dispatch),
        dead_lettered(Stage::Identity),
        dead_lettered(Stage::Reconciliation),
        letter_replayed(),
        letter_discarded(),
        passed(1, CommandAction::Cancel),
        passed(2, CommandAction::Hold),
        passed(3, CommandAction::Release),
        passed(4, CommandAction::DecideReview),
        cancel_failed(Code::EffectTookPlace),
        cancel_failed(Code::NotInThisState),
        cancel_failed(Code::OutcomeUnknownUnresolved),
        (Stage::Dispatch, EventBody::Compensated { operation_id }),
        (Stage::Dispatch, EventBody::CompensationFailed { operation_id, class }),
        (Stage::Identity, EventBody::Superseded { by: domain::RequestId([2; 16]) }),
    ]);
    facts
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = proptest::sample::select(vec![
        None,
        Some(Verdict::IsMember { member_token: Token([8; 16]) }),
        Some(Verdict::IsNobody {}),
        Some(Verdict::TookEffect {}),
        Some(Verdict::TookNoEffect {}),
    ]);
    let action = proptest::sample::select(vec![
        CommandAction::Cancel,
        CommandAction::Hold,
        CommandAction::Release,
        CommandAction::DecideReview,
        CommandAction::ResolveUnknown,
        CommandAction::ReplayLetter,
    ]);
    prop_oneof![
        5 => proptest::sample::select(facts()[1..].to_vec()).prop_map(|(by, body)| Step::Fact(by, body)),
        3 => (1..4_u8).prop_map(Step::Read),
        2 => (1..20_u8, action, verdict).prop_map(|(number, action, verdict)| Step::Command(number, action, verdict)),
        2 => (1..400_u64).prop_map(Step::Pass),
    ]
}

fn carry_out(world: &mut World, step: Step) {
    match step {
        Step::Fact(by, body) => world.append(by, body),
        Step::Read(count) => (0..count).for_each(|_| read_and_check(world)),
        Step::Command(number, action, verdict) => {
            world.give(number, action, verdict, None);
        }
        Step::Pass(hours) => {
            while world.read < world.log.len() {
                read_and_check(world);
            }
            world.pass(Duration::from_secs(hours * 3600));
        }
    }
}

/// Reading back one's own facts leads to no fact and no work; at most the source hears of the state that now shows.
fn read_and_check(world: &mut World) {
    let own = world.log.get(world.read).is_some_and(is_own);
    let Some(decision) = world.read_one() else { return };
    if own {
        assert!(decision.events.is_empty(), "acted on its own fact: {:?}", decision.events);
        let work = decision.forward.iter().filter(|forward| !matches!(forward.message, Message::Outcome(_)));
        assert_eq!(work.count(), 0, "worked on its own fact");
    }
}

fn check(world: &World) {
    assert!(world.closings() <= 1, "closed twice");
    for (key, entry) in world.memory.iter() {
        let due = Reconciliation::due(key, entry).expect("every entry is due some time");
        assert!(due <= world.now + 60 * DAY, "due only at {due}");
    }
    if let Some(Entry::WatchedRequest(watched)) = world.memory.get(&Key::Request(REQUEST)) {
        assert_eq!(watched.ahead.is_none(), !world.log[world.read..].iter().any(is_own), "what is unread is known");
    }
}

/// The events of the request from its first on, as the supervisor folded them.
fn proof_holds(world: &World) {
    let Some(EventBody::Closed { events, chain: proof, .. }) =
        world.own().into_iter().find(|body| matches!(body, EventBody::Closed { .. }))
    else {
        return;
    };
    let begin = world.log.iter().position(|event| matches!(event.body, EventBody::Received { .. }));
    let folded = world.log.iter().skip(begin.expect("a beginning")).take(events as usize);
    let recomputed = folded.fold([0; 32], |so_far, event| chain(&so_far, &digest(&value_of(event))));
    assert_eq!(proof, recomputed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8 * ProptestConfig::default().cases))]

    /// Nothing panics, nothing is closed twice, nothing hangs: left alone, every request comes to an end its source has heard of,
    /// and is forgotten.
    #[test]
    fn every_history_comes_to_one_end(steps in proptest::collection::vec(step(), 0..60)) {
        let mut world = World::given([received()]);
        for step in steps {
            carry_out(&mut world, step);
            check(&world);
        }
        world.pass(200 * DAY);
        prop_assert_eq!(world.state(), State::Closed);
        prop_assert_eq!(world.closings(), 1);
        proof_holds(&world);
        prop_assert!(world.memory.is_empty());
        let last = world.ends_told().last().and_then(|end| end.outcome);
        let disputed = world.own().iter().any(|body| matches!(body, EventBody::VerificationFailed { .. }));
        prop_assert!(disputed || last == world.folded().outcome, "told {:?}, is {:?}", last, world.folded().outcome);
    }

    /// A fact that comes twice changes nothing the second time, but for the count of events and of what was out of order.
    #[test]
    fn a_repeated_fact_never_advances(upto in 1..7_usize, fact in proptest::sample::select(facts())) {
        let path: Vec<_> = on_its_way().into_iter().chain([fulfilled(3)]).take(upto).collect();
        let mut world = World::given(path);
        world.when([fact.clone()]);
        let (state, own) = (world.state(), world.own().len());
        world.sent.clear();
        world.when([fact.clone()]);
        let repeatable = matches!(fact.1, EventBody::CommandPassed { .. });
        prop_assert!(repeatable || world.own().len() == own, "{:?} acted twice", fact);
        prop_assert!(repeatable || world.dispatch_tasks().is_empty() && world.identity_tasks().is_empty());
        let asks = matches!(fact.1, EventBody::DuplicateSuppressed { .. });
        prop_assert!(asks || world.ends_told().is_empty());
        let overlays = matches!(fact.1, EventBody::DeadLettered { .. } | EventBody::LetterReplayed { .. });
        prop_assert!(overlays || world.state() == state);
    }
}

#[test]
fn answers_to_calls_nobody_made_are_nothing() {
    let world = World::given(on_its_way());
    let answer = domain::Answer { operation_id: operation(), attempt: 1, result: domain::CallResult::Lost };
    assert_eq!(world.decide(Input::Answer(&answer)), Ok(Decision::nothing()));
}
