//! What the tests start from: a registered source, a complete submission, and a transparent port for PHI.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use domain::ids::derive;
use domain::lifecycle::Clocks;
use domain::messages::{Ask, IntakeRequest, Lane, Provenance, SlaClass, Workflow};
use domain::partner::{Partner, Registry};
use domain::person::{
    Address, Attestation, Consent, ConsentPolicy, Coverage, Dossier, Identifier, MemberClaim, Payload, PersonName,
    RosterMember, Sex,
};
use domain::phi::{Phi, PhiError, Purpose, Sealed};
use domain::{
    Decision, Input, Memory, Message, Moment, Overlay, Poison, Record, RecordId, RequestId, Timestamp, Token, Trace,
    View,
};

use crate::{Entry, Intake, Key, Mode, Policy, Sources, decide};

/// 2026-03-02T09:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp(1_772_442_000_000);

pub(crate) const SOURCE: &str = r#"
id = "enrolment"
lane = "urgent"
workflows = ["request_data", "refresh"]
share_per_min = 6
unsigned = true
"#;

const PARTNER: &str = r#"
id = "evergreen"
name = "Evergreen Health Plan"
adapter = "rest"
base_url = "https://evergreen.example"
deduplicates = true
status_query = true
completion = "poll"
buckets = 2
limits = { outstanding_max = 8, timeout_ms = 1000 }
retry = { attempts_max = 5, backoff_ms = 100, backoff_ms_max = 5000 }
"#;

fn partner(id: &str) -> Partner {
    toml::from_str(&PARTNER.replace("evergreen", id)).expect("a partner")
}

/// Intake with one unsigned source, two partners and two partitions.
pub(crate) fn intake() -> Intake {
    Intake {
        sources: Sources::parse([("enrolment.toml", SOURCE)], Mode::Development).expect("a source"),
        partners: Arc::new(Registry::new(["evergreen", "sunrise"].map(partner)).expect("a registry")),
        policy: Policy::parse("version = 3\npayer_id = 'aurora'").expect("a policy"),
        clocks: Clocks::STANDARD,
        partitions: NonZeroU32::new(2).expect("two"),
        phi: Arc::new(Transparent),
    }
}

/// A complete, lawful submission; every field that may hold something holds something.
pub(crate) fn request() -> IntakeRequest {
    IntakeRequest {
        source: "enrolment".into(),
        source_version: "7.1".into(),
        idempotency_key: "enrolment-2026-000017".into(),
        workflow: Workflow::RequestData,
        exchange_id: None,
        parent_request_id: None,
        correlation_id: Some("case-9".into()),
        occurred_at: NOW,
        member: member(),
        coverage_to_match: Some(coverage("evergreen", "EV-1")),
        coverage_to_link: Some(coverage("aurora", "AU-1")),
        consent: Some(consent()),
        attestation: Some(Attestation {
            attester: "enrolment desk".into(),
            attested_at: NOW,
            statement: "enrolled and opted in".into(),
        }),
        counterparty: "evergreen".into(),
        ask: Ask {
            resource_types: vec!["Condition".into(), "ExplanationOfBenefit".into()],
            since: None,
            service_from: Some("2021-03-02".into()),
            service_to: Some("2026-03-01".into()),
        },
        sla: SlaClass::Standard,
        due_by: None,
        callback: Some("https://enrolment.example/told".into()),
        provenance: Provenance { system: "enrolment".into(), actor: None, recorded_at: Some(NOW) },
        payload: Some(Payload { format: "application/fhir+json".into(), body: Bytes::from_static(b"{}") }),
    }
}

fn member() -> MemberClaim {
    MemberClaim {
        name: PersonName {
            family: "Okafor".into(),
            given: vec!["Ngozi".into(), "Ada".into()],
            prefix: None,
            suffix: None,
        },
        other_names: vec![PersonName { family: "Eze".into(), ..PersonName::default() }],
        birth_date: Some("1984-02-29".into()),
        sex: Some(Sex::Female),
        addresses: vec![Address { lines: vec!["12 Canary Row".into()], ..Address::default() }],
        phones: vec!["+1 555 010 7788".into()],
        emails: vec!["ngozi@canary.example".into()],
        identifiers: vec![Identifier {
            system: "http://hl7.org/fhir/sid/us-mbi".into(),
            kind: "MC".into(),
            value: "1EG4TE5MK73".into(),
        }],
    }
}

fn coverage(payer: &str, member_id: &str) -> Coverage {
    Coverage {
        payer: payer.into(),
        member_id: Some(member_id.into()),
        start: Some("2025-01-01".into()),
        ..Coverage::default()
    }
}

fn consent() -> Consent {
    Consent {
        policy: ConsentPolicy::Regular,
        start: "2026-01-01".into(),
        end: "2026-03-02".into(),
        reference: "DocumentReference/17".into(),
        performer: "member".into(),
        recipients: vec!["aurora".into()],
        opted_in_at: NOW,
    }
}

/// A submission as the fleet hands it over.
pub(crate) fn record(request: IntakeRequest) -> Record {
    Record {
        message: Message::Intake(Box::new(request)),
        lane: Some(Lane::Urgent),
        trace: Trace::default(),
        signature: None,
        schema_id: 1,
        value: Bytes::from_static(b"framed value"),
        offset: 0,
    }
}

/// A moment for the `number`-th input.
pub(crate) fn moment(number: u8) -> Moment {
    Moment { now: NOW, id: RecordId([number; 16]), trace: Trace::default() }
}

/// Intake at work: what each decision remembers, the next one knows.
pub(crate) struct Desk {
    pub(crate) intake: Intake,
    pub(crate) memory: Memory<Key, Entry>,
    pub(crate) arrivals: u8,
}

// === impl Desk ===

impl Desk {
    pub(crate) fn new() -> Self {
        Self { intake: intake(), memory: Memory::default(), arrivals: 0 }
    }

    pub(crate) fn submit(&mut self, request: IntakeRequest) -> Decision<Key, Entry> {
        self.take(&record(request)).expect("a decision")
    }

    pub(crate) fn take(&mut self, record: &Record) -> Result<Decision<Key, Entry>, Poison> {
        self.arrivals += 1;
        let decision = self.decide(Input::Record(record), &moment(self.arrivals))?;
        for change in decision.remember.clone() {
            self.memory.apply(change);
        }
        Ok(decision)
    }

    pub(crate) fn decide(&self, input: Input<'_, Key>, moment: &Moment) -> Result<Decision<Key, Entry>, Poison> {
        decide(&self.intake, &View::new(&self.memory, &Overlay::default()), input, moment)
    }
}

/// Seals by writing JSON, and tokenises by an unkeyed hash.
pub(crate) struct Transparent;

// === impl Transparent ===

impl Phi for Transparent {
    fn seal_dossier(
        &self,
        request: RequestId,
        record: RecordId,
        dossier: &Dossier,
    ) -> Result<Sealed<Dossier>, PhiError> {
        let content = serde_json::to_vec(dossier).map_err(|_| PhiError::Undecodable)?;
        Ok(Sealed::new(request.to_string(), Bytes::copy_from_slice(&record.0), content.into()))
    }

    fn open_dossier(&self, _: RequestId, sealed: &Sealed<Dossier>) -> Result<Dossier, PhiError> {
        serde_json::from_slice(&sealed.ciphertext).map_err(|_| PhiError::Undecodable)
    }

    fn seal_member(&self, _: &str, _: &RosterMember) -> Result<Sealed<RosterMember>, PhiError> {
        Err(PhiError::UnknownKey)
    }

    fn open_member(&self, _: &str, _: &Sealed<RosterMember>) -> Result<RosterMember, PhiError> {
        Err(PhiError::UnknownKey)
    }

    fn token(&self, purpose: Purpose, parts: &[&[u8]]) -> Token {
        let purpose = format!("{purpose:?}");
        let parts: Vec<&[u8]> = [purpose.as_bytes()].into_iter().chain(parts.iter().copied()).collect();
        Token(derive(&parts))
    }
}
