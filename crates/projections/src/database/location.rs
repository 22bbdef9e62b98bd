//! Where projections are kept: a SQLite file, or a schema of a Postgres database.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;

/// Where projections are kept. Neither `Display` nor `Debug` shows a password.
#[derive(Clone, Debug)]
pub enum Location {
    /// A SQLite file.
    File(PathBuf),
    /// A schema of a Postgres database.
    Postgres(Server),
}

/// A schema of a Postgres database, and how to get there.
#[derive(Clone)]
pub struct Server {
    options: Box<PgConnectOptions>,
    schema: Arc<str>,
}

/// Why a text names no place for projections. It never repeats the text, which may hold a password.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LocationError {
    /// It is no URL of Postgres.
    #[error("no URL of a Postgres database: write postgres://USER@HOST:PORT/DATABASE ({0})")]
    Url(String),
    /// A parameter that nobody knows.
    #[error("{0} is no parameter of a Postgres URL: known are {known}", known = PARAMETERS.join(", "))]
    Parameter(String),
    /// A name that no schema of ours has.
    #[error("{0} is no name for a schema: take up to {NAME_MAX} lower-case letters, digits and underscores")]
    Schema(String),
}

/// The schema that holds projections unless another one is named.
const SCHEMA: &str = "waybill";
/// Postgres cuts names off after 63 bytes, and ours grow suffixes.
const NAME_MAX: usize = 40;
/// What may stand behind the question mark: what the client knows, and the schema, which is ours.
const PARAMETERS: [&str; 11] = [
    "schema",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

// === impl Location ===

impl Location {
    /// A place beside this one.
    pub fn beside(&self, name: &str) -> Self {
        match self {
            Self::File(path) => Self::File(path.with_extension(name)),
            Self::Postgres(server) => Self::Postgres(server.beside(name)),
        }
    }
}

impl FromStr for Location {
    type Err = LocationError;

    /// A URL of Postgres; anything else is the name of a file.
    fn from_str(text: &str) -> Result<Self, LocationError> {
        Ok(if is_url(text) { Self::Postgres(text.parse()?) } else { Self::File(text.into()) })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(server) => server.fmt(f),
        }
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Location> for Location {
    fn from(location: &Location) -> Self {
        location.clone()
    }
}

// === impl Server ===

impl Server {
    /// How to get there.
    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// The schema's name; safe to stand in a statement between double quotes.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Another schema of the same database.
    ///
    /// # Errors
    /// A name that no schema of ours has.
    pub fn in_schema(&self, name: &str) -> Result<Self, LocationError> {
        Ok(Self { options: self.options.clone(), schema: checked(name)?.into() })
    }

    /// The URL as other clients take it: without password and schema.
    pub fn address(&self) -> String {
        let options = &self.options;
        let host = options.get_socket().map_or_else(|| options.get_host().into(), |path| path.to_string_lossy());
        let database = options.get_database().unwrap_or(options.get_username());
        let (user, port) = (options.get_username(), options.get_port());
        format!("postgres://{user}@{host}:{port}/{database}")
    }

    /// The place that a URL names, in this schema unless it names another.
    ///
    /// # Errors
    /// A text that is no URL of Postgres, or names what nobody knows.
    pub fn parse(text: &str, schema: &str) -> Result<Self, LocationError> {
        if !is_url(text) {
            return Err(LocationError::Url("it begins otherwise".to_owned()));
        }
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let mut schema: Arc<str> = checked(schema)?.into();
        let mut kept = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                "schema" => schema = checked(value)?.into(),
                known if PARAMETERS.contains(&known) => kept.push(parameter),
                // The client would log what it does not know, with its value.
                unknown => return Err(LocationError::Parameter(unknown.to_owned())),
            }
        }
        let options = PgConnectOptions::from_str(&format!("{place}?{}", kept.join("&")));
        let options = options.map_err(|error| LocationError::Url(error.to_string()))?;
        Ok(Self { options: Box::new(options), schema })
    }

    /// Another schema of the same database.
    pub(crate) fn beside(&self, name: &str) -> Self {
        Self { options: self.options.clone(), schema: format!("{}_{name}", self.schema).into() }
    }
}

impl FromStr for Server {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        Self::parse(text, SCHEMA)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}?schema={}", self.address(), self.schema)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn is_url(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// A name that needs no escaping wherever it stands.
fn checked(schema: &str) -> Result<&str, LocationError> {
    let is_plain = schema.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if is_plain && (1..=NAME_MAX).contains(&schema.len()) && !schema.starts_with("pg_") {
        return Ok(schema);
    }
    Err(LocationError::Schema(schema.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "postgres://writer:s3cret%2Fword@db.example:6432/claims?sslmode=require&schema=moved";

    #[test]
    fn a_location_is_a_url_of_postgres_or_the_name_of_a_file() {
        let told = |text: &str| text.parse::<Location>().map(|location| location.to_string());
        assert_eq!(told("data/p.sqlite").as_deref(), Ok("data/p.sqlite"));
        let wanted = "postgres://writer@db.example:6432/claims?schema=moved";
        assert_eq!(told(SECRET).as_deref(), Ok(wanted));
        assert_eq!(told("postgresql://a@h/d").as_deref(), Ok("postgres://a@h:5432/d?schema=waybill"));
        let location: Location = SECRET.parse().expect("a location");
        assert_eq!(location.beside("rebuilt").to_string(), format!("{wanted}_rebuilt"));
        let file: Location = "data/p.sqlite".parse().expect("a location");
        assert_eq!(file.beside("rebuilt").to_string(), "data/p.rebuilt");
    }

    #[test]
    fn no_form_of_it_shows_a_password() {
        let location: Location = SECRET.parse().expect("a location");
        for shown in [format!("{location}"), format!("{location:?}"), format!("{location:#?}")] {
            assert!(shown.contains("writer@db.example") && !shown.contains("s3cret"), "{shown}");
        }
        let mistakes =
            ["postgres://a:s3cret@h:port/d", "postgres://a@h/d?passwd=s3cret", "postgres://a@h?sslmode=s3cr"];
        for mistake in mistakes {
            let error = mistake.parse::<Location>().expect_err("a mistake");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_remedy() {
        let told = |text: &str| text.parse::<Location>().expect_err("a mistake").to_string();
        assert!(
            told("postgres://a@h/d?schema=Way-bill").starts_with("Way-bill is no name for a schema: take up to 40")
        );
        assert!(told("postgres://a@h/d?schema=pg_x").contains("no name for a schema"));
        assert!(
            told("postgres://a@h/d?ssl=on")
                .starts_with("ssl is no parameter of a Postgres URL: known are schema, sslmode")
        );
        assert!(told("postgres://a@h:port/d").contains("write postgres://USER@HOST:PORT/DATABASE"));
        assert!(
            "mysql://a@h/d".parse::<Server>().is_err_and(|error| error.to_string().starts_with("no URL of a Postgres"))
        );
    }
}
