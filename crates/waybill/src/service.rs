//! Carries out what is asked, in the process that has the log open. Answers are JSON, ready to be shown or sent.

pub(crate) mod lines;

mod cases;
mod claims;
mod disclosures;
mod explanations;
mod flips;
mod guesses;
mod intents;
mod letters;
mod overview;
mod policies;
mod quality;
mod rehearsals;
mod replay;
mod requests;
mod reviews;
mod roster;
mod side_by_side;
mod sources;
mod stories;
mod submissions;
mod withdrawals;

use std::sync::{Mutex, MutexGuard};

use contracts::json::to_json_value;
use domain::ids::stamp_version;
use domain::phi::{Phi, Purpose};
use domain::{RequestId, Timestamp};
use fleet::sync::locked;
use matching::survivorship::Survivorship;
use projections::queries::request::Filter;
use serde::Serialize;
use serde_json::Value;

use crate::ask::Ask;
use crate::compose::Plant;
use crate::exit::Failure;
use crate::feed::Feed;
use crate::progress::Progress;
use crate::read_model::ReadModel;
use crate::standing::Standing;
use roster::Register;

/// Answers asks about one plant.
pub(crate) struct Service {
    plant: Plant,
    feed: Feed,
    standing: Standing,
    projections: ReadModel,
    progress: Progress,
    /// The roster, once somebody has looked at a claim beside it.
    register: Mutex<Register>,
}

impl Service {
    /// A service on a plant. `standing` tells of the workers that run here.
    pub(crate) fn open(plant: &Plant, standing: Standing, projections: ReadModel) -> Result<Self, Failure> {
        Ok(Self {
            plant: plant.clone(),
            feed: Feed::open(plant, "operations")?,
            standing,
            projections,
            progress: Progress::Logged,
            register: Mutex::new(Register::of(plant)),
        })
    }

    /// The same, with the progress of long work shown on the terminal of whoever asks.
    pub(crate) fn with_progress_shown(self) -> Self {
        Self { progress: Progress::Shown, ..self }
    }

    /// Carries out one ask. Reads and writes the log, so it may take a while; must not be called from an async task.
    pub(crate) fn carry_out(&self, ask: Ask) -> Result<Value, Failure> {
        let plant = &self.plant;
        match ask {
            Ask::Submit { lane, lines } => answer(&submissions::submit(self, lane, &lines)?),
            Ask::LoadMembers { lines } => answer(&submissions::load_members(&self.feed, &lines)?),
            Ask::Outcomes { source, id, limit } => answer(&submissions::outcomes(plant, source, id, limit)?),
            Ask::Command(intent) => answer(&intents::give(self, intent)?),
            Ask::Status => answer(&overview::status(plant, &self.standing, &self.projections)?),
            Ask::Requests { state, code, source, partner, open, limit, as_of } => {
                let filter = Filter { state, code, source, counterparty: partner, open };
                answer(&requests::list(&self.projections.at(as_of)?, &filter, limit)?)
            }
            Ask::Trace { request_id, as_of } => answer(&stories::trace(&self.projections.at(as_of)?, request_id)?),
            Ask::TraceKey { source, key, as_of } => {
                let request_id = self.request_id(source.as_str(), key.as_bytes());
                answer(&stories::trace(&self.projections.at(as_of)?, request_id)?)
            }
            Ask::Letters { settled, limit } => answer(&letters::list(&self.projections.now()?, settled, limit)?),
            Ask::LetterGroups => answer(&letters::groups(&self.projections.now()?)?),
            Ask::Letter { letter_id } => answer(&letters::show(plant, &self.projections.now()?, letter_id)?),
            Ask::OpenReview { request_id, look } => answer(&side_by_side::open(self, request_id, look)?),
            Ask::Explain { request_id, look } => answer(&explanations::explain(self, request_id, look)?),
            Ask::Reviews => answer(&reviews::open(plant, &self.projections.now()?)?),
            Ask::RebuildProjections => answer(&self.projections.rebuild()?),
            Ask::PublishPolicy { text, rehearsed, operator, again } => {
                answer(&policies::publish(self, policies::Publication { text, rehearsed, operator, again })?)
            }
            Ask::RollOutPolicy { percent, partners, operator } => {
                answer(&policies::roll_out(self, percent, &partners, operator)?)
            }
            Ask::TakeBackPolicy { what } => answer(&policies::take_back(self, what)?),
            Ask::Policies => answer(&policies::show(plant)?),
            Ask::Rehearsals { since } => answer(&rehearsals::report(plant, since)?),
            Ask::ReplayPolicy { text, since, until } => {
                answer(&replay::run(plant, &text, (since, until), &mut self.progress.begin())?)
            }
            Ask::IdentityReport { since, by } => answer(&quality::report(plant, since, by)?),
            Ask::Sources => answer(&sources::words(plant)?),
            Ask::Withdrawals { since, limit } => answer(&withdrawals::list(&self.projections.now()?, since, limit)?),
            Ask::Disclosures { member_key } => answer(&disclosures::of_member(self, &member_key)?),
            Ask::Guesses => answer(&guesses::standing(plant)?),
        }
    }

    /// Closes what was opened for asks.
    pub(crate) fn close(&self) {
        *locked(&self.register) = Register::of(&self.plant);
        self.projections.close();
    }

    /// The roster as it stands now, with these sources' words; one look at a time.
    fn register(&self, survivorship: &Survivorship) -> Result<MutexGuard<'_, Register>, Failure> {
        let mut register = locked(&self.register);
        register.catch_up(survivorship)?;
        Ok(register)
    }

    /// The request that a source's key names, as intake computes it.
    fn request_id(&self, source: &str, key: &[u8]) -> RequestId {
        RequestId(stamp_version(self.plant.vault.token(Purpose::Request, &[source.as_bytes(), key]).0))
    }
}

fn answer<T: Serialize>(value: &T) -> Result<Value, Failure> {
    to_json_value(value).map_err(|error| Failure::Other(error.into()))
}

/// A moment of the projections, as people read it.
fn told(at: i64) -> String {
    Timestamp(at).to_string()
}
