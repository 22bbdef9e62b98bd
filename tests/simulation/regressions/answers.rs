//! People's answers that come at the wrong moment.

use domain::messages::Stage;
use fleet::probe::Point;
use tests::bus::Step;
use tests::plan::{Fault, Kind, Place, Plan, Who};

use super::{balances, only, without};
use crate::enrolment::Change;
use crate::scenario::{Act, Order, Scenario};

/// A person says twice that an attempt took no effect. After the first answer the partner is asked again, and nobody knows of that
/// attempt either; the second answer was then taken for an answer about it, and the partner did the work twice. An answer names its
/// attempt.
#[test]
fn an_answer_is_no_answer_to_a_later_question() {
    let plan = Plan(vec![Fault { after: 22, kind: Kind::SlowMarkers { span_ms: 60_026 } }]);
    balances(&Scenario { plan, ..only(41, &[1, 2, 20, 22, 23, 24, 25]) });
}

/// The same, where the second answer is given after the next attempt has failed: its question is on the log, but nobody can see it
/// yet, since the marks of transactions are late. The time of an answer does not tell what it is about.
#[test]
fn an_answer_is_about_what_its_giver_could_see() {
    let first = |stage| Who { stage, number: 0 };
    let second = |stage| Who { stage, number: 1 };
    let visit = |stage, span_ms| Kind::Visit { stage, span_ms };
    let before_answers = Place::At(Point::BeforeAnswersCommit);
    let faults = [
        (12, visit(Stage::Reconciliation, 323)),
        (21, Kind::Pause { who: first(Stage::Dispatch), place: before_answers, span_ms: 25_466 }),
        (21, visit(Stage::Dispatch, 2_693)),
        (55, Kind::Crash { who: first(Stage::Identity), place: Place::In(Step::Committed), down_ms: 3_132 }),
        (79, Kind::Lost { who: second(Stage::Dispatch) }),
        (90, Kind::Poison { topic: 1 }),
        (91, Kind::Crash { who: second(Stage::Reconciliation), place: Place::In(Step::Sending), down_ms: 696 }),
        (98, visit(Stage::Reconciliation, 2_562)),
        (157, Kind::SlowMarkers { span_ms: 60_732 }),
    ];
    let plan = Plan(faults.into_iter().map(|(after, kind)| Fault { after, kind }).collect());
    let orders = vec![
        Order { on: "exception-raised", nth: 1, act: Act::Cancel },
        Order { on: "review-opened", nth: 1, act: Act::Race { seed: 787_995 } },
        Order { on: "review-opened", nth: 2, act: Act::Race { seed: 320_297 } },
        Order { on: "received", nth: 4, act: Act::Change { change: Change::Dangle, back_ms: None } },
    ];
    let left_out = [8, 20, 21, 25].into_iter().chain(10..=18).chain(29..=36);
    balances(&Scenario { plan, orders, ..without(877, left_out) });
}
