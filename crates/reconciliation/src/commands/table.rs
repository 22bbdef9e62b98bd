//! Commands against states: what becomes of each command in each state, in one place.

use std::fmt;

use domain::messages::CommandAction;
use domain::{Code, State};

/// What becomes of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// It is carried out.
    CarriedOut,
    /// It is carried out under a condition, and refused with the code otherwise.
    Only(Condition, Code),
    /// It is refused.
    Refused(Code),
}

/// What the state alone does not tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// The request's work stands still by command, whatever has come over the hold.
    Held,
    /// It stands still by command, or what was delivered is in dispute.
    HeldOrDisputed,
    /// The request came as far as a review and no further.
    UnderReview,
    /// A person has to find out how an attempt ended.
    Unresolved,
    /// Nothing was delivered yet.
    NotDelivered,
}

/// The row of the state, the column of the action.
pub fn judge(state: State, action: CommandAction) -> Judgement {
    match action {
        CommandAction::Cancel => cancel(state),
        CommandAction::Hold => hold(state),
        CommandAction::Release => release(state),
        CommandAction::DecideReview => decide_review(state),
        CommandAction::ResolveUnknown => resolve_unknown(state),
        // These are about a letter and name a request.
        CommandAction::ReplayLetter | CommandAction::DiscardLetter => Judgement::Refused(Code::NotInThisState),
    }
}

fn cancel(state: State) -> Judgement {
    match state {
        State::Received
        | State::Validated
        | State::InReview
        | State::IdentityMatched
        | State::PartnerDispatched
        | State::Acknowledged
        | State::Held
        | State::DeadLettered => Judgement::CarriedOut,
        State::Exception => Judgement::Only(Condition::NotDelivered, Code::EffectTookPlace),
        State::Fulfilled => Judgement::Refused(Code::EffectTookPlace),
        State::Cancelling | State::Cancelled => Judgement::Refused(Code::AlreadyDone),
        State::Closed | State::Rejected | State::Superseded | State::Compensating | State::Compensated => {
            Judgement::Refused(Code::NotInThisState)
        }
    }
}

fn hold(state: State) -> Judgement {
    match state {
        State::Received
        | State::Validated
        | State::InReview
        | State::IdentityMatched
        | State::PartnerDispatched
        | State::Acknowledged => Judgement::CarriedOut,
        State::Held => Judgement::Refused(Code::AlreadyDone),
        // Its owner has it in hand; a hold over an exception would hide it, and its release would lift both.
        State::Exception
        | State::Fulfilled
        | State::Closed
        | State::Rejected
        | State::Cancelling
        | State::Cancelled
        | State::Superseded
        | State::Compensating
        | State::Compensated
        | State::DeadLettered => Judgement::Refused(Code::NotInThisState),
    }
}

fn release(state: State) -> Judgement {
    match state {
        State::Held => Judgement::CarriedOut,
        State::Received
        | State::Validated
        | State::InReview
        | State::IdentityMatched
        | State::PartnerDispatched
        | State::Acknowledged
        | State::DeadLettered => Judgement::Only(Condition::Held, Code::NotInThisState),
        State::Exception => Judgement::Only(Condition::HeldOrDisputed, Code::NotInThisState),
        State::Fulfilled
        | State::Closed
        | State::Rejected
        | State::Cancelling
        | State::Cancelled
        | State::Superseded
        | State::Compensating
        | State::Compensated => Judgement::Refused(Code::NotInThisState),
    }
}

fn decide_review(state: State) -> Judgement {
    match state {
        State::InReview => Judgement::CarriedOut,
        State::Exception => Judgement::Only(Condition::UnderReview, Code::NoOpenReview),
        State::Held => Judgement::Refused(Code::OnHold),
        State::Received
        | State::Validated
        | State::IdentityMatched
        | State::PartnerDispatched
        | State::Acknowledged
        | State::Fulfilled
        | State::Closed
        | State::Rejected
        | State::Cancelling
        | State::Cancelled
        | State::Superseded
        | State::Compensating
        | State::Compensated
        | State::DeadLettered => Judgement::Refused(Code::NoOpenReview),
    }
}

fn resolve_unknown(state: State) -> Judgement {
    match state {
        State::PartnerDispatched
        | State::Acknowledged
        | State::Held
        | State::Exception
        | State::DeadLettered
        // Ended, and nobody knows what became of its effect, or of undoing it.
        | State::Closed
        | State::Rejected
        | State::Cancelled
        | State::Superseded
        | State::Compensating => Judgement::Only(Condition::Unresolved, Code::NotInThisState),
        State::Received
        | State::Validated
        | State::InReview
        | State::IdentityMatched
        | State::Fulfilled
        | State::Cancelling
        | State::Compensated => Judgement::Refused(Code::NotInThisState),
    }
}

// === impl Judgement ===

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CarriedOut => f.write_str("carried out"),
            Self::Only(condition, code) => write!(f, "if {condition}, else {code}"),
            Self::Refused(code) => f.write_str(code.as_str()),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "held",
            Self::HeldOrDisputed => "held or disputed",
            Self::UnderReview => "under review",
            Self::Unresolved => "unresolved",
            Self::NotDelivered => "not delivered",
        })
    }
}

#[cfg(test)]
mod tests;
