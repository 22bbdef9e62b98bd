//! One connection, and what is done over it, on every engine.

use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow, Postgres, SqlSafeStr, SqlStr, Sqlite, SqliteConnection};

use super::postgres::{self, Session};
use super::{Location, StoreError, sqlite};
use crate::statement::{Inserts, insert_text};
use crate::table::{Table, Value, value};
use crate::write::{Offsets, offsets};

/// What makes these rows: raised when facts come to mean other rows, so that older ones are rebuilt.
const PROJECTION_VERSION: &str = "2";

/// A row of an answer, on every engine.
pub(crate) trait Readable:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static
{
}

impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static> Readable for T {}

/// How safely rows are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Whole batches survive a crash.
    Durable,
    /// Nothing survives a crash, and nobody else may look: whatever lay there before is gone.
    Scratch,
}

/// The connection that writes, opened when it is needed.
pub(crate) struct Writer {
    location: Location,
    connection: Option<Connection>,
    /// Whether something was begun on it and not ended: if that is so when the next one comes, it failed or was stopped half-way.
    is_at_work: bool,
}

/// A connection of one's own.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(Session),
}

/// Writes that become visible together or not at all.
pub(crate) enum Transaction<'c> {
    Sqlite(sqlx::Transaction<'c, Sqlite>),
    Postgres(sqlx::Transaction<'c, Postgres>),
}

// === impl Writer ===

impl Writer {
    pub(crate) fn new(location: &Location) -> Self {
        Self { location: location.clone(), connection: None, is_at_work: false }
    }

    /// The connection, opened and migrated if there is none. Whoever comes to an end with it says so with [`Self::done`]; a
    /// connection on which something failed, or was stopped half-way, is given up, and the next one starts from what is committed.
    pub(crate) async fn begin(&mut self) -> Result<&mut Connection, StoreError> {
        if self.is_at_work {
            self.close().await;
        }
        if self.connection.is_none() {
            self.connection = Some(Connection::writing(&self.location, Mode::Durable).await?);
        }
        self.is_at_work = true;
        Ok(self.connection.as_mut().expect("it was opened just now"))
    }

    /// Nothing is under way on the connection any more.
    pub(crate) fn done(&mut self) {
        self.is_at_work = false;
    }

    /// How far the database has come.
    pub(crate) async fn offsets(&mut self) -> Result<Offsets, StoreError> {
        let mut tx = self.begin().await?.snapshot().await?;
        let offsets = offsets(&mut tx).await?;
        tx.commit().await?;
        self.done();
        Ok(offsets)
    }

    /// Becomes the one who projects; the answer is whether this connection was not that before.
    pub(crate) async fn hold(&mut self) -> Result<bool, StoreError> {
        let is_new_holder = self.begin().await?.hold().await?;
        self.done();
        Ok(is_new_holder)
    }

    /// Lets another program be the one who projects, until the next transaction begins.
    pub(crate) async fn let_go(&mut self) -> Result<(), StoreError> {
        if self.connection.is_some() {
            self.begin().await?.let_go().await?;
            self.done();
        }
        Ok(())
    }

    /// Closes the connection: in good order, unless something was left half-way on it that a server may never answer.
    pub(crate) async fn close(&mut self) {
        let was_at_work = std::mem::take(&mut self.is_at_work);
        match self.connection.take() {
            Some(Connection::Postgres(_)) if was_at_work => {}
            Some(connection) => connection.close().await,
            None => {}
        }
    }
}

// === impl Connection ===

impl Connection {
    /// A connection that writes, its tables made. For scratch only the tables: see [`Self::complete`].
    pub(crate) async fn writing(location: &Location, mode: Mode) -> Result<Self, StoreError> {
        let mut connection = match location {
            Location::File(path) => Self::Sqlite(sqlite::connect(path, mode).await?),
            Location::Postgres(server) => Self::Postgres(Session::writing(server, mode).await?),
        };
        match connection.check_version().await {
            Ok(()) => Ok(connection),
            Err(error) => {
                connection.close().await;
                Err(error)
            }
        }
    }

    /// A connection that only reads.
    pub(crate) async fn reading(location: &Location) -> Result<Self, StoreError> {
        Ok(match location {
            Location::File(path) => Self::Sqlite(sqlite::connect_reading(path).await?),
            Location::Postgres(server) => Self::Postgres(Session::reading(server).await?),
        })
    }

    /// Makes what a scratch database was loaded without.
    pub(crate) async fn complete(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => sqlite::migrate(connection, None).await,
            Self::Postgres(session) => session.complete().await,
        }
    }

    /// A transaction that only reads, and sees one moment throughout.
    pub(crate) async fn snapshot(&mut self) -> Result<Transaction<'_>, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => Transaction::Sqlite(sqlx::Connection::begin(connection).await?),
            Self::Postgres(session) => Transaction::Postgres(session.snapshot().await?),
        })
    }

    /// A transaction that writes. Whoever has begun one is the one who projects.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.hold().await?;
        self.transaction().await
    }

    /// Becomes the one who projects, where engines don't see to that by transactions alone; the answer is whether it was not before.
    pub(crate) async fn hold(&mut self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(false),
            Self::Postgres(session) => session.hold().await,
        }
    }

    /// Lets another program be the one who projects.
    pub(crate) async fn let_go(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => session.let_go().await,
        }
    }

    pub(crate) async fn close(self) {
        let closed = match self {
            Self::Sqlite(connection) => sqlx::Connection::close(connection).await,
            Self::Postgres(session) => session.close().await,
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "the database connection did not close in good order");
        }
    }

    async fn transaction(&mut self) -> Result<Transaction<'_>, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => Transaction::Sqlite(sqlite::begin(connection).await?),
            Self::Postgres(session) => Transaction::Postgres(session.begin().await?),
        })
    }

    async fn check_version(&mut self) -> Result<(), StoreError> {
        let mut tx = self.transaction().await?;
        let noted = "INSERT INTO meta (name, value) VALUES ('projection_version', $1) ON CONFLICT (name) DO NOTHING";
        tx.execute(noted.into_sql_str(), vec![value(PROJECTION_VERSION)]).await?;
        let asked = "SELECT value FROM meta WHERE name = 'projection_version'";
        let found: Vec<(String,)> = tx.rows(asked.into_sql_str(), Vec::new()).await?;
        tx.commit().await?;
        if found.iter().any(|(version,)| version == PROJECTION_VERSION) {
            Ok(())
        } else {
            Err(StoreError::OtherVersion)
        }
    }
}

// === impl Transaction ===

impl Transaction<'_> {
    /// Runs a statement; the answer is how many rows it wrote.
    pub(crate) async fn execute(&mut self, sql: SqlStr, values: Vec<Value>) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => {
                sqlx::query_with(sql, sqlite::arguments(values)).execute(&mut **tx).await?.rows_affected()
            }
            Self::Postgres(tx) => {
                sqlx::query_with(sql, postgres::arguments(&values)).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// The rows of a query, as this transaction sees them.
    pub(crate) async fn rows<T: Readable>(&mut self, sql: SqlStr, values: Vec<Value>) -> Result<Vec<T>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx) => {
                let query = sqlx::query_as_with::<Sqlite, T, _>(sql, sqlite::arguments(values));
                query.fetch_all(&mut **tx).await?
            }
            Self::Postgres(tx) => {
                let query = sqlx::query_as_with::<Postgres, T, _>(sql, postgres::arguments(&values));
                query.fetch_all(&mut **tx).await?
            }
        })
    }

    /// How many of so many rows one statement takes.
    pub(crate) fn rows_at_once(&self, rows: usize) -> usize {
        match self {
            Self::Sqlite(_) => sqlite::rows_at_once(rows),
            Self::Postgres(_) => rows.min(postgres::ROWS_MAX),
        }
    }

    /// Inserts rows, as many as [`Self::rows_at_once`] says, their values one row after the other; the answer is how many were
    /// written.
    pub(crate) async fn insert(
        &mut self,
        inserts: &mut Inserts,
        table: &Table,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(_) => {
                let rows = values.len() / table.columns.len();
                let text = || insert_text(sqlite::INSERT, table, &sqlite::placeholders(rows, table.columns.len()));
                self.execute(inserts.text(table, rows, text), values).await
            }
            Self::Postgres(tx) => Ok(postgres::insert(tx, inserts, table, &values).await?),
        }
    }

    /// The text of a placeholder; `index` counts from 1.
    pub(crate) fn placeholder(&self, index: usize) -> String {
        match self {
            Self::Sqlite(_) => sqlite::PLACEHOLDER.to_owned(),
            Self::Postgres(_) => format!("${index}"),
        }
    }

    /// Hands over every row of a table as one text, the same on all engines, in no order.
    pub(crate) async fn each_row(&mut self, table: &Table, mut see: impl FnMut(&str)) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => {
                let sql = AssertSqlSafe(sqlite::rows_as_text(table)).into_sql_str();
                let query = sqlx::query_scalar_with::<Sqlite, String, _>(sql, sqlite::arguments(Vec::new()));
                let mut rows = query.fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    see(&row);
                }
                Ok(())
            }
            Self::Postgres(tx) => postgres::each_row(tx, table, see).await,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
