//! What commands read of the projections: every answer covers what was committed before it was asked for.
//!
//! Where a projector follows the log, an ask waits until that has come as far as the log had when the ask came. Where none does, the
//! ask itself brings the database up to date first.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use projections::{
    AsOfError, Database, FollowError, Log, Projector, ProjectorOptions, RebuildError, Report, Status, StoreError,
};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::compose::Plant;
use crate::exit::Failure;
use crate::projecting;
use crate::secrets::described;

/// The projections of one deployment, as asks find them.
pub(crate) struct ReadModel {
    plant: Plant,
    log: Log,
    runtime: Handle,
    keeper: Keeper,
}

/// Who keeps the database up to date.
enum Keeper {
    /// A projector of this process.
    Projector { database: Arc<Database>, status: watch::Receiver<Status> },
    /// Each ask. The lock holds the database once it is open, and lets one ask at a time write to it.
    Asks(Mutex<Option<Arc<Database>>>),
}

/// The projections as of an ask, or later; or as of another moment, which go with this.
pub(crate) struct Rows {
    database: Option<Arc<Database>>,
    is_scratch: bool,
    runtime: Handle,
}

/// How long an ask waits for the projector. It is a tenth of a second behind as a rule.
const PATIENCE: Duration = Duration::from_secs(10);

// === impl ReadModel ===

impl ReadModel {
    /// The database that a projector of this process keeps up to date.
    pub(crate) fn kept(
        plant: &Plant,
        database: Arc<Database>,
        status: watch::Receiver<Status>,
        runtime: Handle,
    ) -> Self {
        Self::new(plant, runtime, Keeper::Projector { database, status })
    }

    /// The database of a process without a projector: opened with the first ask that needs it.
    pub(crate) fn on_demand(plant: &Plant, runtime: Handle) -> Self {
        Self::new(plant, runtime, Keeper::Asks(Mutex::default()))
    }

    fn new(plant: &Plant, runtime: Handle, keeper: Keeper) -> Self {
        Self { plant: plant.clone(), log: projecting::log(plant), runtime, keeper }
    }

    /// The projections, with everything that is committed now. Blocks until they are that far.
    pub(crate) fn now(&self) -> Result<Rows, Failure> {
        let database = match &self.keeper {
            Keeper::Projector { database, status } => {
                self.runtime.block_on(reached(&self.log, status.clone(), PATIENCE))?;
                Arc::clone(database)
            }
            Keeper::Asks(database) => {
                let mut database = database.lock().unwrap_or_else(PoisonError::into_inner);
                let database = self.opened(&mut database)?;
                let (projector, _) =
                    Projector::new(self.log.clone(), Arc::clone(&database), ProjectorOptions::default());
                self.runtime.block_on(projector.catch_up()).map_err(|error| not_caught_up(&error))?;
                database
            }
        };
        Ok(Rows { database: Some(database), is_scratch: false, runtime: self.runtime.clone() })
    }

    /// The projections as far as they have come, without waiting where somebody else brings them up to date.
    pub(crate) fn at_a_glance(&self) -> Result<Rows, Failure> {
        match &self.keeper {
            Keeper::Projector { database, .. } => {
                let database = Some(Arc::clone(database));
                Ok(Rows { database, is_scratch: false, runtime: self.runtime.clone() })
            }
            Keeper::Asks(_) => self.now(),
        }
    }

    /// The projections as they stood at a moment, or now. Those of a moment are made from the log for this ask alone.
    pub(crate) fn at(&self, moment: Option<Timestamp>) -> Result<Rows, Failure> {
        let Some(moment) = moment else { return self.now() };
        let name = crate::unique::name(&format!("as-of-{}", moment.0))?;
        let place = self.plant.config.data_dir.join(format!("{name}.sqlite"));
        let made = self.runtime.block_on(projections::as_of(&self.log, &place, moment, |_| {}));
        let database = made.map_err(|error| match error {
            AsOfError::Log(error) => error.into(),
            AsOfError::Store(_) | AsOfError::Thread(_) => Failure::Disk(described(&error)),
        })?;
        Ok(Rows { database: Some(Arc::new(database)), is_scratch: true, runtime: self.runtime.clone() })
    }

    /// Asks again with every batch that is projected, until there is an answer or patience is at an end. Where no process projects,
    /// none works either, and it is asked once.
    pub(crate) fn until<T>(
        &self,
        patience: Duration,
        query: &impl AsyncFn(&Database) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, Failure> {
        let Keeper::Projector { database, status } = &self.keeper else {
            return self.now()?.get(|database| query(database));
        };
        let mut status = status.clone();
        let asked = self.runtime.block_on(async {
            let asking = async {
                loop {
                    // What is projected while it asks makes it ask once more.
                    status.mark_unchanged();
                    match query(database).await {
                        Ok(None) if status.changed().await.is_ok() => {}
                        answer => return answer,
                    }
                }
            };
            tokio::time::timeout(patience, asking).await.unwrap_or(Ok(None))
        });
        asked.map_err(|error| unreadable(&error))
    }

    /// Makes the projections once more from the log, and puts them in the place of these once proved equal.
    pub(crate) fn rebuild(&self) -> Result<Report, Failure> {
        let rebuilt = match &self.keeper {
            Keeper::Projector { database, .. } => {
                self.runtime.block_on(projections::rebuild(&self.log, database, |_| {}))
            }
            Keeper::Asks(database) => {
                let mut database = database.lock().unwrap_or_else(PoisonError::into_inner);
                let database = self.opened(&mut database)?;
                self.runtime.block_on(projections::rebuild(&self.log, &database, |_| {}))
            }
        };
        rebuilt.map_err(|error| match error {
            RebuildError::Differs { .. } => Failure::Accounts(described(&error)),
            RebuildError::Log(error) => error.into(),
            RebuildError::Store(_) | RebuildError::Thread(_) => Failure::Disk(described(&error)),
        })
    }

    /// Lets go of a database that asks have opened, so that whoever opens the file next finds it whole and closed.
    pub(crate) fn close(&self) {
        if let Keeper::Asks(database) = &self.keeper
            && let Some(database) = database.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            self.runtime.block_on(database.close());
        }
    }

    fn opened(&self, database: &mut Option<Arc<Database>>) -> Result<Arc<Database>, Failure> {
        if let Some(database) = database {
            return Ok(Arc::clone(database));
        }
        let opened = Arc::new(self.runtime.block_on(projecting::open(&self.plant))?);
        Ok(Arc::clone(database.insert(opened)))
    }
}

/// Waits until a projector has come to where the log ends now.
async fn reached(log: &Log, mut status: watch::Receiver<Status>, patience: Duration) -> Result<(), Failure> {
    let ends = log.ends()?;
    let reached = tokio::time::timeout(patience, status.wait_for(|status| status.covers(&ends))).await;
    if reached.is_ok_and(|reached| reached.is_ok()) {
        return Ok(());
    }
    let status = status.borrow();
    let why = match &status.failing {
        Some(failing) => format!("they can't follow it at present ({failing}); see the process's own log"),
        None => "ask again once they have caught up".to_owned(),
    };
    let behind = status.behind(&ends);
    Err(Failure::Unavailable(format!("the projections are {behind} records behind the event log; {why}")))
}

fn not_caught_up(error: &FollowError) -> Failure {
    let message = format!("the projections can't be brought up to date: {}", described(error));
    match error {
        FollowError::Bus(_) | FollowError::Thread(_) => Failure::Unavailable(message),
        FollowError::Store(_) => Failure::Disk(format!("{message}; `waybill doctor` looks at them")),
    }
}

// === impl Rows ===

impl Rows {
    /// The answer of one query.
    pub(crate) fn get<'a, T, Answer>(&'a self, query: impl FnOnce(&'a Database) -> Answer) -> Result<T, Failure>
    where
        Answer: Future<Output = Result<T, StoreError>>,
    {
        let Some(database) = &self.database else { return Err(Failure::Disk("the projections are closed".into())) };
        let answer = self.runtime.block_on(query(database));
        answer.map_err(|error| unreadable(&error))
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        let database = self.database.take().filter(|_| self.is_scratch).and_then(Arc::into_inner);
        if let Some(database) = database
            && let Err(error) = self.runtime.block_on(database.discard())
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a database made for one ask could not be removed"
            );
        }
    }
}

fn unreadable(error: &StoreError) -> Failure {
    Failure::Disk(format!("the projections can't be read: {}", described(error)))
}

#[cfg(test)]
mod tests {
    use contracts::{Codec, Topic, Topics};
    use fleet::bus::{Bus, Cleanup, Headers, Outgoing, TopicSpec};
    use local::{Local, Options};

    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn an_ask_waits_for_the_projector_but_not_for_ever() {
        let bus = Arc::new(Local::in_memory(Options::new(Arc::new(SystemClock))).expect("a log"));
        let topics = Topics::new("waybill.", 1);
        let topic = topics.name(&Topic::Events);
        let spec = TopicSpec { name: Arc::clone(&topic), partitions: 1, cleanup: Cleanup::Keep };
        bus.create_topics(&[spec]).expect("a topic");
        let log = Log::new(bus.clone(), Codec::bundled(), &topics);
        let (sender, status) = watch::channel(Status::default());
        let patience = Duration::from_millis(5);
        reached(&log, status.clone(), patience).await.expect("there is nothing to wait for");

        let mut producer = bus.producer("writer").expect("a producer");
        let (value, headers) = (Some(vec![0].into()), Headers::default());
        producer.send(Outgoing { topic, partition: 0, timestamp_ms: 0, key: None, value, headers }).expect("sent");
        producer.commit(None).expect("committed");
        let Err(Failure::Unavailable(told)) = reached(&log, status.clone(), patience).await else {
            panic!("nobody projects")
        };
        assert_eq!(told, "the projections are 1 records behind the event log; ask again once they have caught up");
        sender.send_modify(|status| status.failing = Some("no room".to_owned()));
        let failed = reached(&log, status.clone(), patience).await.expect_err("nobody projects");
        assert!(failed.message().contains("(no room)"), "{}", failed.message());

        let waiting = tokio::spawn(async move { reached(&log, status, PATIENCE).await });
        sender.send_modify(|status| status.next.extend([(0, 1)]));
        waiting.await.expect("it ends").expect("the projector has come so far");
    }
}
