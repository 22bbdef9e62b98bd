//! The one transaction: rows, offsets and what they must not contradict.

use std::collections::BTreeMap;

use domain::Timestamp;
use sqlx::SqlSafeStr;

use crate::database::{StoreError, Transaction};
use crate::fact::Position;
use crate::rows::{AcceptanceRow, AlarmKind, AlarmRow, RequestRow, Rows};
use crate::statement::Inserts;
use crate::table::{Conflict, Row, Table, Value, value};

/// How far the log is projected.
pub(crate) const OFFSETS: Table = OffsetRow::TABLE;
/// What made the rows.
pub(crate) const META: Table = Table { name: "meta", columns: &["name", "value"], key: 1, conflict: Conflict::Refuse };

/// For each partition of the log the first offset that is not yet projected.
pub type Offsets = BTreeMap<u32, u64>;

/// What a batch changes.
pub(crate) struct Batch<'a> {
    /// The rows of the requests it is about.
    pub(crate) requests: Vec<&'a RequestRow>,
    /// All other rows.
    pub(crate) rows: &'a Rows,
    /// Where the next batch begins, for the partitions this one moves.
    pub(crate) next: &'a Offsets,
}

/// Writes a batch. The answer is what must never happen and did.
pub(crate) async fn write(
    tx: &mut Transaction<'_>,
    inserts: &mut Inserts,
    batch: &Batch<'_>,
) -> Result<Vec<AlarmRow>, StoreError> {
    let rows = batch.rows;
    for request_id in &rows.late_accepted {
        tx.execute("DELETE FROM requests WHERE request_id = $1".into_sql_str(), vec![value(*request_id)]).await?;
    }
    insert(tx, inserts, batch.requests.iter().copied()).await?;
    insert(tx, inserts, rows.timeline.iter()).await?;
    insert(tx, inserts, rows.submissions.iter()).await?;
    insert(tx, inserts, rows.attempts.iter()).await?;
    insert(tx, inserts, rows.reviews.iter()).await?;
    insert(tx, inserts, rows.commands.iter()).await?;
    insert(tx, inserts, rows.letters.iter()).await?;
    insert(tx, inserts, rows.partner_days.iter()).await?;
    insert(tx, inserts, rows.unreadable.iter()).await?;
    let mut alarms = rows.alarms.clone();
    if insert(tx, inserts, rows.acceptances.iter()).await? < rows.acceptances.len() as u64 {
        alarms.extend(contest(tx, &rows.acceptances).await?);
    }
    insert(tx, inserts, alarms.iter()).await?;
    let offsets: Vec<OffsetRow> = batch.next.iter().map(|(partition, next)| OffsetRow(*partition, *next)).collect();
    insert(tx, inserts, offsets.iter()).await?;
    Ok(alarms)
}

/// How far a database has come.
pub(crate) async fn offsets(tx: &mut Transaction<'_>) -> Result<Offsets, StoreError> {
    let rows: Vec<(i64, i64)> =
        tx.rows("SELECT log_partition, next_offset FROM offsets".into_sql_str(), Vec::new()).await?;
    let pair = |(partition, next)| Some((u32::try_from(partition).ok()?, u64::try_from(next).ok()?));
    Ok(rows.into_iter().filter_map(pair).collect())
}

/// Inserts rows, many at a time; the answer is how many were written.
async fn insert<'r, R: Row + 'r>(
    tx: &mut Transaction<'_>,
    inserts: &mut Inserts,
    mut rows: impl ExactSizeIterator<Item = &'r R>,
) -> Result<u64, StoreError> {
    let mut written = 0;
    while 0 < rows.len() {
        let count = tx.rows_at_once(rows.len());
        let mut values = Vec::with_capacity(count * R::TABLE.columns.len());
        rows.by_ref().take(count).for_each(|row| row.values(&mut values));
        written += tx.insert(inserts, &R::TABLE, values).await?;
    }
    Ok(written)
}

/// Judges acceptances whose key was bound before. Whichever order the partitions were read in, the earliest position on the log ends
/// up holding the key, and every acceptance that shares it raises an alarm.
async fn contest(tx: &mut Transaction<'_>, acceptances: &[AcceptanceRow]) -> Result<Vec<AlarmRow>, StoreError> {
    let mut alarms = BTreeMap::new();
    for claim in acceptances {
        let holder = holder(tx, claim).await?;
        if holder.position == claim.position {
            continue;
        }
        for acceptance in [&holder, claim] {
            let (position, request_id, at) = (acceptance.position, acceptance.request_id, acceptance.at);
            alarms.insert(position, AlarmRow { position, kind: AlarmKind::KeyBoundTwice, request_id, at });
        }
        if claim.position < holder.position {
            hand_over(tx, claim).await?;
        }
    }
    Ok(alarms.into_values().collect())
}

/// Who holds the key of a claim.
async fn holder(tx: &mut Transaction<'_>, claim: &AcceptanceRow) -> Result<AcceptanceRow, StoreError> {
    let sql = "SELECT request_id, log_partition, log_offset, at FROM acceptances WHERE source = $1 AND key_token = $2";
    let values = vec![value(&claim.source), value(claim.key_token)];
    let found: Vec<(String, i64, i64, i64)> = tx.rows(sql.into_sql_str(), values).await?;
    let held = found.into_iter().next().and_then(|(request_id, partition, offset, at)| {
        Some(AcceptanceRow {
            request_id: request_id.parse().ok()?,
            position: Position { partition: u32::try_from(partition).ok()?, offset: u64::try_from(offset).ok()? },
            at: Timestamp(at),
            ..claim.clone()
        })
    });
    Ok(held.unwrap_or_else(|| claim.clone()))
}

async fn hand_over(tx: &mut Transaction<'_>, claim: &AcceptanceRow) -> Result<(), StoreError> {
    let sql = "UPDATE acceptances SET request_id = $1, log_partition = $2, log_offset = $3, at = $4 \
               WHERE source = $5 AND key_token = $6";
    let values = vec![
        value(claim.request_id),
        value(claim.position.partition),
        value(claim.position.offset),
        value(claim.at),
        value(&claim.source),
        value(claim.key_token),
    ];
    tx.execute(sql.into_sql_str(), values).await.map(|_| ())
}

/// A row of `offsets`.
struct OffsetRow(u32, u64);

impl Row for OffsetRow {
    const TABLE: Table = Table {
        name: "offsets",
        columns: &["log_partition", "next_offset"],
        key: 1,
        conflict: Conflict::Replace { fixed: 1 },
    };

    fn values(&self, out: &mut Vec<Value>) {
        out.extend([value(self.0), value(self.1)]);
    }
}

#[cfg(test)]
mod tests;
