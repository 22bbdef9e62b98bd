//! Asking: what readers are told of a small history they can check by hand.

use domain::lifecycle::PolicyRef;
use domain::lifecycle::evidence::{MatchField, Withdrawal};
use domain::time::Date;
use domain::{
    Code, EventBody, ExchangeId, FailureClass, LetterId, LifecycleEvent, OperationId, RequestId, SubmissionId,
    Timestamp, Token,
};
use projections::queries::{
    accounts, attention, counts, disclosures, exchange, letters, partners, request, stages, submission, timeline,
    withdrawals,
};

use crate::history::{self, START_MS, STEP_MS, event, received, token};
use crate::stage::Theatre;

/// Request 1 is fulfilled and then asked for again twice; request 2 waits for a reviewer; request 3 failed, was retried and is an
/// exception; request 4 lies behind a dead letter; one submission was refused.
fn story(theatre: &mut Theatre) {
    let codec = theatre.log.codec.clone();
    theatre.log.append(history::fulfilled(&codec, 1));
    let again = EventBody::DuplicateSuppressed { submission_id: SubmissionId(token("again", 1)) };
    let other =
        EventBody::ConflictRefused { submission_id: SubmissionId(token("other", 1)), fields: vec!["ask".to_owned()] };
    theatre.log.append([event(history::request(1), 7, again), event(history::request(1), 8, other)]);
    let (code, policy) = (Code::SeveralCandidates, PolicyRef::default());
    let review = EventBody::ReviewOpened {
        code,
        candidates: 2,
        policy,
        due_by: Timestamp(START_MS + 1_000),
        roster_version: None,
        evidence: None,
    };
    theatre.log.append(story_of(2, [review]));
    let operation_id = OperationId::of_send(history::request(3));
    let failed = |attempt, retry_at| {
        let (class, code) = (FailureClass::Throttled, "429".to_owned());
        EventBody::AttemptFailed { operation_id, attempt, class, code, retry_at }
    };
    theatre.log.append(story_of(
        3,
        [
            EventBody::PartnerDispatched { operation_id, partner: "evergreen".into(), bucket: 0 },
            failed(1, Some(Timestamp(START_MS + 500))),
            failed(2, None),
            EventBody::AttemptsExhausted { operation_id, attempts: 2, class: FailureClass::Throttled },
            EventBody::ExceptionRaised {
                code: Code::AttemptsExhausted,
                owner: "operations".to_owned(),
                runbook: "r".to_owned(),
            },
        ],
    ));
    let signature = Token(token("signature", 4));
    let (class, code) = (FailureClass::Defect, Code::DecidePanicked);
    let lettered = EventBody::DeadLettered { letter_id: LetterId(token("letter", 4)), class, code, signature };
    theatre.log.append(story_of(4, [lettered]));
    let refused = EventBody::Refused {
        source: "billing".into(),
        code: Code::ConsentMissing,
        field: Some("consent".to_owned()),
        intended: Some(history::request(6)),
    };
    theatre.log.append([event(RequestId(token("refused", 5)), 0, refused)]);
    theatre.catch_up(7);
}

fn story_of(number: u64, bodies: impl IntoIterator<Item = EventBody>) -> Vec<LifecycleEvent> {
    let bodies = std::iter::once(received(number)).chain(bodies);
    bodies.zip(0..).map(|(body, step)| event(history::request(number), step, body)).collect()
}

#[test]
fn one_request_is_found_by_its_id_by_its_key_and_in_its_exchange() {
    let mut theatre = Theatre::new(3);
    story(&mut theatre);
    let database = &theatre.database;
    let by_id = theatre.run(request::by_id(database, history::request(1))).expect("an answer").expect("a request");
    let key = Token(token("key", 1));
    let by_key = theatre.run(request::by_key(database, &"enrolment".into(), key)).expect("an answer");
    assert_eq!(by_key.as_ref(), Some(&by_id));
    assert_eq!((by_id.state.as_str(), by_id.outcome.as_deref()), ("closed", Some("fulfilled")));
    assert_eq!((by_id.events, by_id.anomalies, by_id.received_records), (9, 0, Some(12)));
    let exchange_id = ExchangeId(token("exchange", 1));
    let exchange = theatre.run(exchange::by_id(database, exchange_id)).expect("an answer").expect("an exchange");
    assert_eq!((exchange.requests, exchange.open_requests, exchange.fulfilled), (1, 0, 1));
    let members = theatre.run(exchange::requests(database, exchange_id)).expect("an answer");
    assert_eq!(members[0].request_id, by_id.request_id);
}

#[test]
fn a_timeline_tells_each_step_and_what_it_took() {
    let mut theatre = Theatre::new(3);
    story(&mut theatre);
    let entries = theatre.run(timeline::of(&theatre.database, history::request(1))).expect("an answer");
    let told: Vec<_> =
        entries.iter().map(|entry| (entry.kind.as_str(), entry.state.as_str(), entry.spent_ms)).collect();
    let step = Some(STEP_MS);
    assert_eq!(
        told[..7],
        [
            ("received", "received", None),
            ("validated", "validated", step),
            ("identity-matched", "identity_matched", step),
            ("partner-dispatched", "partner_dispatched", step),
            ("acknowledged", "acknowledged", step),
            ("fulfilled", "fulfilled", step),
            ("closed", "closed", step),
        ]
    );
    assert_eq!(entries[6].elapsed_ms, 6 * STEP_MS);
    let detail: serde_json::Value = serde_json::from_str(&entries[3].detail).expect("JSON");
    assert_eq!(detail["operation_id"], OperationId::of_send(history::request(1)).to_string());
    let refused = theatre.run(timeline::of(&theatre.database, RequestId(token("refused", 5)))).expect("an answer");
    assert_eq!(refused.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["refused"]);
    let attempts = theatre.run(timeline::attempts(&theatre.database, history::request(3))).expect("an answer");
    let told: Vec<_> =
        attempts.iter().map(|each| (each.attempt, each.result.as_deref(), each.code.as_deref())).collect();
    assert_eq!(told, [(1, Some("failed"), Some("429")), (2, Some("failed"), Some("429"))]);
}

#[test]
fn what_waits_for_people_is_listed_with_its_owner() {
    let mut theatre = Theatre::new(3);
    story(&mut theatre);
    let database = &theatre.database;
    let exceptions = theatre.run(attention::exceptions(database, 10)).expect("an answer");
    assert_eq!(exceptions.len(), 1);
    assert_eq!(exceptions[0].code.as_deref(), Some("attempts-exhausted"));
    assert_eq!(exceptions[0].owner.as_deref(), Some("operations"));
    let reviews = theatre.run(attention::reviews(database, 10)).expect("an answer");
    assert_eq!((reviews.len(), reviews[0].candidates), (1, Some(2)));
    let groups = theatre.run(letters::groups(database, 10)).expect("an answer");
    assert_eq!((groups.len(), groups[0].letters, groups[0].open_letters), (1, 1, 1));
    let listed = theatre.run(letters::list(database, true, 10)).expect("an answer");
    let shown = theatre.run(letters::show(database, LetterId(token("letter", 4)))).expect("an answer");
    assert_eq!(listed.first(), shown.as_ref());
    let of_group = theatre.run(letters::of_group(database, Token(token("signature", 4)), 10)).expect("an answer");
    assert_eq!(of_group, listed);
    let pending = theatre.run(attention::pending(database)).expect("an answer");
    assert_eq!((pending.reviews, pending.exceptions, pending.letters, pending.letter_groups), (1, 1, 1, 1));
    assert_eq!((pending.unreadable, pending.alarms), (0, 0));
    let since = (pending.reviews_since, pending.exceptions_since, pending.letters_since);
    assert_eq!(since, (reviews[0].opened_at, Some(exceptions[0].state_since), listed[0].lettered_at));
    let by_stage = theatre.run(letters::open_by_stage(database)).expect("an answer");
    assert_eq!((by_stage.len(), by_stage[0].letters, by_stage[0].oldest_at), (1, 1, listed[0].lettered_at));
}

#[test]
fn a_submission_that_became_no_request_is_found_by_its_id() {
    let mut theatre = Theatre::new(3);
    story(&mut theatre);
    let find = |name| {
        let found = theatre.run(submission::by_id(&theatre.database, SubmissionId(name))).expect("an answer");
        found.map(|submission| (submission.result, submission.request_id))
    };
    let first = Some(history::request(1).to_string());
    assert_eq!(find(token("again", 1)), Some(("duplicate".to_owned(), first.clone())));
    assert_eq!(find(token("other", 1)), Some(("conflict".to_owned(), first)));
    let intended = history::request(6);
    assert_eq!(find(token("refused", 5)), Some(("refused".to_owned(), Some(intended.to_string()))));
    let refused = theatre.run(submission::refused(&theatre.database, intended)).expect("an answer");
    assert_eq!(refused.iter().map(|refused| refused.code.as_deref()).collect::<Vec<_>>(), [Some("consent-missing")]);
    assert_eq!(find(token("nothing", 6)), None);
}

#[test]
fn counts_durations_and_scorecards_add_up() {
    let mut theatre = Theatre::new(3);
    story(&mut theatre);
    let database = &theatre.database;
    let states = theatre.run(counts::by_state(database)).expect("an answer");
    let states: Vec<_> = states.iter().map(|count| (count.name.as_str(), count.requests)).collect();
    assert_eq!(states, [("closed", 1), ("dead_lettered", 1), ("exception", 1), ("in_review", 1)]);
    let ends = theatre.run(counts::closed_by_outcome(database)).expect("an answer");
    assert_eq!(ends.iter().map(|end| (end.outcome.as_str(), end.requests)).collect::<Vec<_>>(), [("fulfilled", 1)]);
    let open = theatre.run(counts::open_by_state(database)).expect("an answer");
    assert_eq!(open.iter().map(|count| count.requests).sum::<i64>(), 3);
    let lanes = theatre.run(counts::open_by_lane(database)).expect("an answer");
    assert_eq!((lanes[0].name.as_str(), lanes[0].requests), ("standard", 3));
    let reasons = theatre.run(counts::by_reason(database)).expect("an answer");
    let reasons: Vec<_> = reasons.iter().map(|reason| (reason.name.as_str(), reason.code.as_str())).collect();
    let wanted = [
        ("dead_lettered", "decide-panicked"),
        ("exception", "attempts-exhausted"),
        ("in_review", "several-candidates"),
    ];
    assert_eq!(reasons, wanted);

    let durations = theatre.run(stages::durations(database, Timestamp(0))).expect("an answer");
    let whole = durations.last().expect("some");
    assert_eq!((whole.state.as_str(), whole.requests, whole.p50_ms), ("whole", 1, 6 * STEP_MS));
    let received = durations.iter().find(|each| each.state == "received").expect("some left it");
    assert_eq!((received.requests, received.p50_ms, received.p99_ms), (4, STEP_MS, STEP_MS));

    let day = Date::of(Timestamp(START_MS));
    let cards = theatre.run(partners::scorecards(database, day)).expect("an answer");
    assert_eq!(cards.len(), 1);
    assert_eq!((cards[0].dispatched, cards[0].failed_attempts, cards[0].records), (2, 2, 12));
    assert_eq!((cards[0].fulfilled_pct, cards[0].exhausted_pct), (Some(50.0), Some(50.0)));
    assert_eq!(cards[0].fulfil_mean_ms, Some(2 * STEP_MS));
}

#[test]
fn a_member_is_told_what_left_us_and_what_came() {
    let mut theatre = Theatre::new(3);
    story(&mut theatre);
    let codec = theatre.log.codec.clone();
    theatre.log.append(history::fulfilled(&codec, 9));
    theatre.catch_up(7);
    let about = |accounts: &[u64]| {
        let tokens: Vec<Token> = accounts.iter().map(|account| Token(token("matched", *account))).collect();
        theatre.run(disclosures::of_member(&theatre.database, &tokens)).expect("an answer")
    };
    let alone = about(&[1]);
    let told: Vec<_> = alone.iter().map(|each| (each.direction.as_str(), each.what.as_str(), each.records)).collect();
    assert_eq!(told, [("sent", "request", None), ("received", "records", Some(12))]);
    // Whose accounts were merged is told all of it, in time's order, with the account it was matched to.
    let (other, both) = (about(&[9]), about(&[9, 1]));
    assert!(!other.is_empty() && both.len() == alone.len() + other.len());
    assert!(both.is_sorted_by_key(|each| each.at) && alone.iter().chain(&other).all(|each| both.contains(each)));
    assert_eq!(alone[0].member_token, Token(token("matched", 1)).to_string());
}

#[test]
fn withdrawn_matches_are_told_with_where_data_lies_because_of_them() {
    let mut theatre = Theatre::new(3);
    story(&mut theatre);
    let withdrawn = |fields: &[MatchField], probability_ppm| EventBody::VerificationFailed {
        code: Code::MatchWithdrawn,
        withdrawn: Some(Withdrawal {
            member_token: Token(token("matched", 1)),
            roster_version: 9,
            fields: fields.to_vec(),
            probability_ppm,
        }),
    };
    let after_its_end = withdrawn(&[MatchField::Given, MatchField::BirthDate], 41_250);
    theatre.log.append([event(history::request(1), 20, after_its_end)]);
    theatre.log.append([event(history::request(3), 30, withdrawn(&[], 0))]);
    let disputed = EventBody::VerificationFailed { code: Code::CountMismatch, withdrawn: None };
    theatre.log.append([event(history::request(2), 40, disputed)]);
    theatre.catch_up(7);
    let told = |since| theatre.run(withdrawals::since(&theatre.database, Timestamp(since), 10)).expect("an answer");
    let [open, ended] = &told(0)[..] else { panic!("{:?}", told(0)) };
    assert_eq!((open.request_was.as_str(), open.fields.as_deref()), ("open", Some("[]")));
    assert_eq!((open.fulfilled_at, open.probability_ppm), (None, Some(0)));
    assert_eq!(ended.request_id, history::request(1).to_string());
    assert_eq!((ended.request_was.as_str(), ended.outcome.as_deref()), ("closed", Some("fulfilled")));
    assert_eq!(ended.withdrawn_token, Token(token("matched", 1)).to_string());
    assert_eq!((ended.counterparty.as_deref(), ended.received_records), (Some("evergreen"), Some(12)));
    assert_eq!(ended.fields.as_deref(), Some(r#"["given","birth_date"]"#));
    assert_eq!(told(START_MS + 25 * STEP_MS).len(), 1, "since then");
}

#[test]
fn the_accounts_balance() {
    let mut theatre = Theatre::new(3);
    story(&mut theatre);
    let sources = theatre.run(accounts::by_source(&theatre.database)).expect("an answer");
    let [billing, enrolment] = sources.as_slice() else { panic!("{sources:?}") };
    assert_eq!((billing.source.as_str(), billing.refused, billing.accepted), ("billing", 1, 0));
    assert_eq!((enrolment.accepted, enrolment.duplicates, enrolment.conflicts), (4, 1, 1));
    assert_eq!((enrolment.fulfilled, enrolment.pending, enrolment.open, enrolment.retries), (1, 3, 3, 1));
    let log = theatre.run(accounts::of_log(&theatre.database)).expect("an answer");
    assert_eq!((log.events, log.anomalies, log.alarms, log.unreadable), (20, 0, 0, 0));
    assert_eq!((log.open_letters, log.letter_groups), (1, 1));
}
