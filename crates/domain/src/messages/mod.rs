//! What travels on topics. One shape per subject; `contracts` knows how each is written.

pub mod command;
pub mod intake_request;
pub mod letter;
pub mod outcome;
pub mod partner_message;
pub mod tables;
pub mod work;

use serde::{Deserialize, Serialize};

pub use command::{AttemptRef, Command, CommandAction, CommandTarget, Verdict};
pub use intake_request::{Ask, IntakeRequest, Provenance, SlaClass};
pub use letter::{DeadLetter, SealedOriginal};
pub use outcome::{Finding, Outcome, OutcomeStatus};
pub use partner_message::{Manifest, PartnerMessage, PartnerStatus, ReceivedData};
pub use tables::{GuardVerdict, MemberRecord, PolicyRecord};
pub use work::{Context, DispatchTask, DispatchWork, IdentityTask, IdentityWork, Probe, Route};

use crate::{LifecycleEvent, RequestId};

/// Any message of any topic.
#[derive(Clone, PartialEq, Debug)]
pub enum Message {
    /// `intake.{lane}`
    Intake(Box<IntakeRequest>),
    /// `identity.{lane}`
    Identity(Box<IdentityWork>),
    /// `dispatch.{lane}`
    Dispatch(Box<DispatchWork>),
    /// `partner-messages`
    Partner(Box<PartnerMessage>),
    /// `commands`
    Command(Box<Command>),
    /// `events`
    Event(Box<LifecycleEvent>),
    /// `outcomes.{source}`
    Outcome(Box<Outcome>),
    /// `dead-letters`
    Letter(Box<DeadLetter>),
    /// `members`
    Member(Box<MemberRecord>),
    /// `policies`
    Policy(Box<PolicyRecord>),
    /// `guard`
    Guard(Box<GuardVerdict>),
}

/// The lanes: topics of one stage, drained in this order with a share reserved for bulk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// First.
    Urgent,
    /// Next.
    Standard,
    /// Last, with a reserved share.
    Bulk,
}

/// Who wrote a record: one of the five workers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Validates and accepts.
    Intake,
    /// Finds the member.
    Identity,
    /// Talks to partners.
    Dispatch,
    /// Owns deadlines and endings.
    Reconciliation,
    /// Keeps and replays dead letters.
    Triage,
}

/// What a request is to do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workflow {
    /// Ask a partner for a member's data.
    RequestData,
    /// Answer a partner's member match.
    AnswerMatch,
    /// Answer a partner's export.
    AnswerExport,
    /// Ask again for what is new since an earlier request.
    Refresh,
    /// Undo an earlier request.
    Reversal,
    /// Withdraw the consent an earlier request relied on.
    Revocation,
    /// Deliver a message: a status, a corrected payload, a result.
    Deliver,
}

/// Which side of an exchange we are on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayerRole {
    /// We ask.
    Requester,
    /// We answer.
    Responder,
}

impl Lane {
    /// All lanes, most urgent first.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Standard, Self::Bulk];

    /// The name used in topics and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Standard => "standard",
            Self::Bulk => "bulk",
        }
    }
}

impl Stage {
    /// All stages, in the order a request meets them.
    pub const ALL: [Self; 5] = [Self::Intake, Self::Identity, Self::Dispatch, Self::Reconciliation, Self::Triage];

    /// The name used in topics, events, metrics and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Identity => "identity",
            Self::Dispatch => "dispatch",
            Self::Reconciliation => "reconciliation",
            Self::Triage => "triage",
        }
    }
}

impl Workflow {
    /// The name used in events, tables and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestData => "request_data",
            Self::AnswerMatch => "answer_match",
            Self::AnswerExport => "answer_export",
            Self::Refresh => "refresh",
            Self::Reversal => "reversal",
            Self::Revocation => "revocation",
            Self::Deliver => "deliver",
        }
    }
}

impl PayerRole {
    /// The name used in events and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Responder => "responder",
        }
    }
}

impl Message {
    /// The request a message belongs to, where it names one: its successors park behind it when it becomes a letter.
    pub fn request_id(&self) -> Option<RequestId> {
        match self {
            // An attempt that is counted is no step of its request.
            Self::Identity(work) if matches!(work.task, IdentityTask::Tally { .. }) => None,
            Self::Identity(work) => Some(work.context.request_id),
            Self::Dispatch(work) => Some(work.context.request_id),
            Self::Partner(message) => Some(message.request_id),
            Self::Event(event) => Some(event.request_id),
            Self::Letter(letter) => letter.request_id,
            Self::Command(command) => match command.target {
                CommandTarget::RequestTarget { request_id } => Some(request_id),
                CommandTarget::LetterTarget { .. } => None,
            },
            Self::Outcome(outcome) => outcome.request_id,
            Self::Intake(_) | Self::Member(_) | Self::Policy(_) | Self::Guard(_) => None,
        }
    }
}
