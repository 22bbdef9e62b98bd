//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::messages::Stage;

const AFTER_HELP: &str = "\
The usual way through:
  waybill demo                       see everything once, with simulated partners
  waybill run --all                  run all workers on this machine
  waybill reasons                    every reason code, its meaning and remedy

Exit codes: 0 done; 1 failed; 2 usage; 3 accounts don't balance; 64 configuration; 65 bad input; 69 unavailable;
74 disk; 75 another process is in the way.";

/// Exchange member data between payers, and prove what happened to every request.
#[derive(Debug, Parser)]
#[command(name = "waybill", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Configuration file; values may be overridden by WAYBILL_<SECTION>_<KEY>.
    #[arg(long, short, global = true, env = "WAYBILL_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Answer as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run workers until told to stop.
    Run(RunArgs),
    /// Run seeded requests through all workers, with simulated partners, and balance the accounts.
    Demo(DemoArgs),
    /// The catalogue of reason codes.
    Reasons,
}

/// Which workers to run.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Workers to run.
    #[arg(value_enum, required_unless_present = "all")]
    pub(crate) workers: Vec<Worker>,
    /// All workers and the projections.
    #[arg(long, conflicts_with = "workers")]
    pub(crate) all: bool,
}

/// A worker by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Worker {
    /// Validates and accepts.
    Intake,
    /// Finds the member.
    Identity,
    /// Talks to partners.
    Dispatch,
    /// Owns deadlines and endings.
    Reconciliation,
    /// Keeps and replays dead letters.
    Triage,
}

/// How the demo runs.
#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many submissions.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) requests: u64,
    /// The seed of members, traffic and faults.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Where its data goes; emptied first unless --resume.
    #[arg(long, default_value = ".waybill/demo")]
    pub(crate) dir: PathBuf,
    /// Go on with what an interrupted demo left, instead of starting anew.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Use simulated payers that run elsewhere, at this base URL with the same seed, instead of starting them.
    #[arg(long, hide = true)]
    pub(crate) payers: Option<String>,
    /// Spoil the accounts on purpose, to see that it is noticed.
    #[arg(long, value_enum, hide = true)]
    pub(crate) sabotage: Option<Sabotage>,
}

/// Ways to spoil the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sabotage {
    /// A partner performs an effect twice.
    DoubleEffect,
    /// A submission is never sent.
    LostSubmission,
    /// An outcome is taken away.
    LostOutcome,
}

impl From<Worker> for Stage {
    fn from(worker: Worker) -> Self {
        match worker {
            Worker::Intake => Self::Intake,
            Worker::Identity => Self::Identity,
            Worker::Dispatch => Self::Dispatch,
            Worker::Reconciliation => Self::Reconciliation,
            Worker::Triage => Self::Triage,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
