//! The canonical form of a submission: what two arrivals under one key must agree on to be the same request.
//!
//! Compared is what names the request's meaning. Not compared is how it travelled: `source_version`, `correlation_id`,
//! `occurred_at`, `callback` and `provenance` may differ between two sendings of one request. Values are compared as written,
//! without normalisation, so that the answer never depends on a rule that may change.
//!
//! The bytes hashed must stay the same for ever, since memory keeps what they led to: a field added to a struct below is written
//! only where it is present, and after all others of its group.

use domain::messages::{Ask, IntakeRequest};
use domain::person::{Address, Attestation, Consent, Coverage, Identifier, MemberClaim, Payload, PersonName};
use domain::phi::{Phi, Purpose};
use domain::trace::fixed;
use domain::{RequestId, Token, ids};
use serde::{Deserialize, Serialize};

/// The field groups in which a conflict is named, in the order they are hashed.
pub const GROUPS: [&str; 19] = [
    "workflow",
    "exchange_id",
    "parent_request_id",
    "member.name",
    "member.other_names",
    "member.birth_date",
    "member.sex",
    "member.addresses",
    "member.phones",
    "member.emails",
    "member.identifiers",
    "coverage_to_match",
    "coverage_to_link",
    "consent",
    "attestation",
    "counterparty",
    "ask",
    "sla",
    "payload",
];

const PRINT_BYTES: usize = 2;

/// Two bytes for each field group. They only name a difference that the payload's HMAC has found: in one of 65,536 cases a field
/// that differs goes unnamed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprints(#[serde(with = "fixed")] pub [u8; GROUPS.len() * PRINT_BYTES]);

/// What a submission's meaning comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Canonical {
    /// HMAC of all groups.
    pub payload: Token,
    /// What is left of each group.
    pub fingerprints: Fingerprints,
}

// === impl Canonical ===

impl Canonical {
    /// Hashes a submission. All of it is keyed by a secret of the request, so that neither guessing values nor comparing two
    /// requests' memory entries reveals anything.
    pub fn of(phi: &dyn Phi, request_id: RequestId, request: &IntakeRequest) -> Self {
        let secret = phi.token(Purpose::PayloadDigest, &[&request_id.0]);
        let mut prints = [0; GROUPS.len() * PRINT_BYTES];
        let mut hashes = [[0; 16]; GROUPS.len()];
        let slots = prints.chunks_exact_mut(PRINT_BYTES).zip(&mut hashes);
        let (written, ends) = groups(request);
        let mut start = 0;
        for ((name, end), (print, hash)) in GROUPS.iter().zip(ends).zip(slots) {
            *hash = ids::derive(&[&secret.0, name.as_bytes(), &written[start..end]]);
            print.copy_from_slice(&hash[..PRINT_BYTES]);
            start = end;
        }
        let payload = phi.token(Purpose::PayloadDigest, &[&request_id.0, hashes.as_flattened()]);
        Self { payload, fingerprints: Fingerprints(prints) }
    }
}

// === impl Fingerprints ===

impl Fingerprints {
    /// The groups in which two submissions differ.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let prints = self.0.chunks_exact(PRINT_BYTES).zip(other.0.chunks_exact(PRINT_BYTES));
        let differing = GROUPS.iter().zip(prints).filter(|(_, (mine, theirs))| mine != theirs);
        differing.map(|(name, _)| (*name).to_owned()).collect()
    }
}

/// The bytes of all groups, in the order of [`GROUPS`], and where each of them ends.
fn groups(request: &IntakeRequest) -> (Vec<u8>, [usize; GROUPS.len()]) {
    let IntakeRequest {
        source: _,
        source_version: _,
        idempotency_key: _,
        workflow,
        exchange_id,
        parent_request_id,
        correlation_id: _,
        occurred_at: _,
        member: MemberClaim { name, other_names, birth_date, sex, addresses, phones, emails, identifiers },
        coverage_to_match,
        coverage_to_link,
        consent,
        attestation,
        counterparty,
        ask,
        sla,
        due_by,
        callback: _,
        provenance: _,
        payload,
    } = request;
    let groups: [&dyn Fn(&mut Writer); GROUPS.len()] = [
        &|to| to.text(workflow.as_str()),
        &|to| to.optional(exchange_id.as_ref(), |to, id| to.bytes(&id.0)),
        &|to| to.optional(parent_request_id.as_ref(), |to, id| to.bytes(&id.0)),
        &|to| to.name(name),
        &|to| to.list(other_names, Writer::name),
        &|to| to.text_or_none(birth_date.as_ref()),
        &|to| to.optional(sex.as_ref(), |to, sex| to.number(i64::from(*sex as u8))),
        &|to| to.list(addresses, Writer::address),
        &|to| to.list(phones, |to, phone| to.text(phone)),
        &|to| to.list(emails, |to, email| to.text(email)),
        &|to| to.list(identifiers, Writer::identifier),
        &|to| to.optional(coverage_to_match.as_ref(), Writer::coverage),
        &|to| to.optional(coverage_to_link.as_ref(), Writer::coverage),
        &|to| to.optional(consent.as_ref(), Writer::consent),
        &|to| to.optional(attestation.as_ref(), Writer::attestation),
        &|to| to.text(counterparty.as_str()),
        &|to| to.ask(ask),
        &|to| {
            to.number(i64::from(*sla as u8));
            to.optional(due_by.as_ref(), |to, due| to.number(due.0));
        },
        &|to| to.optional(payload.as_ref(), Writer::payload),
    ];
    let mut writer = Writer(Vec::with_capacity(WRITTEN_BYTES));
    let ends = groups.map(|write| {
        write(&mut writer);
        writer.0.len()
    });
    (writer.0, ends)
}

/// Room for what most submissions come to.
const WRITTEN_BYTES: usize = 2048;

/// Writes values so that no two values give the same bytes: texts and lists carry their length, options a mark.
struct Writer(Vec<u8>);

// === impl Writer ===

impl Writer {
    fn number(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn text_or_none(&mut self, text: Option<&String>) {
        self.optional(text, |to, text| to.text(text));
    }

    fn optional<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.length(items.len());
        items.iter().for_each(|item| write(self, item));
    }

    fn texts(&mut self, texts: &[String]) {
        self.list(texts, |to, text| to.text(text));
    }

    fn length(&mut self, length: usize) {
        let length = u32::try_from(length).expect("a record is smaller than 4 GiB");
        self.0.extend_from_slice(&length.to_be_bytes());
    }

    fn name(&mut self, name: &PersonName) {
        let PersonName { family, given, prefix, suffix } = name;
        self.text(family);
        self.texts(given);
        self.text_or_none(prefix.as_ref());
        self.text_or_none(suffix.as_ref());
    }

    fn address(&mut self, address: &Address) {
        let Address { lines, city, state, postal_code, country } = address;
        self.texts(lines);
        [city, state, postal_code, country].into_iter().for_each(|text| self.text_or_none(text.as_ref()));
    }

    fn identifier(&mut self, identifier: &Identifier) {
        let Identifier { system, kind, value } = identifier;
        [system, kind, value].into_iter().for_each(|text| self.text(text));
    }

    fn coverage(&mut self, coverage: &Coverage) {
        let Coverage { payer, member_id, subscriber_id, group, plan, start, end, relationship } = coverage;
        self.text(payer);
        [member_id, subscriber_id, group, plan, start, end, relationship]
            .into_iter()
            .for_each(|text| self.text_or_none(text.as_ref()));
    }

    fn consent(&mut self, consent: &Consent) {
        let Consent { policy, start, end, reference, performer, recipients, opted_in_at } = consent;
        self.number(i64::from(*policy as u8));
        [start, end, reference, performer].into_iter().for_each(|text| self.text(text));
        self.texts(recipients);
        self.number(opted_in_at.0);
    }

    fn attestation(&mut self, attestation: &Attestation) {
        let Attestation { attester, attested_at, statement } = attestation;
        self.text(attester);
        self.number(attested_at.0);
        self.text(statement);
    }

    fn ask(&mut self, ask: &Ask) {
        let Ask { resource_types, since, service_from, service_to } = ask;
        self.texts(resource_types);
        self.optional(since.as_ref(), |to, since| to.number(since.0));
        self.text_or_none(service_from.as_ref());
        self.text_or_none(service_to.as_ref());
    }

    fn payload(&mut self, payload: &Payload) {
        let Payload { format, body } = payload;
        self.text(format);
        self.bytes(body);
    }
}

#[cfg(test)]
mod tests;
