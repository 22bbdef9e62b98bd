//! Rebuild: the same rows once more from the log alone, proved equal to the live ones, put in their place.

use std::path::{Path, PathBuf};

use fleet::bus::{BusError, Limit};
use serde::Serialize;

use crate::database::{Connection, Database, Mode, StoreError, Writer};
use crate::log::{BatchesError, Log, distance};
use crate::parity::{TableDigest, digests};
use crate::projection::Projection;
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
    #[error("the rebuilt projections differ from the live ones in {}; they lie at {}", .report.differing().join(", "), .rebuilt.display())]
    Differs {
        /// What was found.
        report: Box<Report>,
        /// Where the rebuilt ones lie.
        rebuilt: PathBuf,
    },
    /// The log can't be read.
    #[error("the event log can't be read")]
    Log(#[from] BusError),
    /// A database failed.
    #[error("a rebuild needs both databases")]
    Store(#[from] StoreError),
    /// The file of an earlier rebuild is in the way.
    #[error("{} can't be removed", path.display())]
    InTheWay {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The system gives no thread to read with.
    #[error("no thread can be started")]
    Thread(#[source] std::io::Error),
}

/// The most records and bytes of one transaction: large ones amortise what a transaction costs.
const BATCH: Limit = Limit { records: 20_000, bytes: 64 << 20 };

/// Rebuilds projections beside the live ones, which keep following the log meanwhile, and puts them in their place once proved equal.
///
/// Both are compared at one vector of offsets: the live ones in a snapshot, the rebuilt ones where they stand. What comes between
/// the snapshot and the exchange is projected under the writer's lock.
pub async fn rebuild(
    log: &Log,
    database: &Database,
    mut progress: impl FnMut(Progress),
) -> Result<Report, RebuildError> {
    let mut shadow = Shadow::make(database.path())?;
    let near = stand(database).await?;
    let near = if near.is_empty() { log.ends()? } else { near };
    shadow.load(log, &near, &mut progress).await?;
    shadow.writer.connect().await?.complete().await?;

    let report = {
        let mut live = Connection::reading(database.path()).await?;
        let report = compare(log, &mut live, &mut shadow, &mut progress).await;
        live.close().await;
        report?
    };
    if !report.differing().is_empty() {
        shadow.writer.close().await;
        return Err(RebuildError::Differs { report: Box::new(report), rebuilt: shadow.path });
    }

    let mut writer = database.writer().await;
    let last = offsets(&mut writer.connect().await?.snapshot().await?).await?;
    shadow.load(log, &last, &mut progress).await?;
    shadow.writer.close().await;
    database.replace(&mut writer, &shadow.path).await?;
    Ok(report)
}

/// The projections being rebuilt.
struct Shadow {
    path: PathBuf,
    writer: Writer,
    projection: Projection,
    at: Offsets,
    records: u64,
}

/// Where the live projections stand.
async fn stand(database: &Database) -> Result<Offsets, StoreError> {
    let mut live = Connection::reading(database.path()).await?;
    let stand = offsets(&mut live.snapshot().await?).await;
    live.close().await;
    stand
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
    let mut rebuilt = shadow.writer.connect().await?.snapshot().await?;
    let has_live = !at.is_empty();
    let (live, rebuilt) = tokio::join!(digests(&mut live), digests(&mut rebuilt));
    let live = live?;
    Ok(Report { at, records: shadow.records, live: has_live.then_some(live), rebuilt: rebuilt? })
}

// === impl Shadow ===

impl Shadow {
    fn make(live: &Path) -> Result<Self, RebuildError> {
        let path = live.with_extension("rebuilt");
        if path.exists() {
            let removed = std::fs::remove_file(&path);
            removed.map_err(|source| RebuildError::InTheWay { path: path.clone(), source })?;
        }
        let writer = Writer::new(&path, Mode::Scratch);
        Ok(Self { path, writer, projection: Projection::default(), at: Offsets::new(), records: 0 })
    }

    /// Projects the log on, up to these offsets and no further.
    async fn load(&mut self, log: &Log, to: &Offsets, progress: &mut impl FnMut(Progress)) -> Result<(), RebuildError> {
        let total = self.records + distance(&self.at, to);
        progress(Progress { done: self.records, total });
        if distance(&self.at, to) == 0 {
            return Ok(());
        }
        let mut batches = log.batches(&self.at, to, BATCH)?;
        while let Some(batch) = batches.recv().await {
            let batch = batch?;
            let connection = self.writer.connect().await?;
            let projected = self.projection.apply(connection, &batch).await?;
            self.at.extend(projected.next);
            self.records += batch.len() as u64;
            progress(Progress { done: self.records, total });
        }
        Ok(())
    }
}

// === impl RebuildError ===

impl From<BatchesError> for RebuildError {
    fn from(error: BatchesError) -> Self {
        match error {
            BatchesError::Bus(error) => Self::Log(error),
            BatchesError::Thread(error) => Self::Thread(error),
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
