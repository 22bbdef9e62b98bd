use std::collections::BTreeMap;

use domain::Worker;
use domain::lifecycle::PolicyRef;
use domain::messages::{SlaClass, Workflow};
use domain::worker::Signature;
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;

use super::*;
use crate::given::{Desk, NOW, SOURCE, intake, moment, record, request};
use crate::{Mode, Sources};

fn outcome(decision: &Deciding) -> (&Outcome, &Destination) {
    let last = decision.forward.last().expect("a message");
    let Message::Outcome(outcome) = &last.message else { panic!("{last:?}") };
    (outcome, &last.to)
}

fn work(decision: &Deciding) -> Option<&IdentityWork> {
    let Message::Identity(work) = &decision.forward.first()?.message else { return None };
    Some(work)
}

fn bodies(decision: &Deciding) -> Vec<&EventBody> {
    decision.events.iter().map(|draft| &draft.body).collect()
}

#[test]
fn a_complete_submission_is_accepted_sealed_and_sent_on() {
    let mut desk = Desk::new();
    let decision = desk.submit(request());

    let IdentityWork { context, task } = work(&decision).expect("work");
    let request_id = context.request_id;
    assert_eq!(decision.forward[0].to, Destination::Identity(Lane::Standard, request_id));
    let IdentityTask::Resolve { dossier, ask } = task else { panic!("{task:?}") };
    let opened = desk.intake.phi.open_dossier(request_id, dossier).expect("it opens");
    assert_eq!(opened.member, request().member);
    assert_eq!(opened.payload, request().payload);
    assert_eq!(*ask, request().ask);
    assert_eq!(context.due_by, Timestamp(NOW.0 + 7 * 86_400_000));

    let (outcome, to) = outcome(&decision);
    assert_eq!(*to, Destination::Outcomes("enrolment".into(), request_id.0));
    assert_eq!((outcome.status, outcome.request_id), (OutcomeStatus::Accepted, Some(request_id)));
    assert_eq!((outcome.due_by, outcome.correlation_id.as_deref()), (Some(context.due_by), Some("case-9")));

    assert!(decision.events.iter().all(|draft| draft.request_id == request_id));
    let [EventBody::Received { signed: false, lane: Lane::Standard, submission_id, .. }, validated] =
        bodies(&decision)[..]
    else {
        panic!("{:?}", decision.events)
    };
    assert_eq!(submission_id.0, moment(1).id.0);
    let end_of_2_march = Timestamp(NOW.0 + 15 * 3_600_000 - 1);
    assert_eq!(context.consent_end, Some(end_of_2_march));
    assert_eq!(context.correlation_id, Some("case-9".into()));
    let policy = PolicyRef::of(3, "version = 3\npayer_id = 'aurora'");
    let expected = EventBody::Validated { consent: ConsentPolicy::Regular, consent_end: end_of_2_march, policy };
    assert_eq!(*validated, expected);
}

#[test]
fn no_phi_leaves_unsealed() {
    let mut desk = Desk::new();
    let accepted = desk.submit(request());
    let refused = desk.submit(IntakeRequest { consent: None, idempotency_key: "other".into(), ..request() });
    let conflict = desk.submit(IntakeRequest { sla: SlaClass::Bulk, ..request() });
    let mut written = String::new();
    for decision in [accepted, refused, conflict] {
        written += &format!("{:?} {:?} {:?}", decision.events, decision.forward, decision.remember);
    }
    for canary in ["Okafor", "Ngozi", "Eze", "1984", "Canary", "0107788", "canary.example", "1EG4", "EV-1", "AU-1"] {
        assert!(!written.contains(canary), "{canary}");
    }
    assert!(!written.contains("000017"), "the raw idempotency key");
}

#[test]
fn a_repetition_gets_the_same_answer_and_repeats_nothing() {
    let mut desk = Desk::new();
    let first = desk.submit(request());
    // By now the consent would no longer do, but the request was accepted when it did.
    desk.intake.partners = Default::default();
    let again = desk.submit(IntakeRequest { correlation_id: Some("case-10".into()), ..request() });

    let request_id = work(&first).expect("work").context.request_id;
    assert_eq!(bodies(&again), [&EventBody::DuplicateSuppressed { submission_id: SubmissionId(moment(2).id.0) }]);
    assert_eq!(again.events[0].request_id, request_id);
    assert_eq!((again.forward.len(), again.remember.len()), (1, 0));
    let (answer, to) = outcome(&again);
    assert_eq!(answer.status, OutcomeStatus::Duplicate);
    assert_eq!((answer.request_id, answer.due_by), (Some(request_id), outcome(&first).0.due_by));
    assert_eq!(answer.correlation_id.as_deref(), Some("case-10"));
    assert_eq!(*to, Destination::Outcomes("enrolment".into(), moment(2).id.0));
}

#[test]
fn a_key_is_its_sources_own() {
    let mut desk = Desk::new();
    let source = SOURCE.replace("enrolment", "other");
    desk.intake.sources =
        Sources::parse([("enrolment.toml", SOURCE), ("other.toml", &source)], Mode::Development).expect("sources");
    let first = desk.submit(request());
    let second = desk.submit(IntakeRequest { source: "other".into(), ..request() });
    assert_eq!(outcome(&second).0.status, OutcomeStatus::Accepted);
    assert_ne!(work(&first).expect("work").context.request_id, work(&second).expect("work").context.request_id);
}

#[test]
fn another_payload_under_the_key_is_a_conflict_that_names_the_fields() {
    let mut desk = Desk::new();
    let first = desk.submit(request());
    let mut other = request();
    other.member.birth_date = Some("not even a date".into());
    other.coverage_to_match = None;
    let conflict = desk.submit(other);

    let fields = vec!["member.birth_date".to_owned(), "coverage_to_match".to_owned()];
    let submission_id = SubmissionId(moment(2).id.0);
    assert_eq!(bodies(&conflict), [&EventBody::ConflictRefused { submission_id, fields: fields.clone() }]);
    let (answer, to) = outcome(&conflict);
    assert_eq!((answer.status, answer.code), (OutcomeStatus::Conflict, Some(Code::KeyConflict)));
    assert_eq!(answer.fields, fields);
    let told: Vec<_> = answer.findings.iter().map(|finding| (&finding.field, finding.code)).collect();
    assert_eq!(told, fields.iter().map(|field| (field, Code::KeyConflict)).collect::<Vec<_>>());
    let own = Destination::Outcomes("enrolment".into(), submission_id.0);
    assert_eq!(*to, own, "the newest outcome of the request stays its own");
    assert_eq!(answer.request_id, work(&first).map(|work| work.context.request_id));
    assert!(conflict.remember.is_empty(), "the first request is untouched");
}

#[test]
fn a_refusal_names_everything_and_leaves_the_key_free() {
    let mut desk = Desk::new();
    let mut broken = request();
    broken.member.name.family.clear();
    broken.consent = None;
    let refused = desk.submit(broken);

    let submission = moment(1).id.0;
    let body = EventBody::Refused {
        source: "enrolment".into(),
        code: Code::NameMissing,
        field: Some("member.name.family".into()),
        intended: work(&Desk::new().submit(request())).map(|work| work.context.request_id),
    };
    assert!(matches!(body, EventBody::Refused { intended: Some(_), .. }));
    assert_eq!(bodies(&refused), [&body]);
    assert_eq!(refused.events[0].request_id, RequestId(submission));
    let (answer, to) = outcome(&refused);
    assert_eq!(*to, Destination::Outcomes("enrolment".into(), submission));
    assert_eq!((answer.status, answer.code), (OutcomeStatus::Refused, Some(Code::NameMissing)));
    assert_eq!(answer.fields, ["member.name.family", "consent"]);
    let told: Vec<_> = answer.findings.iter().map(|finding| (finding.field.as_str(), finding.code)).collect();
    assert_eq!(told, [("member.name.family", Code::NameMissing), ("consent", Code::ConsentMissing)]);
    let remedy = "member.name.family (name-missing): Give both. consent (consent-missing): Send the consent.";
    assert_eq!(answer.remedy.as_deref(), Some(remedy));
    assert_eq!((refused.forward.len(), refused.remember.len(), answer.request_id), (1, 0, None));

    assert!(work(&desk.submit(request())).is_some(), "the corrected resend is welcome");
}

#[test]
fn a_stranger_is_answered_apart_and_not_quoted() {
    let mut desk = Desk::new();
    for (claimed, told) in [("stranger", "stranger"), ("Okafor, born 1984", "unregistered")] {
        let decision = desk.submit(IntakeRequest { source: claimed.into(), ..request() });
        let (answer, to) = outcome(&decision);
        assert_eq!(*to, Destination::Outcomes("unregistered".into(), answer.submission_id.expect("one").0));
        assert_eq!((answer.code, answer.source.as_str()), (Some(Code::SourceUnregistered), told));
        let bodies = bodies(&decision);
        let [EventBody::Refused { source, code: Code::SourceUnregistered, intended: Some(_), .. }] = bodies[..] else {
            panic!("{bodies:?}");
        };
        assert_eq!(source.as_str(), told, "found by its key all the same");
    }
}

#[test]
fn a_signed_source_is_believed_by_its_signature_alone() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key.verifying_key());
    let text = format!(
        "id = 'enrolment'\nlane = 'standard'\nworkflows = ['request_data']\nkeys = [{{ id = 'k1', public = '{public}' }}]"
    );
    let mut desk = Desk::new();
    desk.intake.sources = Sources::parse([("enrolment.toml", text.as_str())], Mode::Production).expect("a source");

    let value = record(request()).value;
    let sign = |key_id: &str, value: &[u8]| Signature {
        key_id: key_id.into(),
        bytes: key.sign(&Signature::covered(key_id, value)).to_bytes().to_vec().into(),
    };
    let short = Signature { bytes: vec![1].into(), ..sign("k1", &value) };
    for (signature, expected) in [
        (None, Some(Code::SignatureMissing)),
        (Some(sign("k2", &value)), Some(Code::SignatureKeyUnknown)),
        (Some(sign("k1", b"another value")), Some(Code::SignatureWrong)),
        (Some(Signature { key_id: "k1".into(), ..sign("k2", &value) }), Some(Code::SignatureWrong)),
        (Some(short), Some(Code::SignatureWrong)),
        (Some(sign("k1", &value)), None),
    ] {
        let decision = desk.take(&Record { signature, ..record(request()) }).expect("a decision");
        let (answer, to) = outcome(&decision);
        assert_eq!(answer.code, expected);
        assert!(matches!(to, Destination::Outcomes(source, _) if source.as_str() == "enrolment"));
        let signed = matches!(bodies(&decision)[0], EventBody::Received { signed: true, .. });
        assert_eq!(signed, expected.is_none());
    }
}

#[test]
fn the_slowest_of_class_topic_and_registration_is_the_lane() {
    let intake = intake();
    let source = intake.sources.get(&"enrolment".into()).expect("the source");
    let mut slower = source.clone();
    slower.lane = Lane::Standard;
    for (class, topic, source, lane) in [
        (SlaClass::Urgent, Some(Lane::Urgent), source, Lane::Urgent),
        (SlaClass::Urgent, None, source, Lane::Urgent),
        (SlaClass::Urgent, Some(Lane::Bulk), source, Lane::Bulk),
        (SlaClass::Bulk, Some(Lane::Urgent), source, Lane::Bulk),
        (SlaClass::Urgent, Some(Lane::Urgent), &slower, Lane::Standard),
    ] {
        assert_eq!(lanes::asked(&IntakeRequest { sla: class, ..request() }, topic, source), lane);
    }
}

/// Six a minute over two partitions are three here; bulk takes nothing of the share, and the next minute brings a new one.
#[test]
fn what_exceeds_a_share_goes_by_bulk_and_keeps_its_deadline() {
    let mut desk = Desk::new();
    let numbered = |desk: &mut Desk, number: u8, sla: SlaClass| {
        let decision = desk.submit(IntakeRequest { idempotency_key: format!("key-{number}"), sla, ..request() });
        let diverted = bodies(&decision)
            .into_iter()
            .any(|body| *body == EventBody::Diverted { from: Lane::Standard, to: Lane::Bulk });
        let context = work(&decision).expect("work").context.clone();
        assert_eq!(context.lane == Lane::Bulk, diverted || sla == SlaClass::Bulk);
        assert_eq!(decision.forward[0].to, Destination::Identity(context.lane, context.request_id));
        (diverted, context.due_by)
    };
    assert!(!numbered(&mut desk, 0, SlaClass::Bulk).0);
    let due_by = numbered(&mut desk, 1, SlaClass::Standard).1;
    assert!(!numbered(&mut desk, 2, SlaClass::Standard).0);
    assert!(!numbered(&mut desk, 3, SlaClass::Standard).0);
    assert_eq!(numbered(&mut desk, 4, SlaClass::Standard), (true, due_by));

    let share = Key::Share("enrolment".into());
    let due = desk.memory.get(&share).and_then(|entry| Intake::due(&share, entry)).expect("the minute's end");
    assert_eq!(due, Timestamp(NOW.0 + 60_000));
    let early = desk.decide(Input::Timer(&share), &moment(9)).expect("a decision");
    assert_eq!(early, Decision::nothing());
    let ended = desk.decide(Input::Timer(&share), &Moment { now: due, ..moment(9) }).expect("a decision");
    assert_eq!(ended.remember, [domain::Change::Forget(share)]);

    let next = Moment { now: due, ..moment(10) };
    let fifth = record(IntakeRequest { idempotency_key: "key-5".into(), ..request() });
    let decision = desk.decide(Input::Record(&fifth), &next).expect("a decision");
    assert_eq!(work(&decision).expect("work").context.lane, Lane::Standard);
}

/// One a minute over two partitions is one in each of them.
#[test]
fn a_share_smaller_than_the_number_of_partitions_is_still_a_share() {
    let mut desk = Desk::new();
    let source = SOURCE.replace("share_per_min = 6", "share_per_min = 1");
    desk.intake.sources = Sources::parse([("enrolment.toml", &*source)], Mode::Development).expect("a source");
    let lanes = ["a", "b"].map(|key| {
        let decision = desk.submit(IntakeRequest { idempotency_key: key.into(), ..request() });
        work(&decision).expect("work").context.lane
    });
    assert_eq!(lanes, [Lane::Standard, Lane::Bulk]);
}

#[test]
fn one_member_and_one_partner_make_an_exchange() {
    let mut desk = Desk::new();
    let mut exchange = |key: &str, change: fn(&mut IntakeRequest)| {
        let mut changed = IntakeRequest { idempotency_key: key.into(), ..request() };
        change(&mut changed);
        work(&desk.submit(changed)).expect("work").context.exchange_id
    };
    let first = exchange("a", |_| {});
    let child = exchange("b", |it| {
        it.workflow = Workflow::Refresh;
        it.parent_request_id = Some(RequestId([1; 16]));
    });
    let other_member = exchange("c", |it| it.coverage_to_link.as_mut().expect("one").member_id = Some("AU-2".into()));
    let other_payer = exchange("d", |it| {
        it.counterparty = "sunrise".into();
        it.coverage_to_match.as_mut().expect("one").payer = "sunrise".into();
    });
    let named = exchange("e", |it| it.exchange_id = Some(ExchangeId([5; 16])));
    assert_eq!(first, child);
    assert!(first != other_member && first != other_payer);
    assert_eq!(named, ExchangeId([5; 16]));
}

/// The exchange of somebody's child who is called so.
fn exchange_of_child(member_id: Option<&str>, given: &str) -> ExchangeId {
    let mut child = request();
    child.member.name.given = vec![given.into()];
    let (member_id, subscriber_id) = (member_id.map(Into::into), Some("AU-9".into()));
    child.coverage_to_link = Some(Coverage { payer: "aurora".into(), member_id, subscriber_id, ..Coverage::default() });
    work(&Desk::new().submit(child)).expect("work").context.exchange_id
}

#[test]
fn twins_without_member_ids_are_told_apart_by_their_given_names() {
    let first = exchange_of_child(None, "Ngozi");
    assert_eq!(exchange_of_child(None, " NGOZI"), first);
    assert_ne!(exchange_of_child(None, "Chidi"), first);
}

#[test]
fn a_member_id_given_as_blank_is_none() {
    assert_eq!(exchange_of_child(Some(" "), "Ngozi"), exchange_of_child(None, "Ngozi"));
    assert_ne!(exchange_of_child(Some(" "), "Ngozi"), exchange_of_child(Some(" "), "Chidi"));
}

#[test]
fn memory_is_at_home_where_the_key_belongs() {
    let intake = intake();
    let home = |key: &str| {
        let message = Message::Intake(Box::new(IntakeRequest { idempotency_key: key.into(), ..request() }));
        intake.home(&message).map(<[u8]>::to_vec)
    };
    assert_eq!(home("key-1"), Some(b"key-1".to_vec()));
    assert_eq!(home(""), None);
}

#[test]
fn what_is_no_submission_is_misdirected() {
    let outcome = Desk::new().submit(request()).forward.remove(1).message;
    let stray = Record { message: outcome, ..record(request()) };
    assert_eq!(Desk::new().take(&stray), Err(Poison::misdirected()));
}

type Setter = fn(&mut IntakeRequest, String);

/// Fields that anybody may fill with anything.
const SETTERS: &[Setter] = &[
    |it, text| it.source = text.into(),
    |it, text| it.idempotency_key = text,
    |it, text| it.correlation_id = Some(text),
    |it, text| it.member.name.family = text,
    |it, text| it.member.name.given = vec![text],
    |it, text| it.member.birth_date = Some(text),
    |it, text| it.member.phones.push(text),
    |it, text| it.coverage_to_link.iter_mut().for_each(|coverage| coverage.member_id = Some(text.clone())),
    |it, text| it.coverage_to_match.iter_mut().for_each(|coverage| coverage.end = Some(text.clone())),
    |it, text| it.coverage_to_match = text.is_ascii().then(Coverage::default),
    |it, text| it.consent.iter_mut().for_each(|consent| consent.end.clone_from(&text)),
    |it, text| it.consent.iter_mut().for_each(|consent| consent.recipients = vec![text.clone()]),
    |it, text| it.ask.service_from = Some(text),
    |it, text| it.ask.resource_types = vec![text],
    |it, text| it.callback = Some(text),
    |it, text| it.counterparty = text.into(),
    |it, text| it.occurred_at = Timestamp(text.parse().unwrap_or(i64::MIN)),
    |it, text| it.due_by = Some(Timestamp(text.parse().unwrap_or(i64::MAX))),
];

fn submissions() -> impl Strategy<Value = IntakeRequest> {
    let text = prop_oneof![".{0,12}", "[0-9]{4}-[0-9]{2}-[0-9]{2}", "-?[0-9]{1,18}", Just("x".repeat(1100))];
    proptest::collection::vec((0..SETTERS.len(), text), 0..4).prop_map(|changes| {
        let mut changed = request();
        changes.into_iter().for_each(|(index, text)| SETTERS[index](&mut changed, text));
        changed
    })
}

proptest! {
    /// Whatever comes in any order: no panic, the same decision twice, one outcome each, and a key bound by acceptance only.
    #[test]
    fn every_submission_has_one_answer(submissions in proptest::collection::vec(submissions(), 1..8), now: i64) {
        let mut desk = Desk::new();
        let mut accepted = BTreeMap::new();
        for (number, submission) in submissions.into_iter().enumerate() {
            let record = record(submission.clone());
            let moment = Moment { now: if number % 2 == 0 { NOW } else { Timestamp(now) }, ..moment(number as u8) };
            let decision = desk.decide(Input::Record(&record), &moment).expect("a decision");
            prop_assert_eq!(&decision, &desk.decide(Input::Record(&record), &moment).expect("a decision"));
            prop_assert!(decision.events.iter().all(|draft| draft.request_id == decision.events[0].request_id));
            let key = (submission.source.clone(), submission.idempotency_key.clone());
            match outcome(&decision).0.status {
                OutcomeStatus::Accepted => prop_assert_eq!(accepted.insert(key, submission), None),
                OutcomeStatus::Duplicate | OutcomeStatus::Conflict => prop_assert!(accepted.contains_key(&key)),
                OutcomeStatus::Refused => prop_assert!(decision.remember.is_empty()),
                OutcomeStatus::Progress | OutcomeStatus::Final => prop_assert!(false, "not intake's to say"),
            }
            decision.remember.into_iter().for_each(|change| { desk.memory.apply(change); });
        }
    }
}
