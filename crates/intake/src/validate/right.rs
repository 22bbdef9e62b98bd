//! Rules on consent and attestation, where the workflow needs them. Days are days in UTC, the last one included.

use domain::Code;
use domain::messages::PayerRole;
use domain::person::{Attestation, Consent};
use domain::time::Date;

use super::request::lies_ahead;
use super::{Case, Findings, Rule, is_blank, is_malformed};

pub(super) const RULES: &[Rule] = &[
    consent_is_given,
    consent_period_is_well_formed,
    consent_has_begun,
    consent_has_not_ended,
    opted_in_already,
    consent_reference_is_given,
    consent_performer_is_given,
    consent_names_the_recipient,
    attestation_is_given,
    attestation_is_complete,
    attested_already,
];

fn consent_is_given(case: &Case<'_>, found: &mut Findings) {
    let missing = case.steps.consent && case.request.consent.is_none();
    found.add_if(missing, "consent", Code::ConsentMissing);
}

fn consent_period_is_well_formed(case: &Case<'_>, found: &mut Findings) {
    let Some(consent) = consent(case) else { return };
    let malformed = is_malformed(Some(&consent.start), Some(&consent.end));
    found.add_if(malformed, "consent.start", Code::ConsentPeriodMalformed);
}

fn consent_has_begun(case: &Case<'_>, found: &mut Findings) {
    let Some(start) = consent(case).and_then(|consent| Date::parse(&consent.start)) else { return };
    found.add_if(Date::of(case.now) < start, "consent.start", Code::ConsentNotYetValid);
}

fn consent_has_not_ended(case: &Case<'_>, found: &mut Findings) {
    let Some(end) = consent(case).and_then(|consent| Date::parse(&consent.end)) else { return };
    found.add_if(end < Date::of(case.now), "consent.end", Code::ConsentExpired);
}

fn opted_in_already(case: &Case<'_>, found: &mut Findings) {
    let ahead = consent(case).is_some_and(|consent| lies_ahead(case, consent.opted_in_at));
    found.add_if(ahead, "consent.opted_in_at", Code::OptedInInFuture);
}

fn consent_reference_is_given(case: &Case<'_>, found: &mut Findings) {
    let missing = consent(case).is_some_and(|consent| is_blank(&consent.reference));
    found.add_if(missing, "consent.reference", Code::ConsentReferenceMissing);
}

fn consent_performer_is_given(case: &Case<'_>, found: &mut Findings) {
    let missing = consent(case).is_some_and(|consent| is_blank(&consent.performer));
    found.add_if(missing, "consent.performer", Code::ConsentPerformerMissing);
}

/// The recipient is whoever asks: we, or the other payer when we answer.
fn consent_names_the_recipient(case: &Case<'_>, found: &mut Findings) {
    let asking = match case.steps.role {
        PayerRole::Requester => case.payer_id,
        PayerRole::Responder => case.request.counterparty.as_str(),
    };
    let missing = consent(case).is_some_and(|consent| consent.recipients.iter().all(|recipient| recipient != asking));
    found.add_if(missing, "consent.recipients", Code::ConsentRecipientMissing);
}

fn attestation_is_given(case: &Case<'_>, found: &mut Findings) {
    let missing = case.steps.attestation && case.request.attestation.is_none();
    found.add_if(missing, "attestation", Code::AttestationMissing);
}

fn attestation_is_complete(case: &Case<'_>, found: &mut Findings) {
    let Some(Attestation { attester, attested_at: _, statement }) = attestation(case) else { return };
    found.add_if(is_blank(attester), "attestation.attester", Code::AttestationIncomplete);
    found.add_if(is_blank(statement), "attestation.statement", Code::AttestationIncomplete);
}

fn attested_already(case: &Case<'_>, found: &mut Findings) {
    let ahead = attestation(case).is_some_and(|attestation| lies_ahead(case, attestation.attested_at));
    found.add_if(ahead, "attestation.attested_at", Code::AttestedInFuture);
}

fn attestation<'a>(case: &Case<'a>) -> Option<&'a Attestation> {
    case.request.attestation.as_ref().filter(|_| case.steps.attestation)
}

/// The consent, where one is needed: a revocation, say, is not refused for the state of the consent it revokes.
fn consent<'a>(case: &Case<'a>) -> Option<&'a Consent> {
    case.request.consent.as_ref().filter(|_| case.steps.consent)
}
