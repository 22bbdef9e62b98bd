//! The facts of the event log: what happened to a request, who says so and why. No event carries PHI.

use serde::{Deserialize, Serialize};

use super::TerminalOutcome;
use super::evidence::{MatchEvidence, ReviewStep, Withdrawal};
pub use super::grounds::{Clock, PolicyRef, Resolution};
use crate::ids::OperatorId;
use crate::messages::{CommandAction, Lane, Manifest, PayerRole, ReceivedData, Stage, Verdict, Workflow};
use crate::person::ConsentPolicy;
use crate::trace::fixed;
use crate::{
    Code, CommandId, CorrelationId, ExchangeId, FailureClass, LetterId, OperationId, PartnerId, RecordId, RequestId,
    SourceId, SubmissionId, Timestamp, Token,
};

/// One fact about one request. Its key on the log is the request id as text; its order is its offset.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LifecycleEvent {
    /// The request; for [`EventBody::Refused`] the submission's id, since no request came to be; for [`EventBody::CommandRefused`]
    /// about a request that there is not, the command's.
    pub request_id: RequestId,
    /// When the worker decided it.
    pub at: Timestamp,
    /// The worker that wrote it.
    pub by: Stage,
    /// That worker's version.
    pub version: String,
    /// The record that caused it.
    pub cause: RecordId,
    /// What happened.
    pub body: EventBody,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum EventBody {
    // --- intake ---
    /// A submission arrived that names a new request.
    Received {
        /// The arrival.
        submission_id: SubmissionId,
        /// The upstream system.
        source: SourceId,
        /// HMAC of source and idempotency key; unique for ever.
        key_token: Token,
        /// The exchange it belongs to.
        exchange_id: ExchangeId,
        /// The request it refers to, for refresh, reversal and revocation.
        parent_request_id: Option<RequestId>,
        /// What is to be done.
        workflow: Workflow,
        /// Which side of the exchange we are on.
        role: PayerRole,
        /// The lane its work takes.
        lane: Lane,
        /// The other payer.
        counterparty: PartnerId,
        /// HMAC of what identifies the member, for disclosure accounting.
        member_token: Token,
        /// When it must have ended.
        due_by: Timestamp,
        /// Whether the submission was signed; unsigned ones exist in development mode only.
        signed: bool,
        /// The source's own thread, repeated in every outcome.
        correlation_id: Option<CorrelationId>,
    },
    /// It is complete, consented and attested.
    Validated {
        /// How much the consent covers.
        consent: ConsentPolicy,
        /// Last day of the consent.
        consent_end: Timestamp,
        /// The intake policy that judged it.
        policy: PolicyRef,
    },
    /// A submission was refused; its key stays free.
    Refused {
        /// The upstream system, as claimed.
        source: SourceId,
        /// Why.
        code: Code,
        /// The field at fault, as a path.
        field: Option<String>,
        /// The request that a registered source's key names, and that may still come to be under it.
        intended: Option<RequestId>,
    },
    /// The same key and payload came again; nothing was repeated.
    DuplicateSuppressed {
        /// The repeated arrival.
        submission_id: SubmissionId,
    },
    /// The same key came with another payload; the request is untouched.
    ConflictRefused {
        /// The conflicting arrival.
        submission_id: SubmissionId,
        /// The fields that differ.
        fields: Vec<String>,
    },
    /// The source's share was used up: its work goes by the bulk lane.
    Diverted {
        /// The lane asked for.
        from: Lane,
        /// The lane given.
        to: Lane,
    },

    // --- identity ---
    /// The member was found.
    IdentityMatched {
        /// The member on our roster, or at the counterparty, as a token.
        member_token: Token,
        /// The rule that fired.
        rule: String,
        /// How many roster members were candidates.
        candidates: u32,
        /// The matching policy.
        policy: PolicyRef,
        /// How much of the roster was known: the sum of its offsets.
        roster_version: u64,
        /// Why, field by field; none where a person decided, or an earlier version.
        #[serde(default)]
        evidence: Option<Box<MatchEvidence>>,
    },
    /// Nobody on the roster fits.
    IdentityUnmatched {
        /// The nearest rule, or why there is none.
        code: Code,
        /// How many roster members were candidates.
        candidates: u32,
        /// The matching policy.
        policy: PolicyRef,
        /// How much of the roster was known.
        roster_version: u64,
        /// Why, field by field; none where a person decided, or an earlier version.
        #[serde(default)]
        evidence: Option<Box<MatchEvidence>>,
    },
    /// Several fit; a person decides.
    ReviewOpened {
        /// Why.
        code: Code,
        /// How many candidates stand to choose from.
        candidates: u32,
        /// The matching policy.
        policy: PolicyRef,
        /// When the decision is due.
        due_by: Timestamp,
        /// How much of the roster was known; none of an earlier version.
        #[serde(default)]
        roster_version: Option<u64>,
        /// Why, field by field; none where a person decided, or an earlier version.
        #[serde(default)]
        evidence: Option<Box<MatchEvidence>>,
    },
    /// A person has decided a review; or, by reconciliation, has said what became of an attempt nobody knew of.
    ReviewDecided {
        /// The command that carried the decision.
        command_id: CommandId,
        /// Who.
        operator: OperatorId,
        /// What.
        verdict: Verdict,
        /// Why, in the operator's words; no PHI.
        #[serde(default)]
        reason: Option<String>,
    },
    /// A command that changed nothing of the request's state: it came to identity after the item had left, it was a step of a review
    /// that does not decide it, or, by the supervisor too, a look at what is sealed where no review is open.
    CommandPassed {
        /// The command.
        command_id: CommandId,
        /// What it wants.
        action: CommandAction,
        /// The step, where it was one of a review.
        #[serde(default)]
        review: Option<ReviewStep>,
    },

    // --- dispatch ---
    /// The partner is being asked.
    PartnerDispatched {
        /// The side effect's id and idempotency key.
        operation_id: OperationId,
        /// The partner.
        partner: PartnerId,
        /// Which of the partner's buckets.
        bucket: u32,
    },
    /// An attempt failed.
    AttemptFailed {
        /// The operation.
        operation_id: OperationId,
        /// Which attempt, from 1.
        attempt: u32,
        /// The class of failure.
        class: FailureClass,
        /// The code within the class.
        code: String,
        /// When the next attempt is due; none if there will be none.
        retry_at: Option<Timestamp>,
    },
    /// It is not known whether an attempt took effect; the partner is asked, or a person.
    OutcomeUnknown {
        /// The operation.
        operation_id: OperationId,
        /// Which attempt.
        attempt: u32,
        /// How it will be resolved.
        resolution: Resolution,
    },
    /// The partner has confirmed.
    Acknowledged {
        /// The operation.
        operation_id: OperationId,
        /// The partner's own reference.
        reference: String,
    },
    /// The partner delivered.
    Fulfilled {
        /// The operation.
        operation_id: OperationId,
        /// What the partner says it sent.
        manifest: Manifest,
        /// What came.
        received: ReceivedData,
    },
    /// The partner refused for good.
    PartnerRefused {
        /// The operation.
        operation_id: OperationId,
        /// The class.
        class: FailureClass,
        /// The partner's code, normalised.
        code: String,
    },
    /// All attempts are spent; the supervisor decides.
    AttemptsExhausted {
        /// The operation.
        operation_id: OperationId,
        /// How many there were.
        attempts: u32,
        /// The class of the last failure.
        class: FailureClass,
    },
    /// The request was taken back before it took effect.
    Cancelled {
        /// The command.
        command_id: CommandId,
        /// The stage where it was stopped.
        stage: Stage,
    },
    /// The cancel came too late: the effect had taken place, or may have.
    CancelFailed {
        /// The command.
        command_id: CommandId,
        /// Why.
        code: Code,
    },
    /// The effect at the partner was undone.
    Compensated {
        /// The compensating operation.
        operation_id: OperationId,
    },
    /// The effect could not be undone by machine.
    CompensationFailed {
        /// The compensating operation.
        operation_id: OperationId,
        /// The class of the last failure.
        class: FailureClass,
    },

    // --- reconciliation ---
    /// A clock ran out.
    DeadlineBreached {
        /// Which clock.
        clock: Clock,
        /// When it was due.
        due: Timestamp,
    },
    /// Automatic means are at an end; an owner is named.
    ExceptionRaised {
        /// Why.
        code: Code,
        /// Who owns it now.
        owner: String,
        /// The runbook entry that says what to do.
        runbook: String,
    },
    /// Nobody acted in time; the next owner is named.
    Escalated {
        /// The tier, from 1.
        tier: u32,
        /// Who owns it now.
        owner: String,
    },
    /// A person asked for the request to end.
    CancelRequested {
        /// The command.
        command_id: CommandId,
        /// Who.
        operator: OperatorId,
    },
    /// A person stopped it for now.
    Held {
        /// The command.
        command_id: CommandId,
        /// Who.
        operator: OperatorId,
    },
    /// A person let it go on.
    Released {
        /// The command.
        command_id: CommandId,
        /// Who.
        operator: OperatorId,
    },
    /// A command has no place in the request's state.
    CommandRefused {
        /// The command.
        command_id: CommandId,
        /// What it wanted.
        action: CommandAction,
        /// Why not.
        code: Code,
        /// Who wanted it, where that is known.
        operator: Option<OperatorId>,
    },
    /// A later request takes its place.
    Superseded {
        /// That request.
        by: RequestId,
    },
    /// What came does not agree with the partner's manifest; or, by identity, what the match rested on no longer holds.
    VerificationFailed {
        /// What disagrees.
        code: Code,
        /// The match, where that is what failed.
        #[serde(default)]
        withdrawn: Option<Withdrawal>,
    },
    /// An effect is to be undone.
    CompensationStarted {
        /// The compensating operation.
        operation_id: OperationId,
        /// Why.
        code: Code,
    },
    /// Nothing more will happen.
    Closed {
        /// How it ended.
        outcome: TerminalOutcome,
        /// Why, unless fulfilled.
        code: Option<Code>,
        /// How many events of the request the supervisor had seen.
        events: u32,
        /// Their running hash: SHA-256 over the hash so far and the next event's value.
        #[serde(with = "fixed")]
        chain: [u8; 32],
    },

    // --- any stage, triage ---
    /// One of its records could not be decided; its successors wait behind it.
    DeadLettered {
        /// The letter.
        letter_id: LetterId,
        /// The class.
        class: FailureClass,
        /// The code within the class.
        code: Code,
        /// The letters of one cause share it.
        signature: Token,
    },
    /// A letter was sent back to its stage.
    LetterReplayed {
        /// The letter.
        letter_id: LetterId,
        /// The command.
        command_id: CommandId,
        /// Who.
        operator: OperatorId,
    },
    /// A letter was put aside for good.
    LetterDiscarded {
        /// The letter.
        letter_id: LetterId,
        /// The command.
        command_id: CommandId,
        /// Who.
        operator: OperatorId,
    },
}
