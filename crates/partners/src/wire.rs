//! The bodies of the exchange protocol. What we send borrows from the dossier and has no `Debug`; what we read is read tolerantly:
//! unknown fields are passed over, and only what is needed must be there.

use domain::messages::{self, Ask, Workflow};
use domain::person::{Attestation, Consent, ConsentPolicy, Coverage, Dossier, Sex};
use domain::{OperationId, Timestamp};
use serde::{Deserialize, Serialize, Serializer};

/// The body of `POST /exchanges`.
#[derive(Serialize)]
pub(crate) struct ExchangeRequest<'a> {
    operation_id: Text<OperationId>,
    kind: &'static str,
    /// What the request is to do, in our own word: a refresh is told from a first request.
    workflow: &'static str,
    requester: &'a str,
    member: Member<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage_to_match: Option<WireCoverage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage_to_link: Option<WireCoverage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<WireConsent<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attestation: Option<WireAttestation<'a>>,
    ask: WireAsk<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
}

/// The body of `POST /exchanges/{reference}/compensate`.
#[derive(Serialize)]
pub(crate) struct CompensateRequest<'a> {
    operation_id: Text<OperationId>,
    kind: &'static str,
    requester: &'a str,
}

#[derive(Serialize)]
struct Member<'a> {
    family: &'a str,
    given: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sex: Option<Sex>,
}

#[derive(Serialize)]
struct WireCoverage<'a> {
    payer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscriber_id: Option<&'a str>,
}

#[derive(Serialize)]
struct WireConsent<'a> {
    policy: ConsentPolicy,
    start: &'a str,
    end: &'a str,
    reference: &'a str,
}

#[derive(Serialize)]
struct WireAttestation<'a> {
    attester: &'a str,
    attested_at: Text<Timestamp>,
    statement: &'a str,
}

#[derive(Serialize)]
struct WireAsk<'a> {
    resource_types: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Text<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_to: Option<&'a str>,
}

/// Where an exchange stands, as the partner tells it.
#[derive(Deserialize)]
pub(crate) struct ExchangeState {
    pub(crate) status: ExchangeStatus,
    pub(crate) reference: String,
    pub(crate) manifest: Option<WireManifest>,
    pub(crate) problem: Option<Problem>,
}

/// The body of a callback.
#[derive(Deserialize)]
pub(crate) struct CallbackBody {
    pub(crate) operation_id: String,
    pub(crate) reference: String,
    pub(crate) status: ExchangeStatus,
    pub(crate) manifest: Option<WireManifest>,
    pub(crate) problem: Option<Problem>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExchangeStatus {
    Accepted,
    Completed,
    Failed,
    Cancelled,
}

/// What the partner says it sends, and where it lies.
#[derive(Deserialize)]
pub(crate) struct WireManifest {
    records: u64,
    sha256: String,
    pub(crate) url: String,
}

/// An RFC 9457 problem, of which the type alone matters: the rest is for people, and may say too much.
#[derive(Deserialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
}

/// A value that stands in JSON as it is displayed.
struct Text<T>(T);

// === impl ExchangeRequest ===

impl<'a> ExchangeRequest<'a> {
    /// The request for one operation. The same dossier and ask give the same bytes, so that a repetition is a repetition.
    pub(crate) fn new(
        operation_id: OperationId,
        workflow: Workflow,
        requester: &'a str,
        dossier: &'a Dossier,
        ask: &'a Ask,
        callback_url: Option<String>,
    ) -> Self {
        let Dossier { member, coverage_to_match, coverage_to_link, consent, attestation, payload: _ } = dossier;
        Self {
            operation_id: Text(operation_id),
            kind: "request",
            workflow: workflow.as_str(),
            requester,
            member: Member {
                family: &member.name.family,
                given: &member.name.given,
                birth_date: member.birth_date.as_deref(),
                sex: member.sex,
            },
            coverage_to_match: coverage_to_match.as_ref().map(WireCoverage::new),
            coverage_to_link: coverage_to_link.as_ref().map(WireCoverage::new),
            consent: consent.as_ref().map(WireConsent::new),
            attestation: attestation.as_ref().map(WireAttestation::new),
            ask: WireAsk {
                resource_types: &ask.resource_types,
                since: ask.since.map(Text),
                service_from: ask.service_from.as_deref(),
                service_to: ask.service_to.as_deref(),
            },
            callback_url,
        }
    }
}

impl<'a> CompensateRequest<'a> {
    pub(crate) fn new(operation_id: OperationId, requester: &'a str) -> Self {
        Self { operation_id: Text(operation_id), kind: "compensate", requester }
    }
}

impl<'a> WireCoverage<'a> {
    fn new(coverage: &'a Coverage) -> Self {
        let (member_id, subscriber_id) = (coverage.member_id.as_deref(), coverage.subscriber_id.as_deref());
        Self { payer: &coverage.payer, member_id, subscriber_id }
    }
}

impl<'a> WireConsent<'a> {
    fn new(consent: &'a Consent) -> Self {
        Self { policy: consent.policy, start: &consent.start, end: &consent.end, reference: &consent.reference }
    }
}

impl<'a> WireAttestation<'a> {
    fn new(attestation: &'a Attestation) -> Self {
        let Attestation { attester, attested_at, statement } = attestation;
        Self { attester, attested_at: Text(*attested_at), statement }
    }
}

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

// === impl WireManifest ===

impl WireManifest {
    /// The manifest in our terms; none if its digest is no SHA-256 in hex.
    pub(crate) fn read(&self) -> Option<messages::Manifest> {
        let mut sha256 = [0; 32];
        hex::decode_to_slice(&self.sha256, &mut sha256).ok()?;
        Some(messages::Manifest { records: self.records, sha256 })
    }
}

/// Whether a partner's reference can be kept, shown and put into a path.
pub(crate) fn is_reference(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) && text != "." && text != ".."
}

#[cfg(test)]
mod tests {
    use domain::person::{MemberClaim, PersonName};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_has_the_agreed_shape() {
        let dossier = Dossier {
            member: MemberClaim {
                name: PersonName { family: "Doe".into(), given: vec!["Jane".into()], ..PersonName::default() },
                birth_date: Some("1980-02-29".into()),
                sex: Some(Sex::Female),
                ..MemberClaim::default()
            },
            coverage_to_match: Some(Coverage {
                payer: "Old".into(),
                member_id: Some("M1".into()),
                ..Coverage::default()
            }),
            consent: Some(Consent {
                policy: ConsentPolicy::Regular,
                start: "2026-01-01".into(),
                end: "2026-12-31".into(),
                reference: "doc/1".into(),
                performer: "Jane Doe".into(),
                recipients: vec!["New".into()],
                opted_in_at: Timestamp(0),
            }),
            attestation: Some(Attestation {
                attester: "New".into(),
                attested_at: Timestamp(1_700_000_000_123),
                statement: "enrolled".into(),
            }),
            ..Dossier::default()
        };
        let ask = Ask { resource_types: vec!["Condition".into()], since: Some(Timestamp(0)), ..Ask::default() };
        let request = ExchangeRequest::new(OperationId([7; 16]), Workflow::Refresh, "new-payer", &dossier, &ask, None);
        let wanted = json!({
            "operation_id": "07070707-0707-0707-0707-070707070707",
            "kind": "request",
            "workflow": "refresh",
            "requester": "new-payer",
            "member": {"family": "Doe", "given": ["Jane"], "birth_date": "1980-02-29", "sex": "female"},
            "coverage_to_match": {"payer": "Old", "member_id": "M1"},
            "consent": {"policy": "regular", "start": "2026-01-01", "end": "2026-12-31", "reference": "doc/1"},
            "attestation": {"attester": "New", "attested_at": "2023-11-14T22:13:20.123Z", "statement": "enrolled"},
            "ask": {"resource_types": ["Condition"], "since": "1970-01-01T00:00:00.000Z"},
        });
        assert_eq!(serde_json::to_value(&request).unwrap(), wanted);
    }

    #[test]
    fn references_are_plain_text() {
        assert!(is_reference("07070707-1") && is_reference("a/b?c"));
        for text in ["", ".", "..", "a b", "a\nb", "é", &"x".repeat(201)] {
            assert!(!is_reference(text), "{text}");
        }
    }
}
