//! The failure taxonomy: every failure has one class, and the class decides what may happen next.

use serde::{Deserialize, Serialize};

/// Why a call, a record or a step failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The connection failed before the partner saw the request.
    Transport,
    /// No answer in time.
    Timeout,
    /// The partner asked to slow down.
    Throttled,
    /// Our credentials, or a submission's signature, were not accepted.
    Authentication,
    /// We, or the source, may not do this.
    Authorisation,
    /// The bytes don't have the agreed shape.
    Schema,
    /// Understood and refused for a reason of the business.
    BusinessRule,
    /// Refused for good; no repetition helps.
    Permanent,
    /// It is not known whether the effect took place.
    OutcomeUnknown,
    /// Our own fault: a bug, a panic, an impossible state.
    Defect,
}

/// What the taxonomy allows after a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remedy {
    /// Try again after a backoff.
    Retry,
    /// Ask the partner what became of it, before anything else.
    Resolve,
    /// A person has to look.
    Review,
    /// Tell the source and end the request.
    Reject,
    /// Keep the record for triage.
    DeadLetter,
}

impl FailureClass {
    /// All classes, in the order of the taxonomy.
    pub const ALL: [Self; 10] = [
        Self::Transport,
        Self::Timeout,
        Self::Throttled,
        Self::Authentication,
        Self::Authorisation,
        Self::Schema,
        Self::BusinessRule,
        Self::Permanent,
        Self::OutcomeUnknown,
        Self::Defect,
    ];

    /// What follows by default when a partner call fails with this class.
    pub fn remedy(self) -> Remedy {
        match self {
            Self::Transport | Self::Throttled => Remedy::Retry,
            Self::Timeout | Self::OutcomeUnknown => Remedy::Resolve,
            Self::Authentication | Self::Authorisation => Remedy::Review,
            Self::BusinessRule | Self::Permanent => Remedy::Reject,
            Self::Schema | Self::Defect => Remedy::DeadLetter,
        }
    }

    /// The name used in events, metrics and letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Authentication => "authentication",
            Self::Authorisation => "authorisation",
            Self::Schema => "schema",
            Self::BusinessRule => "business_rule",
            Self::Permanent => "permanent",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Defect => "defect",
        }
    }
}
