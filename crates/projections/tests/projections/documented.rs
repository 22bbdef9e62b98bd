//! The README and the database agree.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::history;
use crate::stage::Theatre;

const README: &str = include_str!("../../README.md");

/// Asks as an analyst would, from outside.
fn ask(theatre: &Theatre, sql: &str) -> Vec<(String, String)> {
    let path = format!("sqlite://{}", theatre.database.path().display());
    theatre.run(async {
        let mut connection = SqliteConnection::connect(&path).await.expect("a connection");
        let answer = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("sound SQL");
        connection.close().await.expect("a good end");
        answer
    })
}

/// The words in backquotes.
fn documented() -> BTreeSet<&'static str> {
    let quoted = README.split('`').skip(1).step_by(2);
    quoted.flat_map(|quoted| quoted.split(", ")).map(str::trim).collect()
}

#[test]
fn every_table_view_and_column_of_a_table_is_described() {
    let theatre = Theatre::new(1);
    let schema = "SELECT m.name, CASE m.type WHEN 'table' THEN c.name ELSE m.name END \
                  FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c \
                  WHERE m.type IN ('table', 'view') AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
    let documented = documented();
    let headings: BTreeSet<&str> = README.lines().filter(|line| line.starts_with("### ")).collect();
    for (table, column) in ask(&theatre, schema) {
        let is_headed = documented.contains(&*table) || headings.iter().any(|heading| heading.contains(&table));
        assert!(is_headed, "{table} is not described");
        assert!(documented.contains(&*column), "{table}.{column} is not described");
    }
}

#[test]
fn every_question_of_the_readme_has_an_answer() {
    let mut theatre = Theatre::new(1);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    theatre.catch_up(10);
    let questions = README.split("```sql").nth(1).and_then(|rest| rest.split("```").next()).expect("questions");
    let asked = questions.split(';').filter(|question| !question.trim().is_empty());
    let answered = asked.map(|question| ask(&theatre, &format!("SELECT 'asked', count(*) || '' FROM ({question})")));
    assert_eq!(answered.count(), 5);
}

/// Reports that people use, over a history they can check by hand.
#[test]
fn the_reports_show_what_happened() {
    let mut theatre = Theatre::new(1);
    theatre.log.append(history::fulfilled(&theatre.log.codec.clone(), 1));
    theatre.log.append([history::event(history::request(2), 0, history::received(2))]);
    theatre.catch_up(10);
    let one = |sql| ask(&theatre, sql).into_iter().next().expect("a row");
    let (state, p99) = one("SELECT state, p99_ms || '' FROM v_stage_durations WHERE state = 'acknowledged'");
    assert_eq!((state.as_str(), p99), ("acknowledged", history::STEP_MS.to_string()));
    let (open, left) = one("SELECT state, (left_ms = due_by - received_at - age_ms) || '' FROM v_requests_open");
    assert_eq!((open.as_str(), left.as_str()), ("received", "1"));
    let (last, at) = one("SELECT kind, at FROM v_timeline ORDER BY at DESC");
    assert_eq!((last.as_str(), at.as_str()), ("closed", "2025-11-21T04:40:00.240Z"));
    let (fulfilled, open) = one("SELECT sum(fulfilled) || '', sum(open_requests) || '' FROM exchanges");
    assert_eq!((fulfilled.as_str(), open.as_str()), ("1", "1"));
    let (accepted, of) = one("SELECT count(*) || '', min(result) FROM v_submissions");
    assert_eq!((accepted.as_str(), of.as_str()), ("2", "accepted"));
}
