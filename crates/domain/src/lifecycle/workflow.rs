//! Workflows: what kind of thing a request is, and which steps that takes.

use crate::messages::{Lane, PayerRole, SlaClass, Workflow};

/// The steps of a workflow, as a row of the table below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Steps {
    /// The side of the exchange we are on.
    pub role: PayerRole,
    /// Which coverage of the claim is looked up in our roster.
    pub looked_up: LookedUp,
    /// Whether the member's consent must come with it.
    pub consent: bool,
    /// Whether the enrolment attestation must come with it.
    pub attestation: bool,
    /// Whether it refers to an earlier request.
    pub parent: bool,
    /// Whether data is expected back and verified.
    pub data: bool,
}

/// Which of the two coverages names the member in our roster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LookedUp {
    /// The one to link: the member is ours now and was theirs before.
    ToLink,
    /// The one to match: the member was, or is, ours; they ask.
    ToMatch,
}

/// The workflow table.
pub fn steps(workflow: Workflow) -> Steps {
    let ours = Steps {
        role: PayerRole::Requester,
        looked_up: LookedUp::ToLink,
        consent: true,
        attestation: true,
        parent: false,
        data: true,
    };
    let theirs = Steps { role: PayerRole::Responder, looked_up: LookedUp::ToMatch, ..ours };
    match workflow {
        Workflow::RequestData => ours,
        Workflow::Refresh => Steps { parent: true, ..ours },
        Workflow::Reversal | Workflow::Revocation => {
            Steps { parent: true, consent: false, attestation: false, data: false, ..ours }
        }
        Workflow::Deliver => Steps { consent: false, attestation: false, data: false, ..ours },
        Workflow::AnswerMatch => Steps { data: false, ..theirs },
        Workflow::AnswerExport => theirs,
    }
}

/// Whether this version carries the workflow out. The others have their row in the table and wait for their stages: until then nobody
/// may take one of them for a request for data.
pub fn is_carried_out(workflow: Workflow) -> bool {
    match workflow {
        Workflow::RequestData | Workflow::Refresh => true,
        Workflow::AnswerMatch
        | Workflow::AnswerExport
        | Workflow::Reversal
        | Workflow::Revocation
        | Workflow::Deliver => false,
    }
}

/// The lane a service class asks for.
pub fn lane(class: SlaClass) -> Lane {
    match class {
        SlaClass::Urgent => Lane::Urgent,
        SlaClass::Standard => Lane::Standard,
        SlaClass::Bulk => Lane::Bulk,
    }
}
