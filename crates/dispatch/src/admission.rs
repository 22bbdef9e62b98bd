//! Admission: whether a route may carry one more call. A window bounds the calls under way; a breaker stops them altogether while
//! the partner fails, and then lets one at a time find out whether it still does.

use std::time::Duration;

use domain::{CallResult, FailureClass, Lane, Timestamp};

use crate::memory::{Breaker, Load};

/// How many failures in a row trip the breaker.
const TRIP_AFTER: u32 = 5;

/// What an answer says about the partner, whatever it says about the operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// It answers.
    Well,
    /// It does not, or not sensibly.
    Ill,
    /// The answer says nothing about it.
    Unknown,
}

// === impl Health ===

impl Health {
    /// What an answer says.
    pub fn of(result: &CallResult) -> Self {
        match result {
            CallResult::Failed { class, .. } => match class {
                FailureClass::Transport | FailureClass::Timeout | FailureClass::OutcomeUnknown => Self::Ill,
                FailureClass::Throttled | FailureClass::Defect => Self::Unknown,
                FailureClass::Authentication
                | FailureClass::Authorisation
                | FailureClass::Schema
                | FailureClass::BusinessRule
                | FailureClass::Permanent => Self::Well,
            },
            CallResult::Lost => Self::Unknown,
            CallResult::Completed { .. }
            | CallResult::Pending { .. }
            | CallResult::Refused { .. }
            | CallResult::NotFound
            | CallResult::Cancelled
            | CallResult::CancelTooLate
            | CallResult::Compensated => Self::Well,
        }
    }
}

/// In which order the lanes are looked at for the next place, after so many. Of every eight one looks for standard work first and
/// one for bulk: whatever comes in above it, what waits moves on.
pub fn precedence(released: u32) -> [Lane; 3] {
    match released % 8 {
        3 => [Lane::Standard, Lane::Urgent, Lane::Bulk],
        7 => [Lane::Bulk, Lane::Standard, Lane::Urgent],
        _ => Lane::ALL,
    }
}

// === impl Load ===

impl Load {
    /// A route that has carried nothing yet.
    pub const NONE: Self =
        Self { outstanding: 0, next_place: 0, breaker: Breaker::Flowing { failures: 0 }, released: 0 };

    /// Whether one more call may be made.
    pub fn admits(&self, window: u32) -> bool {
        match self.breaker {
            Breaker::Flowing { .. } => self.outstanding < window,
            Breaker::Tripped { .. } => false,
            Breaker::Probing {} => self.outstanding == 0 && window != 0,
        }
    }

    /// Takes back the slot of a call that was answered, and draws the breaker's conclusion. Once tripped it rests for `rest`.
    pub fn settle(&mut self, health: Health, now: Timestamp, rest: Duration) {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.breaker = match (self.breaker, health) {
            (breaker, Health::Unknown) => breaker,
            (_, Health::Well) => Breaker::Flowing { failures: 0 },
            (Breaker::Flowing { failures }, Health::Ill) if failures + 1 < TRIP_AFTER => {
                Breaker::Flowing { failures: failures + 1 }
            }
            (Breaker::Flowing { .. } | Breaker::Probing {}, Health::Ill) => Breaker::Tripped { until: now + rest },
            (tripped @ Breaker::Tripped { .. }, Health::Ill) => tripped,
        };
    }

    /// Lets one call try again once the rest is over.
    pub fn probe(&mut self, now: Timestamp) {
        if matches!(self.breaker, Breaker::Tripped { until } if until <= now) {
            self.breaker = Breaker::Probing {};
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_millis(500);

    #[test]
    fn failures_in_a_row_trip_it_and_one_success_lets_it_flow() {
        let mut load = Load { outstanding: 20, ..Load::NONE };
        for _ in 0..4 {
            load.settle(Health::Ill, Timestamp(0), REST);
        }
        load.settle(Health::Unknown, Timestamp(0), REST);
        assert!(load.admits(20));
        load.settle(Health::Ill, Timestamp(10), REST);
        assert_eq!(load.breaker, Breaker::Tripped { until: Timestamp(510) });
        assert!(!load.admits(20));
        load.settle(Health::Ill, Timestamp(20), REST);
        assert_eq!(load.breaker, Breaker::Tripped { until: Timestamp(510) }, "stragglers don't lengthen the rest");

        load.probe(Timestamp(509));
        assert!(!load.admits(20));
        load.probe(Timestamp(510));
        assert!(!load.admits(20), "calls of before are still under way");
        load.outstanding = 0;
        assert!(load.admits(20));
        load.outstanding = 1;
        assert!(!load.admits(20), "one probe at a time");
        load.settle(Health::Ill, Timestamp(600), REST);
        assert_eq!(load.breaker, Breaker::Tripped { until: Timestamp(1_100) });
        load.settle(Health::Well, Timestamp(700), REST);
        assert_eq!(load, Load::NONE);
    }

    #[test]
    fn failures_with_a_success_between_them_are_not_in_a_row() {
        let mut load = Load { outstanding: 20, ..Load::NONE };
        for _ in 0..3 {
            (0..4).for_each(|_| load.settle(Health::Ill, Timestamp(0), REST));
            assert!(load.admits(20));
            load.settle(Health::Well, Timestamp(0), REST);
        }
    }
}
