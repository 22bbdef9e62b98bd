//! Rules on which request it is, and who may ask for it.

use std::time::Duration;

use domain::lifecycle::workflow::is_carried_out;
use domain::{Code, Timestamp};

use super::{Case, Findings, Rule, is_blank};

pub(super) const RULES: &[Rule] = &[
    workflow_is_carried_out,
    workflow_is_allowed,
    key_is_given,
    key_is_short,
    key_is_printable,
    parent_is_given,
    occurred_already,
    due_by_lies_ahead,
    callback_is_https,
    origin_is_given,
];

const KEY_CHARS_MAX: usize = 200;
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(300);

fn workflow_is_carried_out(case: &Case<'_>, found: &mut Findings) {
    found.add_if(!is_carried_out(case.request.workflow), "workflow", Code::WorkflowUnavailable);
}

/// Of a workflow that nobody may ask for yet it does not matter who may.
fn workflow_is_allowed(case: &Case<'_>, found: &mut Findings) {
    let workflow = case.request.workflow;
    let allowed = !is_carried_out(workflow) || case.source.workflows.contains(&workflow);
    found.add_if(!allowed, "workflow", Code::WorkflowNotAllowed);
}

fn key_is_given(case: &Case<'_>, found: &mut Findings) {
    found.add_if(is_blank(&case.request.idempotency_key), "idempotency_key", Code::KeyMissing);
}

fn key_is_short(case: &Case<'_>, found: &mut Findings) {
    let long = case.request.idempotency_key.chars().count() > KEY_CHARS_MAX;
    found.add_if(long, "idempotency_key", Code::KeyTooLong);
}

fn key_is_printable(case: &Case<'_>, found: &mut Findings) {
    let malformed = case.request.idempotency_key.chars().any(char::is_control);
    found.add_if(malformed, "idempotency_key", Code::KeyMalformed);
}

fn parent_is_given(case: &Case<'_>, found: &mut Findings) {
    let missing = case.steps.parent && case.request.parent_request_id.is_none();
    found.add_if(missing, "parent_request_id", Code::ParentMissing);
}

fn occurred_already(case: &Case<'_>, found: &mut Findings) {
    found.add_if(lies_ahead(case, case.request.occurred_at), "occurred_at", Code::OccurredInFuture);
}

fn due_by_lies_ahead(case: &Case<'_>, found: &mut Findings) {
    let passed = case.request.due_by.is_some_and(|due_by| due_by <= case.now);
    found.add_if(passed, "due_by", Code::DueByPast);
}

fn callback_is_https(case: &Case<'_>, found: &mut Findings) {
    let malformed = case.request.callback.as_deref().is_some_and(|url| !is_https(url));
    found.add_if(malformed, "callback", Code::CallbackMalformed);
}

/// Without these nobody can say where to look when something is wrong with what a source sends.
fn origin_is_given(case: &Case<'_>, found: &mut Findings) {
    found.add_if(is_blank(&case.request.source_version), "source_version", Code::SourceVersionMissing);
    found.add_if(is_blank(&case.request.provenance.system), "provenance.system", Code::ProvenanceMissing);
}

/// Whether something that has happened lies ahead, by more than clocks may differ.
pub(super) fn lies_ahead(case: &Case<'_>, moment: Timestamp) -> bool {
    case.now + CLOCK_SKEW_MAX < moment
}

/// An https URL with a host and nothing that could end a header line. The gateway that calls it parses it in full.
fn is_https(url: &str) -> bool {
    let printable = url.bytes().all(|byte| byte.is_ascii_graphic());
    let host = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    printable && host.is_some_and(|host| host.bytes().any(|byte| byte.is_ascii_alphanumeric()))
}
