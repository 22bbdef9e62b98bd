//! Answers for people: fields under each other, lists as tables, spans in the unit that suits them. `--json` gives the same answer
//! as it is.

use std::io::{ErrorKind, Write as _};

use domain::Timestamp;
use serde_json::{Map, Value};

use crate::exit::Failure;

/// The widest a column gets; plain text in the last one is as wide as it is.
const CELL_MAX: usize = 60;
/// How much of a group of fields is shown in the last column; `--json` has all of it.
const FIELDS_MAX: usize = 120;

/// Tells standard output.
pub(crate) fn print(answer: &Value, json: bool) -> Result<(), Failure> {
    tell(&if json { format!("{answer}\n") } else { rendered(answer) })
}

/// Tells standard output this text. Whoever reads it may have seen enough and gone.
pub(crate) fn tell(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Disk(format!("the answer can't be written: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The text for people.
pub(crate) fn rendered(answer: &Value) -> String {
    match answer {
        Value::Array(rows) => table(rows),
        Value::Object(fields) => sections(fields),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => format!("{}\n", cell(plain)),
    }
}

/// Plain fields first, without those that are empty, then each list under its name.
fn sections(fields: &Map<String, Value>) -> String {
    let is_list = |value: &Value| value.as_array().is_some_and(|rows| rows.iter().any(Value::is_object));
    let width = fields.keys().map(|name| title(name).len()).max().unwrap_or(0);
    let mut text = String::new();
    let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    for (name, value) in fields.iter().filter(|(_, value)| !is_list(value) && !is_empty(value)) {
        text.push_str(&format!("{:<width$}  {}\n", title(name), field(name, value)));
    }
    for (name, value) in fields {
        if let Some(rows) = value.as_array().filter(|_| is_list(value)) {
            text.push_str(&format!("\n{}\n{}", title(name), table(rows)));
        }
    }
    text
}

/// Rows of objects with the same fields; columns that are empty in all rows are left out.
fn table(rows: &[Value]) -> String {
    table_within(rows, CELL_MAX)
}

/// The same with nothing cut, where people compare what stands there.
pub(crate) fn whole_table(rows: &[Value]) -> String {
    table_within(rows, usize::MAX)
}

fn table_within(rows: &[Value], cell_max: usize) -> String {
    let Some(Value::Object(first)) = rows.first() else {
        return if rows.is_empty() { "none\n".into() } else { rows.iter().map(|row| cell(row) + "\n").collect() };
    };
    let is_used = |name: &&String| rows.iter().any(|row| !cell(&row[name.as_str()]).is_empty());
    let names: Vec<&String> = first.keys().filter(is_used).collect();
    let mut lines: Vec<Vec<String>> = vec![names.iter().map(|name| title(name)).collect()];
    let last = names.len().saturating_sub(1);
    lines.extend(rows.iter().map(|row| {
        let cells = names.iter().enumerate().map(|(column, name)| {
            let (value, text) = (&row[name.as_str()], field(name, &row[name.as_str()]));
            match column == last {
                true if value.is_object() => shortened(text, FIELDS_MAX),
                true => text,
                false => shortened(text, cell_max),
            }
        });
        cells.collect()
    }));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(line).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => (if *yes { "yes" } else { "no" }).to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("{name}={}", field(name, value));
            let is_set = |(_, value): &(&String, &Value)| !value.is_null();
            fields.iter().filter(is_set).map(field).collect::<Vec<_>>().join(" ")
        }
    }
}

fn shortened(text: String, width: usize) -> String {
    if text.chars().count() <= width {
        return text;
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

/// A field's name, as a heading; its unit is told with each value.
fn title(name: &str) -> String {
    let units = [SPAN, SHARE, WEIGHT];
    units.iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name).replace('_', " ")
}

/// A field's value; what is named as a span or a moment is shown as one.
fn field(name: &str, value: &Value) -> String {
    match value.as_i64() {
        Some(ms) if name.ends_with(SPAN) => u64::try_from(ms).map_or_else(|_| cell(value), span),
        Some(ppm) if name.ends_with(SHARE) => format!("{}.{:02} %", ppm / 10_000, ppm % 10_000 / 100),
        Some(centibits) if name.ends_with(WEIGHT) => weight(centibits),
        Some(ms) if MOMENTS.iter().any(|end| name.ends_with(end)) => Timestamp(ms).to_string(),
        _ => cell(value),
    }
}

/// The end of a span's name.
const SPAN: &str = "_ms";
/// The end of a probability's name, in parts per million.
const SHARE: &str = "_ppm";
/// The end of a weight's name, in hundredths of a bit.
const WEIGHT: &str = "_centibits";
/// The ends of a moment's name.
const MOMENTS: [&str; 3] = ["_at", "_by", "_end"];

/// A weight in bits: each doubles the odds.
fn weight(centibits: i64) -> String {
    let sign = if centibits < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", centibits.unsigned_abs() / 100, centibits.unsigned_abs() % 100)
}

/// A span in the two units that suit it.
fn span(ms: u64) -> String {
    let (s, min, h, d) = (ms / 1_000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", s, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{min} min {} s", s % 60),
        3_600_000..172_800_000 => format!("{h} h {} min", min % 60),
        _ => format!("{d} d {} h", h % 24),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_tables_without_empty_columns() {
        let rows = json!([{"id": "a", "code": null, "count": 1}, {"id": "bcd", "code": null, "count": 22}]);
        assert_eq!(rendered(&rows), "id   count\na    1\nbcd  22\n");
        assert_eq!(rendered(&json!([])), "none\n");
    }

    #[test]
    fn fields_come_before_the_lists_among_them() {
        let answer = json!({"steps": [{"by": "intake"}], "request_id": "x", "fields": ["a", "b"]});
        assert_eq!(rendered(&answer), "request id  x\nfields      a, b\n\nsteps\nby\nintake\n");
    }

    #[test]
    fn fields_at_the_end_of_a_row_are_cut_and_text_is_not() {
        let long = "x".repeat(200);
        let rows = json!([{"id": "a", "detail": {"of": long}}]);
        assert!(rendered(&rows).lines().all(|line| line.chars().count() <= FIELDS_MAX + 4));
        assert!(rendered(&json!([{"id": "a", "hint": long}])).contains(&long));
    }

    #[test]
    fn spans_are_told_in_units_that_suit_them() {
        let answer =
            json!({"after_ms": 7, "oldest_ms": 61_500, "took_ms": null, "rows": [{"lag_oldest_ms": 200_000_000}]});
        assert_eq!(rendered(&answer), "after   7 ms\noldest  1 min 1 s\n\nrows\nlag oldest\n2 d 7 h\n");
        assert_eq!(
            cell(&json!({"retry_at": 0, "backoff_ms": 20})),
            "retry_at=1970-01-01T00:00:00.000Z backoff_ms=20 ms"
        );
        assert_eq!(
            cell(&json!({"probability_ppm": 994_301, "margin_centibits": -7})),
            "probability_ppm=99.43 % margin_centibits=-0.07"
        );
        assert_eq!(span(1_960), "1.9 s");
        assert_eq!(span(3_660_000), "1 h 1 min");
    }
}
