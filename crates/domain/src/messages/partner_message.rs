//! What a partner tells us by itself.

use serde::{Deserialize, Serialize};

use super::Route;
use crate::trace::fixed;
use crate::{OperationId, RequestId, Timestamp};

/// A callback, checked by the door it came through, on `partner-messages`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PartnerMessage {
    /// The request the operation belongs to.
    pub request_id: RequestId,
    /// Partner and bucket.
    pub route: Route,
    /// The operation it is about.
    pub operation_id: OperationId,
    /// The partner's own id of this message; a repeated one is the same message.
    pub message_id: String,
    /// The partner's reference of the operation.
    pub reference: String,
    /// What it says.
    pub status: PartnerStatus,
    /// What there is to fetch, once completed.
    pub manifest: Option<Manifest>,
    /// The partner's code, where it failed.
    pub code: Option<String>,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// How a partner says an operation stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartnerStatus {
    /// Accepted, in work.
    Accepted,
    /// Done.
    Completed,
    /// Failed for good.
    Failed,
    /// Cancelled on our request.
    Cancelled,
}

/// What a partner says it sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// How many records.
    pub records: u64,
    /// SHA-256 over them.
    #[serde(with = "fixed")]
    pub sha256: [u8; 32],
}

/// What came, as the receiving edge counted it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ReceivedData {
    /// How many records.
    pub records: u64,
    /// SHA-256 over them.
    #[serde(with = "fixed")]
    pub sha256: [u8; 32],
    /// Where the sealed evidence lies; none where there is nothing to keep.
    pub evidence: Option<String>,
}
