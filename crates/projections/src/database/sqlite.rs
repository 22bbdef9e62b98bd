//! What is peculiar to SQLite: how its file is opened, migrated, written fast, replaced.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteError, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{Arguments, ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::{Mode, StoreError};
use crate::table::{Table, Value};

static MIGRATOR: Migrator = sqlx::migrate!("migrations/sqlite");

/// The migration that makes the tables; those after it make indexes and views.
const TABLES_ONLY: i64 = 1;
const READERS_MAX: u32 = 4;
/// How many rows of an answer a connection's thread may be ahead of who takes them.
const ROWS_AHEAD: usize = 1_024;
/// How long a statement waits for another program's lock.
const BUSY: Duration = Duration::from_secs(5);
/// Pages a connection keeps, as SQLite counts kibibytes: negative.
const CACHE: &str = "-32768";
/// How what is to last is written. Without a sync per commit a crash may lose the last batches, offsets included: they are projected
/// again.
const DURABLE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768";
/// How what is made in one go is.
const SCRATCH: &str =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144";

/// A pool that only reads, and opens the file when it is asked.
pub(super) fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new().max_connections(READERS_MAX).connect_lazy_with(options(path).read_only(true))
}

/// A connection that only reads.
pub(super) async fn connect_reading(path: &Path) -> Result<SqliteConnection, StoreError> {
    Ok(options(path).read_only(true).connect().await?)
}

/// The connection that writes, its tables made.
pub(super) async fn connect(path: &Path, mode: Mode) -> Result<SqliteConnection, StoreError> {
    if mode == Mode::Scratch {
        remove(path)?;
    }
    let mut connection = bare(path).create_if_missing(true).connect().await?;
    match prepare(&mut connection, mode).await {
        Ok(()) => Ok(connection),
        Err(error) => {
            // A connection that is merely dropped goes later, and takes the logs along that have its names by then.
            connection.close().await.ok();
            Err(error)
        }
    }
}

/// What touches the file for the first time, and so finds out that it is damaged.
async fn prepare(connection: &mut SqliteConnection, mode: Mode) -> Result<(), StoreError> {
    let (pragmas, target) = match mode {
        Mode::Durable => (DURABLE, None),
        Mode::Scratch => (SCRATCH, Some(TABLES_ONLY)),
    };
    sqlx::raw_sql(pragmas).execute(&mut *connection).await?;
    migrate(connection, target).await
}

/// Brings a file up to a migration, or to the last one.
pub(super) async fn migrate(connection: &mut SqliteConnection, target: Option<i64>) -> Result<(), StoreError> {
    // The generic `run` makes futures that no other thread may take over.
    let migrated = MIGRATOR.run_direct(target, connection, false).await;
    migrated.map_err(|error| {
        if let MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) = error {
            return error.into();
        }
        StoreError::OtherVersion
    })
}

/// Begins by taking the write lock, so that two writers never work on the same rows in vain.
pub(super) async fn begin(connection: &mut SqliteConnection) -> Result<Transaction<'_, Sqlite>, StoreError> {
    Ok(connection.begin_with("BEGIN IMMEDIATE").await?)
}

/// Values as arguments. SQLite takes what a column gives it, so nothing can be refused here.
pub(super) fn arguments(values: Vec<Value>) -> SqliteArguments {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value {
            Value::Whole(whole) => arguments.add(whole),
            Value::Flag(flag) => arguments.add(flag),
            Value::Text(text) => arguments.add(text),
        };
        added.expect("numbers and texts always encode");
    }
    arguments
}

/// A violated constraint ends the transaction, as it would anyway. Told so, SQLite need not keep what each page was before the
/// statement.
pub(super) const INSERT: &str = "INSERT OR ROLLBACK";

/// Without a number, which SQLite would look up in a list for each of thousands.
pub(super) const PLACEHOLDER: &str = "?";

/// The most rows of one statement; fewer go in powers of two, so that few texts serve all numbers.
const ROWS_MAX: usize = 256;

/// How many of so many rows one statement takes.
pub(super) fn rows_at_once(rows: usize) -> usize {
    1 << rows.min(ROWS_MAX).ilog2()
}

/// What takes the values of so many rows.
pub(super) fn placeholders(rows: usize, columns: usize) -> String {
    let row = format!("({})", [PLACEHOLDER].repeat(columns).join(", "));
    format!("VALUES {}", vec![row; rows].join(", "))
}

/// A query for each row of a table as one text that differs when any value or its type does.
pub(super) fn rows_as_text(table: &Table) -> String {
    format!("SELECT json_array({}) FROM {}", table.columns.join(", "), table.name)
}

/// Puts one closed file in place of another closed one, atomically.
///
/// Renaming over a database that some program has open would leave that program's log beside the new file, and ruin it; leaving
/// the WAL mode is possible only to who is alone, and removes the log.
pub(super) async fn replace(path: &Path, by: &Path) -> Result<(), StoreError> {
    let alone = options(path).journal_mode(SqliteJournalMode::Delete).busy_timeout(Duration::ZERO).connect().await;
    alone.map_err(|_| StoreError::InUse { path: path.to_owned() })?.close().await?;
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    std::fs::File::open(by).and_then(|file| file.sync_all()).map_err(failed)?;
    std::fs::rename(by, path).map_err(failed)?;
    sync_folder(path).map_err(failed)
}

/// What a file's own name and those of its logs end in.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// Moves a file and its logs to a name that is free. Logs that are there may be gone in the next moment, as whoever has just closed the
/// file removes them.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let aside = (1..).map(|number| with_suffix(path, &format!(".aside-{number}"))).find(|path| !path.exists());
    let aside = aside.expect("some number is free");
    for suffix in SUFFIXES {
        let from = with_suffix(path, suffix);
        let moved = std::fs::rename(&from, with_suffix(&aside, suffix));
        unless_absent(moved).map_err(|source| StoreError::File { path: from, source })?;
    }
    Ok(aside)
}

/// Removes a file and its logs, if they are there.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    for suffix in SUFFIXES {
        let file = with_suffix(path, suffix);
        unless_absent(std::fs::remove_file(&file)).map_err(|source| StoreError::File { path: file, source })?;
    }
    Ok(())
}

/// What came of doing something to a file, where it is fine that there is none.
fn unless_absent(done: std::io::Result<()>) -> std::io::Result<()> {
    match done {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// What is told of a file that is not as SQLite left it.
pub(super) const DAMAGE: &str = "the file is no sound SQLite database";

/// Whether an error says that the file can't be trusted.
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<SqliteError>());
    let code = error.and_then(|error| error.code()).and_then(|code| code.parse::<u32>().ok());
    // SQLITE_CORRUPT and SQLITE_NOTADB; what stands above the low byte says where it was met.
    code.is_some_and(|code| matches!(code & 0xff, 11 | 26))
}

/// Has SQLite look at every page. Rows that were altered and are still rows show only when they are compared with a rebuild.
pub(super) async fn check(pool: &SqlitePool) -> Result<(), StoreError> {
    let found = sqlx::query_scalar::<_, String>("PRAGMA quick_check(1)").fetch_one(pool).await?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged(DAMAGE.to_owned())) }
}

fn options(path: &Path) -> SqliteConnectOptions {
    bare(path).pragma("cache_size", CACHE)
}

/// What does not touch the file when it is opened.
fn bare(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        .statement_cache_capacity(256)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes a rename durable.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}
