//! Whether clocks run out when they should: not before they are due, once, and never for a step that was on the log in time and
//! only not read yet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::lifecycle::event::Clock;
use domain::{EventBody, LifecycleEvent, RequestId, Stage, Timestamp};

/// What is known of the clocks of all requests.
pub(super) struct Clocks {
    requests: BTreeMap<RequestId, Steps>,
    has_begun_at: Timestamp,
}

/// The steps of one request on its main line, each with when its worker dated it and when it was seen on the log.
#[derive(Default)]
struct Steps {
    steps: Vec<(Timestamp, Duration)>,
    breached: BTreeSet<(&'static str, Timestamp)>,
    request_breaches: u32,
    releases: u32,
    /// A fact of it could not be decided by the supervisor and lies in a letter.
    is_lettered: bool,
}

/// No two clocks of the simulated world are further apart than this, those included that somebody has set.
const APART: Duration = Duration::from_millis(220_000);
/// The spans of `deploy/policy/clocks.toml` that a step of the main line starts.
const SPANS_S: [u64; 10] = [60, 300, 3_600, 14_400, 86_400, 172_800, 259_200, 7_200, 28_800, 43_200];

// === impl Clocks ===

impl Clocks {
    pub(super) fn new() -> Self {
        Self { requests: BTreeMap::new(), has_begun_at: Timestamp(tests::clock::START_MS) }
    }

    /// Takes a fact in; what is wrong with it.
    pub(super) fn judge(&mut self, event: &LifecycleEvent, seen: Duration) -> Option<String> {
        let steps = self.requests.entry(event.request_id).or_default();
        match &event.body {
            EventBody::Received { .. }
            | EventBody::Validated { .. }
            | EventBody::ReviewOpened { .. }
            | EventBody::IdentityMatched { .. }
            | EventBody::PartnerDispatched { .. }
            | EventBody::Acknowledged { .. }
            | EventBody::Fulfilled { .. } => {
                steps.steps.push((event.at, seen));
                None
            }
            EventBody::DeadLettered { .. } => {
                steps.is_lettered |= event.by == Stage::Reconciliation;
                None
            }
            EventBody::Released { .. } => {
                steps.releases += 1;
                None
            }
            EventBody::DeadlineBreached { clock, due } => {
                let begun = self.has_begun_at;
                steps.breach(*clock, *due, event.at, |at| begun + at)
            }
            _ => None,
        }
    }
}

// === impl Steps ===

impl Steps {
    fn breach(
        &mut self,
        clock: Clock,
        due: Timestamp,
        at: Timestamp,
        wall: impl Fn(Duration) -> Timestamp,
    ) -> Option<String> {
        if at < due {
            return Some(format!("the {clock:?} clock ran out at {at:?}, before {due:?}"));
        }
        let name = match clock {
            Clock::Stage => "stage",
            Clock::Request => "request",
            Clock::Exception => "exception",
        };
        if !self.breached.insert((name, due)) {
            return Some(format!("the {name} clock of {due:?} ran out twice"));
        }
        self.request_breaches += u32::from(clock == Clock::Request);
        if 1 + self.releases < self.request_breaches {
            return Some("the request's own clock ran out twice".to_owned());
        }
        if clock != Clock::Stage || self.is_lettered {
            return None;
        }
        // The step whose clock this is, and one that came to the log well before it ran out.
        let is_its =
            |(at, _): &(Timestamp, Duration)| SPANS_S.iter().any(|span| *at + Duration::from_secs(*span) == due);
        let its = self.steps.iter().rposition(is_its)?;
        let in_time = |(_, seen): &(Timestamp, Duration)| wall(*seen) + APART < due;
        self.steps[its + 1..]
            .iter()
            .any(in_time)
            .then(|| "a clock ran out though the step was on the log in time".to_owned())
    }
}
