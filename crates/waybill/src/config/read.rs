//! Reading a configuration with all its mistakes.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;

use projections::Server;
use toml::{Table, Value};

/// Something wrong in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Where: a dotted path, or a file.
    pub(crate) path: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

/// Takes values out of a table, remembers what is wrong, and in the end complains of what nobody asked for.
pub(crate) struct Reader<E> {
    table: Table,
    environment: E,
    known: Vec<String>,
    mistakes: Vec<Mistake>,
}

impl Mistake {
    /// A file that can't be used.
    pub(crate) fn file(path: &Path, message: &str) -> Self {
        Self { path: path.display().to_string(), message: message.to_owned() }
    }

    /// A text that is no TOML.
    pub(crate) fn syntax(error: &toml::de::Error) -> Self {
        Self { path: "syntax".into(), message: error.message().to_owned() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl<E: Fn(&str) -> Option<String>> Reader<E> {
    /// A reader of a table, overridden by the environment.
    pub(crate) fn new(table: Table, environment: E) -> Self {
        Self { table, environment, known: Vec::new(), mistakes: Vec::new() }
    }

    /// A text with a default.
    pub(crate) fn text(&mut self, path: &str, default: &str) -> String {
        self.optional_text(path).unwrap_or_else(|| default.to_owned())
    }

    /// A text that may be absent.
    pub(crate) fn optional_text(&mut self, path: &str) -> Option<String> {
        match self.value(path)? {
            Value::String(text) if !text.is_empty() => Some(text),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_)
            | Value::Table(_) => self.mistaken(path, "must be a non-empty text"),
        }
    }

    /// A whole number within a range, with a default.
    pub(crate) fn number(&mut self, path: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let Some(value) = self.value(path) else { return default };
        let number = match &value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            Value::String(text) => text.parse().ok(),
            Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
        };
        number.filter(|number| range.contains(number)).unwrap_or_else(|| {
            self.mistaken::<()>(path, &format!("must be a whole number from {} to {}", range.start(), range.end()));
            default
        })
    }

    /// An address to listen on.
    pub(crate) fn address(&mut self, path: &str) -> Option<SocketAddr> {
        match self.optional_text(path)?.parse() {
            Ok(address) => Some(address),
            Err(_) => self.mistaken(path, "must be an address with a port, such as 127.0.0.1:9464"),
        }
    }

    /// Where Postgres is reached. What is wrong is told without the text, which may hold a password.
    pub(crate) fn server(&mut self, path: &str, schema: &str) -> Option<Server> {
        match Server::parse(&self.optional_text(path)?, schema) {
            Ok(server) => Some(server),
            Err(error) => self.mistaken(path, &error.to_string()),
        }
    }

    /// One of a few words; the first is the default.
    pub(crate) fn choice<T: Copy>(&mut self, path: &str, choices: &[(&str, T)]) -> T {
        let word = self.text(path, choices[0].0);
        match choices.iter().find(|(name, _)| *name == word) {
            Some((_, choice)) => *choice,
            None => {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                self.mistaken::<()>(path, &format!("must be one of: {}", names.join(", ")));
                choices[0].1
            }
        }
    }

    /// Lets keys be that begin with one of these and mean nothing to this program.
    #[cfg(not(feature = "kafka"))]
    pub(crate) fn ignore(&mut self, prefixes: &[&str]) {
        let mut paths = Vec::new();
        collect(&self.table, "", &mut paths);
        self.known.extend(paths.into_iter().filter(|path| prefixes.iter().any(|prefix| path.starts_with(prefix))));
    }

    /// Complains of a value that is missing where others make it necessary.
    pub(crate) fn require(&mut self, path: &str, is_there: bool, remedy: &str) {
        let is_known_wrong = self.mistakes.iter().any(|mistake| mistake.path == path);
        if !is_there && !is_known_wrong {
            self.mistaken::<()>(path, &format!("is missing; {remedy}"));
        }
    }

    /// All mistakes, those of unknown keys last.
    pub(crate) fn finish(mut self) -> Result<(), Vec<Mistake>> {
        let mut paths = Vec::new();
        collect(&self.table, "", &mut paths);
        for path in paths.into_iter().filter(|path| !self.known.contains(path)) {
            let nearest = self.known.iter().filter(|known| similar(known, &path)).min();
            let hint = nearest.map_or_else(String::new, |known| format!("; did you mean {known}"));
            self.mistakes.push(Mistake { path, message: format!("is not known{hint}") });
        }
        if self.mistakes.is_empty() { Ok(()) } else { Err(self.mistakes) }
    }

    fn value(&mut self, path: &str) -> Option<Value> {
        self.known.push(path.to_owned());
        let variable = format!("WAYBILL_{}", path.replace('.', "_").to_uppercase());
        if let Some(text) = (self.environment)(&variable) {
            return Some(Value::String(text));
        }
        let mut table = &self.table;
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            let value = table.get(part)?;
            if parts.peek().is_none() {
                return Some(value.clone());
            }
            table = value.as_table()?;
        }
        None
    }

    fn mistaken<T>(&mut self, path: &str, message: &str) -> Option<T> {
        self.mistakes.push(Mistake { path: path.to_owned(), message: message.to_owned() });
        None
    }
}

/// The dotted paths of all values in a table.
pub(crate) fn collect(table: &Table, prefix: &str, paths: &mut Vec<String>) {
    for (key, value) in table {
        let path = format!("{prefix}{key}");
        match value.as_table() {
            Some(table) => collect(table, &format!("{path}."), paths),
            None => paths.push(path),
        }
    }
}

/// Whether a typo could have made one of the other: they share their letters but for two.
fn similar(known: &str, path: &str) -> bool {
    let missing = known.chars().filter(|letter| !path.contains(*letter)).count();
    let extra = path.chars().filter(|letter| !known.contains(*letter)).count();
    missing + extra <= 2 && known.len().abs_diff(path.len()) <= 2
}
