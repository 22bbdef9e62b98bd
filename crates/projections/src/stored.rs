//! A request's row as it comes back from the database, to be folded on.

use std::str::FromStr;

use domain::lifecycle::Lifecycle;
use domain::{Code, Timestamp};
use serde::de::DeserializeOwned;
use serde::de::value::{Error as NameError, StrDeserializer};

use crate::fact::Position;
use crate::queries::request::Request;
use crate::rows::{Accepted, Operation, RequestRow};

/// What the row says, or the column that says what no row of ours does.
pub(crate) fn restore(stored: &Request) -> Result<RequestRow, &'static str> {
    let at = |column: Option<i64>| column.map(Timestamp);
    let partition = number(stored.log_partition, "log_partition")?;
    let consent = named(stored.consent.as_deref(), "consent")?.zip(at(stored.consent_end));
    Ok(RequestRow {
        request_id: id(&stored.request_id, "request_id")?,
        place: Position { partition, offset: number(stored.first_offset, "first_offset")? },
        last_offset: number(stored.last_offset, "last_offset")?,
        accepted: accepted(stored)?,
        lane: named(stored.lane.as_deref(), "lane")?,
        consent,
        matched_token: optional_id(stored.matched_token.as_deref(), "matched_token")?,
        rule: stored.rule.clone(),
        candidates: optional_number(stored.candidates, "candidates")?,
        open_review: optional_number(stored.open_review, "open_review")?,
        operation: operation(stored)?,
        dispatched_at: at(stored.dispatched_at),
        acknowledged_at: at(stored.acknowledged_at),
        fulfilled_at: at(stored.fulfilled_at),
        reference: stored.reference.clone(),
        retries: number(stored.retries, "retries")?,
        received_records: optional_number(stored.received_records, "received_records")?,
        evidence: stored.evidence.clone(),
        failure: named(stored.failure_class.as_deref(), "failure_class")?,
        partner_code: stored.partner_code.clone(),
        breaches: number(stored.breaches, "breaches")?,
        lifecycle: lifecycle(stored)?,
        code: stored.code.as_deref().map(Code::of),
        owner: stored.owner.clone(),
        tier: optional_number(stored.tier, "tier")?,
        superseded_by: optional_id(stored.superseded_by.as_deref(), "superseded_by")?,
        closed_at: at(stored.closed_at),
    })
}

/// What was accepted; these columns are all there or none is.
fn accepted(stored: &Request) -> Result<Option<Accepted>, &'static str> {
    let Some(source) = stored.source.as_deref() else { return Ok(None) };
    Ok(Some(Accepted {
        submission_id: optional_id(stored.submission_id.as_deref(), "submission_id")?.ok_or("submission_id")?,
        source: source.into(),
        key_token: optional_id(stored.key_token.as_deref(), "key_token")?.ok_or("key_token")?,
        exchange_id: optional_id(stored.exchange_id.as_deref(), "exchange_id")?.ok_or("exchange_id")?,
        parent_request_id: optional_id(stored.parent_request_id.as_deref(), "parent_request_id")?,
        workflow: named(stored.workflow.as_deref(), "workflow")?.ok_or("workflow")?,
        role: named(stored.role.as_deref(), "role")?.ok_or("role")?,
        counterparty: stored.counterparty.as_deref().ok_or("counterparty")?.into(),
        member_token: optional_id(stored.member_token.as_deref(), "member_token")?.ok_or("member_token")?,
        due_by: stored.due_by.map(Timestamp).ok_or("due_by")?,
        signed: stored.signed.ok_or("signed")?,
        received_at: stored.received_at.map(Timestamp).ok_or("received_at")?,
    }))
}

fn operation(stored: &Request) -> Result<Option<Operation>, &'static str> {
    let Some(operation_id) = optional_id(stored.operation_id.as_deref(), "operation_id")? else { return Ok(None) };
    let partner = stored.partner.as_deref().ok_or("partner")?.into();
    let attempt = optional_number(stored.attempt, "attempt")?.ok_or("attempt")?;
    Ok(Some(Operation { operation_id, partner, attempt }))
}

fn lifecycle(stored: &Request) -> Result<Lifecycle, &'static str> {
    Ok(Lifecycle {
        state: named(Some(&stored.state), "state")?.ok_or("state")?,
        progress: named(Some(&stored.progress), "progress")?.ok_or("progress")?,
        outcome: named(stored.outcome.as_deref(), "outcome")?,
        since: Timestamp(stored.state_since),
        events: number(stored.events, "events")?,
        anomalies: number(stored.anomalies, "anomalies")?,
        chain: digest(&stored.chain).ok_or("chain")?,
    })
}

fn id<T: FromStr>(text: &str, column: &'static str) -> Result<T, &'static str> {
    text.parse().map_err(|_| column)
}

fn optional_id<T: FromStr>(text: Option<&str>, column: &'static str) -> Result<Option<T>, &'static str> {
    text.map(|text| id(text, column)).transpose()
}

fn number<T: TryFrom<i64>>(value: i64, column: &'static str) -> Result<T, &'static str> {
    T::try_from(value).map_err(|_| column)
}

fn optional_number<T: TryFrom<i64>>(value: Option<i64>, column: &'static str) -> Result<Option<T>, &'static str> {
    value.map(|value| number(value, column)).transpose()
}

/// A value of one of domain's enums by its name.
fn named<T: DeserializeOwned>(text: Option<&str>, column: &'static str) -> Result<Option<T>, &'static str> {
    let value = |text| T::deserialize(StrDeserializer::<NameError>::new(text)).map_err(|_| column);
    text.map(value).transpose()
}

/// 32 bytes of hexadecimal.
fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests;
