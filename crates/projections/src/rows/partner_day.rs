//! Partner days: what each partner did on each day, as sums that any order of facts leads to.

use domain::time::Date;
use domain::{FailureClass, PartnerId};

use super::Mergeable;
use crate::table::{Conflict, Row, Table, Value, value};

/// A row of `partner_days`, or what a batch adds to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartnerDay {
    /// The partner.
    pub partner: PartnerId,
    /// The day, in UTC, on which the facts were decided.
    pub day: Date,
    /// Requests it was asked.
    pub dispatched: u64,
    /// Requests it confirmed.
    pub acknowledged: u64,
    /// Requests it delivered.
    pub fulfilled: u64,
    /// Requests it refused for good.
    pub refused: u64,
    /// Requests whose attempts were all spent.
    pub exhausted: u64,
    /// Attempts whose outcome nobody knew.
    pub unknown: u64,
    /// Clocks that ran out while it had a request.
    pub breached: u64,
    /// Deliveries that did not agree with its own manifest.
    pub mismatched: u64,
    /// Effects that were undone.
    pub compensated: u64,
    /// Deliveries after a request had ended otherwise.
    pub effects_after_end: u64,
    /// Records it delivered.
    pub records: u64,
    /// The sum of the times from asking to the first confirmation, in milliseconds.
    pub acknowledge_ms: u64,
    /// The sum of the times from asking to delivery, in milliseconds.
    pub fulfil_ms: u64,
    /// Failed attempts by class, in the order of [`FailureClass::ALL`].
    pub failed: [u64; 10],
}

/// The most that one fact adds to a sum: a partner that claims absurd numbers must not make a day's sum overflow its column.
const SHARE_MAX: u64 = 1 << 40;

/// The table of [`PartnerDay`].
pub(super) const TABLE: Table = PartnerDay::TABLE;

// === impl PartnerDay ===

impl PartnerDay {
    /// A day on which nothing happened yet.
    pub fn new(partner: PartnerId, day: Date) -> Self {
        Self {
            partner,
            day,
            dispatched: 0,
            acknowledged: 0,
            fulfilled: 0,
            refused: 0,
            exhausted: 0,
            unknown: 0,
            breached: 0,
            mismatched: 0,
            compensated: 0,
            effects_after_end: 0,
            records: 0,
            acknowledge_ms: 0,
            fulfil_ms: 0,
            failed: [0; 10],
        }
    }

    /// Counts a confirmation, so long after the request was dispatched.
    pub fn acknowledge(&mut self, after_ms: u64) {
        self.acknowledged += 1;
        self.acknowledge_ms += after_ms.min(SHARE_MAX);
    }

    /// Counts a delivery of so many records, so long after the request was dispatched.
    pub fn fulfil(&mut self, records: u64, after_ms: u64) {
        self.fulfilled += 1;
        self.records += records.min(SHARE_MAX);
        self.fulfil_ms += after_ms.min(SHARE_MAX);
    }

    /// Counts a failed attempt.
    pub fn fail(&mut self, class: FailureClass) {
        for (known, count) in FailureClass::ALL.into_iter().zip(&mut self.failed) {
            *count += u64::from(known == class);
        }
    }
}

impl Mergeable for PartnerDay {
    type Key = (PartnerId, Date);

    fn key(&self) -> Self::Key {
        (self.partner.clone(), self.day)
    }

    fn merge(&mut self, later: Self) {
        self.dispatched += later.dispatched;
        self.acknowledged += later.acknowledged;
        self.fulfilled += later.fulfilled;
        self.refused += later.refused;
        self.exhausted += later.exhausted;
        self.unknown += later.unknown;
        self.breached += later.breached;
        self.mismatched += later.mismatched;
        self.compensated += later.compensated;
        self.effects_after_end += later.effects_after_end;
        self.records += later.records;
        self.acknowledge_ms += later.acknowledge_ms;
        self.fulfil_ms += later.fulfil_ms;
        self.failed.iter_mut().zip(later.failed).for_each(|(sum, more)| *sum += more);
    }
}

impl Row for PartnerDay {
    const TABLE: Table = Table {
        name: "partner_days",
        columns: &[
            "partner",
            "day",
            "dispatched",
            "acknowledged",
            "fulfilled",
            "refused",
            "exhausted",
            "unknown",
            "breached",
            "mismatched",
            "compensated",
            "effects_after_end",
            "records",
            "acknowledge_ms",
            "fulfil_ms",
            "failed_transport",
            "failed_timeout",
            "failed_throttled",
            "failed_authentication",
            "failed_authorisation",
            "failed_schema",
            "failed_business_rule",
            "failed_permanent",
            "failed_outcome_unknown",
            "failed_defect",
        ],
        key: 2,
        conflict: Conflict::Add,
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([value(&self.partner), value(&self.day.to_string())]);
        let counts = [
            self.dispatched,
            self.acknowledged,
            self.fulfilled,
            self.refused,
            self.exhausted,
            self.unknown,
            self.breached,
            self.mismatched,
            self.compensated,
            self.effects_after_end,
            self.records,
            self.acknowledge_ms,
            self.fulfil_ms,
        ];
        out.extend(counts.into_iter().chain(self.failed).map(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns of failures are the classes, in the taxonomy's order.
    #[test]
    fn every_class_has_its_column() {
        let columns = &PartnerDay::TABLE.columns[15..];
        let named: Vec<_> = FailureClass::ALL.iter().map(|class| format!("failed_{}", class.as_str())).collect();
        assert_eq!(columns, named);
        for (index, class) in FailureClass::ALL.into_iter().enumerate() {
            let mut day = PartnerDay::new("evergreen".into(), Date::from_days(0));
            day.fail(class);
            assert_eq!(day.failed.iter().position(|count| *count == 1), Some(index));
        }
    }

    /// A batch's day is the sum of its facts, column by column, as the database adds batches.
    #[test]
    fn days_merge_as_the_database_adds_them() {
        let day = |first: u64| {
            let n = |index: u64| first + index;
            PartnerDay {
                dispatched: n(0),
                acknowledged: n(1),
                fulfilled: n(2),
                refused: n(3),
                exhausted: n(4),
                unknown: n(5),
                breached: n(6),
                mismatched: n(7),
                compensated: n(8),
                effects_after_end: n(9),
                records: n(10),
                acknowledge_ms: n(11),
                fulfil_ms: n(12),
                failed: std::array::from_fn(|index| first + index as u64),
                ..PartnerDay::new("evergreen".into(), Date::from_days(0))
            }
        };
        let sums = |day: &PartnerDay| {
            let mut values = Vec::new();
            day.values(&mut values);
            let whole = |value| if let Value::Whole(whole) = value { whole } else { None };
            values.into_iter().filter_map(whole).collect::<Vec<_>>()
        };
        let mut merged = day(100);
        merged.merge(day(7_000));
        let added: Vec<_> =
            sums(&day(100)).into_iter().zip(sums(&day(7_000))).map(|(one, other)| one + other).collect();
        assert_eq!((sums(&merged), added.len()), (added, 23));
    }
}
