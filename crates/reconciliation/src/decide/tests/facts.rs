//! The facts that other workers write.

use domain::lifecycle::PolicyRef;
use domain::lifecycle::evidence::Withdrawal;
use domain::messages::{CommandAction, Lane, Manifest, PayerRole, ReceivedData, Stage, Workflow};
use domain::person::ConsentPolicy;
use domain::{Code, CommandId, EventBody, FailureClass, LetterId, OperationId};

use super::world::{DAY, LETTER, REQUEST, START};

pub(super) fn operation() -> OperationId {
    OperationId::of_send(REQUEST)
}

pub(super) fn received() -> (Stage, EventBody) {
    let body = EventBody::Received {
        submission_id: Default::default(),
        source: "enrolment".into(),
        key_token: Default::default(),
        exchange_id: Default::default(),
        parent_request_id: None,
        workflow: Workflow::RequestData,
        role: PayerRole::Requester,
        lane: Lane::Standard,
        counterparty: "evergreen".into(),
        member_token: Default::default(),
        due_by: START + 7 * DAY,
        signed: true,
        correlation_id: Some("case-9".into()),
    };
    (Stage::Intake, body)
}

pub(super) fn validated() -> (Stage, EventBody) {
    let consent_end = START + 365 * DAY;
    let body = EventBody::Validated { consent: ConsentPolicy::Sensitive, consent_end, policy: PolicyRef::default() };
    (Stage::Intake, body)
}

pub(super) fn duplicate() -> (Stage, EventBody) {
    (Stage::Intake, EventBody::DuplicateSuppressed { submission_id: domain::SubmissionId([3; 16]) })
}

pub(super) fn in_review() -> (Stage, EventBody) {
    let (code, due_by, policy) = (Code::SeveralCandidates, START + DAY, PolicyRef::default());
    (
        Stage::Identity,
        EventBody::ReviewOpened { code, candidates: 2, policy, due_by, roster_version: None, evidence: None },
    )
}

pub(super) fn matched() -> (Stage, EventBody) {
    let body = EventBody::IdentityMatched {
        member_token: Default::default(),
        rule: "member-id".into(),
        candidates: 1,
        policy: PolicyRef::default(),
        roster_version: 1,
        evidence: None,
    };
    (Stage::Identity, body)
}

pub(super) fn unmatched() -> (Stage, EventBody) {
    let (code, policy) = (Code::NoCandidate, PolicyRef::default());
    (Stage::Identity, EventBody::IdentityUnmatched { code, candidates: 0, policy, roster_version: 1, evidence: None })
}

pub(super) fn passed(number: u8, action: CommandAction) -> (Stage, EventBody) {
    (Stage::Identity, EventBody::CommandPassed { command_id: CommandId([number; 16]), action, review: None })
}

pub(super) fn dispatched() -> (Stage, EventBody) {
    let (operation_id, partner) = (operation(), "evergreen".into());
    (Stage::Dispatch, EventBody::PartnerDispatched { operation_id, partner, bucket: 2 })
}

pub(super) fn acknowledged() -> (Stage, EventBody) {
    (Stage::Dispatch, EventBody::Acknowledged { operation_id: operation(), reference: "ref-1".into() })
}

pub(super) fn unknown(resolution: domain::lifecycle::event::Resolution) -> (Stage, EventBody) {
    unknown_again(1, resolution)
}

pub(super) fn unknown_again(attempt: u32, resolution: domain::lifecycle::event::Resolution) -> (Stage, EventBody) {
    (Stage::Dispatch, EventBody::OutcomeUnknown { operation_id: operation(), attempt, resolution })
}

pub(super) fn attempt_failed(attempt: u32) -> (Stage, EventBody) {
    let (class, code) = (FailureClass::Transport, "reset".into());
    (Stage::Dispatch, EventBody::AttemptFailed { operation_id: operation(), attempt, class, code, retry_at: None })
}

pub(super) fn exhausted() -> (Stage, EventBody) {
    let class = FailureClass::Transport;
    (Stage::Dispatch, EventBody::AttemptsExhausted { operation_id: operation(), attempts: 6, class })
}

pub(super) fn partner_refused() -> (Stage, EventBody) {
    let (class, code) = (FailureClass::Permanent, "not-a-member".into());
    (Stage::Dispatch, EventBody::PartnerRefused { operation_id: operation(), class, code })
}

/// A delivery of as many records as the manifest's three, or not.
pub(super) fn fulfilled(records: u64) -> (Stage, EventBody) {
    let manifest = Manifest { records: 3, sha256: [7; 32] };
    let received = ReceivedData { records, sha256: [7; 32], evidence: None };
    (Stage::Dispatch, EventBody::Fulfilled { operation_id: operation(), manifest, received })
}

pub(super) fn cancelled(stage: Stage) -> (Stage, EventBody) {
    (stage, EventBody::Cancelled { command_id: CommandId([1; 16]), stage })
}

pub(super) fn cancel_failed(code: Code) -> (Stage, EventBody) {
    (Stage::Dispatch, EventBody::CancelFailed { command_id: CommandId([1; 16]), code })
}

pub(super) fn dead_lettered(by: Stage) -> (Stage, EventBody) {
    dead_lettered_again(LETTER, by)
}

pub(super) fn dead_lettered_again(letter_id: LetterId, by: Stage) -> (Stage, EventBody) {
    let (class, code) = (FailureClass::Schema, Code::Undecodable);
    (by, EventBody::DeadLettered { letter_id, class, code, signature: Default::default() })
}

pub(super) fn letter_discarded() -> (Stage, EventBody) {
    let (command_id, operator) = (CommandId([200; 16]), "jo".into());
    (Stage::Triage, EventBody::LetterDiscarded { letter_id: LETTER, command_id, operator })
}

pub(super) fn letter_replayed() -> (Stage, EventBody) {
    let (command_id, operator) = (CommandId([201; 16]), "jo".into());
    (Stage::Triage, EventBody::LetterReplayed { letter_id: LETTER, command_id, operator })
}

pub(super) fn match_withdrawn() -> (Stage, EventBody) {
    let withdrawn =
        Withdrawal { member_token: Default::default(), roster_version: 2, fields: vec![], probability_ppm: 0 };
    (Stage::Identity, EventBody::VerificationFailed { code: Code::MatchWithdrawn, withdrawn: Some(withdrawn) })
}

/// From received to at work with the partner.
pub(super) fn on_its_way() -> Vec<(Stage, EventBody)> {
    vec![received(), validated(), matched(), dispatched(), acknowledged()]
}
