//! Letters that people put aside.

use domain::messages::Stage;
use fleet::probe::Point;
use tests::bus::Step;
use tests::plan::{Fault, Kind, Place, Plan, Who};

use super::{balances, without};
use crate::enrolment::Change;
use crate::scenario::{Act, Order, Scenario};

fn order(on: &'static str, nth: u32, act: Act) -> Order {
    Order { on, nth, act }
}

fn change(change: Change, back_ms: Option<u32>) -> Act {
    Act::Change { change, back_ms }
}

fn who(stage: Stage, number: usize) -> Who {
    Who { stage, number }
}

fn pause(stage: Stage, number: usize, point: Point, span_ms: u32) -> Kind {
    Kind::Pause { who: who(stage, number), place: Place::At(point), span_ms }
}

/// A request is on hold at dispatch, and a version of it with a flaw fails on the release. A person puts that letter aside, which ends
/// the request; the stop becomes a letter too and is put aside as well. Nothing lifted the hold any more.
#[test]
fn who_is_on_hold_is_let_go_though_the_stop_was_put_aside() {
    let crash = |stage, number, place, down_ms| Kind::Crash { who: who(stage, number), place, down_ms };
    let replaced = Kind::Replace { who: who(Stage::Intake, 1), place: Place::At(Point::BeforeCalls), span_ms: 3_096 };
    let faults = [
        (28, pause(Stage::Dispatch, 1, Point::BeforeAnswersCommit, 25_001)),
        (58, replaced),
        (67, crash(Stage::Identity, 0, Place::At(Point::BeforeCalls), 3_076)),
        (118, Kind::Flaw { stage: Stage::Dispatch, span_ms: 60_436 }),
        (127, Kind::Unreachable { span_ms: 6_727 }),
        (132, pause(Stage::Dispatch, 1, Point::BeforeAnswersCommit, 12_470)),
        (134, crash(Stage::Dispatch, 1, Place::In(Step::Sending), 3_749)),
        (137, Kind::Visit { stage: Stage::Dispatch, span_ms: 2_142 }),
        (164, crash(Stage::Intake, 1, Place::At(Point::BeforeCalls), 15_330)),
        (168, Kind::Lost { who: who(Stage::Intake, 0) }),
        (173, pause(Stage::Identity, 1, Point::BeforeCommit, 25_147)),
        (174, pause(Stage::Dispatch, 0, Point::BeforeAnswersCommit, 25_072)),
        (174, Kind::Visit { stage: Stage::Intake, span_ms: 2_281 }),
    ];
    let plan = Plan(faults.into_iter().map(|(after, kind)| Fault { after, kind }).collect());
    let orders = vec![
        order("partner-dispatched", 4, Act::Release),
        order("partner-dispatched", 1, Act::Hold { for_ms: 40_000 }),
        order("validated", 7, Act::Hold { for_ms: 0 }),
        order("fulfilled", 6, Act::Cancel),
        order("attempt-failed", 1, change(Change::Split, None)),
        order("outcome-unknown", 2, change(Change::Split, None)),
        order("received", 8, change(Change::MergeEarly, None)),
        order("acknowledged", 1, change(Change::Remove, Some(0))),
    ];
    balances(&Scenario { plan, orders, ..without(15_115, [25, 27, 15_115]) });
}
