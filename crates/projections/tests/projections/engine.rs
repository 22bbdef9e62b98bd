//! SQLite, as the cases of both engines need it.

use std::path::{Path, PathBuf};

use projections::Location;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tempfile::TempDir;

/// Has the database refuse to take events: what stands for a full disk.
pub(crate) const REFUSE: &str =
    "CREATE TRIGGER full BEFORE INSERT ON timeline BEGIN SELECT raise(ABORT, 'disk full'); END";
/// Has it take them again.
pub(crate) const ALLOW: &str = "DROP TRIGGER full";
/// Each table with its columns, and each view with its own name.
pub(crate) const SCHEMA: &str = "SELECT m.name, CASE m.type WHEN 'table' THEN c.name ELSE m.name END \
     FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c \
     WHERE m.type IN ('table', 'view') AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'";

/// A place for one test's projections: a file in a folder of its own.
pub(crate) struct Engine(TempDir);

impl Engine {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn location(&self) -> Location {
        Location::File(self.path())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder().join("projections.sqlite")
    }

    /// Runs statements as another program would.
    pub(crate) async fn sql(&self, statements: &'static str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(statements).execute(&mut connection).await.expect("sound SQL");
        connection.close().await.expect("a good end");
    }

    /// Asks as an analyst would, from outside.
    pub(crate) async fn ask(&self, sql: &str) -> Vec<(String, String)> {
        let mut connection = self.connect().await;
        let answer = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("sound SQL");
        connection.close().await.expect("a good end");
        answer
    }

    async fn connect(&self) -> SqliteConnection {
        let url = format!("sqlite://{}", self.path().display());
        SqliteConnection::connect(&url).await.expect("a connection")
    }
}
