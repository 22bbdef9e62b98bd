//! A file of people: CSV with a header, its columns brought into the order of the fields.

use std::path::Path;

use csv::StringRecord;
use matching::Person;

use super::columns::{FIELDS, Mapping};
use crate::exit::Failure;

/// Rows of people.
pub(super) struct Sheet {
    rows: Vec<StringRecord>,
}

// === impl Sheet ===

impl Sheet {
    /// Reads a file. Columns that are not there say nothing, but for the key, without which no row can be named.
    pub(super) fn read(path: &Path, mapping: &Mapping) -> Result<Self, Failure> {
        let wrong = |what: String| Failure::Input(format!("{}: {what}", path.display()));
        let file = std::fs::File::open(path).map_err(|error| super::unopened(path, &error))?;
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
        let header = reader.headers().map_err(|error| wrong(format!("the header can't be read: {error}")))?.clone();
        let at = |column: &String| header.iter().position(|name| name == column);
        let places = FIELDS.map(|field| mapping.get(field).into_iter().flatten().filter_map(at).collect::<Vec<_>>());
        if places[0].is_empty() {
            let key = mapping.get("key").map(|columns| columns.join(", ")).unwrap_or_default();
            return Err(wrong(format!(
                "has no column {key}, the key of a row; its columns are {}. Name them with --columns",
                header.iter().collect::<Vec<_>>().join(", ")
            )));
        }
        if places[1..].iter().all(Vec::is_empty) {
            return Err(wrong(format!("has none of the columns {}; name them with --columns", FIELDS[1..].join(", "))));
        }
        let mut rows = Vec::new();
        let mut text = String::new();
        for (record, row) in reader.into_records().zip(2u64..) {
            let record = record.map_err(|error| wrong(format!("row {row}: {}", remedied(&error))))?;
            let mut ordered = StringRecord::with_capacity(record.as_slice().len(), FIELDS.len());
            for columns in &places {
                text.clear();
                for part in columns.iter().filter_map(|at| record.get(*at)).filter(|part| !part.is_empty()) {
                    text.push_str(if text.is_empty() { "" } else { " " });
                    text.push_str(part);
                }
                ordered.push_field(&text);
            }
            if ordered[0].is_empty() {
                return Err(wrong(format!(
                    "row {row}, column {}: the key is empty; give every row one",
                    header[places[0][0]].to_owned()
                )));
            }
            rows.push(ordered);
        }
        Ok(Self { rows })
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The key of a row.
    pub(super) fn key(&self, row: usize) -> &str {
        &self.rows[row][0]
    }

    /// Who a row speaks of.
    pub(super) fn person(&self, row: usize) -> Person<'_> {
        let row = &self.rows[row];
        Person {
            member_id: &row[1],
            subscriber_id: &row[2],
            group: &row[3],
            given: &row[4],
            middle: &row[5],
            family: &row[6],
            suffix: &row[7],
            dob: &row[8],
            sex: &row[9],
            street: &row[10],
            city: &row[11],
            state: &row[12],
            zip: &row[13],
            phone: &row[14],
            email: &row[15],
            ssn: &row[16],
            mbi: &row[17],
            also: &[],
        }
    }
}

/// What is wrong with a row, and what to do about it.
fn remedied(error: &csv::Error) -> String {
    if let csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
        return format!("has {len} fields where the header has {expected_len}; quote fields that hold commas");
    }
    if let csv::ErrorKind::Utf8 { err, .. } = error.kind() {
        return format!("field {} is not UTF-8; convert the file", err.field() + 1);
    }
    error.to_string()
}
