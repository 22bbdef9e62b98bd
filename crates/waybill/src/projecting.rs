//! Projections in a running process: the projector follows the log into the configured database.

use std::path::Path;
use std::sync::Arc;

use projections::{Database, Log, Projector, ProjectorOptions, RebuildError, Report, StoreError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::secrets::described;

/// A projector at work; ends when told to stop.
pub(crate) struct Projecting {
    /// The database it writes to.
    pub(crate) database: Arc<Database>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Starts following the log.
pub(crate) async fn start(plant: &Plant) -> Result<Projecting, Failure> {
    let database = Arc::new(open(plant).await?);
    let (projector, _status) = Projector::new(log(plant), Arc::clone(&database), ProjectorOptions::default());
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(projector.run(async move {
        let _ = stopped.await;
    }));
    Ok(Projecting { database, stop, task })
}

/// Makes the projections once more, beside `live` if a projector keeps that up to date.
pub(crate) async fn rebuild(plant: &Plant, live: Option<&Database>) -> Result<Report, Failure> {
    let opened;
    let database = match live {
        Some(live) => live,
        None => {
            opened = open(plant).await?;
            &opened
        }
    };
    let rebuilt = projections::rebuild(&log(plant), database, |_| {}).await;
    rebuilt.map_err(|error| match error {
        RebuildError::Differs { .. } => Failure::Accounts(described(&error)),
        RebuildError::Log(error) => error.into(),
        RebuildError::Store(_) | RebuildError::InTheWay { .. } | RebuildError::Thread(_) => {
            Failure::Disk(described(&error))
        }
    })
}

/// Opens the database. One that can't be trusted, or is another version's, is put aside and made anew from the log.
/// All of it is looked at: damage that the projector never touches would stay, and be shown to whoever asks for it.
async fn open(plant: &Plant) -> Result<Database, Failure> {
    let path = &plant.config.projections;
    let database = match sound(path).await {
        Err(error @ (StoreError::Damaged(_) | StoreError::OtherVersion)) => {
            let aside = Database::set_aside(path).map_err(|error| failed(path, &error))?;
            tracing::warn!(error = &error as &dyn std::error::Error, aside = %aside.display(), "projections are made anew");
            Database::open(path).await
        }
        opened => opened,
    };
    database.map_err(|error| failed(path, &error))
}

/// Opens a database and looks at all of it.
pub(crate) async fn sound(path: &Path) -> Result<Database, StoreError> {
    let database = Database::open(path).await?;
    if let Err(error) = database.check().await {
        database.close().await;
        return Err(error);
    }
    Ok(database)
}

fn log(plant: &Plant) -> Log {
    Log::new(Arc::clone(&plant.bus), plant.codec.clone(), &plant.topics)
}

impl Projecting {
    /// Stops after the transaction under way, and closes the database.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the projector did not end in good order");
        }
        self.database.close().await;
    }
}

fn failed(path: &Path, error: &StoreError) -> Failure {
    Failure::Disk(format!("the projections in {} can't be opened: {}", path.display(), described(error)))
}
