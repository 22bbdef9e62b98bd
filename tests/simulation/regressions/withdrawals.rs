//! Matches that are taken back while something else goes on.

use domain::messages::Stage;
use fleet::probe::Point;
use tests::plan::{Fault, Kind, Place, Plan, Who};

use super::{balances, without};
use crate::enrolment::Change;
use crate::scenario::{Act, Order, Scenario};

fn order(on: &'static str, nth: u32, act: Act) -> Order {
    Order { on, nth, act }
}

fn change(change: Change) -> Act {
    Act::Change { change, back_ms: None }
}

/// The partner can't be reached after the match was withdrawn, so that nobody knows what the attempt came to; then it delivers after
/// all. That the match was withdrawn was forgotten over the second exception, and the request was fulfilled.
#[test]
fn what_is_delivered_for_a_withdrawn_match_fulfils_nothing() {
    let place = Place::At(Point::BeforeAnswersCommit);
    let pause = Kind::Pause { who: Who { stage: Stage::Dispatch, number: 0 }, place, span_ms: 25_166 };
    let outage = Kind::Outage { payer: 0, span_ms: 3_600_015 };
    let plan = Plan(vec![Fault { after: 35, kind: pause }, Fault { after: 192, kind: outage }]);
    let orders = vec![
        order("partner-dispatched", 6, Act::Hold { for_ms: 0 }),
        order("identity-matched", 5, Act::CancelTwice),
        order("review-opened", 1, Act::DecideTwice),
        order("review-opened", 1, Act::Race { seed: 159_043 }),
        order("review-opened", 3, Act::Race { seed: 920_393 }),
        order("validated", 1, change(Change::Dangle)),
        order("identity-matched", 8, change(Change::Remove)),
    ];
    balances(&Scenario { plan, orders, ..without(2, 0..=12) });
}

/// A person cancels, and the match is withdrawn. The cancel came first and failed, since nobody knew what the attempt came to; the
/// stop was dropped as one cancel too many, and the dossier went out again once a person had said that there was no effect.
#[test]
fn a_stop_stands_whatever_becomes_of_a_cancel_before_it() {
    let orders = vec![
        order("identity-matched", 10, Act::CancelTwice),
        order("partner-dispatched", 10, change(Change::Replace)),
        order("partner-dispatched", 8, change(Change::Replace)),
    ];
    let left_out = [0, 14, 15, 17, 19, 20].into_iter().chain(22..=33).chain(35..=38);
    balances(&Scenario { orders, ..without(1_341, left_out) });
}

/// A reviewer chooses an account while it is somebody else's, for whom no field speaks. When it is the member's again, the match has
/// lost what it was made by.
#[test]
fn who_was_chosen_is_who_had_the_account_then() {
    let replaced = Act::Change { change: Change::Replace, back_ms: Some(90_000_000) };
    let orders = vec![
        order("partner-dispatched", 2, Act::Cancel),
        order("partner-dispatched", 9, Act::Hold { for_ms: 1_300_000_000 }),
        order("review-opened", 1, Act::Race { seed: 531_851 }),
        order("validated", 6, replaced),
    ];
    let left_out = [3, 4, 5, 13].into_iter().chain(15..=19).chain(21..=39);
    balances(&Scenario { orders, ..without(1_866, left_out) });
}
