//! A log, a database and a projector between them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fleet::bus::Limit;
use local::Local;
use projections::{Database, Offsets, Projector, ProjectorOptions, Status};
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};

use crate::engine::Engine;
use crate::event_log::{self, EventLog};

/// Everything a test needs.
pub(crate) struct Theatre {
    pub(crate) log: EventLog,
    pub(crate) database: Arc<Database>,
    pub(crate) engine: Engine,
    runtime: Runtime,
}

/// A projector that runs.
pub(crate) struct Live {
    pub(crate) status: watch::Receiver<Status>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Theatre {
    pub(crate) fn new(partitions: u32) -> Self {
        Self::on(Engine::new(), partitions)
    }

    /// The same, its database at a place of the test's choice.
    pub(crate) fn on(engine: Engine, partitions: u32) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let database = runtime.block_on(Database::open(engine.location())).expect("a database");
        let bus = Local::in_memory(event_log::options()).expect("a log");
        Self { log: EventLog::on(bus, partitions), database: Arc::new(database), engine, runtime }
    }

    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// A projector that takes so many records a transaction.
    pub(crate) fn projector(&self, records: usize) -> (Projector, watch::Receiver<Status>) {
        self.projector_into(&self.database, records)
    }

    pub(crate) fn live(&self, records: usize) -> Live {
        self.spawn(self.projector(records))
    }

    /// A projector in another program, as it were: with connections of its own.
    pub(crate) fn live_elsewhere(&self, records: usize) -> Live {
        let database = self.run(Database::open(self.database.location())).expect("it can be opened twice");
        self.spawn(self.projector_into(&Arc::new(database), records))
    }

    fn projector_into(&self, database: &Arc<Database>, records: usize) -> (Projector, watch::Receiver<Status>) {
        let batch = Limit { records, bytes: 1 << 20 };
        let options = ProjectorOptions { batch, linger: Duration::ZERO, patience: Duration::from_secs(5) };
        Projector::new(self.log.log(), Arc::clone(database), options)
    }

    fn spawn(&self, (projector, status): (Projector, watch::Receiver<Status>)) -> Live {
        let (stop, stopped) = oneshot::channel();
        let task = self.runtime.spawn(projector.run(async { stopped.await.unwrap_or(()) }));
        Live { status, stop, task }
    }

    /// Projects everything there is, and stops.
    pub(crate) fn catch_up(&self, records: usize) -> Status {
        let mut live = self.live(records);
        let status = self.reach_end(&mut live);
        self.stop(live);
        status
    }

    /// Waits until a projector has come to the end of the log.
    pub(crate) fn reach_end(&self, live: &mut Live) -> Status {
        let end = self.end();
        self.run(live.status.wait_for(|status| status.next == end)).expect("it runs").clone()
    }

    pub(crate) fn stop(&self, live: Live) {
        live.stop.send(()).expect("it runs");
        self.run(live.task).expect("it ends in good order");
    }

    pub(crate) fn end(&self) -> Offsets {
        self.log.log().ends().expect("the log is there")
    }

    /// Runs statements as another program would.
    pub(crate) fn sql(&self, statements: &'static str) {
        self.run(self.engine.sql(statements));
    }
}
