//! What the demo says in the end: the summary, one timeline, the accounts, and how to look further.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::RequestId;
use sandbox::accounts::{Accounts, Imbalance, Rest, Story};
use sandbox::partner::Effects;
use serde::Serialize;

use super::accounts::Books;
use super::upstream::Upstream;
use crate::cli::Sabotage;
use crate::compose::Plant;
use crate::exit::Failure;

/// Everything the demo has found.
#[derive(Serialize)]
pub(crate) struct Report {
    submissions: usize,
    requests: usize,
    seconds: f64,
    by_end: BTreeMap<String, usize>,
    by_event: BTreeMap<&'static str, usize>,
    effects: usize,
    timeline: Vec<String>,
    imbalances: Vec<String>,
    directory: String,
    example: Option<String>,
}

impl Report {
    /// Draws up the accounts, with the partners' own books.
    pub(crate) fn draw_up(
        plant: &Plant,
        books: Books,
        upstream: &Upstream,
        oracle: BTreeMap<uuid::Uuid, Effects>,
        sabotage: Option<Sabotage>,
        took: Duration,
    ) -> Self {
        let mut accounts = books.into_accounts(sabotage == Some(Sabotage::LostOutcome));
        let effects = oracle.len();
        let mut spoiled = sabotage == Some(Sabotage::DoubleEffect);
        for (operation, mut effect) in oracle {
            if std::mem::take(&mut spoiled) {
                effect.performed += 2;
            }
            accounts.effect(operation, effect);
        }
        let imbalances: Vec<Imbalance> = accounts.balance(upstream.submissions(), Rest::ClosedOrOwned);
        let example = example(&accounts);
        Self {
            submissions: upstream.count(),
            requests: accounts.requests().count(),
            seconds: took.as_secs_f64(),
            by_end: by_end(&accounts),
            by_event: by_event(&accounts),
            effects,
            timeline: example
                .map(|(_, story)| story.kinds.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            imbalances: imbalances.iter().map(ToString::to_string).collect(),
            directory: plant.config.data_dir.display().to_string(),
            example: example.map(|(id, _)| id.to_string()),
        }
    }

    /// Tells standard output.
    #[expect(clippy::print_stdout, reason = "this is the demo's answer")]
    pub(crate) fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            let text = serde_json::to_string_pretty(self).map_err(|error| Failure::Other(error.into()))?;
            println!("{text}");
            return Ok(());
        }
        println!("{} submissions made {} requests in {:.1} s", self.submissions, self.requests, self.seconds);
        println!("\nHow they ended");
        self.by_end.iter().for_each(|(end, count)| println!("  {count:>7}  {end}"));
        println!("\nWhat happened on the way");
        self.by_event.iter().for_each(|(kind, count)| println!("  {count:>7}  {kind}"));
        if let Some(example) = &self.example {
            println!("\nOne request, {example}");
            self.timeline.iter().for_each(|kind| println!("  {kind}"));
        }
        println!("\nThe accounts");
        if self.imbalances.is_empty() {
            println!("  balance: every submission has its answer, every request its end or its owner,");
            println!("  and of {} operations at partners none was done twice.", self.effects);
        }
        self.imbalances.iter().take(10).for_each(|imbalance| println!("  WRONG  {imbalance}"));
        Ok(())
    }

    /// Whether the accounts balance.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        match self.imbalances.len() {
            0 => Ok(()),
            count => Err(Failure::Accounts(format!("the accounts do not balance in {count} places; see above"))),
        }
    }
}

fn by_end(accounts: &Accounts) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (_, story) in accounts.requests() {
        let end = match (story.closed.first(), story.exception) {
            (Some(outcome), _) => outcome.as_str().to_owned(),
            (None, Some(code)) => format!("with its owner: {code}"),
            (None, None) => "open".to_owned(),
        };
        *counts.entry(end).or_default() += 1;
    }
    counts
}

fn by_event(accounts: &Accounts) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for kind in accounts.requests().flat_map(|(_, story)| &story.kinds) {
        *counts.entry(*kind).or_default() += 1;
    }
    counts
}

/// The request with the longest story that was fulfilled.
fn example(accounts: &Accounts) -> Option<(&RequestId, &Story)> {
    accounts.requests().filter(|(_, story)| story.fulfilled > 0).max_by_key(|(_, story)| story.kinds.len())
}
