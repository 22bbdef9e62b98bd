//! What the projections say of a run, and whether the log's own accounts say the same.

use std::collections::BTreeMap;

use domain::{State, Timestamp};
use projections::queries::accounts::{self, LogAccount, SourceAccount};
use projections::queries::counts::{self, Reason};
use projections::queries::letters::{self, Group};
use projections::queries::stages::{self, Durations};
use sandbox::accounts::Accounts;
use serde::Serialize;

use crate::exit::Failure;
use crate::read_model::Rows;

/// Counts and times, as the projections have them.
#[derive(Serialize)]
pub(super) struct Figures {
    /// Requests by state.
    pub(super) by_state: BTreeMap<String, i64>,
    /// Requests whose end or state has a reason.
    pub(super) by_reason: Vec<Reason>,
    /// What became of submissions, and what it took.
    pub(super) arrivals: Arrivals,
    /// How long requests stayed in each state, in the order of the way through.
    pub(super) time_in_states: Vec<Durations>,
    #[serde(skip)]
    closed: BTreeMap<String, i64>,
    #[serde(skip)]
    log: LogAccount,
}

/// What became of submissions, and what it took.
#[derive(Serialize)]
pub(super) struct Arrivals {
    accepted: i64,
    refused: i64,
    duplicates_suppressed: i64,
    conflicts_refused: i64,
    dead_letters: i64,
    retries_at_partners: i64,
}

/// How many groups of letters are counted; a run has a handful.
const GROUPS_MAX: u32 = 1_000;

impl Figures {
    /// Reads them.
    pub(super) fn read(rows: &Rows) -> Result<Self, Failure> {
        let sources = rows.get(accounts::by_source)?;
        let groups = rows.get(|database| letters::groups(database, GROUPS_MAX))?;
        let states = rows.get(counts::by_state)?;
        let ends = rows.get(counts::closed_by_outcome)?;
        let mut time_in_states = rows.get(|database| stages::durations(database, Timestamp(0)))?;
        time_in_states.sort_by_key(|durations| {
            State::ALL.iter().position(|state| state.as_str() == durations.state).unwrap_or(State::ALL.len())
        });
        Ok(Self {
            by_state: states.into_iter().map(|count| (count.name, count.requests)).collect(),
            by_reason: rows.get(counts::by_reason)?,
            arrivals: Arrivals::of(&sources, &groups),
            time_in_states,
            closed: ends.into_iter().map(|end| (end.outcome, end.requests)).collect(),
            log: rows.get(accounts::of_log)?,
        })
    }

    /// Takes a request away, to show that it is noticed.
    pub(super) fn forget_one_request(&mut self) {
        self.arrivals.accepted -= 1;
    }

    /// Where the log's own accounts say something else.
    pub(super) fn disagreements(&self, accounts: &Accounts) -> Vec<String> {
        let (said, counted) = (self.said(), counted(accounts));
        let names = said.keys().chain(counted.keys()).collect::<std::collections::BTreeSet<_>>();
        let count = |of: &BTreeMap<String, i64>, name: &String| of.get(name).copied().unwrap_or(0);
        let differ = |name: &&String| count(&said, name) != count(&counted, name);
        let told = |name: &String| {
            format!("the projections have {} {name}, the log has {}", count(&said, name), count(&counted, name))
        };
        names.into_iter().filter(differ).map(told).collect()
    }

    fn said(&self) -> BTreeMap<String, i64> {
        let mut said: BTreeMap<String, i64> =
            self.closed.iter().map(|(outcome, requests)| (closed(outcome), *requests)).collect();
        let Arrivals { accepted, refused, duplicates_suppressed, conflicts_refused, dead_letters, .. } = self.arrivals;
        said.extend([
            ("events".to_owned(), self.log.events),
            ("requests".to_owned(), accepted),
            ("refused submissions".to_owned(), refused),
            ("duplicates".to_owned(), duplicates_suppressed),
            ("conflicts".to_owned(), conflicts_refused),
            ("dead letters".to_owned(), dead_letters),
        ]);
        said
    }
}

/// The same counts, from the log's accounts.
fn counted(accounts: &Accounts) -> BTreeMap<String, i64> {
    let mut counted = BTreeMap::new();
    for (_, story) in accounts.requests() {
        *counted.entry("requests".to_owned()).or_default() += 1;
        if let Some(outcome) = story.closed.first() {
            *counted.entry(closed(outcome.as_str())).or_default() += 1;
        }
    }
    for kind in accounts.kinds() {
        *counted.entry("events".to_owned()).or_default() += 1;
        let name = match kind {
            "waybill.refused" => "refused submissions",
            "waybill.duplicate-suppressed" => "duplicates",
            "waybill.conflict-refused" => "conflicts",
            "waybill.dead-lettered" => "dead letters",
            _ => continue,
        };
        *counted.entry(name.to_owned()).or_default() += 1;
    }
    counted
}

fn closed(outcome: &str) -> String {
    format!("requests closed as {outcome}")
}

impl Arrivals {
    fn of(sources: &[SourceAccount], groups: &[Group]) -> Self {
        let sum = |of: fn(&SourceAccount) -> i64| sources.iter().map(of).sum();
        Self {
            accepted: sum(|source| source.accepted),
            refused: sum(|source| source.refused),
            duplicates_suppressed: sum(|source| source.duplicates),
            conflicts_refused: sum(|source| source.conflicts),
            dead_letters: groups.iter().map(|group| group.letters).sum(),
            retries_at_partners: sum(|source| source.retries),
        }
    }
}
