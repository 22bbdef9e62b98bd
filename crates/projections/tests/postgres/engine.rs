//! Postgres, as the cases of both engines need it.

use std::sync::atomic::{AtomicU32, Ordering};

use projections::Location;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Has the database refuse to take events: what stands for a full disk.
pub(crate) const REFUSE: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql \
     AS $$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END $$; \
     CREATE TRIGGER full_disk BEFORE INSERT ON timeline FOR EACH ROW EXECUTE FUNCTION refuse()";
/// Has it take them again.
pub(crate) const ALLOW: &str = "DROP TRIGGER full_disk ON timeline";
/// Each table with its columns, and each view with its own name.
pub(crate) const SCHEMA: &str = "SELECT c.table_name::text, \
            CASE t.table_type WHEN 'BASE TABLE' THEN c.column_name ELSE c.table_name END::text \
     FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name) \
     WHERE c.table_schema = current_schema() AND c.table_name NOT LIKE '\\_sqlx%'";

/// A place for one test's projections: a schema of its own, dropped with all that came to lie beside it.
pub(crate) struct Engine {
    url: String,
    schema: String,
}

impl Engine {
    pub(crate) fn new() -> Self {
        let url =
            std::env::var("WAYBILL_TEST_POSTGRES").expect("WAYBILL_TEST_POSTGRES names a server; see `make broker`");
        Self::at(url)
    }

    /// A place on another server.
    pub(crate) fn at(url: String) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { url, schema: format!("waybill_test_{}_{number}", std::process::id()) }
    }

    pub(crate) fn location(&self) -> Location {
        format!("{}?schema={}", self.url, self.schema).parse().expect("a location")
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// Runs statements as another program would.
    pub(crate) async fn sql(&self, statements: &str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.expect("sound SQL");
        connection.close().await.expect("a good end");
    }

    /// Asks as an analyst would, from outside.
    pub(crate) async fn ask(&self, sql: &str) -> Vec<(String, String)> {
        let mut connection = self.connect().await;
        let answer = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("sound SQL");
        connection.close().await.expect("a good end");
        answer
    }

    async fn connect(&self) -> PgConnection {
        let mut connection = PgConnection::connect(&self.url).await.expect("a connection");
        let path = format!("SET search_path = {}", self.schema);
        sqlx::raw_sql(AssertSqlSafe(path)).execute(&mut connection).await.expect("a schema");
        connection
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let left = format!("SELECT nspname::text, '' FROM pg_namespace WHERE nspname ~ '^{}(_|$)'", self.schema);
        runtime.block_on(async {
            for (schema, _) in self.ask(&left).await {
                self.sql(&format!("DROP SCHEMA {schema} CASCADE")).await;
            }
        });
    }
}
