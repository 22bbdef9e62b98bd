//! What an upstream system submits. The one message with plaintext PHI.

use serde::{Deserialize, Serialize};

use super::Workflow;
use crate::person::{Attestation, Consent, Coverage, MemberClaim, Payload};
use crate::{ExchangeId, PartnerId, RequestId, SourceId, Timestamp};

/// A submission on `intake.{lane}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IntakeRequest {
    /// The registered upstream system.
    pub source: SourceId,
    /// That system's version, for its own support.
    pub source_version: String,
    /// The source's business key: names one request for ever, never a timestamp or an offset, free of PHI.
    pub idempotency_key: String,
    /// What is to be done.
    pub workflow: Workflow,
    /// The exchange it belongs to, where the source knows one.
    pub exchange_id: Option<ExchangeId>,
    /// The earlier request, for refresh, reversal and revocation.
    pub parent_request_id: Option<RequestId>,
    /// The source's own thread, repeated in every outcome.
    pub correlation_id: Option<String>,
    /// When the thing happened that led to this request.
    pub occurred_at: Timestamp,
    /// Who it is about.
    pub member: MemberClaim,
    /// The coverage under which the other payer knows the member.
    pub coverage_to_match: Option<Coverage>,
    /// The coverage under which the requesting payer knows the member.
    pub coverage_to_link: Option<Coverage>,
    /// The member's consent.
    pub consent: Option<Consent>,
    /// The enrolment attestation.
    pub attestation: Option<Attestation>,
    /// The other payer.
    pub counterparty: PartnerId,
    /// What is asked.
    pub ask: Ask,
    /// The service class.
    pub sla: SlaClass,
    /// When it must have ended, where the source sets it.
    pub due_by: Option<Timestamp>,
    /// Where the source wants to be told, besides its outcome topic.
    pub callback: Option<String>,
    /// Where the submission comes from.
    pub provenance: Provenance,
    /// The original payload, where the source made the fields above from one.
    pub payload: Option<Payload>,
}

/// What is asked of the partner. No PHI.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Ask {
    /// FHIR resource types; none means all the regulation names.
    pub resource_types: Vec<String>,
    /// Only what changed since.
    pub since: Option<Timestamp>,
    /// First day of service, `YYYY-MM-DD`.
    pub service_from: Option<String>,
    /// Last day of service, `YYYY-MM-DD`.
    pub service_to: Option<String>,
}

/// How soon the source needs it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlaClass {
    /// Somebody waits.
    Urgent,
    /// Within the regulation's clocks.
    Standard,
    /// Whenever there is room.
    Bulk,
}

/// Where a submission comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// The system of record.
    pub system: String,
    /// Who or what entered it there; no PHI.
    pub actor: Option<String>,
    /// When it was entered there.
    pub recorded_at: Option<Timestamp>,
}
