//! A roster, claims against it, and the truth about them: read from a folder or made by the sandbox.

use std::collections::BTreeMap;
use std::path::Path;

use matching::Person;

/// Rows of named columns.
pub(crate) struct Rows {
    columns: BTreeMap<String, usize>,
    rows: Vec<csv::StringRecord>,
}

/// A roster, claims and truth.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) roster: Rows,
    pub(crate) queries: Rows,
    /// By query: the member ids that are right, none for somebody who is absent.
    pub(crate) truth: BTreeMap<String, Vec<String>>,
}

// === impl Rows ===

impl Rows {
    fn read(path: &Path) -> Self {
        let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let header = reader.headers().expect("a header").clone();
        let columns = header.iter().enumerate().map(|(at, name)| (name.to_owned(), at)).collect();
        Self { columns, rows: reader.records().map(|row| row.expect("a row")).collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A field of a row; empty where there is no such column.
    pub(crate) fn field(&self, row: usize, column: &str) -> &str {
        self.columns.get(column).and_then(|at| self.rows[row].get(*at)).unwrap_or_default()
    }

    pub(crate) fn person(&self, row: usize) -> Person<'_> {
        let field = |column| self.field(row, column);
        Person {
            member_id: field("member_id"),
            subscriber_id: field("subscriber_id"),
            group: field("group"),
            given: field("given"),
            middle: field("middle"),
            family: field("family"),
            suffix: field("suffix"),
            dob: field("dob"),
            sex: field("sex"),
            street: field("street"),
            city: field("city"),
            state: field("state"),
            zip: field("zip"),
            phone: field("phone"),
            email: field("email"),
            ssn: field("ssn4"),
            mbi: field("mbi"),
            also: &[],
        }
    }
}

// === impl Set ===

impl Set {
    /// Reads `roster.csv`, `queries.csv` and `truth.csv` of a folder.
    pub(crate) fn read(folder: &Path) -> Self {
        let truth = Rows::read(&folder.join("truth.csv"));
        let right = |row| truth.field(row, "all_member_ids").split('|').filter(|id| !id.is_empty()).map(str::to_owned).collect();
        Self {
            name: folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            roster: Rows::read(&folder.join("roster.csv")),
            queries: Rows::read(&folder.join("queries.csv")),
            truth: (0..truth.len()).map(|row| (truth.field(row, "query_id").to_owned(), right(row))).collect(),
        }
    }
}
