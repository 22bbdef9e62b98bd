//! People's answers that come at the wrong moment.

use tests::plan::{Fault, Kind, Plan};

use super::{balances, only};
use crate::scenario::Scenario;

/// A person says twice that an attempt took no effect. After the first answer the partner is asked again, and nobody knows of that
/// attempt either; the second answer was then taken for an answer about it, and the partner did the work twice. An answer that is
/// older than the question is refused.
#[test]
fn an_answer_is_no_answer_to_a_later_question() {
    let plan = Plan(vec![Fault { after: 22, kind: Kind::SlowMarkers { span_ms: 60_026 } }]);
    balances(&Scenario { plan, ..only(41, &[1, 2, 20, 22, 23, 24, 25]) });
}
