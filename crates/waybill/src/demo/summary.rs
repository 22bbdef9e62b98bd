//! What the demo says in the end: the summary, one timeline, the accounts, and how to look further.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::RequestId;
use sandbox::accounts::{Accounts, Imbalance, Rest};
use sandbox::partner::Effects;
use serde::Serialize;
use serde_json::Value;

use super::accounts::Books;
use super::figures::Figures;
use super::hints::{Hint, hints};
use super::upstream::Upstream;
use crate::ask::Ask;
use crate::cli::Sabotage;
use crate::compose::Plant;
use crate::exit::Failure;
use crate::read_model::ReadModel;
use crate::service::Service;
use crate::show::{rendered, tell};
use crate::standing::Standing;

/// Everything the demo has found.
#[derive(Serialize)]
pub(crate) struct Report {
    submissions: usize,
    requests: usize,
    seconds: f64,
    by_end: BTreeMap<String, usize>,
    figures: Figures,
    letter_groups: Value,
    timeline: Value,
    operations_at_partners: usize,
    imbalances: Vec<String>,
    commands: Vec<Hint>,
}

/// What a run has left behind.
pub(crate) struct Remains<'a> {
    /// The plant, its workers stopped.
    pub(crate) plant: &'a Plant,
    /// What the log and the sources' outcomes say.
    pub(crate) books: Books,
    /// What was sent.
    pub(crate) upstream: &'a Upstream,
    /// The partners' own books.
    pub(crate) effects: BTreeMap<uuid::Uuid, Effects>,
    /// The projections.
    pub(crate) projections: ReadModel,
}

impl Report {
    /// Draws up the accounts, with the partners' own books, and holds the projections against them.
    pub(crate) fn draw_up(remains: Remains<'_>, sabotage: Option<Sabotage>, took: Duration) -> Result<Self, Failure> {
        let Remains { plant, books, upstream, effects, projections } = remains;
        let mut figures = Figures::read(&projections.now()?)?;
        if sabotage == Some(Sabotage::LostRow) {
            figures.forget_one_request();
        }
        let mut accounts = books.into_accounts(sabotage == Some(Sabotage::LostOutcome));
        let operations_at_partners = effects.len();
        let mut spoiled = sabotage == Some(Sabotage::DoubleEffect);
        for (operation, mut effect) in effects {
            if std::mem::take(&mut spoiled) {
                effect.performed += 2;
            }
            accounts.effect(operation, effect);
        }
        let imbalances = accounts.balance(upstream.submissions(), Rest::ClosedOrOwned);
        let imbalances = imbalances.iter().map(Imbalance::to_string).chain(figures.disagreements(&accounts));
        let desk = Service::open(plant, Standing::default(), projections)?;
        let timeline = match example(&accounts) {
            Some(request_id) => desk.carry_out(Ask::Trace { request_id, as_of: None })?,
            None => Value::Null,
        };
        let letters = desk.carry_out(Ask::Letters { settled: true, limit: 1 })?;
        let (request, letter) = (timeline["request_id"].as_str(), letters[0]["letter_id"].as_str());
        Ok(Self {
            submissions: upstream.count(),
            requests: accounts.requests().count(),
            seconds: took.as_secs_f64(),
            by_end: by_end(&accounts),
            letter_groups: desk.carry_out(Ask::LetterGroups)?,
            operations_at_partners,
            imbalances: imbalances.collect(),
            commands: hints((&plant.config.data_dir, &plant.config.projections), request, letter),
            figures,
            timeline,
        })
    }

    /// Tells standard output.
    pub(crate) fn print(&self, json: bool) -> Result<(), Failure> {
        let text = match json {
            true => serde_json::to_string_pretty(self).map_err(|error| Failure::Other(error.into()))? + "\n",
            false => self.text()?,
        };
        tell(&text)
    }

    /// Whether the accounts balance.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        match self.imbalances.len() {
            0 => Ok(()),
            count => Err(Failure::Accounts(format!("the accounts do not balance in {count} places; see above"))),
        }
    }

    fn text(&self) -> Result<String, Failure> {
        let Figures { by_state, by_reason, arrivals, time_in_states, .. } = &self.figures;
        let mut text =
            format!("{} submissions made {} requests in {:.1} s\n", self.submissions, self.requests, self.seconds);
        let mut section = |title: &str, body: String| text.push_str(&format!("\n{title}\n{}", indented(&body)));
        section("How they ended, as the log has it", counts(&self.by_end));
        section("Where they stand, as the projections have it", counts(by_state));
        section("Why, where there is something to explain", rendered(&value(by_reason)?));
        section("What became of the submissions, and what it took", rendered(&value(arrivals)?));
        section("Dead letters by cause", rendered(&self.letter_groups));
        section(
            "Time spent in each state, from the event that entered it to the one that left it; whole: receipt to close",
            rendered(&value(time_in_states)?),
        );
        if !self.timeline.is_null() {
            section("One request, as `waybill trace` tells it", rendered(&self.timeline));
        }
        section("The accounts", self.accounts());
        let hints: String = self.commands.iter().map(Hint::lines).collect();
        text.push_str(&format!("\nTo look further\n{hints}"));
        Ok(text)
    }

    fn accounts(&self) -> String {
        if self.imbalances.is_empty() {
            return format!(
                "balance: every submission has its answer or is a dead letter, every request its end or its owner,\n\
                 and of {} operations at partners none was done twice. The projections count the same.\n",
                self.operations_at_partners
            );
        }
        self.imbalances.iter().take(10).map(|imbalance| format!("WRONG  {imbalance}\n")).collect()
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

/// The request with the longest story that was fulfilled.
fn example(accounts: &Accounts) -> Option<RequestId> {
    let fulfilled = accounts.requests().filter(|(_, story)| story.fulfilled > 0);
    fulfilled.max_by_key(|(_, story)| story.kinds.len()).map(|(request_id, _)| *request_id)
}

fn value<T: Serialize>(part: &T) -> Result<Value, Failure> {
    serde_json::to_value(part).map_err(|error| Failure::Other(error.into()))
}

fn counts<N: std::fmt::Display>(counts: &BTreeMap<String, N>) -> String {
    counts.iter().map(|(name, count)| format!("{count:>7}  {name}\n")).collect()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}
