//! Rows on their way into Postgres and out of it: many at a time, in its own binary form.

use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, AssertSqlSafe, Postgres, Row as _, SqlSafeStr, Transaction, ValueRef};

use crate::database::StoreError;
use crate::statement::{Inserts, insert_text};
use crate::table::{Conflict, Table, Value};

/// The most rows of one statement.
pub(crate) const ROWS_MAX: usize = 8_192;
/// From how many rows on a `COPY`, which takes more round trips and less work for each row, is the quicker one.
const COPY_MIN: usize = 32;

/// Values as arguments. Nothing is a null of the column's type.
pub(crate) fn arguments(values: &[Value]) -> PgArguments {
    let mut arguments = PgArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value {
            Value::Whole(whole) => arguments.add(*whole),
            Value::Flag(flag) => arguments.add(*flag),
            Value::Text(text) => arguments.add(text.as_deref()),
        };
        added.expect("numbers and texts always encode");
    }
    arguments
}

/// Inserts rows, their values one row after the other. Many rows that must not be there already are copied; all others come as one
/// array for each column, which one text serves for any number of rows.
pub(crate) async fn insert(
    tx: &mut Transaction<'_, Postgres>,
    inserts: &mut Inserts,
    table: &Table,
    values: &[Value],
) -> Result<u64, sqlx::Error> {
    let width = table.columns.len();
    if table.conflict == Conflict::Refuse && COPY_MIN * width <= values.len() {
        let mut copy = tx.copy_in_raw(&copy_text(table)).await?;
        copy.send(copied(values, width)).await?;
        return copy.finish().await;
    }
    let text = inserts.text(table, 0, || insert_text("INSERT", table, &unnested(&values[..width])));
    let done = sqlx::query_with(text, columns(values, width)).execute(&mut **tx).await?;
    Ok(done.rows_affected())
}

fn copy_text(table: &Table) -> String {
    format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, table.columns.join(", "))
}

/// `SELECT * FROM unnest(…)`, by the types of a row's values.
fn unnested(row: &[Value]) -> String {
    let array = |(value, index): (&Value, usize)| {
        let kind = match value {
            Value::Whole(_) => "BIGINT",
            Value::Flag(_) => "BOOLEAN",
            Value::Text(_) => "TEXT",
        };
        format!("${index}::{kind}[]")
    };
    let arrays: Vec<String> = row.iter().zip(1..).map(array).collect();
    format!("SELECT * FROM unnest({})", arrays.join(", "))
}

/// An array for each column.
fn columns(values: &[Value], width: usize) -> PgArguments {
    let mut arguments = PgArguments::default();
    arguments.reserve(width, values.len() * 16);
    for column in 0..width {
        let all = values.iter().skip(column).step_by(width);
        let added = match &values[column] {
            Value::Whole(_) => arguments.add(all.map(Value::whole).collect::<Vec<_>>()),
            Value::Flag(_) => arguments.add(all.map(Value::flag).collect::<Vec<_>>()),
            Value::Text(_) => arguments.add(all.map(Value::text).collect::<Vec<_>>()),
        };
        added.expect("numbers and texts always encode");
    }
    arguments
}

/// Rows in the form of a binary `COPY`: a header, for each row its width and values with their lengths, an end.
fn copied(values: &[Value], width: usize) -> Vec<u8> {
    let mut copied = Vec::with_capacity(values.len() * 24);
    copied.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    let width_of_row = i16::try_from(width).expect("a table has few columns").to_be_bytes();
    for row in values.chunks_exact(width) {
        copied.extend_from_slice(&width_of_row);
        for value in row {
            match value {
                Value::Whole(Some(whole)) => field(&mut copied, &whole.to_be_bytes()),
                Value::Flag(Some(flag)) => field(&mut copied, &[u8::from(*flag)]),
                Value::Text(Some(text)) => field(&mut copied, text.as_bytes()),
                Value::Whole(None) | Value::Flag(None) | Value::Text(None) => {
                    copied.extend_from_slice(&(-1_i32).to_be_bytes());
                }
            }
        }
    }
    copied.extend_from_slice(&(-1_i16).to_be_bytes());
    copied
}

fn field(copied: &mut Vec<u8>, bytes: &[u8]) {
    let length = i32::try_from(bytes.len()).expect("a record of the log is smaller than that");
    copied.extend_from_slice(&length.to_be_bytes());
    copied.extend_from_slice(bytes);
}

/// Hands over every row of a table as one text: what SQLite's `json_array` makes of it.
pub(crate) async fn each_row(
    tx: &mut Transaction<'_, Postgres>,
    table: &Table,
    mut see: impl FnMut(&str),
) -> Result<(), StoreError> {
    let sql = AssertSqlSafe(format!("SELECT {} FROM {}", table.columns.join(", "), table.name)).into_sql_str();
    let mut rows = sqlx::query(sql).fetch(&mut **tx);
    let mut text = Vec::new();
    while let Some(row) = rows.try_next().await? {
        text.clear();
        write_row(&row, &mut text).map_err(sqlx::Error::Decode)?;
        see(std::str::from_utf8(&text).map_err(|error| sqlx::Error::Decode(error.into()))?);
    }
    Ok(())
}

/// `[1,"text",null]`; a flag is a number, as SQLite has it.
fn write_row(row: &PgRow, text: &mut Vec<u8>) -> Result<(), sqlx::error::BoxDynError> {
    use std::io::Write as _;
    text.push(b'[');
    for column in 0..row.len() {
        if 0 < column {
            text.push(b',');
        }
        let value = row.try_get_raw(column)?;
        if value.is_null() {
            text.extend_from_slice(b"null");
            continue;
        }
        let bytes = value.as_bytes()?;
        match &*value.type_info() {
            kind if kind == &<i64 as sqlx::Type<Postgres>>::type_info() => {
                write!(text, "{}", i64::from_be_bytes(bytes.try_into()?))?;
            }
            kind if kind == &<bool as sqlx::Type<Postgres>>::type_info() => text.push(b'0' + bytes[0]),
            _ => serde_json::to_writer(&mut *text, std::str::from_utf8(bytes)?)?,
        }
    }
    text.push(b']');
    Ok(())
}
