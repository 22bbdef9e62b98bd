//! The database: a pool for readers, one connection for the writer, whatever the engine.
//!
//! Two engines stand here, SQLite and Postgres: a variant of the enums, a file and a set of migrations each. Statements are shared:
//! they keep to the SQL both understand.

mod connection;
mod location;
mod postgres;
mod sqlite;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool};
use tokio::sync::{Mutex, MutexGuard, RwLock};

pub(crate) use connection::{Connection, Mode, Readable, Transaction, Writer};
pub use location::{Location, LocationError, Server};

use crate::table::Value;

/// Where projections are kept. Readers see whole batches; one writer at a time has the connection that writes.
pub struct Database {
    location: Location,
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
    /// Another program projects into it: let it, or end it.
    #[error("another program projects into {place}; end that one, or leave the projections to it")]
    Taken {
        /// Where.
        place: Location,
    },
    /// There is something already where a database is to be made.
    #[error("there is something at {place} already; remove it, or name another place")]
    Occupied {
        /// Where.
        place: Location,
    },
    /// Its file can't be replaced or removed.
    #[error("the file {} can't be replaced", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database can't be reached, refuses, or has no room; waiting may help.
    #[error("{what}")]
    Unavailable {
        /// What does not work, and what to do about it.
        what: String,
        /// Why.
        source: sqlx::Error,
    },
}

/// Connections for readers.
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

// === impl StoreError ===

impl StoreError {
    /// Nothing was heard of a transaction for so long.
    pub(crate) fn too_slow(patience: Duration) -> Self {
        let what = format!("the database did not take a batch within {patience:?}");
        Self::Unavailable { what, source: sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()) }
    }
}

impl From<sqlx::Error> for StoreError {
    /// Damage shows where it is met, which may be long after the database was opened.
    fn from(source: sqlx::Error) -> Self {
        if sqlite::is_damage(&source) {
            return Self::Damaged(sqlite::DAMAGE.to_owned());
        }
        if postgres::is_damage(&source) {
            return Self::Damaged(postgres::DAMAGE.to_owned());
        }
        Self::Unavailable { what: "the database does not answer".to_owned(), source }
    }
}

// === impl Database ===

impl Database {
    /// Opens the projections in a file or a schema, or makes them.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] and [`StoreError::OtherVersion`] call for a rebuild; see [`Database::set_aside`].
    pub async fn open(location: impl Into<Location>) -> Result<Self, StoreError> {
        let location = location.into();
        let mut writer = Writer::new(&location);
        writer.begin().await?;
        writer.done();
        let readers = RwLock::new(Pool::new(&location));
        Ok(Self { location, readers, writer: Mutex::new(writer) })
    }

    /// Looks whether everything in a file is as SQLite left it. Reads all of it, so it takes as long as that. Postgres looks after its
    /// own pages, and needs to be asked for nothing.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first thing that is wrong.
    pub async fn check(&self) -> Result<(), StoreError> {
        match &*self.readers.read().await {
            Pool::Sqlite(pool) => sqlite::check(pool).await,
            Pool::Postgres(_) => Ok(()),
        }
    }

    /// What the clock of its server shows, in milliseconds since 1970; nothing for a file, which has none of its own.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it can't be reached.
    pub async fn clock_ms(&self) -> Result<Option<i64>, StoreError> {
        match &*self.readers.read().await {
            Pool::Sqlite(_) => Ok(None),
            Pool::Postgres(pool) => Ok(Some(postgres::clock_ms(pool).await?)),
        }
    }

    /// Puts everything aside and begins with nothing in its place; the answer is where the old rows lie. Readers wait meanwhile, and
    /// however it ends they can ask again.
    pub(crate) async fn begin_anew(&self) -> Result<Location, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut readers = self.readers.write().await;
        readers.close().await;
        writer.close().await;
        *readers = Pool::new(&self.location);
        let aside = Self::set_aside(&self.location).await?;
        writer.begin().await?;
        writer.done();
        Ok(aside)
    }

    /// Moves whatever lies there out of the way; the answer is where it lies now. Nobody may have a file open, or project into a
    /// schema.
    ///
    /// # Errors
    /// [`StoreError::Taken`] if another program projects into the schema.
    pub async fn set_aside(location: impl Into<Location>) -> Result<Location, StoreError> {
        Ok(match location.into() {
            Location::File(path) => Location::File(sqlite::set_aside(&path)?),
            Location::Postgres(server) => Location::Postgres(postgres::set_aside(&server).await?),
        })
    }

    /// Closes the database and removes it: for what was made to be asked and forgotten.
    ///
    /// # Errors
    /// [`StoreError::File`] if a file can't be removed, [`StoreError::Taken`] if another program projects into the schema.
    pub async fn discard(self) -> Result<(), StoreError> {
        self.close().await;
        Self::remove(&self.location).await
    }

    /// Removes whatever lies at a place.
    pub(crate) async fn remove(location: &Location) -> Result<(), StoreError> {
        match location {
            Location::File(path) => sqlite::remove(path),
            Location::Postgres(server) => postgres::remove(server).await,
        }
    }

    /// Closes all connections in good order; only then may another program replace a file.
    pub async fn close(&self) {
        let mut writer = self.writer.lock().await;
        self.readers.write().await.close().await;
        // The last to go puts everything into the one file, which readers may not.
        writer.close().await;
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The rows of a query.
    pub(crate) async fn rows<T: Readable>(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<T>, StoreError> {
        Ok(match &*self.readers.read().await {
            Pool::Sqlite(pool) => {
                sqlx::query_as_with::<Sqlite, T, _>(sql, sqlite::arguments(values)).fetch_all(pool).await?
            }
            Pool::Postgres(pool) => {
                sqlx::query_as_with::<Postgres, T, _>(sql, postgres::arguments(&values)).fetch_all(pool).await?
            }
        })
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

    /// Leaves the projections to whoever else projects.
    pub(crate) async fn let_go(&self) {
        if let Err(error) = self.writer().await.let_go().await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the connection that wrote has ended by itself");
        }
    }

    /// Whether there is anything at a place.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it can't be reached.
    pub async fn is_there(location: &Location) -> Result<bool, StoreError> {
        match location {
            Location::File(path) => Ok(path.exists()),
            Location::Postgres(server) => postgres::is_there(server).await,
        }
    }

    /// Puts another file or schema in place of this one, at once for everybody. `writer` is this database's own, so that nobody
    /// writes meanwhile. Readers of a file wait; those of a schema end what they have begun on the old rows.
    pub(crate) async fn replace(&self, writer: &mut Writer, by: &Location) -> Result<(), StoreError> {
        match (&self.location, by) {
            (Location::File(path), Location::File(by)) => {
                let mut readers = self.readers.write().await;
                readers.close().await;
                writer.close().await;
                *readers = Pool::new(&self.location);
                sqlite::replace(path, by).await
            }
            (Location::Postgres(server), Location::Postgres(by)) => {
                let connection = writer.begin().await?;
                connection.hold().await?;
                postgres::replace(connection, server, by).await?;
                writer.done();
                Ok(())
            }
            (Location::File(_), Location::Postgres(_)) | (Location::Postgres(_), Location::File(_)) => {
                unreachable!("what is rebuilt lies beside what it replaces")
            }
        }
    }
}

// === impl Pool ===

impl Pool {
    /// A pool that connects when it is asked: whether that works shows then.
    fn new(location: &Location) -> Self {
        match location {
            Location::File(path) => Self::Sqlite(sqlite::readers(path)),
            Location::Postgres(server) => Self::Postgres(postgres::readers(server)),
        }
    }

    async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
