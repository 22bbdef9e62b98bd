//! The README and the database agree.

use std::collections::BTreeSet;

use crate::engine;
use crate::history;
use crate::stage::Theatre;

const README: &str = include_str!("../../README.md");

fn ask(theatre: &Theatre, sql: &str) -> Vec<(String, String)> {
    theatre.run(theatre.engine.ask(sql))
}

/// The words in backquotes.
fn documented() -> BTreeSet<&'static str> {
    let quoted = README.split('`').skip(1).step_by(2);
    quoted.flat_map(|quoted| quoted.split(", ")).map(str::trim).collect()
}

#[test]
fn every_table_view_and_column_of_a_table_is_described() {
    let theatre = Theatre::new(1);
    let documented = documented();
    let headings: BTreeSet<&str> = README.lines().filter(|line| line.starts_with("### ")).collect();
    for (table, column) in ask(&theatre, engine::SCHEMA) {
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
    let answered =
        asked.map(|question| ask(&theatre, &format!("SELECT 'asked', count(*) || '' FROM ({question}) AS answers")));
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
    let (open, left) = one("SELECT state, (left_ms - due_by + received_at + age_ms) || '' FROM v_requests_open");
    assert_eq!((open.as_str(), left.as_str()), ("received", "0"));
    let (last, at) = one("SELECT kind, at FROM v_timeline ORDER BY at DESC");
    assert_eq!((last.as_str(), at.as_str()), ("closed", "2025-11-21T04:40:00.240Z"));
    let (fulfilled, open) = one("SELECT sum(fulfilled) || '', sum(open_requests) || '' FROM exchanges");
    assert_eq!((fulfilled.as_str(), open.as_str()), ("1", "1"));
    let (accepted, of) = one("SELECT count(*) || '', min(result) FROM v_submissions");
    assert_eq!((accepted.as_str(), of.as_str()), ("2", "accepted"));
}
