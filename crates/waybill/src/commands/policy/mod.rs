//! `waybill policy match`: policies checked and compared as files, and put in force, rehearsed and taken back on a deployment.

mod diff;

use std::path::Path;

use matching::Policy;
use serde_json::json;

use super::matching as files;
use crate::ask::{Ask, TakeBack};
use crate::cli::{ActivateArgs, CanaryArgs, MatchPolicyVerb, ReplayArgs, RollbackArgs, RolloutArgs};
use crate::client;
use crate::config::Config;
use crate::exit::Failure;
use crate::show;
use crate::tables::fault;

/// Carries out a verb. Files are looked at without a deployment.
pub(super) fn carry_out(
    verb: MatchPolicyVerb,
    config: impl FnOnce() -> Result<Config, Failure>,
    json: bool,
) -> Result<(), Failure> {
    let ask = match verb {
        MatchPolicyVerb::Fit(args) => return files::fit(&args, json),
        MatchPolicyVerb::Check { file } => return check(&file, json),
        MatchPolicyVerb::Diff { before, after } => return diff::run((&before, &after), json),
        MatchPolicyVerb::Activate(ActivateArgs { file, operator, again }) => {
            let (_, text) = read(&file)?;
            Ask::PublishPolicy { text, rehearsed: false, operator: operator.into(), again }
        }
        MatchPolicyVerb::Canary(args) => canary(args)?,
        MatchPolicyVerb::Rollout(args) => roll_out(args)?,
        MatchPolicyVerb::Rollback(RollbackArgs { all: true }) => Ask::TakeBackPolicy { what: TakeBack::All },
        MatchPolicyVerb::Rollback(RollbackArgs { all: false }) => Ask::TakeBackPolicy { what: TakeBack::LastStep },
        MatchPolicyVerb::Show => Ask::Policies,
        MatchPolicyVerb::Replay(ReplayArgs { policy, since, until }) => {
            if until.is_some_and(|until| until <= since) {
                return Err(Failure::Input("--until must lie after --since".into()));
            }
            Ask::ReplayPolicy { text: read(&policy)?.1, since, until }
        }
    };
    show::print(&client::ask(&config()?, &ask, json)?, json)
}

fn canary(args: CanaryArgs) -> Result<Ask, Failure> {
    let CanaryArgs { file, operator, again, report, since, .. } = args;
    if report {
        return Ok(Ask::Rehearsals { since });
    }
    let Some(file) = file else { return Ok(Ask::TakeBackPolicy { what: TakeBack::Rehearsal }) };
    let (_, text) = read(&file)?;
    Ok(Ask::PublishPolicy { text, rehearsed: true, operator: named(operator)?, again })
}

fn roll_out(args: RolloutArgs) -> Result<Ask, Failure> {
    let RolloutArgs { percent, partners, operator, stop } = args;
    if stop {
        return Ok(Ask::TakeBackPolicy { what: TakeBack::Share });
    }
    Ok(Ask::RollOutPolicy { percent: percent.unwrap_or(0), partners, operator: named(operator)? })
}

fn named(operator: Option<String>) -> Result<domain::ids::OperatorId, Failure> {
    operator.map(Into::into).ok_or_else(|| Failure::Input("say who you are: --as OPERATOR".into()))
}

/// Says whether a file is a policy.
fn check(file: &Path, json: bool) -> Result<(), Failure> {
    let (policy, _) = read(file)?;
    let Policy { version, digest, decide, .. } = policy;
    let answer = json!({
        "file": file.display().to_string(),
        "version": version,
        "digest": format!("{digest:016x}"),
        "matches_ppm": decide.matches,
        "review_ppm": decide.review,
    });
    show::print(&answer, json)
}

/// A policy and its text; what is wrong with it is told with the file.
fn read(file: &Path) -> Result<(Policy, String), Failure> {
    let text = files::read(file)?;
    let parsed = Policy::parse(&text);
    let policy = parsed.map_err(|error| Failure::Input(format!("{}: {}", file.display(), fault(&error, &text))))?;
    Ok((policy, text))
}
