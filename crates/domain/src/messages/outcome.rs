//! What a source hears.

use serde::{Deserialize, Serialize};

use super::Workflow;
use crate::{Code, RequestId, SourceId, State, SubmissionId, TerminalOutcome, Timestamp};

/// A record on `outcomes.{source}`, keyed by request where it says how a request stands, and by submission where it answers one
/// arrival alone: a refusal, a duplicate, a conflict.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The source it is for.
    pub source: SourceId,
    /// The arrival it answers, where it answers one.
    pub submission_id: Option<SubmissionId>,
    /// The request.
    pub request_id: Option<RequestId>,
    /// The source's own thread.
    pub correlation_id: Option<String>,
    /// What is said.
    pub status: OutcomeStatus,
    /// What the request is to do.
    pub workflow: Option<Workflow>,
    /// The request's state, where it is known.
    pub state: Option<State>,
    /// How it ended, in a final outcome.
    pub outcome: Option<TerminalOutcome>,
    /// Why, where there is something to explain.
    pub code: Option<Code>,
    /// The fields at fault, as paths.
    pub fields: Vec<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// When it must have ended.
    pub due_by: Option<Timestamp>,
    /// When this was decided.
    pub at: Timestamp,
    /// Everything that is wrong, each with its own code; the first is the one in `code`.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

/// One thing that is wrong with a submission.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// The field at fault, as a path such as `coverage_to_match.member_id`; never its content.
    pub field: String,
    /// What is wrong with it; the catalogue gives meaning and remedy.
    pub code: Code,
}

/// What an outcome says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// Accepted; the request goes on.
    Accepted,
    /// Accepted before; this arrival changed nothing.
    Duplicate,
    /// Refused; the key stays free for a corrected submission.
    Refused,
    /// The key names another payload; refused.
    Conflict,
    /// The request is in this state now.
    Progress,
    /// The request has ended.
    Final,
}

impl OutcomeStatus {
    /// The name used in tables and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Progress => "progress",
            Self::Final => "final",
        }
    }
}
