//! The whole at a glance: how many requests are where, what waits for a person, and what each stage has before it.

use domain::Timestamp;
use domain::messages::Stage;
use projections::queries::{accounts, attention, counts, letters};
use serde::Serialize;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::log;
use crate::read_model::ReadModel;
use crate::standing::Standing;

/// The whole at a glance.
#[derive(Serialize)]
pub(super) struct Status {
    requests: i64,
    open_requests: i64,
    refused_submissions: i64,
    duplicates: i64,
    conflicts: i64,
    retries: i64,
    exceptions: i64,
    exceptions_oldest_ms: Option<i64>,
    reviews_open: i64,
    reviews_oldest_ms: Option<i64>,
    letters_waiting: i64,
    letters_oldest_ms: Option<i64>,
    letter_groups_waiting: i64,
    alarms: i64,
    unreadable: i64,
    states: Vec<StateCount>,
    stages: Vec<StageStatus>,
}

/// How many requests are in a state, and how long the oldest of them has been there.
#[derive(Serialize)]
struct StateCount {
    state: String,
    requests: i64,
    oldest_ms: Option<i64>,
}

/// A stage: what it has not taken yet, what it holds, and what it gave up. What it holds is known only where the worker runs.
#[derive(Serialize)]
struct StageStatus {
    stage: Stage,
    lag: u64,
    lag_oldest_ms: Option<i64>,
    ready: Option<bool>,
    outstanding: Option<usize>,
    blocked: Option<usize>,
    parked: Option<usize>,
    letters: i64,
    letters_oldest_ms: Option<i64>,
}

/// Counts by state, what waits, and pending work by stage. What stages have before them is looked at first: a submission that is
/// taken meanwhile shows twice rather than nowhere.
pub(super) fn status(plant: &Plant, standing: &Standing, projections: &ReadModel) -> Result<Status, Failure> {
    let backlogs = Stage::ALL.into_iter().map(|stage| Ok((stage, backlog(plant, stage)?)));
    let backlogs = backlogs.collect::<Result<Vec<_>, Failure>>()?;
    let rows = projections.now()?;
    let states = rows.get(counts::by_state)?;
    let sources = rows.get(accounts::by_source)?;
    let pending = rows.get(attention::pending)?;
    let given_up = rows.get(letters::open_by_stage)?;
    let now = plant.clock.now_ms();
    let age = |since: Option<i64>| since.map(|since| now.saturating_sub(since).max(0));
    let sum = |of: fn(&accounts::SourceAccount) -> i64| sources.iter().map(of).sum();
    let state_count = |count: counts::Count| {
        let is_over = count.name == domain::State::Closed.as_str();
        let oldest_ms = age((!is_over).then_some(count.oldest_since));
        StateCount { state: count.name, requests: count.requests, oldest_ms }
    };
    let stage = |(stage, (lag, oldest_at)): (Stage, (u64, Option<Timestamp>))| {
        let letters = given_up.iter().find(|letters| letters.worker == stage.as_str());
        let pending = standing.of(stage);
        StageStatus {
            stage,
            lag,
            lag_oldest_ms: age(oldest_at.map(|at| at.0)),
            ready: pending.map(|(_, ready)| ready),
            outstanding: pending.map(|(pending, _)| pending.outstanding),
            blocked: pending.map(|(pending, _)| pending.blocked),
            parked: pending.map(|(pending, _)| pending.parked),
            letters: letters.map_or(0, |letters| letters.letters),
            letters_oldest_ms: age(letters.and_then(|letters| letters.oldest_at)),
        }
    };
    Ok(Status {
        requests: sum(|source| source.accepted),
        open_requests: sum(|source| source.open),
        refused_submissions: sum(|source| source.refused),
        duplicates: sum(|source| source.duplicates),
        conflicts: sum(|source| source.conflicts),
        retries: sum(|source| source.retries),
        exceptions: pending.exceptions,
        exceptions_oldest_ms: age(pending.exceptions_since),
        reviews_open: pending.reviews,
        reviews_oldest_ms: age(pending.reviews_since),
        letters_waiting: pending.letters,
        letters_oldest_ms: age(pending.letters_since),
        letter_groups_waiting: pending.letter_groups,
        alarms: pending.alarms,
        unreadable: pending.unreadable,
        states: states.into_iter().map(state_count).collect(),
        stages: backlogs.into_iter().map(stage).collect(),
    })
}

/// How many records a stage has not taken yet, and when the oldest of them was written.
fn backlog(plant: &Plant, stage: Stage) -> Result<(u64, Option<Timestamp>), Failure> {
    let (mut records, mut oldest_at) = (0, None);
    for (at, offsets) in plant.untaken(stage)? {
        records += offsets.end - offsets.start;
        let first = log::first_from(&*plant.bus, &at, offsets.start)?.map(|record| Timestamp(record.timestamp_ms));
        oldest_at = [oldest_at, first].into_iter().flatten().min();
    }
    Ok((records, oldest_at))
}
