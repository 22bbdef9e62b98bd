//! Histories in which anything happens: every kind of event in any order, several requests at once, things that must never happen.

use domain::ids::OperatorId;
use domain::lifecycle::PolicyRef;
use domain::lifecycle::event::{Clock, Resolution};
use domain::messages::{CommandAction, Lane, Manifest, ReceivedData, Stage, Verdict};
use domain::person::ConsentPolicy;
use domain::{
    Code, CommandId, EventBody, FailureClass, LetterId, LifecycleEvent, OperationId, PartnerId, SubmissionId,
    TerminalOutcome, Timestamp, Token,
};
use proptest::prelude::*;

use crate::history::{START_MS, event, received, request, token};

/// How many requests a history has.
const REQUESTS: u64 = 5;

/// Events of a few requests, in the order they come to stand on the log.
pub(crate) fn history() -> impl Strategy<Value = Vec<LifecycleEvent>> {
    let one = (0..REQUESTS, 0..KINDS, 0..3_u64);
    proptest::collection::vec(one, 1..60).prop_map(|choices| {
        let events = choices.into_iter().zip(0..);
        events.map(|((number, kind, choice), step)| event(request(number), step, body(kind, number, choice))).collect()
    })
}

const KINDS: usize = 36;

fn review_opened((code, candidates): (Code, u32), policy: PolicyRef, due_by: Timestamp) -> EventBody {
    EventBody::ReviewOpened { code, candidates, policy, due_by, roster_version: Some(7), evidence: None }
}

/// An event of some kind. `choice` picks among few ids and values, so that events meet.
fn body(kind: usize, number: u64, choice: u64) -> EventBody {
    let operation_id = OperationId(token("operation", choice));
    let (command_id, letter_id) = (CommandId(token("command", choice)), LetterId(token("letter", choice)));
    let operator = OperatorId::from("jo");
    let partner = PartnerId::from(if choice == 0 { "evergreen" } else { "harbor" });
    let attempt = u32::try_from(choice).expect("a small number");
    let code = [Code::NoCandidate, Code::StageOverdue, Code::SeveralCandidates][attempt as usize];
    let class = FailureClass::ALL[attempt as usize * 3];
    let policy = PolicyRef::default();
    let at = Timestamp(START_MS + 60_000 * i64::from(attempt));
    match kind {
        // Keys are shared now and then, which must never happen.
        0..=5 => received(if choice == 2 { 0 } else { number }),
        6 => EventBody::Validated { consent: ConsentPolicy::Regular, consent_end: at, policy },
        7 => EventBody::Refused { source: "enrolment".into(), code, field: Some("member".to_owned()), intended: None },
        8 => EventBody::DuplicateSuppressed { submission_id: SubmissionId(token("again", choice)) },
        9 => {
            let fields = vec!["ask".to_owned(), "member".to_owned()];
            EventBody::ConflictRefused { submission_id: SubmissionId(token("other", choice)), fields }
        }
        10 => EventBody::Diverted { from: Lane::Urgent, to: Lane::Bulk },
        11 => EventBody::IdentityMatched {
            member_token: Token(token("matched", choice)),
            rule: "member-id".to_owned(),
            candidates: attempt,
            policy,
            roster_version: 1,
            evidence: None,
        },
        12 => EventBody::IdentityUnmatched { code, candidates: attempt, policy, roster_version: 1, evidence: None },
        13 => review_opened((code, attempt), policy, at),
        14 => EventBody::ReviewDecided { command_id, operator, verdict: Verdict::IsNobody {}, reason: None },
        15 => EventBody::CommandPassed { command_id, action: CommandAction::Cancel, review: None },
        16..=18 => EventBody::PartnerDispatched { operation_id, partner, bucket: 0 },
        19 => {
            let retry_at = (choice != 1).then_some(at);
            EventBody::AttemptFailed { operation_id, attempt, class, code: "reset".to_owned(), retry_at }
        }
        20 => EventBody::OutcomeUnknown { operation_id, attempt, resolution: Resolution::Query },
        21 => EventBody::Acknowledged { operation_id, reference: format!("R-{choice}") },
        22 => {
            let received =
                ReceivedData { records: u64::MAX >> (1 + choice), evidence: None, ..ReceivedData::default() };
            EventBody::Fulfilled { operation_id, manifest: Manifest::default(), received }
        }
        23 => EventBody::PartnerRefused { operation_id, class, code: "no-match".to_owned() },
        24 => EventBody::AttemptsExhausted { operation_id, attempts: attempt, class },
        25 => EventBody::CancelFailed { command_id, code },
        26 => EventBody::Compensated { operation_id },
        27 => EventBody::CompensationFailed { operation_id, class },
        28 => EventBody::DeadlineBreached { clock: Clock::Stage, due: at },
        29 => EventBody::ExceptionRaised { code, owner: "operations".to_owned(), runbook: "stage-overdue".to_owned() },
        30 => EventBody::CompensationStarted { operation_id, code },
        31 => EventBody::DeadLettered { letter_id, class, code, signature: Token(token("signature", choice)) },
        32 => EventBody::LetterReplayed { letter_id, command_id, operator },
        33 => EventBody::LetterDiscarded { letter_id, command_id, operator },
        34 => EventBody::Closed { outcome: TerminalOutcome::Escalated, code: None, events: attempt, chain: [0; 32] },
        _ => command(number, choice, command_id, operator, code),
    }
}

/// The supervisor's lesser facts.
fn command(number: u64, choice: u64, command_id: CommandId, operator: OperatorId, code: Code) -> EventBody {
    match (number, choice) {
        (0, _) => EventBody::CancelRequested { command_id, operator },
        (1, 0) => EventBody::Cancelled { command_id, stage: Stage::Identity },
        (1, _) => EventBody::Escalated { tier: 1, owner: "director".to_owned() },
        (2, 0) => EventBody::Held { command_id, operator },
        (2, _) => EventBody::Released { command_id, operator },
        (3, 0) => EventBody::Superseded { by: request(choice) },
        (3, _) => EventBody::VerificationFailed { code, withdrawn: None },
        _ => EventBody::CommandRefused { command_id, action: CommandAction::Hold, code, operator: Some("jo".into()) },
    }
}
