//! The states of a request.

use serde::{Deserialize, Serialize};

/// Where a request stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// On record, not yet validated. Also the state of a request nothing is known of.
    #[default]
    Received,
    /// Accepted: complete, consented, attested.
    Validated,
    /// Identity is uncertain; a person decides.
    InReview,
    /// The member is known.
    IdentityMatched,
    /// Asked of the partner.
    PartnerDispatched,
    /// The partner has confirmed and works on it.
    Acknowledged,
    /// The partner delivered.
    Fulfilled,
    /// Ended and verified; nothing moves it any more.
    Closed,
    /// Refused for a reason.
    Rejected,
    /// Stopped by a person until released.
    Held,
    /// Past a deadline or beyond automatic means; an owner is named.
    Exception,
    /// A cancel is on its way.
    Cancelling,
    /// Cancelled before it took effect.
    Cancelled,
    /// Replaced by a later request.
    Superseded,
    /// An effect is being undone.
    Compensating,
    /// The effect was undone.
    Compensated,
    /// One of its records became a dead letter.
    DeadLettered,
}

/// How far along its main line a request has come; it never goes back, whatever the state shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Nothing yet.
    #[default]
    None,
    /// Received.
    Received,
    /// Validated.
    Validated,
    /// In review.
    InReview,
    /// Identity matched.
    IdentityMatched,
    /// Dispatched.
    PartnerDispatched,
    /// Acknowledged.
    Acknowledged,
    /// Fulfilled.
    Fulfilled,
}

/// How a request ended. Whichever stands first in the log is the one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminalOutcome {
    /// Delivered and complete.
    Fulfilled,
    /// Refused with a reason.
    Rejected,
    /// Cancelled by command.
    Cancelled,
    /// Replaced by a later request.
    Superseded,
    /// Handed to a named owner in time, beyond automatic means.
    Escalated,
}

impl State {
    /// All states, in the order of the lifecycle.
    pub const ALL: [Self; 17] = [
        Self::Received,
        Self::Validated,
        Self::InReview,
        Self::IdentityMatched,
        Self::PartnerDispatched,
        Self::Acknowledged,
        Self::Fulfilled,
        Self::Closed,
        Self::Rejected,
        Self::Held,
        Self::Exception,
        Self::Cancelling,
        Self::Cancelled,
        Self::Superseded,
        Self::Compensating,
        Self::Compensated,
        Self::DeadLettered,
    ];

    /// The name used in events, tables and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Validated => "validated",
            Self::InReview => "in_review",
            Self::IdentityMatched => "identity_matched",
            Self::PartnerDispatched => "partner_dispatched",
            Self::Acknowledged => "acknowledged",
            Self::Fulfilled => "fulfilled",
            Self::Closed => "closed",
            Self::Rejected => "rejected",
            Self::Held => "held",
            Self::Exception => "exception",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::Compensating => "compensating",
            Self::Compensated => "compensated",
            Self::DeadLettered => "dead_lettered",
        }
    }
}

impl Progress {
    /// The name used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Received
            | Self::Validated
            | Self::InReview
            | Self::IdentityMatched
            | Self::PartnerDispatched
            | Self::Acknowledged
            | Self::Fulfilled => self.state().as_str(),
        }
    }

    /// The state a request shows when nothing else overlays its progress.
    pub fn state(self) -> State {
        match self {
            Self::None | Self::Received => State::Received,
            Self::Validated => State::Validated,
            Self::InReview => State::InReview,
            Self::IdentityMatched => State::IdentityMatched,
            Self::PartnerDispatched => State::PartnerDispatched,
            Self::Acknowledged => State::Acknowledged,
            Self::Fulfilled => State::Fulfilled,
        }
    }
}

impl TerminalOutcome {
    /// The name used in events, outcomes and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fulfilled => "fulfilled",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::Escalated => "escalated",
        }
    }
}
