//! The rows that facts leave behind, one file per concept. Pure data: no SQL, no database.

pub mod alarm;
pub mod attempt;
pub mod command;
pub mod letter;
pub mod partner_day;
pub mod request;
pub mod review;
pub mod submission;
pub mod timeline;
pub mod unreadable;

use std::collections::{BTreeMap, BTreeSet};

use domain::RequestId;

pub use alarm::{AlarmKind, AlarmRow};
pub use attempt::{AttemptResult, AttemptRow};
pub use command::{CommandResult, CommandRow};
pub use letter::{LetterRow, LetterState};
pub use partner_day::PartnerDay;
pub use request::{Accepted, Operation, RequestRow};
pub use review::ReviewRow;
pub use submission::{AcceptanceRow, SubmissionResult, SubmissionRow};
pub use timeline::TimelineRow;

use crate::fact::{Position, Unreadable};
use crate::table::Table;

/// What a batch of facts changes, beside the rows of the requests themselves.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rows {
    /// One per event.
    pub timeline: Vec<TimelineRow>,
    /// One per acceptance, the first of its key or not.
    pub acceptances: Vec<AcceptanceRow>,
    /// Arrivals that came to nothing.
    pub submissions: Vec<SubmissionRow>,
    /// Attempts at partners.
    pub attempts: Merged<AttemptRow>,
    /// Reviews.
    pub reviews: Merged<ReviewRow>,
    /// Human intents.
    pub commands: Merged<CommandRow>,
    /// Dead letters.
    pub letters: Merged<LetterRow>,
    /// What partners did, by day.
    pub partner_days: Merged<PartnerDay>,
    /// Records that are no facts.
    pub unreadable: Vec<Unreadable>,
    /// What must never happen and did.
    pub alarms: Vec<AlarmRow>,
    /// Requests whose acceptance came after other facts: columns that never change otherwise change now.
    pub late_accepted: BTreeSet<RequestId>,
}

/// Rows by key, each of them what all facts of the batch make of it together.
#[derive(Clone, PartialEq, Debug)]
pub struct Merged<R: Mergeable>(BTreeMap<R::Key, R>);

/// A row that several facts write.
pub trait Mergeable {
    /// What makes two rows the same.
    type Key: Ord;
    /// Its key.
    fn key(&self) -> Self::Key;
    /// Takes in what a later fact says.
    fn merge(&mut self, later: Self);
}

/// Where the events of one request stand: their partition and the offset of the first. It sorts as the log grows, so that what is
/// written together lies together; a request's id is random.
pub type Place = Position;

/// All tables that facts make, which a rebuild must find equal.
pub(crate) const TABLES: [Table; 13] = [
    request::TABLE,
    timeline::TABLE,
    submission::ACCEPTANCES,
    submission::SUBMISSIONS,
    attempt::TABLE,
    review::TABLE,
    command::TABLE,
    letter::TABLE,
    partner_day::TABLE,
    unreadable::TABLE,
    alarm::TABLE,
    crate::write::OFFSETS,
    crate::write::META,
];

// === impl Merged ===

impl<R: Mergeable> Merged<R> {
    /// Adds what one fact says.
    pub fn put(&mut self, row: R) {
        match self.0.get_mut(&row.key()) {
            Some(earlier) => earlier.merge(row),
            None => {
                self.0.insert(row.key(), row);
            }
        }
    }

    /// The rows, in key order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &R> {
        self.0.values()
    }
}

impl<R: Mergeable> Default for Merged<R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// Takes the later of two where there is one: how a row is completed, here as in the database.
fn complete<T>(earlier: &mut Option<T>, later: Option<T>) {
    if later.is_some() {
        *earlier = later;
    }
}
