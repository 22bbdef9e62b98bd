//! Matches that the roster no longer bears out, and with whom data about somebody else may lie: of a request that was closed by then
//! nobody else is told.

use domain::Timestamp;
use projections::queries::withdrawals;
use serde::Serialize;

use super::told;
use crate::exit::Failure;
use crate::read_model::Rows;

/// A withdrawn match.
#[derive(Serialize)]
pub(super) struct Row {
    withdrawn_at: String,
    request_id: String,
    request_was: String,
    /// Whom the data went to, and what.
    went_to: String,
    source: Option<String>,
    counterparty: Option<String>,
    workflow: Option<String>,
    sent_at: Option<String>,
    received_at: Option<String>,
    records: Option<i64>,
    fields: Vec<String>,
    left_ppm: Option<i64>,
    member_token: String,
    state: String,
    outcome: Option<String>,
    owner: Option<String>,
}

/// The withdrawn matches, the newest first.
pub(super) fn list(rows: &Rows, since: Option<Timestamp>, limit: u32) -> Result<Vec<Row>, Failure> {
    let since = since.unwrap_or(Timestamp(0));
    let found = rows.get(|database| withdrawals::since(database, since, limit))?;
    Ok(found.into_iter().map(Row::of).collect())
}

// === impl Row ===

impl Row {
    fn of(found: withdrawals::Withdrawal) -> Self {
        let fields = found.fields.as_deref().and_then(|fields| serde_json::from_str(fields).ok());
        Self {
            went_to: went_to(&found),
            withdrawn_at: told(found.at),
            request_id: found.request_id,
            request_was: found.request_was,
            source: found.source,
            counterparty: found.counterparty,
            workflow: found.purpose,
            sent_at: found.dispatched_at.map(told),
            received_at: found.fulfilled_at.map(told),
            records: found.received_records,
            fields: fields.unwrap_or_default(),
            left_ppm: found.probability_ppm,
            member_token: found.withdrawn_token,
            state: found.state,
            outcome: found.outcome,
            owner: found.owner,
        }
    }
}

/// As a requester we tell the other payer about whom we ask, and hand what comes to the source; as a responder what our own system of
/// record gives goes to the other payer.
fn went_to(found: &withdrawals::Withdrawal) -> String {
    let name = |named: &Option<String>| named.clone().unwrap_or_else(|| "unknown".to_owned());
    let (asked, came) = (found.dispatched_at.is_some(), found.fulfilled_at.is_some());
    let records = || match found.received_records {
        Some(count) => format!("{count} records"),
        None => "records".to_owned(),
    };
    let mut told = Vec::new();
    if found.role.as_deref() == Some("responder") {
        let what = if found.purpose.as_deref() == Some("answer_match") { "the answer".to_owned() } else { records() };
        told.extend(came.then(|| format!("{} ({what})", name(&found.counterparty))));
    } else {
        told.extend(asked.then(|| format!("{} (the request)", name(&found.counterparty))));
        told.extend(came.then(|| format!("{} ({})", name(&found.source), records())));
    }
    if told.is_empty() { "nobody".to_owned() } else { told.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withdrawn(role: &str, purpose: &str, (asked, came): (bool, bool)) -> withdrawals::Withdrawal {
        let text = |text: &str| Some(text.to_owned());
        withdrawals::Withdrawal {
            request_id: "r".into(),
            withdrawn_token: "t".into(),
            at: 0,
            request_was: "closed".into(),
            fields: text(r#"["given","birth_date"]"#),
            probability_ppm: Some(41_250),
            source: text("enrolment"),
            purpose: text(purpose),
            counterparty: text("evergreen"),
            role: text(role),
            dispatched_at: asked.then_some(1),
            fulfilled_at: came.then_some(2),
            received_records: came.then_some(12),
            state: "closed".into(),
            outcome: text("fulfilled"),
            owner: None,
        }
    }

    #[test]
    fn whom_data_went_to_follows_from_who_asked_and_how_far_it_came() {
        let told = |role, purpose, far| Row::of(withdrawn(role, purpose, far)).went_to;
        assert_eq!(told("requester", "request_data", (false, false)), "nobody");
        assert_eq!(told("requester", "request_data", (true, false)), "evergreen (the request)");
        assert_eq!(told("requester", "request_data", (true, true)), "evergreen (the request), enrolment (12 records)");
        assert_eq!(told("responder", "answer_export", (true, false)), "nobody");
        assert_eq!(told("responder", "answer_export", (true, true)), "evergreen (12 records)");
        assert_eq!(told("responder", "answer_match", (true, true)), "evergreen (the answer)");
        assert_eq!(Row::of(withdrawn("requester", "refresh", (true, true))).fields, ["given", "birth_date"]);
    }
}
