//! Rules on the coverages. The one under which the member stands on our roster is always needed; the one under which the other
//! payer knows them, where that payer is to find and send their data. Whatever is given must be usable.

use domain::Code;
use domain::lifecycle::workflow::LookedUp;
use domain::messages::PayerRole;
use domain::person::Coverage;

use super::{Case, Findings, Rule, is_blank, is_malformed};

pub(super) const RULES: &[Rule] = &[
    coverage_to_match_is_given,
    coverage_to_link_is_given,
    payer_is_given,
    payer_is_the_counterparty,
    identifier_is_given,
    period_is_well_formed,
];

fn coverage_to_match_is_given(case: &Case<'_>, found: &mut Findings) {
    let partner_looks_up = case.steps.role == PayerRole::Requester && case.steps.data;
    let needed = partner_looks_up || case.steps.looked_up == LookedUp::ToMatch;
    let missing = needed && case.request.coverage_to_match.is_none();
    found.add_if(missing, "coverage_to_match", Code::CoverageToMatchMissing);
}

fn coverage_to_link_is_given(case: &Case<'_>, found: &mut Findings) {
    let missing = case.steps.looked_up == LookedUp::ToLink && case.request.coverage_to_link.is_none();
    found.add_if(missing, "coverage_to_link", Code::CoverageToLinkMissing);
}

fn payer_is_given(case: &Case<'_>, found: &mut Findings) {
    for (field, coverage) in given(case) {
        found.add_if(is_blank(&coverage.payer), format_args!("{field}.payer"), Code::CoveragePayerMissing);
    }
}

/// The other payer can't find a member by a coverage of somebody else. That either of them is not named, or nobody we know, is a finding
/// of its own.
fn payer_is_the_counterparty(case: &Case<'_>, found: &mut Findings) {
    let Some(coverage) = case.request.coverage_to_match.as_ref() else { return };
    let (payer, counterparty) = (coverage.payer.trim(), &case.request.counterparty);
    let named = !payer.is_empty() && case.partners.get(counterparty).is_some();
    let theirs = case.steps.looked_up == LookedUp::ToLink;
    let foreign = named && theirs && payer != counterparty.as_str();
    found.add_if(foreign, "coverage_to_match.payer", Code::CoveragePayerMismatch);
}

fn identifier_is_given(case: &Case<'_>, found: &mut Findings) {
    for (field, coverage) in given(case) {
        let ids = [&coverage.member_id, &coverage.subscriber_id];
        let missing = ids.into_iter().flatten().all(|id| is_blank(id));
        found.add_if(missing, format_args!("{field}.member_id"), Code::CoverageIdentifierMissing);
    }
}

fn period_is_well_formed(case: &Case<'_>, found: &mut Findings) {
    for (field, coverage) in given(case) {
        let malformed = is_malformed(coverage.start.as_deref(), coverage.end.as_deref());
        found.add_if(malformed, format_args!("{field}.start"), Code::CoveragePeriodMalformed);
    }
}

fn given<'a>(case: &Case<'a>) -> impl Iterator<Item = (&'static str, &'a Coverage)> {
    let sides =
        [("coverage_to_match", &case.request.coverage_to_match), ("coverage_to_link", &case.request.coverage_to_link)];
    sides.into_iter().filter_map(|(field, coverage)| Some((field, coverage.as_ref()?)))
}
