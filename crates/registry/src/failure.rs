//! What a failed call means. The crate beneath tells a status only in words, so those are read in this one place.

use std::error::Error;

use contracts::Subject;
use reqwest::StatusCode;
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::RawError;

use crate::error::RegistryError;

/// A call that failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure {
    /// What was answered, if anything.
    status: Option<StatusCode>,
    /// The registry's own code; zero, if it gave none.
    code: u32,
    what: String,
}

/// Longer answers are pages of whatever stands before a registry.
const WHAT_MAX_CHARS: usize = 400;

// === impl Failure ===

impl Failure {
    /// A call that was answered, but not with success.
    pub(crate) fn answered(status: StatusCode, error: Option<RawError>) -> Self {
        let (code, message) = error.map_or((0, String::new()), |error| (error.error_code, error.message));
        let what: String = format!("{status} {message}").trim_end().chars().take(WHAT_MAX_CHARS).collect();
        Self { status: Some(status), code, what }
    }

    /// A call that was not answered, or not understood.
    pub(crate) fn unanswered(error: &reqwest::Error) -> Self {
        // What is not understood was answered by something that is no registry.
        let status = (error.is_decode() && !error.is_timeout()).then_some(StatusCode::OK);
        Self { status, code: 0, what: chain(error) }
    }

    /// Whether the registry says that it has no such thing. Another 404 is that of a wrong address.
    pub(crate) fn is_absence(&self) -> bool {
        self.status == Some(StatusCode::NOT_FOUND) && self.code / 100 == 404
    }

    /// Whether this is no answer: nobody is there, or whoever is can't say now.
    pub(crate) fn is_outage(&self) -> bool {
        self.status.is_none_or(|status| {
            let asked_to_wait = [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
            status.is_server_error() || asked_to_wait
        })
    }

    /// The error, where a schema was handed in and may have been refused for what it is.
    pub(crate) fn of_schema(self, subject: Subject, version: u32) -> RegistryError {
        match self.status {
            Some(StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY) => {
                RegistryError::Refused { subject, version, reason: self.what }
            }
            Some(_) | None => self.into(),
        }
    }
}

impl From<SRCError> for Failure {
    fn from(error: SRCError) -> Self {
        let source = error.source();
        if let Some(unanswered) = source.and_then(|source| source.downcast_ref::<reqwest::Error>()) {
            return Self::unanswered(unanswered);
        }
        let raw = source.and_then(|source| source.downcast_ref::<RawError>()).cloned();
        match error.error.split_once("status ").and_then(|(_, rest)| rest.get(..3)?.parse().ok()) {
            Some(status) => Self::answered(status, raw),
            // Something was answered, and lacks what was looked for in it.
            None => Self { status: Some(StatusCode::OK), code: 0, what: error.error },
        }
    }
}

impl From<Failure> for RegistryError {
    fn from(failure: Failure) -> Self {
        match failure.status {
            _ if failure.is_outage() => Self::Unavailable(failure.what),
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Self::Unauthorised(failure.what),
            Some(_) | None => Self::Unexpected(failure.what),
        }
    }
}

/// An error with what caused it: of a failed connection the outermost says only that it failed.
fn chain(error: &reqwest::Error) -> String {
    let mut what = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !what.ends_with(&text) {
            what = format!("{what}: {text}");
        }
        source = cause.source();
    }
    what
}
