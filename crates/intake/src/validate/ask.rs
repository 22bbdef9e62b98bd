//! Rules on what is asked of whom, and on the original payload.

use domain::Code;

use super::request::lies_ahead;
use super::{Case, Findings, Rule, is_blank, is_malformed};
use crate::resource_types;

pub(super) const RULES: &[Rule] = &[
    counterparty_is_given,
    counterparty_is_known,
    resource_types_are_known,
    since_lies_back,
    service_window_is_well_formed,
    payload_is_small,
    payload_has_a_format,
];

const PAYLOAD_BYTES_MAX: usize = 512 * 1024;

fn counterparty_is_given(case: &Case<'_>, found: &mut Findings) {
    found.add_if(is_blank(case.request.counterparty.as_str()), "counterparty", Code::CounterpartyMissing);
}

fn counterparty_is_known(case: &Case<'_>, found: &mut Findings) {
    let counterparty = &case.request.counterparty;
    let unknown = !is_blank(counterparty.as_str()) && case.partners.get(counterparty).is_none();
    found.add_if(unknown, "counterparty", Code::CounterpartyUnknown);
}

fn resource_types_are_known(case: &Case<'_>, found: &mut Findings) {
    let unknown = case.request.ask.resource_types.iter().position(|name| !resource_types::is_known(name));
    if let Some(index) = unknown {
        found.add(format_args!("ask.resource_types[{index}]"), Code::ResourceTypeUnknown);
    }
}

fn since_lies_back(case: &Case<'_>, found: &mut Findings) {
    let ahead = case.request.ask.since.is_some_and(|since| lies_ahead(case, since));
    found.add_if(ahead, "ask.since", Code::SinceInFuture);
}

fn service_window_is_well_formed(case: &Case<'_>, found: &mut Findings) {
    let ask = &case.request.ask;
    let malformed = is_malformed(ask.service_from.as_deref(), ask.service_to.as_deref());
    found.add_if(malformed, "ask.service_from", Code::ServiceWindowMalformed);
}

fn payload_is_small(case: &Case<'_>, found: &mut Findings) {
    let large = case.request.payload.as_ref().is_some_and(|payload| PAYLOAD_BYTES_MAX < payload.body.len());
    found.add_if(large, "payload.body", Code::PayloadTooLarge);
}

fn payload_has_a_format(case: &Case<'_>, found: &mut Findings) {
    let missing = case.request.payload.as_ref().is_some_and(|payload| is_blank(&payload.format));
    found.add_if(missing, "payload.format", Code::PayloadFormatMissing);
}
