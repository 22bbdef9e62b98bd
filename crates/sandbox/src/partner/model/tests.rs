use sha2::{Digest, Sha256};

use super::*;
use crate::partner::answer::{AnswerBody, Delivery};
use crate::partner::payer::standard_payers;
use crate::partner::records::ResourceSet;
use crate::partner::wire::{ExchangeState, ExchangeStatus, Kind, Manifest};
use crate::partner::{FaultLevel, FaultRates, RefusalRates};

const MINUTE_MS: i64 = 60_000;

fn payer(id: &str, faults: FaultRates) -> Payer {
    let payer = standard_payers(1).into_iter().find(|payer| payer.id == id).unwrap();
    Payer { faults, refusals: RefusalRates { no_match: 0, multiple_matches: 0, consent: 0 }, ..payer }
}

fn model(id: &str, faults: FaultRates) -> PartnerModel {
    PartnerModel::new(1, payer(id, faults), "sim://payer".to_owned())
}

fn operation(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn order(n: u128) -> Order {
    Order {
        operation_id: operation(n),
        kind: Kind::Request,
        fingerprint: 7,
        resources: ResourceSet::ALL,
        callback_url: Some("http://receiver".to_owned()),
    }
}

fn send(n: u128) -> Request {
    Request::Send { key: Some(operation(n)), order: order(n) }
}

fn whole(reply: Reply) -> Answer {
    match reply.delivery {
        Delivery::Whole(answer) => answer,
        broken @ (Delivery::Malformed(_) | Delivery::Truncated(_) | Delivery::Closed) => panic!("{broken:?}"),
    }
}

fn state(reply: Reply) -> ExchangeState {
    match whole(reply).body {
        AnswerBody::State(state) => state,
        other @ (AnswerBody::Problem(_) | AnswerBody::Data(_)) => panic!("{other:?}"),
    }
}

fn problem(reply: Reply) -> ProblemKind {
    match whole(reply).body {
        AnswerBody::Problem(problem) => problem.kind,
        other @ (AnswerBody::State(_) | AnswerBody::Data(_)) => panic!("{other:?}"),
    }
}

fn data(reply: Reply) -> String {
    match whole(reply).body {
        AnswerBody::Data(data) => data,
        other @ (AnswerBody::State(_) | AnswerBody::Problem(_)) => panic!("{other:?}"),
    }
}

fn reference(state: &ExchangeState) -> Reference {
    state.reference.parse().unwrap()
}

fn effects(model: &PartnerModel, n: u128) -> Effects {
    model.effects().find(|(id, _)| *id == operation(n)).unwrap().1
}

fn fits(manifest: &Manifest, data: &str) -> bool {
    data.lines().count() == manifest.records as usize && hex::encode(Sha256::digest(data)) == manifest.sha256
}

#[test]
fn a_payer_that_honours_keys_repeats_its_first_answer_and_does_nothing_twice() {
    let mut model = model("evergreen", FaultRates::NONE);
    let first = state(model.handle(0, send(1)));
    assert_eq!(problem(model.handle(0, send(1))), ProblemKind::InFlight);
    assert_eq!(state(model.handle(MINUTE_MS, send(1))), first);
    assert_eq!(effects(&model, 1), Effects { sends: 3, performed: 1, cancelled: 0, compensated: 0 });
    assert_eq!((model.counts().replayed, model.counts().operations_performed), (1, 1));

    let other = Request::Send { key: Some(operation(1)), order: Order { fingerprint: 8, ..order(1) } };
    assert_eq!(problem(model.handle(MINUTE_MS, other)), ProblemKind::IdempotencyKeyReused);
}

#[test]
fn a_payer_that_ignores_keys_does_everything_again() {
    let mut model = model("prairiewind", FaultRates::NONE);
    let first = state(model.handle(0, send(1)));
    let second = state(model.handle(0, send(1)));
    assert_ne!(first.reference, second.reference);
    assert_eq!(effects(&model, 1).performed, 2);
    assert!(effects(&model, 1).done_twice());
    assert_eq!((model.counts().performed, model.counts().operations_performed), (2, 1));
}

#[test]
fn keys_are_needed_only_where_they_count_and_must_be_the_operation() {
    let keyless = |n| Request::Send { key: None, order: order(n) };
    assert_eq!(problem(model("evergreen", FaultRates::NONE).handle(0, keyless(1))), ProblemKind::IdempotencyKeyMissing);
    let mut ignoring = model("prairiewind", FaultRates::NONE);
    assert_eq!(state(ignoring.handle(0, keyless(1))).status, ExchangeStatus::Completed);
    let foreign = Request::Send { key: Some(operation(2)), order: order(1) };
    assert_eq!(problem(ignoring.handle(0, foreign)), ProblemKind::IdempotencyKeyMismatch);
}

#[test]
fn faults_depend_on_seed_operation_and_attempt_but_not_on_order() {
    let run = |seed: u64, operations: &[u128]| {
        let payer = standard_payers(seed).remove(0).at_level(FaultLevel::Rough);
        let mut model = PartnerModel::new(seed, payer, String::new());
        let mut replies = BTreeMap::new();
        for n in operations {
            for attempt in 0..4 {
                replies.insert((*n, attempt), model.handle(attempt * MINUTE_MS, send(*n)));
            }
        }
        (replies, model.counts().clone())
    };
    let forwards: Vec<u128> = (0..500).collect();
    let backwards: Vec<u128> = (0..500).rev().collect();
    assert_eq!(run(5, &forwards), run(5, &backwards));
    assert_ne!(run(5, &forwards).0, run(6, &forwards).0);
    assert!(run(5, &forwards).1.faults.len() >= 8, "a rough day brings every fault of an answer");
}

#[test]
fn an_answer_lost_after_the_work_counts_as_done() {
    for faults in [
        FaultRates { closed_after: 1000, attempts_faulty_max: 1, ..FaultRates::NONE },
        FaultRates { hung_after: 1000, attempts_faulty_max: 1, ..FaultRates::NONE },
    ] {
        let mut honouring = model("evergreen", faults);
        let reply = honouring.handle(0, send(1));
        assert_eq!(reply.delivery, Delivery::Closed);
        assert_eq!(effects(&honouring, 1).performed, 1);
        assert_eq!(state(honouring.handle(MINUTE_MS, send(1))).status, ExchangeStatus::Completed);
        assert_eq!(effects(&honouring, 1).performed, 1);

        let mut ignoring = model("prairiewind", faults);
        ignoring.handle(0, send(1));
        ignoring.handle(MINUTE_MS, send(1));
        assert_eq!(effects(&ignoring, 1).performed, 2);
    }
}

#[test]
fn a_hung_answer_outlasts_the_callers_patience() {
    let mut model = model("evergreen", FaultRates { hung_after: 1000, ..FaultRates::NONE });
    assert!(model.handle(0, send(1)).after_ms > model.payer().timeout_ms);
}

#[test]
fn what_fails_before_the_work_leaves_nothing_done() {
    for faults in [
        FaultRates { server_error: 1000, ..FaultRates::NONE },
        FaultRates { throttled: 1000, ..FaultRates::NONE },
        FaultRates { closed_before: 1000, ..FaultRates::NONE },
    ] {
        let mut model = model("prairiewind", faults);
        for attempt in 0..3 {
            let reply = model.handle(attempt * MINUTE_MS, send(1));
            assert!(!matches!(&reply.delivery, Delivery::Whole(answer) if answer.status < 400), "{reply:?}");
            assert_eq!(effects(&model, 1).performed, 0);
        }
        assert_eq!(state(model.handle(4 * MINUTE_MS, send(1))).status, ExchangeStatus::Completed);
        assert_eq!(effects(&model, 1), Effects { sends: 4, performed: 1, cancelled: 0, compensated: 0 });
    }
}

#[test]
fn throttling_says_how_long_in_either_form() {
    let mut model = model("evergreen", FaultRates { throttled: 1000, ..FaultRates::NONE });
    let (mut waits, mut dates) = (0, 0);
    for n in 0..100 {
        match whole(model.handle(0, send(n))).retry_after.unwrap() {
            RetryAfter::Wait { wait_ms } if (1_000..=3_000).contains(&wait_ms) => waits += 1,
            RetryAfter::Date { at_ms } if at_ms >= 1_000 => dates += 1,
            wrong @ (RetryAfter::Wait { .. } | RetryAfter::Date { .. }) => panic!("{wrong:?}"),
        }
    }
    assert!(waits > 20 && dates > 20, "{waits} waits, {dates} dates");
}

#[test]
fn the_manifest_fits_the_data_unless_that_fault_strikes() {
    let honest = FaultRates::NONE;
    let wrong = FaultRates { wrong_manifest: 1000, ..FaultRates::NONE };
    for (faults, fitting) in [(honest, true), (wrong, false)] {
        let mut model = model("evergreen", faults);
        for n in 0..200 {
            let state = state(model.handle(0, send(n)));
            let data = data(model.handle(MINUTE_MS, Request::Data { reference: reference(&state) }));
            assert_eq!(fits(&state.manifest.unwrap(), &data), fitting);
        }
    }
}

#[test]
fn accepted_work_is_polled_until_done() {
    let mut model = model("harborlight", FaultRates::NONE);
    let accepted = whole(model.handle(0, send(1)));
    assert_eq!((accepted.status, accepted.retry_after), (202, Some(RetryAfter::Wait { wait_ms: 1_000 })));
    let by_key = Request::StatusByKey { key: operation(1) };
    let pending = state(model.handle(1, by_key.clone()));
    assert_eq!((pending.status, pending.manifest.as_ref()), (ExchangeStatus::Accepted, None));
    let reference = reference(&pending);
    assert_eq!(problem(model.handle(1, Request::Data { reference })), ProblemKind::NotCompleted);

    let done = state(model.handle(MINUTE_MS, Request::Status { reference }));
    assert_eq!(done, state(model.handle(MINUTE_MS, by_key)));
    let data = data(model.handle(MINUTE_MS, Request::Data { reference }));
    assert!(fits(&done.manifest.unwrap(), &data));
    assert_eq!(problem(model.handle(MINUTE_MS, Request::Cancel { reference })), ProblemKind::AlreadyCompleted);
}

#[test]
fn status_by_key_is_only_for_payers_that_offer_it_and_operations_that_came() {
    let by_key = Request::StatusByKey { key: operation(1) };
    assert_eq!(problem(model("summitcrest", FaultRates::NONE).handle(0, by_key.clone())), ProblemKind::Unsupported);
    let mut model = model("evergreen", FaultRates { closed_before: 1000, attempts_faulty_max: 1, ..FaultRates::NONE });
    assert_eq!(problem(model.handle(0, by_key.clone())), ProblemKind::Unknown);
    model.handle(0, send(1));
    assert_eq!(model.handle(0, by_key.clone()).delivery, Delivery::Closed);
    assert_eq!(problem(model.handle(0, by_key)), ProblemKind::Unknown, "it came, but nothing was done");
}

#[test]
fn what_is_cancelled_in_time_stands_no_more_and_calls_nobody() {
    let mut model = model("cedarfall", FaultRates::NONE);
    let reference = reference(&state(model.handle(0, send(1))));
    for _ in 0..2 {
        let cancelled = whole(model.handle(1, Request::Cancel { reference }));
        assert_eq!(cancelled.status, 202);
    }
    assert_eq!(state(model.handle(MINUTE_MS, Request::Status { reference })).status, ExchangeStatus::Cancelled);
    assert_eq!(model.poll_callback(MINUTE_MS), None);
    assert_eq!(effects(&model, 1).cancelled, 1);

    model.handle(MINUTE_MS, send(1));
    assert!(!effects(&model, 1).done_twice(), "one cancelled and one standing");
}

#[test]
fn callbacks_come_when_due_and_duplicates_under_one_id() {
    let mut model = model("summitcrest", FaultRates { callback_duplicate: 1000, ..FaultRates::NONE });
    model.handle(0, send(1));
    let due_ms = model.next_callback_ms().unwrap();
    assert_eq!(model.poll_callback(due_ms - 1), None);
    let first = model.poll_callback(due_ms).unwrap();
    assert_eq!((&*first.url, first.message.status), ("http://receiver", ExchangeStatus::Completed));
    assert!(first.message.manifest.is_some());
    assert_eq!(model.poll_callback(MINUTE_MS), Some(first));
    assert_eq!(model.poll_callback(MINUTE_MS), None);
    assert_eq!(model.counts().callbacks, 2);
}

#[test]
fn late_and_contradictory_callbacks_are_what_they_are_called() {
    let mut late = model("summitcrest", FaultRates { callback_late: 1000, ..FaultRates::NONE });
    late.handle(0, send(1));
    assert!(late.next_callback_ms().unwrap() > 10_000);

    let mut contradictory = model("summitcrest", FaultRates { callback_contradictory: 1000, ..FaultRates::NONE });
    contradictory.handle(0, send(1));
    let first = contradictory.poll_callback(MINUTE_MS).unwrap();
    let second = contradictory.poll_callback(MINUTE_MS).unwrap();
    assert_eq!((first.message.status, second.message.status), (ExchangeStatus::Completed, ExchangeStatus::Failed));
    assert_ne!(first.webhook_id, second.webhook_id);
}

#[test]
fn a_compensation_is_an_operation_of_its_own() {
    let compensate = |reference| Request::Compensate { reference, key: operation(9) };
    for (id, times) in [("evergreen", 1), ("prairiewind", 2)] {
        let mut model = model(id, FaultRates::NONE);
        let reference = reference(&state(model.handle(0, send(1))));
        model.handle(MINUTE_MS, compensate(reference));
        let repeated = state(model.handle(2 * MINUTE_MS, compensate(reference)));
        assert_eq!((repeated.status, repeated.manifest.unwrap().records), (ExchangeStatus::Completed, 0));
        assert_eq!(effects(&model, 1), Effects { sends: 1, performed: 1, cancelled: 0, compensated: times });
        assert_eq!(effects(&model, 9), Effects { sends: 2, performed: times, cancelled: 0, compensated: 0 });
        assert_eq!(model.counts().compensated, u64::from(times));
    }
}

#[test]
fn some_operations_are_refused_and_always_the_same_ones() {
    let payer = standard_payers(1).remove(1).at_level(FaultLevel::Calm);
    let mut model = PartnerModel::new(1, payer, String::new());
    for n in 0..2_000 {
        let first = model.handle(0, send(n)).delivery;
        assert_eq!(first, model.handle(MINUTE_MS, send(n)).delivery);
    }
    let counts = model.counts();
    assert!((20..60).contains(&counts.refused), "{} refused at once", counts.refused);
    assert!((20..60).contains(&counts.failed), "{} failed later", counts.failed);
    assert_eq!(counts.performed + counts.failed + counts.refused, 2_000);
}

#[test]
fn old_operations_keep_only_their_counts() {
    let mut model =
        PartnerModel::new(1, Payer { remembered_max: 2, ..payer("evergreen", FaultRates::NONE) }, String::new());
    let references: Vec<Reference> = (1..=3).map(|n| reference(&state(model.handle(0, send(n))))).collect();
    let mut status = |n: usize| model.handle(MINUTE_MS, Request::Status { reference: references[n] });
    assert_eq!(problem(status(0)), ProblemKind::Unknown);
    assert_eq!(state(status(1)).status, ExchangeStatus::Completed);
    assert_eq!(effects(&model, 1).performed, 1);
}
