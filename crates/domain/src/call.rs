//! Calls: effects outside the log that a worker asks for, and the answers that come back as inputs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::messages::{Ask, Context, Manifest, ReceivedData, Route};
use crate::person::Dossier;
use crate::phi::Sealed;
use crate::{FailureClass, OperationId, Timestamp, Trace};

/// A call to a partner. Performed after the transaction that remembers it has committed, and never before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The operation; its id is the idempotency key.
    pub operation_id: OperationId,
    /// Which attempt, from 1; the answer repeats it.
    pub attempt: u32,
    /// The partner.
    pub route: Route,
    /// The request.
    pub context: Context,
    /// What is to be done.
    pub verb: CallVerb,
    /// When there is no point in an answer any more.
    pub deadline: Timestamp,
    /// The trace it belongs to.
    pub trace: Trace,
}

/// What a call does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallVerb {
    /// Ask for the data.
    Send {
        /// Everything secret; the edge opens it to build the request.
        dossier: Sealed<Dossier>,
        /// What is asked.
        ask: Ask,
    },
    /// Ask how an accepted operation stands, and fetch what is there when it is done.
    Poll {
        /// The partner's reference.
        reference: String,
    },
    /// Ask, by idempotency key, what became of an attempt whose outcome is unknown.
    Query,
    /// Take it back.
    Cancel {
        /// The partner's reference, where known.
        reference: Option<String>,
    },
    /// Undo an effect.
    Compensate {
        /// The operation to undo.
        undoes: OperationId,
        /// The partner's reference of it, where known.
        reference: Option<String>,
    },
}

/// The answer to a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The operation.
    pub operation_id: OperationId,
    /// The attempt it answers.
    pub attempt: u32,
    /// What came of it.
    pub result: CallResult,
}

/// What came of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallResult {
    /// Done, and the data is here.
    Completed {
        /// The partner's reference.
        reference: String,
        /// What the partner says it sent.
        manifest: Manifest,
        /// What came.
        received: ReceivedData,
    },
    /// Accepted, or still in work.
    Pending {
        /// The partner's reference.
        reference: String,
        /// How long the partner asks us to wait.
        retry_after: Option<Duration>,
    },
    /// Refused: no repetition helps.
    Refused {
        /// The class.
        class: FailureClass,
        /// The partner's code, normalised: lower case, no volatile parts, no PHI.
        code: String,
    },
    /// Failed: whether it took effect follows from the class (`timeout` and `outcome_unknown` say nobody knows).
    Failed {
        /// The class.
        class: FailureClass,
        /// The code within the class.
        code: String,
        /// How long the partner asks us to wait.
        retry_after: Option<Duration>,
    },
    /// A query's answer: the partner knows nothing of it.
    NotFound,
    /// Taken back.
    Cancelled,
    /// Too late to take back.
    CancelTooLate,
    /// Undone.
    Compensated,
    /// The slot lost the call: its process ended, or the partition moved, before an answer was on record.
    Lost,
}

/// An outstanding call as memory knows it, so that a successor can resolve it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outstanding {
    /// The operation.
    pub operation_id: OperationId,
    /// The attempt.
    pub attempt: u32,
    /// Earliest time at which a successor may treat it as lost: start + session timeout + call timeout.
    pub lost_at: Timestamp,
}
