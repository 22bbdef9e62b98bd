//! Deadlines: how long a request may stay in a state. Every open state has a clock, so that nothing hangs.

use std::time::Duration;

use super::event::Clock;
use super::{Lifecycle, State};
use crate::Timestamp;
use crate::messages::Lane;

/// The next clock that runs out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline {
    /// Which clock.
    pub clock: Clock,
    /// When it runs out.
    pub due: Timestamp,
}

/// How long each stage may take, by lane. Loaded from `deploy/policy/clocks.toml`; the defaults are those of the regulation where
/// it has one (42 CFR 422.121(b): one business day to respond, one week to request) and ours elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// From received to matched, without review.
    pub identity: ByLane,
    /// The time a reviewer has.
    pub review: ByLane,
    /// From matched to dispatched.
    pub dispatch: ByLane,
    /// From dispatched to acknowledged or fulfilled.
    pub acknowledge: ByLane,
    /// From acknowledged to fulfilled.
    pub fulfil: ByLane,
    /// How long a cancel or a compensation may take.
    pub settle: ByLane,
    /// How long a hold may last before its owner is asked.
    pub hold: ByLane,
    /// How long an owner has before an exception moves up a tier.
    pub exception: ByLane,
    /// How long a letter may wait for triage.
    pub letter: ByLane,
    /// The whole request, where the source gives no `due_by`.
    pub request: ByLane,
}

/// A span for each lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByLane {
    /// Urgent.
    pub urgent: Duration,
    /// Standard.
    pub standard: Duration,
    /// Bulk.
    pub bulk: Duration,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

impl ByLane {
    /// The span of a lane.
    pub fn of(&self, lane: Lane) -> Duration {
        match lane {
            Lane::Urgent => self.urgent,
            Lane::Standard => self.standard,
            Lane::Bulk => self.bulk,
        }
    }

    const fn new(urgent: Duration, standard: Duration, bulk: Duration) -> Self {
        Self { urgent, standard, bulk }
    }

    const fn all(span: Duration) -> Self {
        Self::new(span, span, span)
    }
}

impl Clocks {
    /// The clocks that hold where policy says nothing else.
    pub const STANDARD: Self = Self {
        identity: ByLane::new(MINUTE, HOUR, DAY),
        review: ByLane::new(HOUR, DAY, DAY.saturating_mul(3)),
        dispatch: ByLane::new(MINUTE.saturating_mul(5), HOUR.saturating_mul(4), DAY),
        acknowledge: ByLane::new(HOUR, DAY, DAY.saturating_mul(2)),
        fulfil: ByLane::new(HOUR.saturating_mul(4), DAY, DAY.saturating_mul(3)),
        settle: ByLane::all(DAY),
        hold: ByLane::all(DAY.saturating_mul(14)),
        exception: ByLane::new(HOUR, DAY, DAY.saturating_mul(2)),
        letter: ByLane::new(HOUR, DAY, DAY.saturating_mul(2)),
        request: ByLane::new(DAY, DAY.saturating_mul(7), DAY.saturating_mul(14)),
    };

    /// The next deadline of a request that is to end by `due_by`; none once it is closed.
    ///
    /// A hold suspends the request's own clock: a regulator's hold must not breach an SLA.
    pub fn next(&self, lifecycle: &Lifecycle, lane: Lane, due_by: Timestamp) -> Option<Deadline> {
        let stage = |span: &ByLane| Deadline { clock: Clock::Stage, due: lifecycle.since + span.of(lane) };
        let within = |stage: Deadline| {
            if due_by < stage.due { Deadline { clock: Clock::Request, due: due_by } } else { stage }
        };
        match lifecycle.state {
            State::Received | State::Validated => Some(within(stage(&self.identity))),
            State::InReview => Some(within(stage(&self.review))),
            State::IdentityMatched => Some(within(stage(&self.dispatch))),
            State::PartnerDispatched => Some(within(stage(&self.acknowledge))),
            State::Acknowledged => Some(within(stage(&self.fulfil))),
            State::DeadLettered => Some(within(stage(&self.letter))),
            State::Cancelling | State::Compensating => Some(stage(&self.settle)),
            State::Held => Some(stage(&self.hold)),
            State::Exception => {
                Some(Deadline { clock: Clock::Exception, due: lifecycle.since + self.exception.of(lane) })
            }
            State::Fulfilled
            | State::Rejected
            | State::Cancelled
            | State::Superseded
            | State::Compensated
            | State::Closed => None,
        }
    }
}
