//! Carries out what is asked, in the process that has the log open. Answers are JSON, ready to be shown or sent.

pub(crate) mod lines;

mod intents;
mod letters;
mod overview;
mod reviews;
mod stories;
mod submissions;

use std::sync::Arc;

use contracts::json::to_json_value;
use domain::RequestId;
use domain::ids::stamp_version;
use domain::phi::{Phi, Purpose};
use projections::{Database, Report};
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::ask::Ask;
use crate::compose::Plant;
use crate::exit::Failure;
use crate::feed::Feed;
use crate::projecting;
use crate::standing::Standing;

/// Answers asks about one plant.
pub(crate) struct Service {
    plant: Plant,
    feed: Feed,
    standing: Standing,
    projections: Option<Arc<Database>>,
}

impl Service {
    /// A service on a plant. `standing` tells of the workers that run here, `projections` is what a projector here keeps up to
    /// date, if any do.
    pub(crate) fn open(plant: &Plant, standing: Standing, projections: Option<Arc<Database>>) -> Result<Self, Failure> {
        Ok(Self { plant: plant.clone(), feed: Feed::open(plant, "operations")?, standing, projections })
    }

    /// Carries out one ask. Reads and writes the log, so it may take a while.
    pub(crate) fn carry_out(&self, ask: Ask) -> Result<Value, Failure> {
        let plant = &self.plant;
        match ask {
            Ask::Submit { lane, lines } => answer(&submissions::submit(self, lane, &lines)?),
            Ask::LoadMembers { lines } => answer(&submissions::load_members(&self.feed, &lines)?),
            Ask::Outcomes { source, id, limit } => answer(&submissions::outcomes(plant, source, id, limit)?),
            Ask::Command(intent) => answer(&intents::give(self, intent)?),
            Ask::Status => answer(&overview::status(plant, &self.standing)?),
            Ask::Trace { request_id } => answer(&stories::trace(plant, request_id)?),
            Ask::TraceKey { source, key } => {
                answer(&stories::trace(plant, self.request_id(source.as_str(), key.as_bytes()))?)
            }
            Ask::Letters { settled } => answer(&letters::list(plant, settled)?),
            Ask::Letter { letter_id } => answer(&letters::show(plant, letter_id)?),
            Ask::Reviews => answer(&reviews::open(plant)?),
            Ask::RebuildProjections => answer(&self.rebuild()?),
        }
    }

    fn rebuild(&self) -> Result<Report, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Other(error.into()))?;
        runtime.block_on(projecting::rebuild(&self.plant, self.projections.as_deref()))
    }

    /// The request that a source's key names, as intake computes it.
    fn request_id(&self, source: &str, key: &[u8]) -> RequestId {
        RequestId(stamp_version(self.plant.vault.token(Purpose::Request, &[source.as_bytes(), key]).0))
    }
}

fn answer<T: Serialize>(value: &T) -> Result<Value, Failure> {
    to_json_value(value).map_err(|error| Failure::Other(error.into()))
}
