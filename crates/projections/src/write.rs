//! The one transaction: rows, offsets and what they must not contradict.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::Timestamp;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::database::{StoreError, Transaction};
use crate::fact::Position;
use crate::rows::{AcceptanceRow, AlarmKind, AlarmRow, RequestRow, Rows};
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

/// The texts of insert statements, by table and number of rows.
#[derive(Default)]
pub(crate) struct Inserts(HashMap<(&'static str, usize), SqlStr>);

/// The most rows of one statement; fewer go in powers of two, so that few texts serve all numbers.
const ROWS_MAX: usize = 256;

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
        let count = 1 << rows.len().min(ROWS_MAX).ilog2();
        let mut values = Vec::with_capacity(count * R::TABLE.columns.len());
        rows.by_ref().take(count).for_each(|row| row.values(&mut values));
        written += tx.execute(inserts.text(tx, &R::TABLE, count), values).await?;
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

// === impl Inserts ===

impl Inserts {
    fn text(&mut self, tx: &Transaction<'_>, table: &Table, rows: usize) -> SqlStr {
        let text = self.0.entry((table.name, rows)).or_insert_with(|| {
            let text: Arc<str> = insert_text(table, rows, tx.insert_verb(), |index| tx.placeholder(index)).into();
            AssertSqlSafe(text).into_sql_str()
        });
        text.clone()
    }
}

/// `INSERT INTO t (…) VALUES (…), … ON CONFLICT (…) …`, made of this crate's own names only.
fn insert_text(table: &Table, rows: usize, verb: &str, placeholder: impl Fn(usize) -> String) -> String {
    let Table { name, columns, key, conflict } = table;
    let row = |row: usize| {
        let values: Vec<String> = (1..=columns.len()).map(|column| placeholder(row * columns.len() + column)).collect();
        format!("({})", values.join(", "))
    };
    let values: Vec<String> = (0..rows).map(row).collect();
    let insert = format!("{verb} INTO {name} ({}) VALUES {}", columns.join(", "), values.join(", "));
    let update = |fixed: usize, rule: fn(&str, &str) -> String| {
        let rules: Vec<String> = columns[fixed..].iter().map(|column| rule(name, column)).collect();
        format!("{insert} ON CONFLICT ({}) DO UPDATE SET {}", columns[..*key].join(", "), rules.join(", "))
    };
    match conflict {
        Conflict::Refuse => insert,
        Conflict::Keep => format!("{insert} ON CONFLICT DO NOTHING"),
        Conflict::Replace { fixed } => update(*fixed, |_, column| format!("{column} = excluded.{column}")),
        Conflict::Complete => {
            update(*key, |name, column| format!("{column} = coalesce(excluded.{column}, {name}.{column})"))
        }
        Conflict::Add => update(*key, |name, column| format!("{column} = {name}.{column} + excluded.{column}")),
    }
}

#[cfg(test)]
mod tests;
