//! Rules on size: every text and every list of a submission has a bound. The idempotency key and the original payload have their
//! own; source and counterparty are names of registers.

use std::fmt;

use domain::Code;
use domain::messages::{Ask, IntakeRequest, Provenance};
use domain::person::{Address, Attestation, Consent, Coverage, Identifier, MemberClaim, Payload, PersonName};

use super::{Case, Findings, Rule};

pub(super) const RULES: &[Rule] = &[sizes_are_bounded];

const TEXT_CHARS_MAX: usize = 1000;
const LIST_ITEMS_MAX: usize = 50;

/// Whether a text is too long. Bytes are counted first: most texts are short.
pub(crate) fn is_too_long(text: &str) -> bool {
    TEXT_CHARS_MAX < text.len() && TEXT_CHARS_MAX < text.chars().count()
}

fn sizes_are_bounded(case: &Case<'_>, found: &mut Findings) {
    let IntakeRequest { source_version, correlation_id, callback, provenance, .. } = case.request;
    let Provenance { system, actor, recorded_at: _ } = provenance;
    let mut sizes = Sizes(found);
    sizes.text("source_version", source_version);
    sizes.optional("correlation_id", correlation_id.as_ref());
    sizes.member(&case.request.member);
    for (field, coverage) in
        [("coverage_to_match", &case.request.coverage_to_match), ("coverage_to_link", &case.request.coverage_to_link)]
    {
        coverage.iter().for_each(|coverage| sizes.coverage(field, coverage));
    }
    case.request.consent.iter().for_each(|consent| sizes.consent(consent));
    case.request.attestation.iter().for_each(|attestation| sizes.attestation(attestation));
    sizes.ask(&case.request.ask);
    sizes.optional("callback", callback.as_ref());
    sizes.text("provenance.system", system);
    sizes.optional("provenance.actor", actor.as_ref());
    if let Some(Payload { format, body: _ }) = &case.request.payload {
        sizes.text("payload.format", format);
    }
}

/// Notes what is too large; paths are only written out when it is.
struct Sizes<'a>(&'a mut Findings);

// === impl Sizes ===

impl Sizes<'_> {
    fn text(&mut self, field: impl fmt::Display, text: &str) {
        self.0.add_if(is_too_long(text), field, Code::TextTooLong);
    }

    fn optional(&mut self, field: impl fmt::Display, text: Option<&String>) {
        text.iter().for_each(|text| self.text(&field, text));
    }

    /// Looks at a list's items, unless there are too many of them.
    fn list<T>(
        &mut self,
        field: impl fmt::Display,
        items: &[T],
        mut look: impl FnMut(&mut Self, fmt::Arguments<'_>, &T),
    ) {
        if LIST_ITEMS_MAX < items.len() {
            return self.0.add(field, Code::ListTooLong);
        }
        items.iter().enumerate().for_each(|(index, item)| look(self, format_args!("{field}[{index}]"), item));
    }

    fn texts(&mut self, field: impl fmt::Display, texts: &[String]) {
        self.list(field, texts, |sizes, field, text| sizes.text(field, text));
    }

    fn member(&mut self, member: &MemberClaim) {
        let MemberClaim { name, other_names, birth_date, sex: _, addresses, phones, emails, identifiers } = member;
        self.name("member.name", name);
        self.list("member.other_names", other_names, |sizes, field, name| sizes.name(field, name));
        self.optional("member.birth_date", birth_date.as_ref());
        self.list("member.addresses", addresses, |sizes, field, address| sizes.address(field, address));
        self.texts("member.phones", phones);
        self.texts("member.emails", emails);
        self.list("member.identifiers", identifiers, |sizes, field, identifier| sizes.identifier(field, identifier));
    }

    fn name(&mut self, field: impl fmt::Display, name: &PersonName) {
        let PersonName { family, given, prefix, suffix } = name;
        self.text(format_args!("{field}.family"), family);
        self.texts(format_args!("{field}.given"), given);
        self.optional(format_args!("{field}.prefix"), prefix.as_ref());
        self.optional(format_args!("{field}.suffix"), suffix.as_ref());
    }

    fn address(&mut self, field: impl fmt::Display, address: &Address) {
        let Address { lines, city, state, postal_code, country } = address;
        self.texts(format_args!("{field}.lines"), lines);
        let parts = [("city", city), ("state", state), ("postal_code", postal_code), ("country", country)];
        parts.into_iter().for_each(|(part, text)| self.optional(format_args!("{field}.{part}"), text.as_ref()));
    }

    fn identifier(&mut self, field: impl fmt::Display, identifier: &Identifier) {
        let Identifier { system, kind, value } = identifier;
        let parts = [("system", system), ("kind", kind), ("value", value)];
        parts.into_iter().for_each(|(part, text)| self.text(format_args!("{field}.{part}"), text));
    }

    fn coverage(&mut self, field: &str, coverage: &Coverage) {
        let Coverage { payer, member_id, subscriber_id, group, plan, start, end, relationship } = coverage;
        self.text(format_args!("{field}.payer"), payer);
        let parts = [
            ("member_id", member_id),
            ("subscriber_id", subscriber_id),
            ("group", group),
            ("plan", plan),
            ("start", start),
            ("end", end),
            ("relationship", relationship),
        ];
        parts.into_iter().for_each(|(part, text)| self.optional(format_args!("{field}.{part}"), text.as_ref()));
    }

    fn consent(&mut self, consent: &Consent) {
        let Consent { policy: _, start, end, reference, performer, recipients, opted_in_at: _ } = consent;
        let parts = [("start", start), ("end", end), ("reference", reference), ("performer", performer)];
        parts.into_iter().for_each(|(part, text)| self.text(format_args!("consent.{part}"), text));
        self.texts("consent.recipients", recipients);
    }

    fn attestation(&mut self, attestation: &Attestation) {
        let Attestation { attester, attested_at: _, statement } = attestation;
        self.text("attestation.attester", attester);
        self.text("attestation.statement", statement);
    }

    fn ask(&mut self, ask: &Ask) {
        let Ask { resource_types, since: _, service_from, service_to } = ask;
        self.texts("ask.resource_types", resource_types);
        self.optional("ask.service_from", service_from.as_ref());
        self.optional("ask.service_to", service_to.as_ref());
    }
}
