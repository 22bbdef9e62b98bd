use std::collections::BTreeSet;

use domain::messages::Workflow;
use domain::worker::Signature;
use domain::{Chapter, Message, Record, RequestId};

use super::*;
use crate::given::{Desk, NOW, intake, record, request};
use crate::{Mode, Sources};

fn findings(request: &IntakeRequest) -> Vec<(String, Code)> {
    let intake = intake();
    let source = intake.sources.get(&"enrolment".into()).expect("the source");
    let findings = validate(&intake, source, request, NOW);
    findings.iter().map(|finding| (finding.field.clone(), finding.code)).collect()
}

fn found(change: impl FnOnce(&mut IntakeRequest)) -> Vec<(String, Code)> {
    let mut changed = request();
    change(&mut changed);
    findings(&changed)
}

type Case = (&'static str, Code, fn(&mut IntakeRequest));

/// One mistake each, and the field and code it leads to.
const MISTAKES: &[Case] = &[
    ("workflow", Code::WorkflowUnavailable, |it| {
        it.workflow = Workflow::AnswerExport;
        it.consent.as_mut().expect("one").recipients = vec!["evergreen".into()];
    }),
    ("workflow", Code::WorkflowUnavailable, |it| it.workflow = Workflow::Deliver),
    ("idempotency_key", Code::KeyMissing, |it| it.idempotency_key = " ".into()),
    ("idempotency_key", Code::KeyTooLong, |it| it.idempotency_key = "k".repeat(201)),
    ("idempotency_key", Code::KeyMalformed, |it| it.idempotency_key = "a\nb".into()),
    ("parent_request_id", Code::ParentMissing, |it| it.workflow = Workflow::Refresh),
    ("occurred_at", Code::OccurredInFuture, |it| it.occurred_at = Timestamp(NOW.0 + 300_001)),
    ("due_by", Code::DueByPast, |it| it.due_by = Some(NOW)),
    ("callback", Code::CallbackMalformed, |it| it.callback = Some("http://enrolment.example".into())),
    ("callback", Code::CallbackMalformed, |it| it.callback = Some("https:///path".into())),
    ("callback", Code::CallbackMalformed, |it| it.callback = Some("https://a.example/\r\nx".into())),
    ("member.name.family", Code::NameMissing, |it| it.member.name.family.clear()),
    ("member.name.given", Code::NameMissing, |it| it.member.name.given = vec![" ".into()]),
    ("source_version", Code::SourceVersionMissing, |it| it.source_version = " ".into()),
    ("provenance.system", Code::ProvenanceMissing, |it| it.provenance.system.clear()),
    ("member.birth_date", Code::BirthDateMissing, |it| it.member.birth_date = None),
    ("member.birth_date", Code::BirthDateMalformed, |it| it.member.birth_date = Some("1984-02".into())),
    ("member.birth_date", Code::BirthDateImplausible, |it| it.member.birth_date = Some("2026-03-03".into())),
    ("member.birth_date", Code::BirthDateImplausible, |it| it.member.birth_date = Some("1896-03-01".into())),
    ("member.birth_date", Code::BirthDateMalformed, |it| it.member.birth_date = Some("1984".into())),
    ("member.phones[1]", Code::PhoneMalformed, |it| it.member.phones.push("ask the neighbour".into())),
    ("member.phones[0]", Code::PhoneMalformed, |it| it.member.phones[0] = "555-01".into()),
    ("member.emails[0]", Code::EmailMalformed, |it| it.member.emails[0] = "ngozi at canary.example".into()),
    ("member.emails[0]", Code::EmailMalformed, |it| it.member.emails[0] = "ngozi@canary".into()),
    ("member.identifiers[0].system", Code::IdentifierIncomplete, |it| it.member.identifiers[0].system = " ".into()),
    ("member.identifiers[0].value", Code::IdentifierIncomplete, |it| it.member.identifiers[0].value.clear()),
    ("coverage_to_match", Code::CoverageToMatchMissing, |it| it.coverage_to_match = None),
    ("coverage_to_link", Code::CoverageToLinkMissing, |it| it.coverage_to_link = None),
    ("coverage_to_match.payer", Code::CoveragePayerMissing, |it| to_match(it).payer.clear()),
    ("coverage_to_match.payer", Code::CoveragePayerMismatch, |it| to_match(it).payer = "sunrise".into()),
    ("coverage_to_match.member_id", Code::CoverageIdentifierMissing, |it| to_match(it).member_id = Some(" ".into())),
    ("coverage_to_match.start", Code::CoveragePeriodMalformed, |it| to_match(it).end = Some("2024-12-31".into())),
    ("coverage_to_match.start", Code::CoveragePeriodMalformed, |it| to_match(it).end = Some("soon".into())),
    ("consent", Code::ConsentMissing, |it| it.consent = None),
    ("consent.start", Code::ConsentPeriodMalformed, |it| consent(it).start = "2026-02-30".into()),
    ("consent.start", Code::ConsentNotYetValid, |it| {
        consent(it).start = "2026-03-03".into();
        consent(it).end = "2026-03-04".into();
    }),
    ("consent.end", Code::ConsentExpired, |it| consent(it).end = "2026-03-01".into()),
    ("consent.opted_in_at", Code::OptedInInFuture, |it| consent(it).opted_in_at = Timestamp(NOW.0 + 300_001)),
    ("consent.reference", Code::ConsentReferenceMissing, |it| consent(it).reference.clear()),
    ("consent.performer", Code::ConsentPerformerMissing, |it| consent(it).performer.clear()),
    ("consent.recipients", Code::ConsentRecipientMissing, |it| consent(it).recipients = vec!["evergreen".into()]),
    ("attestation", Code::AttestationMissing, |it| it.attestation = None),
    ("attestation.attester", Code::AttestationIncomplete, |it| attestation(it).attester.clear()),
    ("attestation.statement", Code::AttestationIncomplete, |it| attestation(it).statement = "\t".into()),
    ("attestation.attested_at", Code::AttestedInFuture, |it| attestation(it).attested_at = Timestamp(NOW.0 + 300_001)),
    ("counterparty", Code::CounterpartyMissing, |it| it.counterparty = "".into()),
    ("counterparty", Code::CounterpartyUnknown, |it| it.counterparty = "nowhere".into()),
    ("ask.resource_types[1]", Code::ResourceTypeUnknown, |it| it.ask.resource_types[1] = "Horoscope".into()),
    ("ask.since", Code::SinceInFuture, |it| it.ask.since = Some(Timestamp(NOW.0 + 300_001))),
    ("ask.service_from", Code::ServiceWindowMalformed, |it| it.ask.service_to = Some("2020-01-01".into())),
    ("payload.body", Code::PayloadTooLarge, |it| payload(it).body = vec![0; 512 * 1024 + 1].into()),
    ("payload.format", Code::PayloadFormatMissing, |it| payload(it).format.clear()),
    ("member.addresses[0].city", Code::TextTooLong, |it| it.member.addresses[0].city = Some("x".repeat(1001))),
    ("member.phones", Code::ListTooLong, |it| it.member.phones = vec!["555 0100".into(); 51]),
];

fn to_match(request: &mut IntakeRequest) -> &mut domain::person::Coverage {
    request.coverage_to_match.as_mut().expect("one")
}

fn consent(request: &mut IntakeRequest) -> &mut domain::person::Consent {
    request.consent.as_mut().expect("one")
}

fn attestation(request: &mut IntakeRequest) -> &mut domain::person::Attestation {
    request.attestation.as_mut().expect("one")
}

fn payload(request: &mut IntakeRequest) -> &mut domain::person::Payload {
    request.payload.as_mut().expect("one")
}

#[test]
fn a_complete_submission_has_no_findings() {
    assert_eq!(findings(&request()), []);
}

#[test]
fn each_mistake_is_named_by_field_and_code_and_nothing_else_is() {
    for (field, code, mistake) in MISTAKES {
        assert_eq!(found(mistake), [((*field).to_owned(), *code)], "{code}");
    }
}

/// What the source is told of a submission, if it is refused.
fn told(desk: &mut Desk, request: IntakeRequest, signature: Option<Signature>) -> Option<Code> {
    let decision = desk.take(&Record { signature, ..record(request) }).expect("a decision");
    let answer = decision.forward.last().map(|forward| &forward.message);
    let Some(Message::Outcome(outcome)) = answer else { panic!("{answer:?}") };
    outcome.code
}

/// Every code of the catalogue's chapter comes out of a decision once, and no other does: a code that is added there and provoked
/// by nobody fails here.
#[test]
fn every_code_of_intake_is_provoked() {
    let mut provoked: BTreeSet<Code> = MISTAKES
        .iter()
        .filter_map(|(_, _, mistake)| {
            let mut changed = request();
            mistake(&mut changed);
            told(&mut Desk::new(), changed, None)
        })
        .collect();

    let mut desk = Desk::new();
    provoked.extend(told(&mut desk, IntakeRequest { source: "stranger".into(), ..request() }, None));
    assert_eq!(told(&mut desk, request(), None), None);
    provoked.extend(told(&mut desk, IntakeRequest { counterparty: "aurora".into(), ..request() }, None));

    let text = "id = 'enrolment'\nlane = 'bulk'\nworkflows = ['request_data']\nunsigned = true";
    desk.intake.sources = Sources::parse([("enrolment.toml", text)], Mode::Development).expect("a source");
    let mut refresh = IntakeRequest { workflow: Workflow::Refresh, idempotency_key: "another".into(), ..request() };
    refresh.parent_request_id = Some(RequestId([1; 16]));
    provoked.extend(told(&mut desk, refresh, None));

    let public = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let text = format!(
        "id = 'enrolment'\nlane = 'bulk'\nworkflows = ['request_data']\nkeys = [{{ id = 'k1', public = '{public}' }}]"
    );
    desk.intake.sources = Sources::parse([("enrolment.toml", text.as_str())], Mode::Production).expect("a source");
    let signed = |key_id: &str| Some(Signature { key_id: key_id.into(), bytes: vec![0; 64].into() });
    for signature in [None, signed("k1"), signed("k2")] {
        provoked.extend(told(&mut desk, request(), signature));
    }
    let catalogue = Code::ALL.iter().copied().filter(|code| code.chapter() == Chapter::Intake);
    assert_eq!(provoked, catalogue.collect());
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_rules() {
    let all = found(|it| {
        it.member.emails[0] = format!("{}@canary.example", "x".repeat(1001));
        it.consent = None;
        it.due_by = Some(Timestamp(0));
        it.member.name.family.clear();
    });
    let fields: Vec<_> = all.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["due_by", "member.name.family", "consent", "member.emails[0]"]);
}

#[test]
fn limits_themselves_are_allowed() {
    let fine = found(|it| {
        it.idempotency_key = "é".repeat(200);
        it.occurred_at = Timestamp(NOW.0 + 300_000);
        it.ask.since = Some(it.occurred_at);
        (consent(it).opted_in_at, attestation(it).attested_at) = (it.occurred_at, it.occurred_at);
        it.due_by = Some(Timestamp(NOW.0 + 1));
        it.member.birth_date = Some("1896-03-02".into());
        it.member.name.family = "é".repeat(1000);
        it.member.phones = vec!["(555) 010-7788 ext. 12".into(); 50];
        payload(it).body = vec![0; 512 * 1024].into();
        consent(it).start = "2026-03-02".into();
        to_match(it).start = None;
    });
    assert_eq!(fine, []);
}

#[test]
fn a_consent_may_name_others_before_whoever_asks() {
    assert_eq!(found(|it| consent(it).recipients.insert(0, "evergreen".into())), []);
}

#[test]
fn what_is_needed_follows_the_workflow() {
    let bare = |workflow| {
        found(|it| {
            it.workflow = workflow;
            (it.coverage_to_match, it.coverage_to_link, it.consent, it.attestation) = (None, None, None, None);
            it.parent_request_id = Some(RequestId([1; 16]));
        })
        .into_iter()
        .map(|(field, _)| field)
        .collect::<Vec<_>>()
    };
    assert_eq!(bare(Workflow::Refresh), ["coverage_to_match", "coverage_to_link", "consent", "attestation"]);
    assert_eq!(bare(Workflow::AnswerMatch), ["workflow", "coverage_to_match", "consent", "attestation"]);
    assert_eq!(bare(Workflow::Deliver), ["workflow", "coverage_to_link"]);
    assert_eq!(bare(Workflow::Revocation), ["workflow", "coverage_to_link"]);
}

#[test]
fn a_revocation_is_not_refused_for_the_consent_it_revokes() {
    let revoking = found(|it| {
        it.workflow = Workflow::Revocation;
        it.parent_request_id = Some(RequestId([1; 16]));
        consent(it).end = "2025-01-01".into();
    });
    assert_eq!(revoking, [("workflow".to_owned(), Code::WorkflowUnavailable)]);
}

#[test]
fn a_workflow_needs_its_registration() {
    let intake = intake();
    let mut source = intake.sources.get(&"enrolment".into()).expect("the source").clone();
    source.workflows = vec![Workflow::Refresh];
    let findings = validate(&intake, &source, &request(), NOW);
    assert_eq!(findings.first().map(|finding| finding.code), Some(Code::WorkflowNotAllowed));
}

/// What no stage knows how to do must not get past the door as something else.
#[test]
fn only_workflows_that_are_carried_out_pass() {
    for (workflow, passes) in [
        (Workflow::RequestData, true),
        (Workflow::Refresh, true),
        (Workflow::AnswerMatch, false),
        (Workflow::AnswerExport, false),
        (Workflow::Reversal, false),
        (Workflow::Revocation, false),
        (Workflow::Deliver, false),
    ] {
        let findings = found(|it| {
            it.workflow = workflow;
            it.parent_request_id = Some(RequestId([1; 16]));
            consent(it).recipients.push("evergreen".into());
        });
        assert_eq!(findings.is_empty(), passes, "{workflow:?}: {findings:?}");
    }
}
