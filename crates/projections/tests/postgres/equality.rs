//! The same log makes the same rows on both engines, to the last character.

use std::collections::BTreeSet;

use projections::{Database, Location, Report, rebuild};
use proptest::prelude::*;
use sqlx::{Connection, SqliteConnection};

use crate::anything;
use crate::following::seeded;
use crate::history::{self, event};
use crate::stage::Theatre;

/// What a log makes in a SQLite file, and in a schema that has followed it.
fn rebuilt(theatre: &Theatre) -> (Report, Report) {
    let log = theatre.log.log();
    let folder = tempfile::tempdir().expect("a folder");
    let file = Location::File(folder.path().join("projections.sqlite"));
    let file = theatre.run(Database::open(file)).expect("a file");
    let in_file = theatre.run(rebuild(&log, &file, |_| {})).expect("rows");
    theatre.run(file.close());
    theatre.catch_up(16);
    (in_file, theatre.run(rebuild(&log, &theatre.database, |_| {})).expect("rows"))
}

/// The rows are the same in both, by one hash for each table.
fn of_both(theatre: &Theatre) -> Result<(), TestCaseError> {
    let (in_file, in_schema) = rebuilt(theatre);
    prop_assert_eq!(&in_file.rebuilt, &in_schema.rebuilt);
    prop_assert_eq!(Some(&in_file.rebuilt), in_schema.live.as_ref());
    Ok(())
}

#[test]
fn any_history_makes_the_same_rows_in_a_file_and_in_a_schema() {
    seeded(12, anything::history(), |history| {
        let mut theatre = Theatre::new(3);
        theatre.log.append(history);
        of_both(&theatre)
    });
}

/// What partners say may hold any character; quotation marks, controls and zeros are where renderings differ.
#[test]
fn texts_of_partners_make_the_same_rows_too() {
    let mut theatre = Theatre::new(1);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    for (number, reference) in
        [(2, "R\"-\\-'-/"), (3, "\u{1}\t\n\r\u{8}\u{c}\u{1f}\u{7f}"), (4, "a\0b"), (5, "é-𝄞-\u{2028}")]
    {
        let operation_id = domain::OperationId::of_send(history::request(number));
        let acknowledged = domain::EventBody::Acknowledged { operation_id, reference: reference.to_owned() };
        theatre.log.append([event(history::request(number), 0, history::received(number))]);
        theatre.log.append([event(history::request(number), 1, acknowledged)]);
    }
    of_both(&theatre).expect("equal rows");
    let rows = theatre.run(theatre.engine.ask("SELECT reference, '' FROM requests WHERE reference LIKE 'a%'"));
    assert_eq!(rows.first().map(|(reference, _)| reference.as_str()), Some("a\u{fffd}b"));
}

/// What analysts ask of one engine they may ask of the other: tables and views have the same columns.
#[test]
fn tables_and_views_have_the_same_columns() {
    let theatre = Theatre::new(1);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("projections.sqlite");
    let of_file: Vec<(String, String)> = theatre.run(async {
        Database::open(&path).await.expect("a file").close().await;
        let url = format!("sqlite://{}", path.display());
        let mut connection = SqliteConnection::connect(&url).await.expect("a connection");
        let sql = "SELECT m.name, c.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c \
                   WHERE m.type IN ('table', 'view')";
        sqlx::query_as(sql).fetch_all(&mut connection).await.expect("an answer")
    });
    let sql = "SELECT table_name::text, column_name::text FROM information_schema.columns \
               WHERE table_schema = current_schema()";
    let of_schema = theatre.run(theatre.engine.ask(sql));
    let sorted = |columns: Vec<(String, String)>| columns.into_iter().collect::<BTreeSet<_>>();
    assert_eq!(sorted(of_file), sorted(of_schema));
}
