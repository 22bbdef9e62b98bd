//! The ways in which a payer misbehaves, and how often.

use serde::{Deserialize, Serialize};

use crate::dice::Draw;

/// One kind of misbehaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The answer comes, but from the tail of the latency distribution.
    LatencyTail,
    /// 500, 502 or 503; the work was not done.
    ServerError,
    /// 429 with `Retry-After`; the work was not done.
    Throttled,
    /// The connection closes without an answer; the work was not done.
    ClosedBefore,
    /// The connection closes without an answer; the work was done.
    ClosedAfter,
    /// The work was done, and the answer stays out for longer than the caller waits.
    HungAfter,
    /// The work was done, and the body of the answer is not JSON.
    Malformed,
    /// The work was done, and the connection closes in the middle of the answer's body.
    Truncated,
    /// The manifest states a count or a digest that does not fit the data.
    WrongManifest,
    /// The callback is delivered twice under one webhook id.
    CallbackDuplicate,
    /// The callback comes long after the work was done.
    CallbackLate,
    /// A second callback says the opposite of the first.
    CallbackContradictory,
}

/// How often each fault strikes, per mille of its occasions.
///
/// The faults of an answer exclude each other: their rates add up, and the sum must not exceed 1000. The latency tail,
/// the manifest and the callback are drawn apart from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRates {
    /// Rate of [`Fault::LatencyTail`].
    pub latency_tail: u32,
    /// Rate of [`Fault::ServerError`].
    pub server_error: u32,
    /// Rate of [`Fault::Throttled`].
    pub throttled: u32,
    /// Rate of [`Fault::ClosedBefore`].
    pub closed_before: u32,
    /// Rate of [`Fault::ClosedAfter`].
    pub closed_after: u32,
    /// Rate of [`Fault::HungAfter`].
    pub hung_after: u32,
    /// Rate of [`Fault::Malformed`].
    pub malformed: u32,
    /// Rate of [`Fault::Truncated`].
    pub truncated: u32,
    /// Rate of [`Fault::WrongManifest`].
    pub wrong_manifest: u32,
    /// Rate of [`Fault::CallbackDuplicate`].
    pub callback_duplicate: u32,
    /// Rate of [`Fault::CallbackLate`].
    pub callback_late: u32,
    /// Rate of [`Fault::CallbackContradictory`].
    pub callback_contradictory: u32,
    /// How many attempts of one operation, for each verb, may meet a fault. The next attempt meets none, so every
    /// request can end.
    pub attempts_faulty_max: u32,
}

/// How badly the payers of a run behave as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultLevel {
    /// No faults at all.
    Calm,
    /// A normal day: about one answer in twenty is faulty.
    Usual,
    /// A bad day: four times as many.
    Rough,
}

// === impl Fault ===

impl Fault {
    /// The faults of which an answer meets one at most.
    const OF_ANSWERS: [Self; 7] = [
        Self::ServerError,
        Self::Throttled,
        Self::ClosedBefore,
        Self::ClosedAfter,
        Self::HungAfter,
        Self::Malformed,
        Self::Truncated,
    ];
}

// === impl FaultRates ===

impl FaultRates {
    /// No faults.
    pub const NONE: Self = Self {
        latency_tail: 0,
        server_error: 0,
        throttled: 0,
        closed_before: 0,
        closed_after: 0,
        hung_after: 0,
        malformed: 0,
        truncated: 0,
        wrong_manifest: 0,
        callback_duplicate: 0,
        callback_late: 0,
        callback_contradictory: 0,
        attempts_faulty_max: 3,
    };

    /// A normal day.
    pub const USUAL: Self = Self {
        latency_tail: 10,
        server_error: 20,
        throttled: 15,
        closed_before: 5,
        closed_after: 5,
        hung_after: 1,
        malformed: 4,
        truncated: 3,
        wrong_manifest: 2,
        callback_duplicate: 50,
        callback_late: 10,
        ..Self::NONE
    };

    /// The same mixture, `percent` as often; the bound on faulty attempts stays.
    #[must_use]
    pub const fn times(self, percent: u32) -> Self {
        Self {
            latency_tail: self.latency_tail * percent / 100,
            server_error: self.server_error * percent / 100,
            throttled: self.throttled * percent / 100,
            closed_before: self.closed_before * percent / 100,
            closed_after: self.closed_after * percent / 100,
            hung_after: self.hung_after * percent / 100,
            malformed: self.malformed * percent / 100,
            truncated: self.truncated * percent / 100,
            wrong_manifest: self.wrong_manifest * percent / 100,
            callback_duplicate: self.callback_duplicate * percent / 100,
            callback_late: self.callback_late * percent / 100,
            callback_contradictory: self.callback_contradictory * percent / 100,
            attempts_faulty_max: self.attempts_faulty_max,
        }
    }

    /// How often one fault strikes, per mille.
    pub(super) const fn of(&self, fault: Fault) -> u32 {
        match fault {
            Fault::LatencyTail => self.latency_tail,
            Fault::ServerError => self.server_error,
            Fault::Throttled => self.throttled,
            Fault::ClosedBefore => self.closed_before,
            Fault::ClosedAfter => self.closed_after,
            Fault::HungAfter => self.hung_after,
            Fault::Malformed => self.malformed,
            Fault::Truncated => self.truncated,
            Fault::WrongManifest => self.wrong_manifest,
            Fault::CallbackDuplicate => self.callback_duplicate,
            Fault::CallbackLate => self.callback_late,
            Fault::CallbackContradictory => self.callback_contradictory,
        }
    }

    /// The fault that strikes the answer for which `draw` was drawn.
    pub(super) fn of_answer(&self, draw: Draw) -> Option<Fault> {
        let mut height = draw.below(1000);
        for fault in Fault::OF_ANSWERS {
            let rate = u64::from(self.of(fault));
            if height < rate {
                return Some(fault);
            }
            height -= rate;
        }
        None
    }
}

// === impl FaultLevel ===

impl FaultLevel {
    /// How often faults strike at this level, in percent of a normal day.
    pub(super) const fn percent(self) -> u32 {
        match self {
            Self::Calm => 0,
            Self::Usual => 100,
            Self::Rough => 400,
        }
    }
}
