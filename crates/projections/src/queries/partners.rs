//! What partners did, by day.

use domain::time::Date;
use serde::Serialize;
use sqlx::FromRow;

use crate::database::{Database, StoreError};
use crate::table::value;

/// What one partner did on one day, in UTC.
#[derive(Clone, PartialEq, Debug, FromRow, Serialize)]
pub struct Scorecard {
    /// The partner.
    pub partner: String,
    /// `YYYY-MM-DD`.
    pub day: String,
    /// Requests it was asked.
    pub dispatched: i64,
    /// Per cent of them that it delivered; none where it was asked nothing.
    pub fulfilled_pct: Option<f64>,
    /// Per cent of them that it refused for good.
    pub refused_pct: Option<f64>,
    /// Per cent of them whose attempts were all spent.
    pub exhausted_pct: Option<f64>,
    /// Failed attempts of all classes.
    pub failed_attempts: i64,
    /// Attempts whose outcome nobody knew.
    pub unknown: i64,
    /// Clocks that ran out while it had a request.
    pub breached: i64,
    /// Deliveries that did not agree with its own manifest.
    pub mismatched: i64,
    /// Deliveries after a request had ended otherwise.
    pub effects_after_end: i64,
    /// Records it delivered.
    pub records: i64,
    /// The mean time to confirmation, in milliseconds.
    pub acknowledge_mean_ms: Option<i64>,
    /// The mean time to delivery, in milliseconds.
    pub fulfil_mean_ms: Option<i64>,
}

/// All partners' days from one day on, the newest first.
pub async fn scorecards(database: &Database, from: Date) -> Result<Vec<Scorecard>, StoreError> {
    let sql = "SELECT partner, day, dispatched, fulfilled_pct, refused_pct, exhausted_pct, failed_attempts, unknown, breached, \
                      mismatched, effects_after_end, records, acknowledge_mean_ms, fulfil_mean_ms \
               FROM v_partner_scorecard WHERE $1 <= day ORDER BY day DESC, partner";
    database.rows(sql, vec![value(&from.to_string())]).await
}
