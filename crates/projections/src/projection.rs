//! Batches of facts become batches of rows, with the requests they are about at hand.

use std::collections::{BTreeSet, HashMap};

use domain::{RequestId, State};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::database::{Connection, StoreError, Transaction};
use crate::fact::Reading;
use crate::project::project;
use crate::queries::request::Request;
use crate::rows::{AlarmRow, RequestRow, Rows};
use crate::statement::Inserts;
use crate::stored::restore;
use crate::table::value;
use crate::write::{Batch, Offsets, write};

/// Projects batches into one database. It keeps the rows of requests that are under way, so that most facts need no look-up; after
/// a failure it is dropped and a new one begins from what is committed.
#[derive(Default)]
pub(crate) struct Projection {
    /// Requests of recent batches, and those before them: what stays unused for a generation is forgotten.
    recent: HashMap<RequestId, Box<RequestRow>>,
    older: HashMap<RequestId, Box<RequestRow>>,
    inserts: Inserts,
}

/// What became of a batch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Projected {
    /// Where the next one begins, for the partitions it moved.
    pub(crate) next: Offsets,
    /// Records in it that are no facts.
    pub(crate) unreadable: usize,
    /// What must never happen and did.
    pub(crate) alarms: Vec<AlarmRow>,
}

/// How many requests make a generation.
const GENERATION: usize = 20_000;
/// How many requests are looked up at a time, at most.
const LOOK_UP_MAX: usize = 256;

impl Projection {
    /// Projects a batch in one transaction. Records of a partition come in offset order.
    pub(crate) async fn apply(
        &mut self,
        connection: &mut Connection,
        batch: &[Reading],
    ) -> Result<Projected, StoreError> {
        let mut tx = connection.begin().await?;
        self.look_up(&mut tx, batch).await?;
        let mut rows = Rows::default();
        let mut next = Offsets::new();
        let mut touched = BTreeSet::new();
        for reading in batch {
            let position = reading.position();
            next.insert(position.partition, position.offset.saturating_add(1));
            match reading {
                Reading::Unreadable(unreadable) => rows.unreadable.push(unreadable.clone()),
                Reading::Fact(fact) => {
                    let request_id = fact.event.request_id;
                    let mut request = self.take(&request_id);
                    project(&mut request, fact, &mut rows);
                    if let Some(request) = request {
                        self.recent.insert(request_id, request);
                        touched.insert(request_id);
                    }
                }
            }
        }
        let requests = touched.iter().filter_map(|request_id| self.recent.get(request_id)).map(|row| &**row).collect();
        let batch = Batch { requests, rows: &rows, next: &next };
        let alarms = write(&mut tx, &mut self.inserts, &batch).await?;
        tx.commit().await?;
        self.forget(&touched);
        Ok(Projected { next, unreadable: rows.unreadable.len(), alarms })
    }

    /// Fetches the rows of requests that are not at hand.
    async fn look_up(&mut self, tx: &mut Transaction<'_>, batch: &[Reading]) -> Result<(), StoreError> {
        let mut missing = BTreeSet::new();
        for reading in batch {
            if let Reading::Fact(fact) = reading {
                let request_id = fact.event.request_id;
                if !self.recent.contains_key(&request_id) && !self.older.contains_key(&request_id) {
                    missing.insert(request_id);
                }
            }
        }
        let missing: Vec<_> = missing.into_iter().collect();
        for some in missing.chunks(LOOK_UP_MAX) {
            for stored in fetch(tx, some).await? {
                let row = restore(&stored).map_err(|column| {
                    StoreError::Damaged(format!("column {column} of request {}", stored.request_id))
                })?;
                self.recent.insert(row.request_id, Box::new(row));
            }
        }
        Ok(())
    }

    fn take(&mut self, request_id: &RequestId) -> Option<Box<RequestRow>> {
        self.recent.remove(request_id).or_else(|| self.older.remove(request_id))
    }

    /// Closed requests hardly ever come again; of the others the least recent go first.
    fn forget(&mut self, touched: &BTreeSet<RequestId>) {
        for request_id in touched {
            if self.recent.get(request_id).is_some_and(|row| row.lifecycle.state == State::Closed) {
                self.recent.remove(request_id);
            }
        }
        if GENERATION < self.recent.len() {
            self.older = std::mem::take(&mut self.recent);
        }
    }
}

/// The stored rows of some requests. The last one is asked for again to fill a power of two, so that few statements serve all numbers.
async fn fetch(tx: &mut Transaction<'_>, requests: &[RequestId]) -> Result<Vec<Request>, StoreError> {
    let count = requests.len().next_power_of_two();
    let asked = requests.iter().chain(std::iter::repeat(requests.last().unwrap_or(&RequestId([0; 16])))).take(count);
    let values = asked.map(|request_id| value(*request_id)).collect();
    let placeholders: Vec<_> = (1..=count).map(|index| tx.placeholder(index)).collect();
    let sql = format!("SELECT * FROM requests WHERE request_id IN ({})", placeholders.join(", "));
    tx.rows(AssertSqlSafe(sql).into_sql_str(), values).await
}
