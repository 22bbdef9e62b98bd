//! What is peculiar to Postgres: how a schema is reached, migrated, held by one projector, replaced.
//!
//! All tables of one set of projections stand in one schema, which every connection has as its search path: statements name tables
//! alone. One set takes another one's place by two renames in one transaction.

mod rows;

use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, PgConnection, PgPool, Postgres, Transaction};

use super::location::Server;
use super::{Connection, Location, Mode, StoreError};
use crate::rows::TABLES;

pub(super) use rows::{ROWS_MAX, arguments, each_row, insert};

static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!("migrations/postgres");
    // Its own lock is one for the whole server's database; ours is one for each schema.
    migrator.set_locking(false);
    migrator
});

/// The migration that makes the tables; those after it make indexes and views.
const TABLES_ONLY: i64 = 1;
const READERS_MAX: u32 = 4;
/// How long a reader waits for a connection, also to a server that is away.
const READERS_WAIT: Duration = Duration::from_secs(5);
/// How long a connection may take to come about: a server that drops packets never says no.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// What holds for the session that writes.
const WRITING: [(&str, &str); 6] = [
    // A plan that was right for an empty table would read all of a full one.
    ("plan_cache_mode", "force_custom_plan"),
    // A crash may lose the last batches, offsets included: they are projected again.
    ("synchronous_commit", "off"),
    // Also how long one projector waits for another one's session to end.
    ("lock_timeout", "2s"),
    // A machine that vanishes must not hold the projections for hours.
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// Has the server notice in the middle of a statement that nobody waits for it any more; before version 14 it can't.
const WATCH_CLIENT: &str = "SELECT set_config('client_connection_check_interval', '1s', false) \
                            WHERE 140000 <= current_setting('server_version_num')::int";

/// A connection whose statements are about one schema.
pub(crate) struct Session {
    connection: PgConnection,
    server: Server,
    /// Whether this session is the one that projects.
    is_holder: bool,
}

// === impl Session ===

impl Session {
    /// A session that writes. Scratch begins with nothing, and holds the schema from then on.
    pub(super) async fn writing(server: &Server, mode: Mode) -> Result<Self, StoreError> {
        let mut session = Self::connect_to_write(server).await?;
        match mode {
            Mode::Durable => session.prepare(None).await?,
            Mode::Scratch => {
                session.hold().await?;
                session.run(format!("DROP SCHEMA IF EXISTS {} CASCADE", quoted(server))).await?;
                session.prepare(Some(TABLES_ONLY)).await?;
            }
        }
        Ok(session)
    }

    /// A session that only reads.
    pub(super) async fn reading(server: &Server) -> Result<Self, StoreError> {
        Self::connect(server, read_only(server)).await
    }

    /// A transaction that sees one moment throughout.
    pub(super) async fn snapshot(&mut self) -> Result<Transaction<'_, Postgres>, StoreError> {
        Ok(self.connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
    }

    pub(super) async fn begin(&mut self) -> Result<Transaction<'_, Postgres>, StoreError> {
        Ok(self.connection.begin().await?)
    }

    /// Makes what a scratch schema was loaded without.
    pub(super) async fn complete(&mut self) -> Result<(), StoreError> {
        self.migrate(None).await?;
        self.run(format!("ANALYZE {}", TABLES.map(|table| table.name).join(", "))).await
    }

    /// Becomes the one session that projects into this schema, until it ends or lets go; the answer is whether it was not before.
    pub(super) async fn hold(&mut self) -> Result<bool, StoreError> {
        if self.is_holder {
            return Ok(false);
        }
        let held = self.lock("projects").await;
        held.map_err(|error| if is_wait_over(&error) { self.taken() } else { error.into() })?;
        self.is_holder = true;
        Ok(true)
    }

    pub(super) async fn let_go(&mut self) -> Result<(), StoreError> {
        self.is_holder = false;
        self.run("SELECT pg_advisory_unlock_all()".to_owned()).await
    }

    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }

    async fn connect_to_write(server: &Server) -> Result<Self, StoreError> {
        let mut session = Self::connect(server, options(server).options(WRITING)).await?;
        session.run(WATCH_CLIENT.to_owned()).await?;
        Ok(session)
    }

    async fn connect(server: &Server, options: PgConnectOptions) -> Result<Self, StoreError> {
        let connection = tokio::time::timeout(CONNECT_MAX, options.connect()).await;
        let connection = connection.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())));
        let connection = connection.map_err(|error| unreachable(server, error))?;
        Ok(Self { connection, server: server.clone(), is_holder: false })
    }

    /// Makes the schema where there is none, and migrates it; one session at a time.
    async fn prepare(&mut self, target: Option<i64>) -> Result<(), StoreError> {
        self.lock("prepares").await?;
        if !self.exists(self.server.schema().to_owned()).await? {
            let made = self.run(format!("CREATE SCHEMA {}", quoted(&self.server))).await;
            made.map_err(|error| self.refused(error))?;
        }
        self.migrate(target).await?;
        self.unlock("prepares").await
    }

    async fn migrate(&mut self, target: Option<i64>) -> Result<(), StoreError> {
        // The generic `run` makes futures that no other thread may take over.
        let migrated = MIGRATOR.run_direct(target, &mut self.connection, false).await;
        migrated.map_err(|error| {
            if let MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) = error {
                return self.refused(error.into());
            }
            StoreError::OtherVersion
        })
    }

    async fn exists(&mut self, schema: String) -> Result<bool, StoreError> {
        let asked = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
        Ok(sqlx::query_scalar(asked).bind(schema).fetch_one(&mut self.connection).await?)
    }

    /// Takes one of this schema's locks, which lasts as long as the session.
    async fn lock(&mut self, what: &str) -> Result<(), sqlx::Error> {
        let sql = "SELECT pg_advisory_lock(hashtextextended($1, 0))";
        sqlx::query(sql).bind(self.lock_name(what)).execute(&mut self.connection).await.map(|_| ())
    }

    async fn unlock(&mut self, what: &str) -> Result<(), StoreError> {
        let sql = "SELECT pg_advisory_unlock(hashtextextended($1, 0))";
        sqlx::query(sql).bind(self.lock_name(what)).execute(&mut self.connection).await?;
        Ok(())
    }

    fn lock_name(&self, what: &str) -> String {
        format!("waybill {what} {}", self.server.schema())
    }

    /// Runs statements made of this crate's own names only.
    async fn run(&mut self, statements: String) -> Result<(), StoreError> {
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut self.connection).await?;
        Ok(())
    }

    fn taken(&self) -> StoreError {
        StoreError::Taken { place: Location::Postgres(self.server.clone()) }
    }

    /// Says what to do where Postgres refuses to make what is needed.
    fn refused(&self, error: StoreError) -> StoreError {
        let StoreError::Unavailable { what, source } = error else { return error };
        let (server, schema) = (&self.server, self.server.schema());
        let what = match code(&source).as_deref() {
            Some("42501") => {
                format!("its user may not make the schema {schema} at {server}: grant it CREATE on the database")
            }
            Some("42P07") => {
                format!(
                    "the schema {schema} at {server} holds tables of somebody else: name another one by ?schema=NAME"
                )
            }
            Some(_) | None => what,
        };
        StoreError::Unavailable { what, source }
    }
}

// === impl Server ===

/// A pool that only reads, and connects when it is asked.
pub(super) fn readers(server: &Server) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(READERS_MAX).acquire_timeout(READERS_WAIT);
    pool.connect_lazy_with(read_only(server))
}

/// What the server's clock shows, in milliseconds since 1970.
pub(super) async fn clock_ms(pool: &PgPool) -> Result<i64, StoreError> {
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    Ok(sqlx::query_scalar(sql).fetch_one(pool).await?)
}

/// Puts one schema in place of another one, at once for everybody.
///
/// Who has begun to read the old rows goes on with them, so these are dropped only afterwards. Whoever reads on for long keeps them
/// from that: they stay under the name they were retired to, and the next replacement tries again.
pub(super) async fn replace(connection: &mut Connection, server: &Server, by: &Server) -> Result<(), StoreError> {
    let Connection::Postgres(session) = connection else { unreachable!("a schema is reached over Postgres") };
    let retired = session.free_name("retired").await?;
    let rename = |from: &Server, to: &Server| format!("ALTER SCHEMA {} RENAME TO {};", quoted(from), quoted(to));
    session.run(format!("BEGIN; {} {} COMMIT", rename(server, &retired), rename(by, server))).await?;
    if let Err(error) = session.drop_retired().await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "the rows that were replaced are still read, and will be dropped the next time");
    }
    Ok(())
}

/// Renames a schema to a name that is free.
pub(super) async fn set_aside(server: &Server) -> Result<Server, StoreError> {
    let mut session = Session::connect_to_write(server).await?;
    session.hold().await?;
    let aside = session.free_name("aside").await?;
    if session.exists(server.schema().to_owned()).await? {
        session.run(format!("ALTER SCHEMA {} RENAME TO {}", quoted(server), quoted(&aside))).await?;
    }
    session.close().await?;
    Ok(aside)
}

/// Drops a schema with everything in it.
pub(super) async fn remove(server: &Server) -> Result<(), StoreError> {
    let mut session = Session::connect_to_write(server).await?;
    session.hold().await?;
    session.run(format!("DROP SCHEMA IF EXISTS {} CASCADE", quoted(server))).await?;
    Ok(session.close().await?)
}

/// Whether there is a schema of this name.
pub(super) async fn is_there(server: &Server) -> Result<bool, StoreError> {
    let mut session = Session::reading(server).await?;
    let is_there = session.exists(server.schema().to_owned()).await?;
    session.close().await?;
    Ok(is_there)
}

impl Session {
    async fn free_name(&mut self, name: &str) -> Result<Server, StoreError> {
        let mut number = 1;
        loop {
            let free = self.server.beside(&format!("{name}_{number}"));
            if !self.exists(free.schema().to_owned()).await? {
                return Ok(free);
            }
            number += 1;
        }
    }

    /// Views first: whoever reads one has locked it before its tables, and a drop in another order could meet it half-way.
    async fn drop_retired(&mut self) -> Result<(), StoreError> {
        let asked = "SELECT n.nspname, coalesce(string_agg(format('%I.%I', n.nspname, c.relname), ', '), '') \
                     FROM pg_namespace AS n LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind = 'v' \
                     WHERE n.nspname ~ ('^' || $1 || '_retired_[0-9]+$') GROUP BY n.nspname";
        let schema = self.server.schema().to_owned();
        let retired: Vec<(String, String)> = sqlx::query_as(asked).bind(schema).fetch_all(&mut self.connection).await?;
        for (schema, views) in retired {
            let views = if views.is_empty() { views } else { format!("DROP VIEW {views};") };
            self.run(format!("{views} DROP SCHEMA \"{schema}\" CASCADE")).await?;
        }
        Ok(())
    }
}

/// What is told of a schema in which something is missing, or of pages that Postgres can't read.
pub(super) const DAMAGE: &str = "Postgres finds tables or columns missing, or can't read its own pages";

/// Whether an error says that the schema can't be trusted.
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    // Missing: a table, a column, a schema. Corrupted: data, an index.
    code(error).is_some_and(|code| matches!(&*code, "42P01" | "42703" | "3F000" | "XX001" | "XX002"))
}

fn is_wait_over(error: &sqlx::Error) -> bool {
    code(error).as_deref() == Some("55P03")
}

/// What Postgres calls an error.
fn code(error: &sqlx::Error) -> Option<String> {
    let error = error.as_database_error()?.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
    Some(error.code().to_owned())
}

fn unreachable(server: &Server, source: sqlx::Error) -> StoreError {
    let what = format!(
        "{server} can't be reached: see that the server runs, that the URL is right, and that it lets its user in"
    );
    StoreError::Unavailable { what, source }
}

fn quoted(server: &Server) -> String {
    format!("\"{}\"", server.schema())
}

fn read_only(server: &Server) -> PgConnectOptions {
    options(server).options([("default_transaction_read_only", "on")])
}

fn options(server: &Server) -> PgConnectOptions {
    let schema = server.schema();
    server
        .options()
        .clone()
        .application_name(&format!("waybill projections {schema}"))
        .statement_cache_capacity(256)
        // That what is there need not be made again is nothing for a log, and compiling takes longer than what we ask.
        .options([("search_path", schema), ("client_min_messages", "warning"), ("jit", "off")])
        .disable_statement_logging()
}
