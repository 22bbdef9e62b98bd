//! A database that is made from the log alone, beside the live one or in a place of its own.

use domain::Timestamp;
use fleet::bus::Limit;

use crate::database::{Connection, Database, Location, Mode, StoreError};
use crate::fact::Reading;
use crate::log::{Log, distance};
use crate::projection::Projection;
use crate::rebuild::{Progress, RebuildError};
use crate::write::Offsets;

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
) -> Result<Database, RebuildError> {
    let location = location.into();
    if Database::is_there(&location).await? {
        return Err(StoreError::Occupied { place: location }.into());
    }
    let mut shadow = Shadow::make(location).await?;
    shadow.load_where(log, &log.ends()?, |reading| reading.appended_at() <= moment, &mut progress).await?;
    shadow.connection.complete().await?;
    Ok(Database::open(shadow.close().await).await?)
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
    ) -> Result<(), RebuildError> {
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
    ) -> Result<(), RebuildError> {
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
