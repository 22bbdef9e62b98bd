//! Reading a policy's text so that one pass finds every mistake in it.

use std::time::Duration;

use domain::lifecycle::PolicyRef;
use domain::time::parse_span;
use toml::{Table, Value};

use super::{Mistake, PolicyError};

/// A text being read: what is still unread, and what was wrong so far.
pub(super) struct Reading {
    path: String,
    rest: Table,
    mistakes: Vec<Mistake>,
}

impl Reading {
    /// Begins to read the text of the policy of this name.
    pub(super) fn begin(name: &str, text: &str) -> Result<Self, PolicyError> {
        match text.parse() {
            Ok(rest) => Ok(Self { path: name.to_owned(), rest, mistakes: Vec::new() }),
            Err(error) => {
                let problem = format!("is not TOML: {}", toml::de::Error::message(&error));
                Err(PolicyError(vec![Mistake { at: name.to_owned(), problem }]))
            }
        }
    }

    /// The version, with which every policy begins.
    pub(super) fn reference(&mut self, text: &str) -> PolicyRef {
        let version = self.take("version").as_ref().and_then(Value::as_integer).and_then(|v| u32::try_from(v).ok());
        if version.is_none() {
            self.mistake("version", "must be a whole number");
        }
        PolicyRef::of(version.unwrap_or_default(), text)
    }

    /// What stands under a key; read only once.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.rest.remove(key)
    }

    /// The span under a key, or `otherwise` where there is none.
    pub(super) fn span(&mut self, key: &str, otherwise: Duration) -> Duration {
        let Some(value) = self.take(key) else { return otherwise };
        value.as_str().and_then(parse_span).unwrap_or_else(|| {
            self.mistake(key, "must be a span like 90s, 15m, 4h or 3d");
            otherwise
        })
    }

    /// The names under a key; none where there is no such key.
    pub(super) fn names(&mut self, key: &str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        let names: Option<Vec<String>> =
            value.as_array().and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect());
        if names.is_none() {
            self.mistake(key, "must be a list of names");
        }
        Some(names.unwrap_or_default())
    }

    /// Reads a table that stands within this one.
    pub(super) fn within<T>(&mut self, key: &str, table: Table, read: impl FnOnce(&mut Self) -> T) -> T {
        let path = format!("{}.{key}", self.path);
        let mut inner = Self { path, rest: table, mistakes: Vec::new() };
        let value = read(&mut inner);
        self.mistakes.extend(inner.close());
        value
    }

    /// Notes a mistake.
    pub(super) fn mistake(&mut self, key: &str, problem: &str) {
        self.mistakes.push(Mistake { at: format!("{}.{key}", self.path), problem: problem.to_owned() });
    }

    /// The value, unless there were mistakes.
    pub(super) fn end<T>(self, value: T) -> Result<T, PolicyError> {
        let mistakes = self.close();
        if mistakes.is_empty() { Ok(value) } else { Err(PolicyError(mistakes)) }
    }

    fn close(mut self) -> Vec<Mistake> {
        let unread: Vec<String> = self.rest.keys().cloned().collect();
        unread.iter().for_each(|key| self.mistake(key, "is no key of this policy"));
        self.mistakes
    }
}
