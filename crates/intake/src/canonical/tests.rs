use domain::messages::{SlaClass, Workflow};
use domain::person::{ConsentPolicy, Sex};
use domain::{ExchangeId, Timestamp};

use super::*;
use crate::given::{NOW, Transparent, request};

const REQUEST: RequestId = RequestId([3; 16]);

fn differences(change: impl FnOnce(&mut IntakeRequest)) -> (bool, Vec<String>) {
    let mut changed = request();
    change(&mut changed);
    let (first, second) =
        (Canonical::of(&Transparent, REQUEST, &request()), Canonical::of(&Transparent, REQUEST, &changed));
    (first.payload == second.payload, first.fingerprints.differences(&second.fingerprints))
}

#[test]
fn each_group_names_its_own_difference() {
    let changes: [fn(&mut IntakeRequest); GROUPS.len()] = [
        |request| request.workflow = Workflow::Refresh,
        |request| request.exchange_id = Some(ExchangeId([1; 16])),
        |request| request.parent_request_id = Some(RequestId([1; 16])),
        |request| request.member.name.suffix = Some("Jr".into()),
        |request| request.member.other_names.clear(),
        |request| request.member.birth_date = None,
        |request| request.member.sex = Some(Sex::Unknown),
        |request| request.member.addresses[0].city = Some(String::new()),
        |request| request.member.phones.push(String::new()),
        |request| request.member.emails[0].push('m'),
        |request| request.member.identifiers[0].kind.clear(),
        |request| request.coverage_to_match = None,
        |request| request.coverage_to_link.as_mut().expect("one").plan = Some("gold".into()),
        |request| request.consent.as_mut().expect("one").policy = ConsentPolicy::Sensitive,
        |request| request.attestation.as_mut().expect("one").attested_at = Timestamp(0),
        |request| request.counterparty = "elsewhere".into(),
        |request| request.ask.since = Some(NOW),
        |request| request.sla = SlaClass::Bulk,
        |request| request.payload.as_mut().expect("one").body = b"{ }".as_slice().into(),
    ];
    for (group, change) in GROUPS.into_iter().zip(changes) {
        assert_eq!(differences(change), (false, vec![group.to_owned()]));
    }
}

#[test]
fn how_a_submission_travelled_does_not_count() {
    let (same, fields) = differences(|request| {
        request.source_version = "7.2".into();
        request.correlation_id = None;
        request.occurred_at = Timestamp(0);
        request.callback = None;
        request.provenance.recorded_at = None;
    });
    assert!(same);
    assert_eq!(fields, [""; 0]);
}

#[test]
fn text_moving_from_one_field_to_the_next_is_a_difference() {
    let (same, fields) = differences(|request| {
        let given = &mut request.member.name.given;
        *given = vec![given.concat()];
    });
    assert!(!same);
    assert_eq!(fields, ["member.name"]);
}

/// Memory keeps these bytes for ever: whoever changes the canonical form makes a conflict of every repetition.
#[test]
fn the_canonical_form_is_frozen() {
    let Canonical { payload, .. } = Canonical::of(&Transparent, REQUEST, &request());
    assert_eq!(payload.to_string(), "cc44f0f5-9099-863e-b2c1-ac98ad8bd07f");
}

#[test]
fn two_requests_of_the_same_content_share_no_fingerprint() {
    let (one, other) =
        (Canonical::of(&Transparent, REQUEST, &request()), Canonical::of(&Transparent, RequestId([4; 16]), &request()));
    assert_ne!(one.payload, other.payload);
    assert_eq!(one.fingerprints.differences(&other.fingerprints).len(), GROUPS.len());
}
