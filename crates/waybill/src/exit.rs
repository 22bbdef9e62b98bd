//! How a command ends: every exit code means something (sysexits.h), and every failure says what to do next.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::config::Mistake;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration has mistakes: 64.
    Config(Vec<Mistake>),
    /// What was handed in is no good: 65.
    Input(String),
    /// What was asked for is not there: 66.
    NotFound(String),
    /// The log, the database or a running process can't be reached: 69.
    Unavailable(String),
    /// Something on disk can't be trusted or written: 74.
    Disk(String),
    /// Another process is in the way; try again later: 75.
    Busy(String),
    /// The accounts don't balance: 3.
    Accounts(String),
    /// A command has no place in the state of what it is about: 4.
    Refused(String),
    /// Anything else: 1.
    Other(anyhow::Error),
}

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Other(_) => 1,
            Self::Accounts(_) => 3,
            Self::Refused(_) => 4,
            Self::Config(_) => 64,
            Self::Input(_) => 65,
            Self::NotFound(_) => 66,
            Self::Unavailable(_) => 69,
            Self::Disk(_) => 74,
            Self::Busy(_) => 75,
        }
    }

    /// What is told, in one text.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Config(mistakes) => mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            Self::Input(message)
            | Self::NotFound(message)
            | Self::Unavailable(message)
            | Self::Disk(message)
            | Self::Busy(message)
            | Self::Accounts(message)
            | Self::Refused(message) => message.clone(),
            Self::Other(error) => format!("{error:#}"),
        }
    }

    fn as_json(&self) -> Value {
        let mistakes: Vec<Value> = match self {
            Self::Config(mistakes) => {
                mistakes.iter().map(|mistake| json!({"path": mistake.path, "message": mistake.message})).collect()
            }
            Self::Input(_)
            | Self::NotFound(_)
            | Self::Unavailable(_)
            | Self::Disk(_)
            | Self::Busy(_)
            | Self::Accounts(_)
            | Self::Refused(_)
            | Self::Other(_) => Vec::new(),
        };
        json!({"exit_code": self.code(), "message": self.message(), "mistakes": mistakes})
    }

    /// The failure that another process told of, by its exit code and message.
    pub(crate) fn told(code: u8, message: String) -> Self {
        match code {
            4 => Self::Refused(message),
            65 => Self::Input(message),
            66 => Self::NotFound(message),
            69 => Self::Unavailable(message),
            74 => Self::Disk(message),
            75 => Self::Busy(message),
            _ => Self::Other(anyhow::anyhow!(message)),
        }
    }

    /// Tells standard error, for people or as JSON, and gives the exit code.
    #[expect(clippy::print_stderr, reason = "this is where a command says why it failed")]
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        match self {
            _ if json => eprintln!("{}", self.as_json()),
            Self::Config(mistakes) => {
                eprintln!("waybill: the configuration has {} mistake(s):", mistakes.len());
                mistakes.iter().for_each(|mistake| eprintln!("  {mistake}"));
                eprintln!("Correct them all, then start again; `waybill doctor` checks without starting.");
            }
            Self::Input(_)
            | Self::NotFound(_)
            | Self::Unavailable(_)
            | Self::Disk(_)
            | Self::Busy(_)
            | Self::Accounts(_)
            | Self::Refused(_)
            | Self::Other(_) => eprintln!("waybill: {}", self.message()),
        }
        ExitCode::from(self.code())
    }
}

/// Tells standard error what whoever asked should know beside the answer, for people or as JSON.
#[expect(clippy::print_stderr, reason = "the answer is on standard output, for whoever reads it on")]
pub(crate) fn note(message: &str, json: bool) {
    if json {
        eprintln!("{}", json!({"note": message}));
    } else {
        eprintln!("waybill: {message}");
    }
}

/// Tells what is wrong with a command line, as JSON where that was asked for, which is not known otherwise yet; or what was asked
/// of it, such as its help. The exit code is 2, or 0.
#[expect(clippy::print_stderr, reason = "this is where a command says why it failed")]
pub(crate) fn misused(error: &clap::Error) -> ExitCode {
    let is_json = std::env::args_os().any(|argument| argument == "--json");
    if !error.use_stderr() || !is_json {
        error.exit();
    }
    eprintln!("{}", json!({"exit_code": USAGE, "message": error.to_string().trim_end(), "mistakes": []}));
    ExitCode::from(USAGE)
}

const USAGE: u8 = 2;

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<fleet::bus::BusError> for Failure {
    fn from(error: fleet::bus::BusError) -> Self {
        use fleet::bus::BusError;
        let message = error.to_string();
        match error {
            BusError::Locked(_) => Self::Busy(format!("{message}; stop it, or wait until it has ended")),
            BusError::Damaged(_) | BusError::Full(_) => Self::Disk(message),
            BusError::Unavailable(_) | BusError::Refused(_) | BusError::OutcomeUnknown(_) => Self::Unavailable(message),
            BusError::Abort(why) => Self::Unavailable(format!("nothing was written, so try again: {why}")),
            BusError::TooLarge { .. } => Self::Input(message),
            BusError::PartitionCount { .. } => Self::Config(vec![Mistake {
                path: "partitions".into(),
                message: format!("{message}; the count is chosen once"),
            }]),
            BusError::Fenced | BusError::StaleGeneration | BusError::UnknownPartition(_) | BusError::Fatal(_) => {
                Self::Other(anyhow::anyhow!(message))
            }
        }
    }
}
