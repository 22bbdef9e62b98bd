//! The whole at a glance: how many requests are where, and what each stage has before it.

use std::collections::BTreeMap;

use contracts::Topic;
use domain::lifecycle::fold;
use domain::messages::Stage;
use domain::{EventBody, Lifecycle, Message, RequestId};
use serde::Serialize;

use super::{letters, reviews};
use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;
use crate::standing::Standing;

/// The whole at a glance.
#[derive(Serialize)]
pub(super) struct Status {
    requests: u64,
    refused_submissions: u64,
    reviews_open: usize,
    letters_waiting: usize,
    states: Vec<StateCount>,
    stages: Vec<StageStatus>,
}

/// How many requests are in a state.
#[derive(Serialize)]
struct StateCount {
    state: &'static str,
    requests: u64,
}

/// A stage: what it has not taken yet, and what it holds. The latter is known only where the worker runs.
#[derive(Serialize)]
struct StageStatus {
    stage: Stage,
    lag: u64,
    ready: Option<bool>,
    outstanding: Option<usize>,
    parked: Option<usize>,
    blocked: Option<usize>,
}

/// Counts by state, pending work and lag.
pub(super) fn status(plant: &Plant, standing: &Standing) -> Result<Status, Failure> {
    let (requests, refused_submissions) = requests(plant)?;
    let mut states: BTreeMap<_, u64> = BTreeMap::new();
    requests.values().for_each(|lifecycle| *states.entry(lifecycle.state).or_default() += 1);
    let state_count = |(state, requests): (domain::State, u64)| StateCount { state: state.as_str(), requests };
    let stage = |stage: Stage| {
        let pending = standing.of(stage);
        Ok(StageStatus {
            stage,
            lag: plant.lag(stage)?,
            ready: pending.map(|(_, ready)| ready),
            outstanding: pending.map(|(pending, _)| pending.outstanding),
            parked: pending.map(|(pending, _)| pending.parked),
            blocked: pending.map(|(pending, _)| pending.blocked),
        })
    };
    Ok(Status {
        requests: states.values().sum(),
        refused_submissions,
        reviews_open: reviews::open(plant)?.len(),
        letters_waiting: letters::list(plant, false)?.len(),
        states: states.into_iter().map(state_count).collect(),
        stages: Stage::ALL.into_iter().map(stage).collect::<Result<_, Failure>>()?,
    })
}

/// Every request there is, folded, and how many submissions were refused and so became none.
fn requests(plant: &Plant) -> Result<(BTreeMap<RequestId, Lifecycle>, u64), Failure> {
    let (mut requests, mut refused) = (BTreeMap::<RequestId, Lifecycle>::new(), 0);
    let mut events = Tail::of(plant, Topic::Events)?;
    loop {
        let records = events.next()?;
        if records.is_empty() {
            return Ok((requests, refused));
        }
        for (record, message) in records {
            let (Some(Message::Event(event)), Some(value)) = (message, &record.value) else { continue };
            refused += u64::from(matches!(event.body, EventBody::Refused { .. }));
            if matches!(event.body, EventBody::Received { .. }) || requests.contains_key(&event.request_id) {
                let lifecycle = requests.entry(event.request_id).or_default();
                lifecycle.fold(&event.body, event.at, &fold::digest(value));
            }
        }
    }
}
