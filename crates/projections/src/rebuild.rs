//! Rebuild: the same rows once more from the log alone, proved equal to the live ones, put in their place.

use fleet::bus::BusError;
use serde::Serialize;

use crate::database::{Connection, Database, Location, StoreError};
use crate::log::Log;
use crate::parity::{TableDigest, digests};
use crate::shadow::{AsOfError, Shadow};
use crate::write::{Offsets, offsets};

/// How far a rebuild is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Records of the log projected so far.
    pub done: u64,
    /// Records up to where the live projections stood when this was last looked at.
    pub total: u64,
}

/// What a rebuild did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// The offsets at which both were compared.
    pub at: Offsets,
    /// How many records were projected.
    pub records: u64,
    /// The live tables; none if there was nothing yet to compare with.
    pub live: Option<Vec<TableDigest>>,
    /// The rebuilt ones.
    pub rebuilt: Vec<TableDigest>,
}

/// Why a rebuild did not take the place of the live projections.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The two differ. Both are kept.
    #[error("the rebuilt projections differ from the live ones in {}; they lie at {}", .report.differing().join(", "), .rebuilt)]
    Differs {
        /// What was found.
        report: Box<Report>,
        /// Where the rebuilt ones lie.
        rebuilt: Location,
    },
    /// The log can't be read.
    #[error("the event log can't be read")]
    Log(#[from] BusError),
    /// A database failed.
    #[error("a rebuild needs both databases")]
    Store(#[from] StoreError),
    /// The system gives no thread to read with.
    #[error("no thread can be started")]
    Thread(#[source] std::io::Error),
}

/// Rebuilds projections beside the live ones, which keep following the log meanwhile, and puts them in their place once proved equal.
///
/// Both are compared at one vector of offsets: the live ones in a snapshot, the rebuilt ones where they stand. What comes between
/// the snapshot and the exchange is projected under the writer's lock.
pub async fn rebuild(log: &Log, database: &Database, progress: impl FnMut(Progress)) -> Result<Report, RebuildError> {
    // Whoever can't become the one who projects could not put anything in place in the end.
    let is_new_holder = database.writer().await.hold().await?;
    let rebuilt = make_and_exchange(log, database, progress).await;
    if is_new_holder {
        database.let_go().await;
    }
    rebuilt
}

async fn make_and_exchange(
    log: &Log,
    database: &Database,
    mut progress: impl FnMut(Progress),
) -> Result<Report, RebuildError> {
    let mut shadow = Shadow::make(database.location().beside("rebuilt")).await?;
    let near = database.writer().await.offsets().await?;
    let near = if near.is_empty() { log.ends()? } else { near };
    shadow.load(log, &near, &mut progress).await?;
    shadow.connection.complete().await?;

    let report = {
        let mut live = Connection::reading(database.location()).await?;
        let report = compare(log, &mut live, &mut shadow, &mut progress).await;
        live.close().await;
        report?
    };
    if !report.differing().is_empty() {
        let rebuilt = shadow.close().await;
        return Err(RebuildError::Differs { report: Box::new(report), rebuilt });
    }

    let mut writer = database.writer().await;
    let last = writer.offsets().await?;
    shadow.load(log, &last, &mut progress).await?;
    let rebuilt = shadow.close().await;
    database.replace(&mut writer, &rebuilt).await?;
    Ok(report)
}

/// Holds both against each other where a snapshot of the live ones stands.
async fn compare(
    log: &Log,
    live: &mut Connection,
    shadow: &mut Shadow,
    progress: &mut impl FnMut(Progress),
) -> Result<Report, RebuildError> {
    let mut live = live.snapshot().await?;
    let at = offsets(&mut live).await?;
    shadow.load(log, &at, progress).await?;
    let (has_live, records) = (!at.is_empty(), shadow.records);
    let mut rebuilt = shadow.connection.snapshot().await?;
    let (live, rebuilt) = tokio::join!(digests(&mut live), digests(&mut rebuilt));
    let live = live?;
    Ok(Report { at, records, live: has_live.then_some(live), rebuilt: rebuilt? })
}

// === impl RebuildError ===

impl From<AsOfError> for RebuildError {
    fn from(error: AsOfError) -> Self {
        match error {
            AsOfError::Log(error) => Self::Log(error),
            AsOfError::Store(error) => Self::Store(error),
            AsOfError::Thread(error) => Self::Thread(error),
        }
    }
}

// === impl Report ===

impl Report {
    /// The tables that differ, by name.
    pub fn differing(&self) -> Vec<&'static str> {
        let Some(live) = &self.live else { return Vec::new() };
        let pairs = live.iter().zip(&self.rebuilt);
        pairs.filter(|(live, rebuilt)| live != rebuilt).map(|(live, _)| live.table).collect()
    }
}
