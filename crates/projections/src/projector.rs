//! The live projector: follows the log and keeps one database up to date.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use fleet::bus::{BusError, Limit};
use tokio::sync::{mpsc, watch};

use crate::database::{Database, StoreError};
use crate::fact::Reading;
use crate::log::{BatchesError, Log, Tail, distance};
use crate::projection::{Projected, Projection};
use crate::write::Offsets;

/// Follows the log. Where it stands lies in the database, in the transaction of the rows: whatever fails, it begins again from there
/// and projects nothing twice.
pub struct Projector {
    log: Log,
    database: Arc<Database>,
    options: ProjectorOptions,
    status: watch::Sender<Status>,
}

/// How it goes about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProjectorOptions {
    /// The most records and bytes of one transaction.
    pub batch: Limit,
    /// How long the first record of a transaction waits for company: what rows are late by when little happens.
    pub linger: Duration,
    /// How long a transaction may take. A server that has vanished without a word never answers; after this time it is asked anew.
    pub patience: Duration,
}

/// How far it has come, and what it met on the way.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// For each partition the offset it has projected up to.
    pub next: Offsets,
    /// Records projected since it was started.
    pub records: u64,
    /// Records among them that became rows of `unreadable`.
    pub unreadable: u64,
    /// What must never happen and did: rows of `alarms`.
    pub alarms: u64,
    /// How often it had to begin again.
    pub failures: u64,
    /// Why it is not following at present.
    pub failing: Option<String>,
}

/// Why following ended.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The log can't be read.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody reads any more.
    #[error("the reading thread has ended")]
    Thread(#[source] Option<std::io::Error>),
}

/// What the reading thread hands over: records and where it stands after them.
type Read = Result<(Vec<Reading>, Offsets), BusError>;

/// How long a transaction may take unless told otherwise: a hundred times what it takes.
const PATIENCE_STORE: Duration = Duration::from_secs(60);
/// How long the reading thread waits for records before it looks whether anybody still listens.
const PATIENCE: Duration = Duration::from_millis(250);

// === impl Projector ===

impl Projector {
    /// A projector that has not begun. The second part tells how far it is, also while it runs.
    pub fn new(log: Log, database: Arc<Database>, options: ProjectorOptions) -> (Self, watch::Receiver<Status>) {
        let (status, watched) = watch::channel(Status::default());
        (Self { log, database, options, status }, watched)
    }

    /// Follows the log until `shutdown` resolves. Failures are logged, counted and waited out; so is another program that projects
    /// into the same schema, whose place is taken once it has gone.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        self.run_until(shutdown).await;
        self.database.let_go().await;
    }

    async fn run_until(&self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let mut delays = patience().build();
        loop {
            let before = self.status.borrow().records;
            let error = tokio::select! {
                () = &mut shutdown => return,
                error = self.follow() => error,
            };
            if before < self.status.borrow().records {
                delays = patience().build();
            }
            let delay = delays.next().unwrap_or(DELAY_MAX);
            tracing::error!(
                error = &error as &dyn std::error::Error,
                retry_in_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
                "projections have fallen behind and begin again from what is committed"
            );
            self.status.send_modify(|status| {
                status.failures += 1;
                status.failing = Some(error.to_string());
            });
            if let FollowError::Store(StoreError::Damaged(_)) = error {
                self.begin_anew().await;
            }
            tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep(delay) => {}
            }
        }
    }

    /// Projects what stands on the log now, and ends: for a process that does not follow it. Nobody else may write meanwhile.
    pub async fn catch_up(&self) -> Result<(), FollowError> {
        let (mut at, end) = (self.committed().await?, self.log.ends()?);
        self.status.send_modify(|status| status.next.clone_from(&at));
        let mut batches = self.log.batches(&at, &end, self.options.batch)?;
        let mut projection = Projection::default();
        while let Some(batch) = batches.recv().await {
            let batch = batch?;
            let projected = self.apply(&mut projection, &batch).await?;
            at.extend(projected.next.clone());
            self.note(&batch, &projected, at.clone());
        }
        self.database.let_go().await;
        Ok(())
    }

    /// Follows the log until something fails.
    async fn follow(&self) -> FollowError {
        match self.try_follow().await {
            Ok(()) => FollowError::Thread(None),
            Err(error) => error,
        }
    }

    async fn try_follow(&self) -> Result<(), FollowError> {
        let from = self.committed().await?;
        let tail = self.log.tail(&from)?;
        self.status.send_modify(|status| status.next = from);
        let (sender, mut reads) = mpsc::channel(1);
        let options = self.options;
        let thread = std::thread::Builder::new().name("projections".to_owned());
        thread.spawn(move || read_on(tail, options, &sender)).map_err(|error| FollowError::Thread(Some(error)))?;
        let mut projection = Projection::default();
        while let Some(read) = reads.recv().await {
            let (batch, positions) = read?;
            let projected = self.apply(&mut projection, &batch).await?;
            self.note(&batch, &projected, positions);
        }
        Ok(())
    }

    /// What can't be trusted is put aside: everything in it follows from the log, from its first record on.
    async fn begin_anew(&self) {
        match self.database.begin_anew().await {
            Ok(aside) => tracing::warn!(%aside, "the projections are made anew from the log"),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "damaged projections can't be put aside");
            }
        }
    }

    async fn committed(&self) -> Result<Offsets, StoreError> {
        self.database.writer().await.offsets().await
    }

    /// Writes one batch. The writer's place is taken only for so long, so that a rebuild can step in between.
    async fn apply(&self, projection: &mut Projection, batch: &[Reading]) -> Result<Projected, StoreError> {
        if batch.is_empty() {
            return Ok(Projected::default());
        }
        let mut writer = self.database.writer().await;
        let connection = writer.begin().await?;
        let projected = tokio::time::timeout(self.options.patience, projection.apply(connection, batch)).await;
        let projected = projected.unwrap_or_else(|_| Err(StoreError::too_slow(self.options.patience)))?;
        writer.done();
        Ok(projected)
    }

    fn note(&self, batch: &[Reading], projected: &Projected, positions: Offsets) {
        for alarm in &projected.alarms {
            tracing::error!(
                kind = alarm.kind.as_str(),
                request_id = %alarm.request_id,
                partition = alarm.position.partition,
                offset = alarm.position.offset,
                "the log shows what must never happen"
            );
        }
        for reading in batch {
            if let Reading::Unreadable(unreadable) = reading {
                let position = unreadable.position;
                let (partition, offset, code) = (position.partition, position.offset, unreadable.code.as_str());
                tracing::warn!(
                    partition,
                    offset,
                    code,
                    place = unreadable.place,
                    "a record of the event log is no fact"
                );
            }
        }
        self.status.send_modify(|status| {
            status.next = positions;
            status.records += batch.len() as u64;
            status.unreadable += projected.unreadable as u64;
            status.alarms += projected.alarms.len() as u64;
            status.failing = None;
        });
    }
}

impl From<BatchesError> for FollowError {
    fn from(error: BatchesError) -> Self {
        match error {
            BatchesError::Bus(error) => Self::Bus(error),
            BatchesError::Thread(error) => Self::Thread(Some(error)),
        }
    }
}

/// The reading thread: reads, decodes and renders while the batch before is being written. It ends when nobody listens any more.
fn read_on(mut tail: Tail, options: ProjectorOptions, sender: &mpsc::Sender<Read>) {
    let mut told = Offsets::new();
    while !sender.is_closed() {
        let read = tail.read(options.batch, PATIENCE, options.linger).and_then(|batch| Ok((batch, tail.positions()?)));
        let is_last = read.is_err();
        if let Ok((_, positions)) = &read {
            if *positions == told {
                continue;
            }
            told.clone_from(positions);
        }
        if sender.blocking_send(read).is_err() || is_last {
            return;
        }
    }
}

const DELAY_MAX: Duration = Duration::from_secs(10);

fn patience() -> ExponentialBuilder {
    let delays = ExponentialBuilder::default().with_min_delay(Duration::from_millis(100)).with_max_delay(DELAY_MAX);
    delays.with_jitter().without_max_times()
}

// === impl Status ===

impl Status {
    /// Whether everything before these offsets is projected.
    pub fn covers(&self, ends: &Offsets) -> bool {
        self.behind(ends) == 0
    }

    /// How many records before these offsets are not projected yet.
    pub fn behind(&self, ends: &Offsets) -> u64 {
        distance(&self.next, ends)
    }
}

// === impl ProjectorOptions ===

impl Default for ProjectorOptions {
    fn default() -> Self {
        Self {
            batch: Limit { records: 10_000, bytes: 16 << 20 },
            linger: Duration::from_millis(50),
            patience: PATIENCE_STORE,
        }
    }
}
