use super::*;
use crate::database::Database;
use crate::rows::TABLES;

/// The tables of the code are the tables of the migrations, column by column.
#[tokio::test]
async fn every_table_has_the_columns_that_rows_give() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open(&folder.path().join("p.sqlite")).await.expect("a database");
    let sql = "SELECT m.name, c.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c \
               WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\' ORDER BY m.name, c.cid";
    let found: Vec<(String, String)> = database.rows(sql, Vec::new()).await.expect("an answer");
    let mut made: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    found.iter().for_each(|(table, column)| made.entry(table).or_default().push(column));
    let written: BTreeMap<_, _> = TABLES.iter().map(|table| (table.name, sorted(table.columns.to_vec()))).collect();
    let made: BTreeMap<_, _> = made.into_iter().map(|(table, columns)| (table, sorted(columns))).collect();
    assert_eq!(made, written);
}

fn sorted(mut columns: Vec<&str>) -> Vec<&str> {
    columns.sort_unstable();
    columns
}
