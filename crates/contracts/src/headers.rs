//! What a record says beside its value: the CloudEvents Kafka binding in binary mode, W3C trace context, and signatures.

use domain::{EventBody, Message};

/// CloudEvents: the record's identity, a UUID as text.
pub const CE_ID: &str = "ce_id";
/// CloudEvents: who wrote it, such as `/intake`.
pub const CE_SOURCE: &str = "ce_source";
/// CloudEvents: what it is; see [`ce_type`].
pub const CE_TYPE: &str = "ce_type";
/// CloudEvents: always [`SPECVERSION`].
pub const CE_SPECVERSION: &str = "ce_specversion";
/// The value's media type: always [`AVRO`].
pub const CONTENT_TYPE: &str = "content-type";
/// W3C trace context.
pub const TRACEPARENT: &str = "traceparent";
/// A detached Ed25519 signature, 64 raw bytes, over [`Signature::covered`](domain::worker::Signature::covered).
pub const SIGNATURE: &str = "waybill-signature";
/// The signing key's id, as text.
pub const KEY_ID: &str = "waybill-key-id";

/// All of them, first those of every record in the order in which workers write them: readers know them without looking.
pub const NAMES: &[&str] = &[CE_SPECVERSION, CE_ID, CE_SOURCE, CE_TYPE, CONTENT_TYPE, TRACEPARENT, SIGNATURE, KEY_ID];

/// The version of CloudEvents spoken here.
pub const SPECVERSION: &str = "1.0";
/// The media type of every value.
pub const AVRO: &str = "application/avro";

/// The `ce_type` of a message: its subject, for events what happened.
pub fn ce_type(message: &Message) -> &'static str {
    match message {
        Message::Intake(_) => "waybill.intake-request",
        Message::Identity(_) => "waybill.identity-work",
        Message::Dispatch(_) => "waybill.dispatch-work",
        Message::Partner(_) => "waybill.partner-message",
        Message::Command(_) => "waybill.command",
        Message::Event(event) => event_type(&event.body),
        Message::Outcome(_) => "waybill.outcome",
        Message::Letter(_) => "waybill.dead-letter",
        Message::Member(_) => "waybill.member-record",
        Message::Policy(_) => "waybill.policy",
        Message::Guard(_) => "waybill.guard-verdict",
    }
}

/// The `ce_type` of a lifecycle event.
pub fn event_type(body: &EventBody) -> &'static str {
    match body {
        EventBody::Received { .. } => "waybill.received",
        EventBody::Validated { .. } => "waybill.validated",
        EventBody::Refused { .. } => "waybill.refused",
        EventBody::DuplicateSuppressed { .. } => "waybill.duplicate-suppressed",
        EventBody::ConflictRefused { .. } => "waybill.conflict-refused",
        EventBody::Diverted { .. } => "waybill.diverted",
        EventBody::IdentityMatched { .. } => "waybill.identity-matched",
        EventBody::IdentityUnmatched { .. } => "waybill.identity-unmatched",
        EventBody::ReviewOpened { .. } => "waybill.review-opened",
        EventBody::ReviewDecided { .. } => "waybill.review-decided",
        EventBody::CommandPassed { .. } => "waybill.command-passed",
        EventBody::PartnerDispatched { .. } => "waybill.partner-dispatched",
        EventBody::AttemptFailed { .. } => "waybill.attempt-failed",
        EventBody::OutcomeUnknown { .. } => "waybill.outcome-unknown",
        EventBody::Acknowledged { .. } => "waybill.acknowledged",
        EventBody::Fulfilled { .. } => "waybill.fulfilled",
        EventBody::PartnerRefused { .. } => "waybill.partner-refused",
        EventBody::AttemptsExhausted { .. } => "waybill.attempts-exhausted",
        EventBody::Cancelled { .. } => "waybill.cancelled",
        EventBody::CancelFailed { .. } => "waybill.cancel-failed",
        EventBody::Compensated { .. } => "waybill.compensated",
        EventBody::CompensationFailed { .. } => "waybill.compensation-failed",
        EventBody::DeadlineBreached { .. } => "waybill.deadline-breached",
        EventBody::ExceptionRaised { .. } => "waybill.exception-raised",
        EventBody::Escalated { .. } => "waybill.escalated",
        EventBody::CancelRequested { .. } => "waybill.cancel-requested",
        EventBody::Held { .. } => "waybill.held",
        EventBody::Released { .. } => "waybill.released",
        EventBody::CommandRefused { .. } => "waybill.command-refused",
        EventBody::Superseded { .. } => "waybill.superseded",
        EventBody::VerificationFailed { .. } => "waybill.verification-failed",
        EventBody::CompensationStarted { .. } => "waybill.compensation-started",
        EventBody::Closed { .. } => "waybill.closed",
        EventBody::DeadLettered { .. } => "waybill.dead-lettered",
        EventBody::LetterReplayed { .. } => "waybill.letter-replayed",
        EventBody::LetterDiscarded { .. } => "waybill.letter-discarded",
    }
}
