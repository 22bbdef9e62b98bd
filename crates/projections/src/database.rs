//! The database: a pool for readers, one connection for the writer, whatever the engine.
//!
//! One engine stands here, SQLite; another one adds a variant to the three enums below, a file beside `sqlite.rs` and a set of
//! migrations. Statements are shared: they keep to the SQL both understand.

mod sqlite;

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow, SqlSafeStr, SqlStr, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, MutexGuard, RwLock};

use crate::table::{Table, Value};

/// Where projections are kept. Readers see whole batches; one writer at a time has the connection that writes.
pub struct Database {
    path: PathBuf,
    readers: RwLock<Pool>,
    writer: Mutex<Writer>,
}

/// What can go wrong with the database, by what the caller has to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What is stored can't be trusted: put it aside and rebuild.
    #[error("the projections are damaged: {0}")]
    Damaged(String),
    /// Another version of Waybill made it: rebuild.
    #[error("the projections were made by another version of waybill")]
    OtherVersion,
    /// Another program has it open, so its file can't be replaced: close that program.
    #[error("another program has {} open", path.display())]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// Its file can't be replaced or removed.
    #[error("the file {} can't be replaced", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database can't be reached, or has no room; waiting may help.
    #[error("the database does not answer")]
    Unavailable(#[source] sqlx::Error),
}

/// A row of an answer, on every engine.
pub(crate) trait Readable: for<'r> FromRow<'r, SqliteRow> + Send + Unpin + 'static {}

impl<T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin + 'static> Readable for T {}

/// The connection that writes, opened when it is needed.
pub(crate) struct Writer {
    path: PathBuf,
    mode: Mode,
    connection: Option<Connection>,
}

/// How safely a file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Whole batches survive a crash.
    Durable,
    /// Nothing survives a crash, and nobody else may look: a rebuild starts over.
    Scratch,
}

/// Connections for readers.
enum Pool {
    Sqlite(SqlitePool),
}

/// A connection of one's own.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
}

/// Writes that become visible together or not at all.
pub(crate) enum Transaction<'c> {
    Sqlite(sqlx::Transaction<'c, Sqlite>),
}

// === impl StoreError ===

impl From<sqlx::Error> for StoreError {
    /// Damage shows where it is met, which may be long after the file was opened.
    fn from(error: sqlx::Error) -> Self {
        if sqlite::is_damage(&error) { Self::Damaged(sqlite::DAMAGE.to_owned()) } else { Self::Unavailable(error) }
    }
}

// === impl Database ===

impl Database {
    /// Opens the projections in a file, or makes them.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] and [`StoreError::OtherVersion`] call for a rebuild; see [`Database::set_aside`].
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let mut writer = Writer::new(path, Mode::Durable);
        writer.connect().await?;
        let readers = RwLock::new(Pool::open(path).await?);
        Ok(Self { path: path.to_owned(), readers, writer: Mutex::new(writer) })
    }

    /// Looks whether everything in the file is as SQLite left it. Reads all of it, so it takes as long as that.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first thing that is wrong.
    pub async fn check(&self) -> Result<(), StoreError> {
        let readers = self.readers.read().await;
        let Pool::Sqlite(pool) = &*readers;
        sqlite::check(pool).await
    }

    /// Puts the file aside and begins with an empty one in its place; the answer is where the old one lies. Readers wait meanwhile.
    pub(crate) async fn begin_anew(&self) -> Result<PathBuf, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut readers = self.readers.write().await;
        readers.close().await;
        writer.close().await;
        let aside = sqlite::set_aside(&self.path)?;
        writer.connect().await?;
        *readers = Pool::open(&self.path).await?;
        Ok(aside)
    }

    /// Moves whatever lies in a file out of the way; the answer is where it lies now. Nobody may have it open.
    pub fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
        sqlite::set_aside(path)
    }

    /// Closes all connections in good order; only then may another program replace the file.
    pub async fn close(&self) {
        let mut writer = self.writer.lock().await;
        self.readers.write().await.close().await;
        // The last to go puts everything into the one file, which readers may not.
        writer.close().await;
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The rows of a query.
    pub(crate) async fn rows<T: Readable>(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<T>, StoreError> {
        let readers = self.readers.read().await;
        let Pool::Sqlite(pool) = &*readers;
        let query = sqlx::query_as_with::<Sqlite, T, _>(sql, sqlite::arguments(values));
        Ok(query.fetch_all(pool).await?)
    }

    /// The one row of a query, if there is one.
    pub(crate) async fn row<T: Readable>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Takes the place of the one who writes. Whoever has it knows that the offsets stand still.
    pub(crate) async fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().await
    }

    /// Puts another file in place of this one, at once for everybody. `writer` is this database's own, so that nobody writes
    /// meanwhile; readers wait.
    pub(crate) async fn replace(&self, writer: &mut Writer, by: &Path) -> Result<(), StoreError> {
        let mut readers = self.readers.write().await;
        readers.close().await;
        writer.close().await;
        let replaced = sqlite::replace(&self.path, by).await;
        *readers = Pool::open(&self.path).await?;
        replaced
    }
}

// === impl Writer ===

impl Writer {
    pub(crate) fn new(path: &Path, mode: Mode) -> Self {
        Self { path: path.to_owned(), mode, connection: None }
    }

    /// The connection, opened and migrated if it was not. A rebuild makes indexes only once it has loaded the tables.
    pub(crate) async fn connect(&mut self) -> Result<&mut Connection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::Sqlite(sqlite::connect(&self.path, self.mode).await?),
        };
        Ok(self.connection.insert(connection))
    }

    /// Closes the connection in good order.
    pub(crate) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }

    /// Gives up a connection that failed; the next one starts from what is committed.
    pub(crate) fn drop_connection(&mut self) {
        self.connection = None;
    }
}

// === impl Pool ===

impl Pool {
    async fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::Sqlite(sqlite::readers(path).await?))
    }

    async fn close(&self) {
        let Self::Sqlite(pool) = self;
        pool.close().await;
    }
}

// === impl Connection ===

impl Connection {
    /// A connection that only reads.
    pub(crate) async fn reading(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::Sqlite(sqlite::connect_reading(path).await?))
    }

    /// Makes what a scratch file was loaded without.
    pub(crate) async fn complete(&mut self) -> Result<(), StoreError> {
        let Self::Sqlite(connection) = self;
        sqlite::migrate(connection, None).await
    }

    /// A transaction that only reads, and sees one moment throughout.
    pub(crate) async fn snapshot(&mut self) -> Result<Transaction<'_>, StoreError> {
        let Self::Sqlite(connection) = self;
        Ok(Transaction::Sqlite(sqlx::Connection::begin(connection).await?))
    }

    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        let Self::Sqlite(connection) = self;
        Ok(Transaction::Sqlite(sqlite::begin(connection).await?))
    }

    pub(crate) async fn close(self) {
        let Self::Sqlite(connection) = self;
        if let Err(error) = sqlx::Connection::close(connection).await {
            tracing::debug!(%error, "the database connection did not close in good order");
        }
    }
}

// === impl Transaction ===

impl Transaction<'_> {
    /// Runs a statement; the answer is how many rows it wrote.
    pub(crate) async fn execute(&mut self, sql: SqlStr, values: Vec<Value>) -> Result<u64, StoreError> {
        let Self::Sqlite(transaction) = self;
        let done = sqlx::query_with(sql, sqlite::arguments(values)).execute(&mut **transaction).await?;
        Ok(done.rows_affected())
    }

    /// The rows of a query, as this transaction sees them.
    pub(crate) async fn rows<T: Readable>(&mut self, sql: SqlStr, values: Vec<Value>) -> Result<Vec<T>, StoreError> {
        let Self::Sqlite(transaction) = self;
        let query = sqlx::query_as_with::<Sqlite, T, _>(sql, sqlite::arguments(values));
        Ok(query.fetch_all(&mut **transaction).await?)
    }

    /// How an insert begins.
    pub(crate) fn insert_verb(&self) -> &'static str {
        let Self::Sqlite(_) = self;
        sqlite::INSERT
    }

    /// The text of a placeholder; `index` counts from 1.
    pub(crate) fn placeholder(&self, index: usize) -> String {
        let Self::Sqlite(_) = self;
        sqlite::placeholder(index)
    }

    /// Hands over every row of a table as one text, in no order.
    pub(crate) async fn each_row(&mut self, table: &Table, mut see: impl FnMut(&str)) -> Result<(), StoreError> {
        let Self::Sqlite(transaction) = self;
        let sql = AssertSqlSafe(sqlite::rows_as_text(table)).into_sql_str();
        let query = sqlx::query_scalar_with::<Sqlite, String, _>(sql, sqlite::arguments(Vec::new()));
        let mut rows = query.fetch(&mut **transaction);
        while let Some(row) = rows.try_next().await? {
            see(&row);
        }
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let Self::Sqlite(transaction) = self;
        Ok(transaction.commit().await?)
    }
}
