//! The timeline: one row per event, as it happened and what it did.

use std::sync::Arc;

use domain::lifecycle::{Anomaly, Lifecycle, Step};
use domain::messages::Stage;
use domain::{RecordId, RequestId, State, Timestamp};

use super::Place;
use crate::fact::Fact;
use crate::table::{Conflict, Row, Table, Value, value};

/// A row of `timeline`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimelineRow {
    /// The request, or the refused submission.
    pub request_id: RequestId,
    /// Where the request's events stand.
    pub place: Place,
    /// Where this one stands.
    pub log_offset: u64,
    /// When it was appended to the log: what "as of" means.
    pub appended_at: Timestamp,
    /// When the worker decided it.
    pub at: Timestamp,
    /// The worker.
    pub worker: Stage,
    /// The worker's version.
    pub version: String,
    /// What happened.
    pub kind: &'static str,
    /// What it did.
    pub step: Step,
    /// The state afterwards.
    pub state: State,
    /// The state it ended, and how long that had lasted, in milliseconds.
    pub left: Option<(State, u64)>,
    /// The event's own fields as JSON.
    pub detail: Arc<str>,
    /// The record that caused it.
    pub cause: RecordId,
}

/// The table of [`TimelineRow`].
pub(super) const TABLE: Table = TimelineRow::TABLE;

// === impl TimelineRow ===

impl TimelineRow {
    /// The row of a fact that led from one lifecycle to the next.
    pub fn of(fact: &Fact, place: Place, before: &Lifecycle, after: &Lifecycle, step: Step) -> Self {
        let event = &fact.event;
        let spent_ms = u64::try_from(event.at.since(before.since).as_millis()).unwrap_or(u64::MAX);
        let has_left = 0 < before.events && before.state != after.state;
        Self {
            request_id: event.request_id,
            place,
            log_offset: fact.position.offset,
            appended_at: fact.appended_at,
            at: event.at,
            worker: event.by,
            version: event.version.clone(),
            kind: fact.kind(),
            step,
            state: after.state,
            left: has_left.then_some((before.state, spent_ms)),
            detail: Arc::clone(&fact.detail),
            cause: event.cause,
        }
    }
}

impl Row for TimelineRow {
    const TABLE: Table = Table {
        name: "timeline",
        columns: &[
            "log_partition",
            "first_offset",
            "log_offset",
            "request_id",
            "appended_at",
            "at",
            "worker",
            "version",
            "kind",
            "step",
            "state",
            "left_state",
            "spent_ms",
            "detail",
            "cause",
        ],
        key: 3,
        conflict: Conflict::Refuse,
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([
            value(self.place.partition),
            value(self.place.offset),
            value(self.log_offset),
            value(self.request_id),
            value(self.appended_at),
            value(self.at),
            value(self.worker.as_str()),
            value(&self.version),
            value(self.kind),
            value(step_name(self.step)),
            value(self.state.as_str()),
            value(self.left.map(|(state, _)| state.as_str())),
            value(self.left.map(|(_, spent_ms)| spent_ms)),
            value(&self.detail),
            value(self.cause),
        ]);
    }
}

fn step_name(step: Step) -> &'static str {
    match step {
        Step::Advanced => "advanced",
        Step::Noted => "noted",
        Step::Anomalous(Anomaly::OutOfOrder) => "out_of_order",
        Step::Anomalous(Anomaly::AfterEnd) => "after_end",
        Step::Anomalous(Anomaly::EffectAfterEnd) => "effect_after_end",
    }
}
