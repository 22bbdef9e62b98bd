use domain::lifecycle::event::Resolution;
use domain::lifecycle::{Lifecycle, fold};
use domain::messages::{CommandAction, Manifest, ReceivedData, Verdict};
use domain::time::Date;
use domain::{EventBody, FailureClass, LetterId, TerminalOutcome, Timestamp};

use super::*;
use crate::fixture::{OPERATION, dispatched, fact, projected, received};
use crate::rows::{AlarmKind, AttemptResult, AttemptRow, SubmissionResult};

fn delivered(records: u64) -> EventBody {
    let received = ReceivedData { records, ..ReceivedData::default() };
    EventBody::Fulfilled { operation_id: OPERATION, manifest: Manifest::default(), received }
}

fn failed(attempt: u32, retry_at: Option<i64>) -> EventBody {
    let (class, code, retry_at) = (FailureClass::Timeout, "read".to_owned(), retry_at.map(Timestamp));
    EventBody::AttemptFailed { operation_id: OPERATION, attempt, class, code, retry_at }
}

fn acknowledged() -> EventBody {
    EventBody::Acknowledged { operation_id: OPERATION, reference: "HB-1".to_owned() }
}

fn exception() -> EventBody {
    EventBody::ExceptionRaised { code: Code::StageOverdue, owner: "operations".to_owned(), runbook: "r".to_owned() }
}

fn closed(events: u32, chain: [u8; 32]) -> EventBody {
    EventBody::Closed { outcome: TerminalOutcome::Fulfilled, code: None, events, chain }
}

/// The state of a row is the fold, and nothing of its own.
#[test]
fn a_row_holds_what_the_fold_says() {
    let history = [received(), dispatched(), failed(1, Some(5_000)), acknowledged(), delivered(3), acknowledged()];
    let mut lifecycle = Lifecycle::default();
    for (body, offset) in history.iter().zip(1..) {
        let fact = fact(offset, body.clone());
        assert_eq!(fact.digest, fold::digest(&offset.to_be_bytes()));
        lifecycle.fold(body, fact.event.at, &fact.digest);
    }
    let (request, rows) = projected(history);
    let request = request.expect("a request");
    assert_eq!(request.lifecycle, lifecycle);
    assert_eq!((request.place.offset, request.last_offset), (1, 6));
    assert_eq!((request.dispatched_at, request.fulfilled_at), (Some(Timestamp(2_000)), Some(Timestamp(5_000))));
    assert_eq!(rows.timeline.len(), 6);
    assert_eq!(rows.timeline[4].left, Some((State::Acknowledged, 1_000)));
    assert!(matches!(rows.timeline[5].step, Step::Anomalous(_)));
}

#[test]
fn each_attempt_is_a_row_that_later_facts_complete() {
    let (request, rows) = projected([received(), dispatched(), failed(1, Some(5_000)), acknowledged(), delivered(3)]);
    let [first, second]: [&AttemptRow; 2] = rows.attempts.iter().collect::<Vec<_>>().try_into().expect("two attempts");
    assert_eq!((first.attempt, first.result, first.ended_at), (1, Some(AttemptResult::Failed), Some(Timestamp(3_000))));
    assert_eq!((second.attempt, second.due_at), (2, Some(Timestamp(5_000))));
    assert_eq!((second.acknowledged_at, second.result), (Some(Timestamp(4_000)), Some(AttemptResult::Fulfilled)));
    assert_eq!(request.expect("a request").retries, 1);
}

/// Dispatch numbers calls; an attempt may take several, and only one that fails is a fact.
#[test]
fn an_attempt_is_one_row_however_many_calls_it_took() {
    let (_, rows) = projected([received(), dispatched(), acknowledged(), failed(4, Some(9_000)), failed(9, None)]);
    let shown: Vec<_> = rows.attempts.iter().map(|row| (row.attempt, row.due_at, row.ended_at, row.result)).collect();
    let failed = Some(AttemptResult::Failed);
    let at = |ms| Some(Timestamp(ms));
    assert_eq!(shown, [(1, at(2_000), at(4_000), failed), (2, at(9_000), at(5_000), failed)]);
    assert!(rows.attempts.iter().all(|row| row.partner.is_some()));
}

/// What nobody knew is a person's to say; what follows from it is an attempt of its own.
#[test]
fn a_persons_answer_opens_another_attempt() {
    let unknown = |attempt, resolution| EventBody::OutcomeUnknown { operation_id: OPERATION, attempt, resolution };
    let decided = EventBody::ReviewDecided {
        command_id: Default::default(),
        operator: "jo".into(),
        verdict: Verdict::TookNoEffect {},
        reason: None,
    };
    let (request, rows) = projected([
        received(),
        dispatched(),
        failed(1, Some(5_000)),
        unknown(1, Resolution::Query),
        failed(2, None),
        unknown(2, Resolution::Review),
        exception(),
        decided,
        delivered(3),
    ]);
    let shown: Vec<_> = rows.attempts.iter().map(|row| (row.attempt, row.result, row.resolution)).collect();
    let unknown = Some(AttemptResult::Unknown);
    assert_eq!(
        shown,
        [
            (1, unknown, Some(Resolution::Query)),
            (2, unknown, Some(Resolution::Review)),
            (3, Some(AttemptResult::Fulfilled), None)
        ]
    );
    let command = rows.commands.iter().next().expect("a command");
    assert_eq!((command.action, command.result), (CommandAction::ResolveUnknown, CommandResult::Done));
    let request = request.expect("a request");
    assert_eq!((request.code, request.owner, rows.reviews.iter().len()), (None, None, 0));
}

#[test]
fn a_command_about_nothing_makes_no_request() {
    let code = Code::TargetUnknown;
    let operator = Some("jo".into());
    let refused =
        EventBody::CommandRefused { command_id: Default::default(), action: CommandAction::Hold, code, operator };
    let (request, rows) = projected([refused]);
    assert_eq!(request, None);
    let command = rows.commands.iter().next().expect("a command");
    assert_eq!((command.result, command.code), (CommandResult::Refused, Some(code)));
    assert_eq!(command.operator.as_ref().map(|operator| operator.as_str()), Some("jo"));
}

#[test]
fn a_partners_day_counts_what_took_effect_and_each_failure() {
    let cancelled = EventBody::Cancelled { command_id: Default::default(), stage: domain::Stage::Dispatch };
    let (_, rows) =
        projected([received(), dispatched(), failed(1, Some(5_000)), acknowledged(), cancelled, delivered(3)]);
    let day = rows.partner_days.iter().next().expect("a day");
    assert_eq!((day.partner.as_str(), day.day), ("harbor", Date::from_days(0)));
    assert_eq!((day.dispatched, day.acknowledged, day.acknowledge_ms), (1, 1, 2_000));
    assert_eq!((day.fulfilled, day.records, day.effects_after_end), (0, 0, 1));
    assert_eq!(day.failed.iter().sum::<u64>(), 1);
}

#[test]
fn absurd_numbers_of_a_partner_overflow_no_sum() {
    let (_, rows) = projected([received(), dispatched(), delivered(u64::MAX)]);
    let day = rows.partner_days.iter().next().expect("a day");
    assert_eq!(day.records, 1 << 40);
}

#[test]
fn a_reason_and_an_owner_stand_only_as_long_as_there_is_something_to_explain() {
    let (request, _) = projected([received(), dispatched(), exception()]);
    let request = request.expect("a request");
    assert_eq!((request.code, request.owner.as_deref()), (Some(Code::StageOverdue), Some("operations")));
    let (request, _) = projected([received(), dispatched(), exception(), acknowledged()]);
    let request = request.expect("a request");
    assert_eq!((request.code, request.owner), (None, None));
}

#[test]
fn an_exception_begins_with_its_first_owner_whoever_had_the_one_before() {
    let escalated = EventBody::Escalated { tier: 1, owner: "duty-manager".to_owned() };
    let (request, _) = projected([received(), dispatched(), exception(), escalated]);
    assert_eq!(request.map(|row| (row.tier, row.owner)), Some((Some(1), Some("duty-manager".to_owned()))));
    let escalated = EventBody::Escalated { tier: 1, owner: "duty-manager".to_owned() };
    let (request, _) = projected([received(), dispatched(), exception(), escalated, exception()]);
    assert_eq!(request.map(|row| (row.tier, row.owner)), Some((None, Some("operations".to_owned()))));
}

#[test]
fn what_comes_after_the_end_explains_nothing() {
    let refused =
        EventBody::PartnerRefused { operation_id: OPERATION, class: FailureClass::Permanent, code: "x".to_owned() };
    let (request, rows) = projected([received(), dispatched(), delivered(1), refused, closed(9, [0; 32])]);
    let request = request.expect("a request");
    assert_eq!((request.code, request.lifecycle.outcome), (None, Some(TerminalOutcome::Fulfilled)));
    assert_eq!(rows.attempts.iter().next().and_then(|attempt| attempt.result), Some(AttemptResult::Fulfilled));
    assert!(rows.alarms.is_empty(), "the supervisor had seen another number of events");
}

/// Having seen as many events as stand on the log, the supervisor must have seen the same ones.
#[test]
fn a_close_over_other_events_is_an_alarm() {
    let (open, _) = projected([received(), dispatched()]);
    let chain = open.expect("a request").lifecycle.chain;
    let (_, rows) = projected([received(), dispatched(), closed(2, chain)]);
    assert!(rows.alarms.is_empty());
    let (_, rows) = projected([received(), dispatched(), closed(2, [9; 32])]);
    assert_eq!(rows.alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(), [AlarmKind::ChainDiffers]);
}

#[test]
fn a_refused_submission_is_no_request() {
    let field = Some("consent".to_owned());
    let refused = EventBody::Refused {
        source: "enrolment".into(),
        code: Code::ConsentMissing,
        field,
        intended: Some(crate::fixture::REQUEST),
    };
    let (request, rows) = projected([refused]);
    assert_eq!(request, None);
    assert_eq!(rows.submissions[0].result, SubmissionResult::Refused);
    assert_eq!((rows.submissions[0].request_id, rows.timeline.len()), (Some(crate::fixture::REQUEST), 1));
}

#[test]
fn a_second_acceptance_changes_nothing_of_the_first() {
    let (request, rows) = projected([received(), received()]);
    assert_eq!(request.expect("a request").accepted.expect("accepted").received_at, Timestamp(1_000));
    assert_eq!(rows.acceptances.len(), 2);
}

#[test]
fn a_letter_without_a_request_waits_under_its_own_id_until_it_is_settled() {
    let letter_id = LetterId([7; 16]);
    let (class, code) = (FailureClass::Schema, Code::NotFramed);
    let lettered = EventBody::DeadLettered { letter_id, class, code, signature: Default::default() };
    let (request, rows) = projected([lettered.clone()]);
    let request = request.expect("a row");
    assert_eq!((request.accepted.is_none(), request.lifecycle.state), (true, State::DeadLettered));
    assert_eq!(rows.letters.iter().next().map(|letter| letter.state), Some(LetterState::Open));
    let discarded = EventBody::LetterDiscarded { letter_id, command_id: Default::default(), operator: "jo".into() };
    let (_, rows) = projected([lettered, discarded]);
    let letter = rows.letters.iter().next().expect("a letter");
    assert_eq!((letter.state, letter.code, rows.commands.iter().len()), (LetterState::Discarded, Some(code), 1));
}
