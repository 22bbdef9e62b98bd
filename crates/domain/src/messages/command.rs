//! Human intents.

use serde::{Deserialize, Serialize};

use crate::ids::OperatorId;
use crate::{CommandId, LetterId, OperationId, RequestId, State, Timestamp, Token};

/// A record on `commands`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Command {
    /// The intent; sent twice it is carried out once.
    pub command_id: CommandId,
    /// What it is about.
    pub target: CommandTarget,
    /// What is wanted.
    pub action: CommandAction,
    /// Who wants it.
    pub operator: OperatorId,
    /// Why, in the operator's words; no PHI.
    pub reason: String,
    /// When.
    pub issued_at: Timestamp,
    /// The answer, where the action asks for one.
    pub verdict: Option<Verdict>,
    /// The state the operator saw; in another one the command is refused as stale.
    pub expected_state: Option<State>,
    /// Unknown outcome: the attempt the operator speaks of. If another one is in question, the command is refused as stale: what is
    /// true of one attempt is not of the next.
    #[serde(default)]
    pub about: Option<AttemptRef>,
}

/// One attempt at a partner, as the log names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AttemptRef {
    /// What it was to do: the exchange, or undoing it.
    pub operation_id: OperationId,
    /// Its number, from 1.
    pub attempt: u32,
}

/// What a command is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CommandTarget {
    /// A request.
    RequestTarget {
        /// The request.
        request_id: RequestId,
    },
    /// A dead letter.
    LetterTarget {
        /// The letter.
        letter_id: LetterId,
    },
}

/// What is wanted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandAction {
    /// End it.
    Cancel,
    /// Stop it for now.
    Hold,
    /// Let it go on.
    Release,
    /// Answer an open review.
    DecideReview,
    /// Say how an unknown outcome turned out.
    ResolveUnknown,
    /// Send a letter back to its stage.
    ReplayLetter,
    /// Put a letter aside for good.
    DiscardLetter,
}

/// A person's answer to a question the machine could not settle.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Verdict {
    /// Review: this is the member.
    IsMember {
        /// The member's token, as the review shows it.
        member_token: Token,
    },
    /// Review: nobody of ours.
    IsNobody {},
    /// Unknown outcome: the effect took place.
    TookEffect {},
    /// Unknown outcome: it did not.
    TookNoEffect {},
    /// Review: show what is sealed. It decides nothing.
    Look {},
    /// Review: it is mine from now on. It decides nothing.
    Take {},
    /// Review: the source is to say more; the reason says what. It decides nothing.
    AskMore {},
    /// Review: the decision is to be taken again.
    Appeal {},
}

// === impl Verdict ===

impl Verdict {
    /// Whether it is about a review: a decision of one, or a step on the way to it.
    pub fn is_of_review(self) -> bool {
        match self {
            Self::IsMember { .. }
            | Self::IsNobody {}
            | Self::Look {}
            | Self::Take {}
            | Self::AskMore {}
            | Self::Appeal {} => true,
            Self::TookEffect {} | Self::TookNoEffect {} => false,
        }
    }
}

// === impl CommandAction ===

impl CommandAction {
    /// The name used in events, tables and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::DecideReview => "decide_review",
            Self::ResolveUnknown => "resolve_unknown",
            Self::ReplayLetter => "replay_letter",
            Self::DiscardLetter => "discard_letter",
        }
    }
}
