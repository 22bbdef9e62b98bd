//! Parity: whether two databases hold the same rows, by one hash per table.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::database::{StoreError, Transaction};
use crate::rows::TABLES;
use crate::table::Table;

/// What a table holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TableDigest {
    /// Its name.
    pub table: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// The sum of its rows' hashes, in hexadecimal. A sum knows no order, so neither database has to sort.
    pub hash: String,
}

/// Everything a database holds, as this transaction sees it, in the order of the tables.
pub(crate) async fn digests(tx: &mut Transaction<'_>) -> Result<Vec<TableDigest>, StoreError> {
    let mut digests = Vec::new();
    for table in &TABLES {
        digests.push(digest(tx, table).await?);
    }
    Ok(digests)
}

async fn digest(tx: &mut Transaction<'_>, table: &Table) -> Result<TableDigest, StoreError> {
    let (mut rows, mut sum) = (0, 0_u128);
    tx.each_row(table, |row| {
        rows += 1;
        sum = sum.wrapping_add(hash(row));
    })
    .await?;
    Ok(TableDigest { table: table.name, rows, hash: format!("{sum:032x}") })
}

fn hash(row: &str) -> u128 {
    let digest: [u8; 32] = Sha256::digest(row.as_bytes()).into();
    digest[..16].iter().fold(0, |hash, byte| hash << 8 | u128::from(*byte))
}
