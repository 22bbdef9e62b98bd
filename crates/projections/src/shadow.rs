//! A database that is made from the log alone, beside the live one or in a place of its own.

use domain::Timestamp;
use fleet::bus::{BusError, Limit};

use crate::database::{Connection, Database, Location, Mode, StoreError};
use crate::fact::Reading;
use crate::log::{BatchesError, Log, distance};
use crate::projection::Projection;
use crate::rebuild::Progress;
use crate::write::Offsets;

/// Why a database can't be made from the log.
#[derive(Debug, thiserror::Error)]
pub enum AsOfError {
    /// The log can't be read.
    #[error("the event log can't be read")]
    Log(#[from] BusError),
    /// The database failed, or there is something in its place.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gives no thread to read with.
    #[error("no thread can be started")]
    Thread(#[source] std::io::Error),
}

/// The projections being made. Nobody else may look until they are complete.
pub(crate) struct Shadow {
    location: Location,
    pub(crate) connection: Connection,
    projection: Projection,
    at: Offsets,
    pub(crate) records: u64,
}

/// The most records and bytes of one transaction: large ones amortise what a transaction costs.
const BATCH: Limit = Limit { records: 20_000, bytes: 64 << 20 };

/// Projects what had come to stand on the log by a moment, and nothing later, into a database of its own, for questions about how
/// things stood then. It does not follow the log; [`Database::discard`] removes it.
///
/// The moment is the log's own: when records were appended, not when their events were decided. Views that tell ages by the
/// database's clock tell those of today.
///
/// # Errors
/// [`StoreError::Occupied`] if there is something at `location` already.
pub async fn as_of(
    log: &Log,
    location: impl Into<Location>,
    moment: Timestamp,
    mut progress: impl FnMut(Progress),
) -> Result<Database, AsOfError> {
    let place = location.into();
    if Database::is_there(&place).await? {
        return Err(StoreError::Occupied { place }.into());
    }
    let ends = log.ends()?;
    let mut shadow = Shadow::make(place).await?;
    let loaded = shadow.load_where(log, &ends, |reading| reading.appended_at() <= moment, &mut progress).await;
    let complete = match loaded {
        Ok(()) => shadow.connection.complete().await.map_err(AsOfError::from),
        Err(error) => Err(error),
    };
    let place = shadow.close().await;
    if let Err(error) = complete {
        // Half of it would be in the way of whoever tries again.
        Database::remove(&place).await?;
        return Err(error);
    }
    Ok(Database::open(place).await?)
}

// === impl Shadow ===

impl Shadow {
    /// Begins with nothing; what an earlier one left there is gone.
    pub(crate) async fn make(location: Location) -> Result<Self, StoreError> {
        let connection = Connection::writing(&location, Mode::Scratch).await?;
        Ok(Self { location, connection, projection: Projection::default(), at: Offsets::new(), records: 0 })
    }

    /// Projects the log on, up to these offsets and no further.
    pub(crate) async fn load(
        &mut self,
        log: &Log,
        to: &Offsets,
        progress: &mut impl FnMut(Progress),
    ) -> Result<(), AsOfError> {
        self.load_where(log, to, |_| true, progress).await
    }

    /// Ends writing; the answer is where it lies.
    pub(crate) async fn close(self) -> Location {
        self.connection.close().await;
        self.location
    }

    async fn load_where(
        &mut self,
        log: &Log,
        to: &Offsets,
        is_wanted: impl Fn(&Reading) -> bool,
        progress: &mut impl FnMut(Progress),
    ) -> Result<(), AsOfError> {
        let total = self.records + distance(&self.at, to);
        progress(Progress { done: self.records, total });
        if distance(&self.at, to) == 0 {
            return Ok(());
        }
        let mut batches = log.batches(&self.at, to, BATCH)?;
        while let Some(batch) = batches.recv().await {
            let mut batch = batch?;
            self.records += batch.len() as u64;
            batch.retain(&is_wanted);
            let projected = self.projection.apply(&mut self.connection, &batch).await?;
            self.at.extend(projected.next);
            progress(Progress { done: self.records, total });
        }
        Ok(())
    }
}

// === impl AsOfError ===

impl From<BatchesError> for AsOfError {
    fn from(error: BatchesError) -> Self {
        match error {
            BatchesError::Bus(error) => Self::Log(error),
            BatchesError::Thread(error) => Self::Thread(error),
        }
    }
}
