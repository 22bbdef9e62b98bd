//! The commands about policies: from an estimate to a policy in force, and back.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use domain::{PartnerId, Timestamp};

use super::FitArgs;
use super::operations::{moment, said};

/// Policies.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum PolicyVerb {
    /// The matching policy.
    #[command(subcommand)]
    Match(MatchPolicyVerb),
}

const STEPS: &str = "\
From an estimate to a policy in force:
  waybill policy match fit --roster R.csv --out next.toml    estimate it; give it the next version
  waybill policy match check next.toml                       does it read
  waybill policy match diff deploy/policy/matching.toml next.toml   what differs, in bits of weight
  waybill policy match replay --policy next.toml --since 2026-11-20   what it would have decided on the requests since then
  waybill policy match canary next.toml --as jo              rehearse it beside the one in force, on every request
  waybill policy match canary --report                       where the two differ
  waybill policy match rollout --percent 5 --as jo           let it decide for some
  waybill policy match activate next.toml --as jo            put it in force for all
  waybill policy match rollback                              take the last step back, at once";

/// The matching policy.
#[derive(Clone, Debug, Subcommand)]
#[command(after_help = STEPS)]
pub(crate) enum MatchPolicyVerb {
    /// Estimate a policy from a roster, and from claims if there are any. No truth is needed, and the same files give the same policy.
    Fit(FitArgs),
    /// Say whether a file is a matching policy, and what it says.
    Check {
        /// The policy.
        file: PathBuf,
    },
    /// Say in what two policies differ: priors, thresholds and levels, with what each difference weighs.
    Diff {
        /// The policy before.
        before: PathBuf,
        /// The policy after.
        after: PathBuf,
    },
    /// Put a policy in force for all requests, at once, on every worker.
    Activate(ActivateArgs),
    /// Rehearse a policy beside the one in force: it decides every request too, and acts on none.
    Canary(CanaryArgs),
    /// Let the rehearsed policy act on a share of the requests. The other one is rehearsed on them then.
    Rollout(RolloutArgs),
    /// Take the last step back, at once: a rehearsal with its share; where there is none, the activated policy, so that the deployed
    /// one is in force again.
    Rollback(RollbackArgs),
    /// Which policy is in force, which is rehearsed, for whom, since when and by whom.
    Show,
    /// Decide the requests of a time once more, by another policy, against the roster as it is now, and say where that differs from
    /// what the log says. Writes nothing and shows no protected health information. Identity's work is kept for seven days.
    Replay(ReplayArgs),
}

/// What to put in force.
#[derive(Clone, Debug, Args)]
pub(crate) struct ActivateArgs {
    /// The policy.
    pub(crate) file: PathBuf,
    /// Your name as an operator; it goes on record.
    #[arg(long = "as", value_name = "OPERATOR", env = "WAYBILL_OPERATOR", value_parser = said)]
    pub(crate) operator: String,
    /// Also if its version is not newer than that of the policy in force.
    #[arg(long)]
    pub(crate) again: bool,
}

/// What to rehearse.
#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["file", "stop", "report"])))]
pub(crate) struct CanaryArgs {
    /// The policy to rehearse.
    #[arg(requires = "operator")]
    pub(crate) file: Option<PathBuf>,
    /// Your name as an operator; it goes on record.
    #[arg(long = "as", value_name = "OPERATOR", env = "WAYBILL_OPERATOR", value_parser = said)]
    pub(crate) operator: Option<String>,
    /// Also if its version is not newer than that of the policy in force.
    #[arg(long)]
    pub(crate) again: bool,
    /// Rehearse nothing any more; the share it acted on ends with it.
    #[arg(long)]
    pub(crate) stop: bool,
    /// Say what was rehearsed, and where it differs from what the policy in force decides.
    #[arg(long)]
    pub(crate) report: bool,
    /// Report from this moment on: 2026-11-26T18:00Z, or a day. Unless said, since the rehearsal began, or of the last 30 days.
    #[arg(long, requires = "report", value_parser = moment)]
    pub(crate) since: Option<Timestamp>,
}

/// For whom the rehearsed policy acts.
#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("whom").required(true).multiple(true).args(["percent", "partners", "stop"])))]
pub(crate) struct RolloutArgs {
    /// For so many of a hundred requests. A request is in the share or not, whoever asks and as often as they do.
    #[arg(long, requires = "operator", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) percent: Option<u8>,
    /// For all requests with this payer; give it once for each.
    #[arg(long = "partner", id = "partners", value_name = "PARTNER", requires = "operator")]
    pub(crate) partners: Vec<PartnerId>,
    /// Your name as an operator; it goes on record.
    #[arg(long = "as", value_name = "OPERATOR", env = "WAYBILL_OPERATOR", value_parser = said)]
    pub(crate) operator: Option<String>,
    /// For nobody any more; it goes on being rehearsed.
    #[arg(long, conflicts_with_all = ["percent", "partners"])]
    pub(crate) stop: bool,
}

/// How far to go back.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Take everything back: what is rehearsed, its share, and the activated policy.
    #[arg(long)]
    pub(crate) all: bool,
}

/// What to decide once more.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The policy to decide by.
    #[arg(long)]
    pub(crate) policy: PathBuf,
    /// Requests that came to identity from this moment on: 2026-11-26T18:00Z, or a day.
    #[arg(long, value_parser = moment)]
    pub(crate) since: Timestamp,
    /// Only those before this moment.
    #[arg(long, value_parser = moment)]
    pub(crate) until: Option<Timestamp>,
}
