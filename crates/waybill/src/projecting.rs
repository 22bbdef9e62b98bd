//! Projections in a running process: the projector follows the log into the configured database.

use std::sync::Arc;

use projections::{Database, Location, Log, Projector, ProjectorOptions, Status, StoreError};
use telemetry::{Metric, Metrics};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::read_model::ReadModel;
use crate::secrets::described;

/// A projector at work; ends when told to stop.
pub(crate) struct Projecting {
    plant: Plant,
    database: Arc<Database>,
    status: watch::Receiver<Status>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Starts following the log.
pub(crate) async fn start(plant: &Plant) -> Result<Projecting, Failure> {
    let database = Arc::new(open_sound(plant).await?);
    let (projector, status) = Projector::new(log(plant), Arc::clone(&database), ProjectorOptions::default());
    tokio::spawn(count(plant.metrics.clone(), status.clone()));
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(projector.run(async move {
        let _ = stopped.await;
    }));
    Ok(Projecting { plant: plant.clone(), database, status, stop, task })
}

/// Counts what the projector says of itself, until it ends.
async fn count(metrics: Metrics, mut status: watch::Receiver<Status>) {
    let mut counted = Status::default();
    while status.changed().await.is_ok() {
        let now = status.borrow_and_update().clone();
        let grown = [
            (Metric::Projected, now.records, counted.records),
            (Metric::Unreadable, now.unreadable, counted.unreadable),
            (Metric::ProjectorFailures, now.failures, counted.failures),
            (Metric::Alarms, now.alarms, counted.alarms),
        ];
        for (metric, now, counted) in grown {
            metrics.add(metric, "projections", usize::try_from(now.saturating_sub(counted)).unwrap_or(usize::MAX));
        }
        counted = now;
    }
}

/// Opens the database. One that can't be trusted, or is another version's, is put aside and made anew from the log.
pub(crate) async fn open(plant: &Plant) -> Result<Database, Failure> {
    let location = &plant.config.projections;
    or_anew(location, Database::open(location).await).await
}

/// The same, and looks at all of it, which takes a while where there is much: damage that the projector never touches would
/// stay, and be shown to whoever asks for it.
pub(crate) async fn open_sound(plant: &Plant) -> Result<Database, Failure> {
    let location = &plant.config.projections;
    or_anew(location, sound(location).await).await
}

async fn or_anew(location: &Location, opened: Result<Database, StoreError>) -> Result<Database, Failure> {
    let database = match opened {
        Err(error @ (StoreError::Damaged(_) | StoreError::OtherVersion)) => {
            let aside = Database::set_aside(location).await.map_err(|error| failed(location, &error))?;
            tracing::warn!(error = &error as &dyn std::error::Error, %aside, "projections are made anew");
            Database::open(location).await
        }
        opened => opened,
    };
    database.map_err(|error| failed(location, &error))
}

/// Opens a database and looks at all of it.
pub(crate) async fn sound(location: &Location) -> Result<Database, StoreError> {
    let database = Database::open(location).await?;
    if let Err(error) = database.check().await {
        database.close().await;
        return Err(error);
    }
    Ok(database)
}

/// The event log, as projections read it.
pub(crate) fn log(plant: &Plant) -> Log {
    Log::new(Arc::clone(&plant.bus), plant.codec.clone(), &plant.topics)
}

impl Projecting {
    /// What asks find.
    pub(crate) fn read_model(&self, runtime: &Handle) -> ReadModel {
        ReadModel::kept(&self.plant, Arc::clone(&self.database), self.status.clone(), runtime.clone())
    }

    /// Stops after the transaction under way, and closes the database.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the projector did not end in good order");
        }
        self.database.close().await;
    }
}

fn failed(location: &Location, error: &StoreError) -> Failure {
    Failure::Disk(format!("the projections in {location} can't be opened: {}", described(error)))
}
