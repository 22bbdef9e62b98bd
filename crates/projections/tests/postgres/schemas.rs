//! What is peculiar to schemas: one takes another one's place under its readers, one projector holds each, roles may or may not.

use std::cell::Cell;

use projections::queries::{accounts, request};
use projections::{Database, Location, RebuildError, StoreError, rebuild};
use sqlx::{Connection, PgConnection};

use crate::history;
use crate::stage::Theatre;

/// Readers never see half a schema, nor an error, while one takes the place of another.
#[test]
fn readers_read_on_while_rebuilt_schemas_take_their_place() {
    let mut theatre = Theatre::new(3);
    let codec = theatre.log.codec.clone();
    theatre.log.append((0..50).flat_map(|number| history::fulfilled(&codec, number)));
    theatre.catch_up(64);
    let (log, database, is_over) = (theatre.log.log(), &theatre.database, Cell::new(false));
    let reading = async {
        let mut answers = 0;
        while !is_over.get() {
            let account = accounts::of_log(database).await.expect("an answer");
            assert_eq!((account.events, account.anomalies), (350, 0));
            let told = theatre.engine.ask("SELECT min(state), count(*) || '' FROM v_timeline").await;
            assert_eq!(told[0].1, "350");
            answers += 1;
        }
        answers
    };
    let rebuilding = async {
        for _ in 0..6 {
            rebuild(&log, database, |_| {}).await.expect("both are equal");
        }
        is_over.set(true);
    };
    let (answers, ()) = theatre.run(async { tokio::join!(reading, rebuilding) });
    assert!(6 < answers, "{answers} answers are too few to have met a replacement");
    assert_eq!(beside(&theatre), [] as [&str; 0]);
}

/// Somebody who reads for hours holds up no rebuild; the rows that were replaced go when he has ended.
#[test]
fn a_long_reader_keeps_what_he_began_with_and_holds_up_nobody() {
    let mut theatre = Theatre::new(1);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    theatre.catch_up(10);
    let log = theatre.log.log();
    let url = std::env::var("WAYBILL_TEST_POSTGRES").expect("a server");
    theatre.run(async {
        let mut reader = PgConnection::connect(&url).await.expect("a connection");
        let table = format!("SELECT count(*) FROM {}.timeline", theatre.engine.schema());
        let mut tx = reader.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await.expect("a transaction");
        let count = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(table.as_str()));
        assert_eq!(count.fetch_one(&mut *tx).await.expect("an answer"), 7);
        rebuild(&log, &theatre.database, |_| {}).await.expect("nobody is in the way");
        assert_eq!(beside_now(&theatre).await, ["retired_1"]);
        tx.commit().await.expect("a good end");
        rebuild(&log, &theatre.database, |_| {}).await.expect("nobody is in the way");
        assert_eq!(beside_now(&theatre).await, [] as [&str; 0]);
        reader.close().await.expect("a good end");
    });
}

/// The second one says why it waits, and takes the place of the first once that has ended.
#[test]
fn of_two_projectors_one_waits_for_the_other_ones_end() {
    let mut theatre = Theatre::new(2);
    let codec = theatre.log.codec.clone();
    let (mut one, mut other) = (theatre.live(16), theatre.live_elsewhere(16));
    theatre.log.append(history::fulfilled(&codec, 0));
    theatre.reach_end(&mut one);
    theatre.log.append((1..20).flat_map(|number| history::fulfilled(&codec, number)));
    let waits = theatre.run(async {
        tokio::select! {
            waits = one.status.wait_for(|status| status.failing.is_some()) => waits.expect("it runs").clone(),
            waits = other.status.wait_for(|status| status.failing.is_some()) => waits.expect("it runs").clone(),
        }
    });
    let why = waits.failing.expect("it waits");
    assert!(why.starts_with("another program projects into postgres://"), "{why}");
    let elsewhere = theatre.run(Database::open(theatre.database.location())).expect("reading is free");
    let refused = theatre.run(rebuild(&theatre.log.log(), &elsewhere, |_| {})).expect_err("it is held");
    assert!(matches!(refused, RebuildError::Store(StoreError::Taken { .. })), "{refused}");
    let refused = theatre.run(Database::set_aside(theatre.database.location())).expect_err("it is held");
    assert!(matches!(refused, StoreError::Taken { .. }), "{refused}");
    theatre.stop(one);
    theatre.log.append((20..30).flat_map(|number| history::fulfilled(&codec, number)));
    theatre.reach_end(&mut other);
    theatre.stop(other);
    theatre.run(rebuild(&theatre.log.log(), &elsewhere, |_| {})).expect("both are equal, and nobody holds it");
    theatre.log.append(history::fulfilled(&codec, 30));
    assert_eq!(theatre.catch_up(16).failures, 0, "the rebuild has let go");
}

#[test]
fn rows_that_somebody_dropped_are_made_anew_under_way() {
    let mut theatre = Theatre::new(2);
    let codec = theatre.log.codec.clone();
    theatre.log.append(history::fulfilled(&codec, 1));
    theatre.catch_up(10);
    theatre.sql("DROP TABLE attempts CASCADE");
    theatre.log.append(history::fulfilled(&codec, 2));
    let mut live = theatre.live(10);
    theatre.reach_end(&mut live);
    theatre.stop(live);
    for number in [1, 2] {
        let found = theatre.run(request::by_id(&theatre.database, history::request(number))).expect("an answer");
        assert_eq!(found.expect("a request").state, "closed");
    }
    assert_eq!(beside(&theatre), ["aside_1"]);
}

#[test]
fn a_schema_of_somebody_else_is_left_alone() {
    let theatre = Theatre::new(1);
    theatre.run(
        theatre.engine.sql(&format!(
            "CREATE SCHEMA {0}_theirs; CREATE TABLE {0}_theirs.requests (id INT)",
            theatre.engine.schema()
        )),
    );
    let theirs = theatre.engine.location().beside("theirs");
    let refused = theatre.run(Database::open(&theirs)).err().expect("it is somebody else's");
    assert!(refused.to_string().contains("holds tables of somebody else: name another one by ?schema="), "{refused}");
    assert_eq!(beside(&theatre), ["theirs"]);
}

/// The statements of the README: one role makes the schemas, the other one reads them, before a rebuild as after it.
#[test]
fn the_documented_rights_are_enough_and_outlive_a_rebuild() {
    let mut theatre = Theatre::new(1);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    let (writer, reader) = (format!("{}_w", theatre.engine.schema()), format!("{}_r", theatre.engine.schema()));
    let readme = include_str!("../../README.md");
    let rights = readme.split("### Rights").nth(1).and_then(|rest| rest.split("```").nth(1)).expect("statements");
    let rights = rights.trim_start_matches("sql").replace("waybill_reader", &reader).replace("waybill_writer", &writer);
    let rights = rights.replace("DATABASE waybill", "DATABASE postgres");
    theatre.run(theatre.engine.sql(&format!("CREATE ROLE {writer} LOGIN")));
    let url = std::env::var("WAYBILL_TEST_POSTGRES").expect("a server");
    let place = |role: &str| {
        let url = url.replace("postgres@", &format!("{role}@"));
        format!("{url}?schema={}_rights", theatre.engine.schema()).parse::<Location>().expect("a location")
    };
    let refused = theatre.run(Database::open(&place(&writer))).err().expect("it may not yet");
    assert!(refused.to_string().contains("grant it CREATE on the database"), "{refused}");
    theatre.run(theatre.engine.sql(&format!("DROP ROLE {writer}; {rights}")));
    let log = theatre.log.log();
    theatre.run(async {
        let database = Database::open(&place(&writer)).await.expect("it may");
        for _ in 0..2 {
            rebuild(&log, &database, |_| {}).await.expect("it may");
            let mut connection =
                PgConnection::connect(&url.replace("postgres@", &format!("{reader}@"))).await.expect("in");
            let sql = format!("SELECT count(*) FROM {}_rights.v_timeline", theatre.engine.schema());
            let count = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await;
            assert_eq!(count.expect("it may read"), 7);
            let sql = format!("DELETE FROM {}_rights.timeline", theatre.engine.schema());
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.expect_err("it may not write");
            connection.close().await.expect("a good end");
        }
        database.discard().await.expect("it is its own");
        for role in [&reader, &writer] {
            theatre.engine.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
        }
    });
}

#[test]
fn a_server_that_is_away_is_told_with_its_remedy_and_without_a_password() {
    let location: Location = "postgres://writer:s3cret@127.0.0.1:1/claims".parse().expect("a location");
    let theatre = Theatre::new(1);
    let error = theatre.run(Database::open(&location)).err().expect("nobody is there");
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    let told = error.to_string();
    assert!(
        told.starts_with("postgres://writer@127.0.0.1:1/claims?schema=waybill can't be reached: see that"),
        "{told}"
    );
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
}

/// What lies beside the schema of a test.
fn beside(theatre: &Theatre) -> Vec<String> {
    theatre.run(beside_now(theatre))
}

async fn beside_now(theatre: &Theatre) -> Vec<String> {
    let schema = theatre.engine.schema();
    let sql =
        format!("SELECT substr(nspname, {}), '' FROM pg_namespace WHERE nspname ~ '^{schema}_'", schema.len() + 2);
    theatre.engine.ask(&sql).await.into_iter().map(|(name, _)| name).collect()
}
