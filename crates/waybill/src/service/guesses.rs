//! Who is taken to be guessing, by the verdicts that stand.

use std::collections::BTreeMap;

use contracts::Topic;
use domain::Message;
use domain::Timestamp;
use domain::messages::{GuardVerdict, Probe};
use serde::Serialize;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;

/// Somebody who is not answered for a while.
#[derive(Serialize)]
pub(super) struct Guess {
    caller: String,
    varied: &'static str,
    distinct: u32,
    since: String,
    until: String,
    /// What was held fixed, as a token: the verdict's key.
    fixed: String,
}

/// The verdicts that have not run out, those that stand longest first.
pub(super) fn standing(plant: &Plant) -> Result<Vec<Guess>, Failure> {
    let now = Timestamp(plant.clock.now_ms());
    let mut newest: BTreeMap<_, GuardVerdict> = BTreeMap::new();
    Tail::of(plant, Topic::Guard)?.each(|(_, message)| {
        if let Some(Message::Guard(verdict)) = message {
            newest.insert(verdict.fixed, *verdict);
        }
    })?;
    let mut standing: Vec<GuardVerdict> = newest.into_values().filter(|verdict| now < verdict.until).collect();
    standing.sort_by_key(|verdict| std::cmp::Reverse(verdict.until));
    Ok(standing.into_iter().map(Guess::from).collect())
}

impl From<GuardVerdict> for Guess {
    fn from(verdict: GuardVerdict) -> Self {
        let varied = match verdict.probe {
            Probe::Card => "the card, for one person",
            Probe::Person => "the person, for one card",
        };
        Self {
            caller: verdict.caller,
            varied,
            distinct: verdict.distinct,
            since: verdict.since.to_string(),
            until: verdict.until.to_string(),
            fixed: verdict.fixed.to_string(),
        }
    }
}
