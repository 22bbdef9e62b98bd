//! Projections beside the fleet, into Postgres.

use std::sync::Arc;

use fleet::bus::Bus;
use projections::{Database, Location, Log, Projector, ProjectorOptions, Status};
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::plant::Plant;

/// A projector at work.
pub(super) struct Projecting {
    database: Arc<Database>,
    status: watch::Receiver<Status>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

// === impl Projecting ===

impl Projecting {
    /// Follows the event log into a schema of a Postgres database.
    pub(super) fn start(plant: &Plant, url: &str, runtime: &Runtime) -> Self {
        let location: Location = url.parse().expect("a URL of Postgres");
        let database = Arc::new(runtime.block_on(Database::open(location)).expect("a database"));
        let (projector, status) = Projector::new(log(plant), Arc::clone(&database), ProjectorOptions::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = runtime.spawn(projector.run(async { stopped.await.unwrap_or(()) }));
        Self { database, status, stop, task }
    }

    /// Waits until everything is projected that is on the log by now.
    pub(super) fn catch_up(&self, plant: &Plant, runtime: &Runtime) {
        let ends = log(plant).ends().expect("ends");
        let mut status = self.status.clone();
        let is_there = |status: &Status| {
            ends.iter().all(|(partition, end)| *end <= status.next.get(partition).copied().unwrap_or_default())
        };
        runtime.block_on(status.wait_for(is_there)).expect("it runs");
    }

    /// Stops it and removes what it has made.
    pub(super) fn stop(self, runtime: &Runtime) {
        let _ = self.stop.send(());
        runtime.block_on(self.task).expect("it ends");
        let database = Arc::into_inner(self.database).expect("the projector has ended");
        runtime.block_on(database.discard()).expect("it is ours");
    }
}

fn log(plant: &Plant) -> Log {
    let bus: Arc<dyn Bus> = Arc::clone(&plant.bus);
    Log::new(bus, plant.codec.clone(), &plant.topics)
}
