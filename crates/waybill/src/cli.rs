//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::messages::Stage;

const AFTER_HELP: &str = "\
The usual way through:
  waybill demo                       see everything once, with simulated partners
  waybill run --all                  run all workers on this machine
  waybill members load FILE          load the roster (one JSON object a line)
  waybill submit FILE                submit requests (one JSON object a line)
  waybill status                     what is going on
  waybill trace ID                   everything that happened to one request
  waybill letters list               what could not be processed

Exit codes: 0 done; 1 failed; 2 usage; 3 accounts don't balance; 64 configuration; 65 bad input; 66 not found;
69 unavailable; 74 disk; 75 another process is in the way.";

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
    /// Submit requests from a file, one JSON object a line (- for standard input).
    Submit(SubmitArgs),
    /// What sources were told.
    Outcomes(OutcomesArgs),
    /// Counts by state, lag, letters, reviews, partners.
    Status,
    /// Everything that happened to one request.
    Trace(TraceArgs),
    /// The roster.
    #[command(subcommand)]
    Members(MembersCommand),
    /// Dead letters.
    #[command(subcommand)]
    Letters(LettersCommand),
    /// Uncertain identities.
    #[command(subcommand)]
    Review(ReviewCommand),
    /// End a request.
    Cancel(IntentArgs),
    /// Stop a request until released.
    Hold(IntentArgs),
    /// Let a held request go on.
    Release(IntentArgs),
    /// Say how an unknown outcome at a partner turned out.
    Resolve(ResolveArgs),
    /// The read model.
    #[command(subcommand)]
    Projections(ProjectionsCommand),
    /// Check configuration, directories, keys, log and database, and say what to do.
    Doctor,
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

/// What to submit.
#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// The file, or - for standard input.
    pub(crate) file: PathBuf,
}

/// Which outcomes.
#[derive(Debug, Args)]
pub(crate) struct OutcomesArgs {
    /// Of this source.
    #[arg(long)]
    pub(crate) source: String,
    /// About this request or submission only.
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// At most so many, the newest last.
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: usize,
}

/// Which request.
#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// The request id.
    #[arg(required_unless_present_all = ["source", "key"])]
    pub(crate) request: Option<String>,
    /// The source, with --key.
    #[arg(long, requires = "key")]
    pub(crate) source: Option<String>,
    /// The idempotency key, with --source.
    #[arg(long, requires = "source")]
    pub(crate) key: Option<String>,
}

/// The roster.
#[derive(Debug, Subcommand)]
pub(crate) enum MembersCommand {
    /// Load members from a file, one JSON object a line: {"member_key": …, "member": {…}, "coverages": […]}.
    Load {
        /// The file, or - for standard input.
        file: PathBuf,
    },
}

/// Dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum LettersCommand {
    /// All letters, or one group's.
    List {
        /// Only this group's signature.
        #[arg(long)]
        signature: Option<String>,
        /// Groups instead of letters.
        #[arg(long)]
        groups: bool,
    },
    /// One letter with its context.
    Show {
        /// The letter.
        letter: String,
    },
    /// Send a letter back to its stage.
    Replay(IntentArgs),
    /// Put a letter aside for good.
    Discard(IntentArgs),
}

/// Uncertain identities.
#[derive(Debug, Subcommand)]
pub(crate) enum ReviewCommand {
    /// Open reviews, the most urgent first.
    List,
    /// Decide one.
    Decide {
        /// The request, who and why.
        #[command(flatten)]
        intent: IntentArgs,
        /// The member's token, as the list shows it; without it the answer is: nobody of ours.
        #[arg(long)]
        member: Option<String>,
    },
}

/// A human intent.
#[derive(Clone, Debug, Args)]
pub(crate) struct IntentArgs {
    /// The request or letter.
    pub(crate) id: String,
    /// Who wants it.
    #[arg(long, env = "USER", default_value = "operator")]
    pub(crate) operator: String,
    /// Why; it goes into the audit trail, so no PHI.
    #[arg(long)]
    pub(crate) reason: String,
}

/// How an unknown outcome turned out.
#[derive(Debug, Args)]
pub(crate) struct ResolveArgs {
    /// The request, who and why.
    #[command(flatten)]
    pub(crate) intent: IntentArgs,
    /// The effect took place.
    #[arg(long, conflicts_with = "not_done", required_unless_present = "not_done")]
    pub(crate) done: bool,
    /// The effect did not take place: it is sent again.
    #[arg(long)]
    pub(crate) not_done: bool,
}

/// The read model.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectionsCommand {
    /// Build it anew beside the live one, prove both equal, swap.
    Rebuild,
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
