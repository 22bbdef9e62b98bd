//! How long each state may last, and what else is a matter of time.

use std::time::Duration;

use domain::State;
use domain::lifecycle::deadline::ByLane;
use domain::lifecycle::{Clocks, PolicyRef};
use toml::Value;

use super::PolicyError;
use super::reading::Reading;

/// The policy of `deploy/policy/clocks.toml`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClockPolicy {
    /// Its version and digest.
    pub reference: PolicyRef,
    /// The clocks, by stage and lane.
    pub clocks: Clocks,
    /// How long an ended request is remembered, so that its outcome can be repeated.
    pub remember_closed: Duration,
    /// The states of which the source is told while the request is open. Fewer means less to write.
    pub tell: Vec<State>,
}

const DAY: Duration = Duration::from_secs(86_400);
const A_CLOCK: &str = "must be a span like 90s, 15m, 4h or 3d, or one for each lane";

impl ClockPolicy {
    /// The name it is activated under.
    pub const NAME: &str = "clocks";

    /// Reads the text; a clock it does not name is the standard one.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut reading = Reading::begin(Self::NAME, text)?;
        let reference = reading.reference(text);
        let remember_closed = reading.span("remember_closed", DAY.saturating_mul(30));
        let tell = tell(&mut reading);
        let standard = Clocks::STANDARD;
        let clocks = Clocks {
            identity: by_lane(&mut reading, "identity", standard.identity),
            review: by_lane(&mut reading, "review", standard.review),
            dispatch: by_lane(&mut reading, "dispatch", standard.dispatch),
            acknowledge: by_lane(&mut reading, "acknowledge", standard.acknowledge),
            fulfil: by_lane(&mut reading, "fulfil", standard.fulfil),
            settle: by_lane(&mut reading, "settle", standard.settle),
            hold: by_lane(&mut reading, "hold", standard.hold),
            exception: by_lane(&mut reading, "exception", standard.exception),
            letter: by_lane(&mut reading, "letter", standard.letter),
            request: by_lane(&mut reading, "request", standard.request),
        };
        reading.end(Self { reference, clocks, remember_closed, tell })
    }
}

fn tell(reading: &mut Reading) -> Vec<State> {
    let Some(names) = reading.names("tell") else {
        return vec![State::InReview, State::Acknowledged, State::Held, State::Exception];
    };
    let known = |name: &String| State::ALL.into_iter().find(|state| state.as_str() == name);
    if !names.iter().all(|name| known(name).is_some()) {
        reading.mistake("tell", "names a state that does not exist");
    }
    names.iter().filter_map(known).collect()
}

fn by_lane(reading: &mut Reading, key: &str, standard: ByLane) -> ByLane {
    match reading.take(key) {
        None => standard,
        Some(Value::Table(table)) => reading.within(key, table, |lanes| ByLane {
            urgent: lanes.span("urgent", standard.urgent),
            standard: lanes.span("standard", standard.standard),
            bulk: lanes.span("bulk", standard.bulk),
        }),
        Some(value) => {
            let Some(span) = value.as_str().and_then(domain::time::parse_span) else {
                reading.mistake(key, A_CLOCK);
                return standard;
            };
            ByLane { urgent: span, standard: span, bulk: span }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deployed_clocks_are_the_standard_ones() {
        let text = include_str!("../../../../deploy/policy/clocks.toml");
        let policy = ClockPolicy::parse(text).expect("the deployed clocks");
        assert_eq!(policy.clocks, Clocks::STANDARD);
        let silent = ClockPolicy::parse("version = 1").expect("a policy that leaves all as it is");
        assert_eq!((policy.remember_closed, policy.tell), (silent.remember_closed, silent.tell));
    }

    #[test]
    fn a_clock_may_run_alike_in_all_lanes_or_differ_in_one() {
        let policy = ClockPolicy::parse("version = 2\nhold = '3d'\n[review]\nurgent = '15m'").expect("a policy");
        assert_eq!(policy.clocks.hold.bulk, DAY.saturating_mul(3));
        assert_eq!(policy.clocks.review.urgent, Duration::from_secs(900));
        assert_eq!(policy.clocks.review.bulk, Clocks::STANDARD.review.bulk);
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let text = "version = 'x'\nremember_closed = 30\ntell = ['dreaming']\nnap = '1h'\n[review]\nurgent = 'soon'\nslow = '1h'";
        let error = ClockPolicy::parse(text).expect_err("mistakes");
        let places: Vec<_> = error.0.iter().map(|mistake| mistake.at.as_str()).collect();
        assert_eq!(
            places,
            [
                "clocks.version",
                "clocks.remember_closed",
                "clocks.tell",
                "clocks.review.urgent",
                "clocks.review.slow",
                "clocks.nap"
            ]
        );
    }
}
