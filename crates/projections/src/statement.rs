//! What insert statements of all engines share, and where their texts are kept.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::table::{Conflict, Table};

/// The texts of insert statements, by table and number of rows. A text that serves any number stands under none.
#[derive(Default)]
pub(crate) struct Inserts(HashMap<(&'static str, usize), SqlStr>);

impl Inserts {
    /// The text for so many rows of a table, made where there is none yet.
    pub(crate) fn text(&mut self, table: &Table, rows: usize, make: impl FnOnce() -> String) -> SqlStr {
        let text = self.0.entry((table.name, rows)).or_insert_with(|| {
            let text: Arc<str> = make().into();
            AssertSqlSafe(text).into_sql_str()
        });
        text.clone()
    }
}

/// `INSERT INTO t (…) … ON CONFLICT (…) …` around the rows to come, made of this crate's own names only.
pub(crate) fn insert_text(verb: &str, table: &Table, rows: &str) -> String {
    let Table { name, columns, key, conflict } = table;
    let insert = format!("{verb} INTO {name} ({}) {rows}", columns.join(", "));
    let update = |fixed: usize, rule: fn(&str, &str) -> String| {
        let rules: Vec<String> = columns[fixed..].iter().map(|column| rule(name, column)).collect();
        format!("{insert} ON CONFLICT ({}) DO UPDATE SET {}", columns[..*key].join(", "), rules.join(", "))
    };
    match conflict {
        Conflict::Refuse => insert,
        Conflict::Keep => format!("{insert} ON CONFLICT DO NOTHING"),
        Conflict::Replace { fixed } => update(*fixed, |_, column| format!("{column} = excluded.{column}")),
        Conflict::Complete => {
            update(*key, |name, column| format!("{column} = coalesce(excluded.{column}, {name}.{column})"))
        }
        Conflict::Add => update(*key, |name, column| format!("{column} = {name}.{column} + excluded.{column}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(conflict: Conflict) -> String {
        let table = Table { name: "t", columns: &["a", "b", "c"], key: 1, conflict };
        insert_text("INSERT", &table, "VALUES ($1, $2, $3)")
    }

    #[test]
    fn what_happens_to_a_row_that_is_there_is_said_in_sql_that_all_engines_know() {
        let insert = "INSERT INTO t (a, b, c) VALUES ($1, $2, $3)";
        assert_eq!(told(Conflict::Refuse), insert);
        assert_eq!(told(Conflict::Keep), format!("{insert} ON CONFLICT DO NOTHING"));
        assert_eq!(
            told(Conflict::Replace { fixed: 2 }),
            format!("{insert} ON CONFLICT (a) DO UPDATE SET c = excluded.c")
        );
        assert_eq!(
            told(Conflict::Complete),
            format!(
                "{insert} ON CONFLICT (a) DO UPDATE SET b = coalesce(excluded.b, t.b), c = coalesce(excluded.c, t.c)"
            )
        );
        assert_eq!(
            told(Conflict::Add),
            format!("{insert} ON CONFLICT (a) DO UPDATE SET b = t.b + excluded.b, c = t.c + excluded.c")
        );
    }
}
