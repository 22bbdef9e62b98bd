//! The command line.

mod identity;
mod matching;
mod operations;
mod policy;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::messages::Stage;

pub(crate) use identity::{By, IdentityVerb, ReportArgs, WithdrawnArgs};
pub(crate) use matching::{ColumnsArgs, FitArgs, MatchArgs};
pub(crate) use operations::{
    AskArgs, DecideArgs, ExplainArgs, IntentArgs, LaneName, LetterArgs, Letters, Members, Operation, Projections,
    RequestsArgs, ResolveArgs, Review, StepArgs, SubmitArgs,
};
pub(crate) use policy::{ActivateArgs, CanaryArgs, MatchPolicyVerb, PolicyVerb, ReplayArgs, RollbackArgs, RolloutArgs};

const AFTER_HELP: &str = "\
The usual way through:
  waybill demo                       see everything once, with simulated partners
  waybill run --all                  run all workers on this machine
  waybill sandbox                    play the payers of deploy/partners, to try things out
  waybill members load roster.jsonl  publish the roster that identity searches
  waybill submit requests.jsonl      send submissions
  waybill outcomes --source NAME     what the source was told
  waybill status                     how many requests are where
  waybill requests --state exception which ones, and who owns them
  waybill trace REQUEST              one request's timeline
  waybill doctor                     is everything fit to start
  waybill topics apply               make the topics on Kafka; before them, waybill schemas register
  waybill match --roster R.csv --queries Q.csv --out P.csv   which member each row speaks of
  waybill policy match show          which matching policy decides, and which is rehearsed
  waybill identity report            how well members are identified
  waybill reasons                    every reason code, its meaning and remedy

Commands go to the process that runs on the same data directory; without one they open the directory themselves, and say so
on standard error where that leaves work on an embedded log that nobody does.

Exit codes: 0 done; 1 failed; 2 usage; 3 accounts don't balance; 4 a command was refused; 64 configuration; 65 bad input;
66 not found; 69 unavailable; 74 disk; 75 another process is in the way.";

/// Exchange member data between payers, and prove what happened to every request.
#[derive(Debug, Parser)]
#[command(name = "waybill", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Configuration file; values may be overridden by `WAYBILL_<SECTION>_<KEY>`.
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
    #[command(flatten)]
    Operation(Operation),
    /// Look whether everything is fit to start: configuration, folders, keys, memory and its room, log, clock, database.
    Doctor(DoctorArgs),
    /// The topics of a deployment on Kafka.
    #[command(subcommand)]
    Topics(Topics),
    /// The schemas of a deployment on Kafka, at its registry.
    #[command(subcommand)]
    Schemas(Schemas),
    /// Play the simulated payers of deploy/partners until told to stop.
    Sandbox(SandboxArgs),
    /// Say of each row of a file which member of a roster it speaks of.
    Match(MatchArgs),
    /// Policies: estimated, compared, rehearsed, put in force and taken back.
    #[command(subcommand)]
    Policy(PolicyVerb),
    /// How well members are identified, and who is taken to be guessing.
    #[command(subcommand)]
    Identity(IdentityVerb),
    /// The catalogue of reason codes.
    Reasons,
}

/// The topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Topics {
    /// Make those that are missing, as the topic table has them; what is there is left as it is.
    Apply,
    /// Hold what is there against the topic table. Changes nothing; ends with 1 where something differs.
    Check,
    /// Who may do what, as the topic table has it: one run of Kafka's own `kafka-acls` a line, to be given the brokers' address.
    Acls,
}

/// The schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Schemas {
    /// Register every schema of this version of Waybill, and what versions of it must be compatible with.
    Register,
    /// Hold the registry against this version. Changes nothing; ends with 1 where something differs.
    Check,
    /// What this version has that the registry has not, and the other way round.
    Diff,
}

/// How closely to look.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Also read the whole log and compare all checksums; takes a while.
    #[arg(long)]
    pub(crate) verify: bool,
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
    /// This process's name among those of the deployment, in place of `process` in the configuration.
    #[arg(long)]
    pub(crate) process: Option<String>,
    /// Stop once standard input ends: when whoever started this process is gone.
    #[arg(long, hide = true)]
    pub(crate) while_attended: bool,
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
    /// Follows the event log into the database; no worker, but a process like one.
    Projections,
}

/// How the simulated payers behave.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SandboxArgs {
    /// Where they listen; the partner files name the same port.
    #[arg(long, default_value = "127.0.0.1:9470")]
    pub(crate) listen: std::net::SocketAddr,
    /// The seed of their faults; callback secrets follow from it.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// How they behave: as badly as in the demo, or well.
    #[arg(long, value_enum, default_value = "usual")]
    pub(crate) faults: Faults,
}

/// How simulated payers behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Faults {
    /// They time out, throttle, lose answers, refuse and repeat themselves.
    Usual,
    /// They do as they are asked.
    None,
}

/// How the demo runs.
#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many submissions.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) requests: u64,
    /// How many of them a second at most; as fast as they are taken unless said.
    #[arg(long)]
    pub(crate) rate: Option<u64>,
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
    /// The projections miss a request.
    LostRow,
}

impl Worker {
    /// Its stage; none for the projections.
    pub(crate) fn stage(self) -> Option<Stage> {
        match self {
            Self::Intake => Some(Stage::Intake),
            Self::Identity => Some(Stage::Identity),
            Self::Dispatch => Some(Stage::Dispatch),
            Self::Reconciliation => Some(Stage::Reconciliation),
            Self::Triage => Some(Stage::Triage),
            Self::Projections => None,
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
