//! `waybill policy match fit`: a policy estimated from a roster and claims.

use matching::Roster;

use super::columns::Columns;
use super::progress::Progress;
use super::sheet::Sheet;
use crate::cli::FitArgs;
use crate::exit::Failure;
use crate::show;

/// Estimates a policy and writes it, its report above it.
pub(crate) fn run(arguments: &FitArgs, json: bool) -> Result<(), Failure> {
    let start = super::policy(arguments.policy.as_deref(), false)?;
    let columns = Columns::of(&arguments.columns)?;
    let progress = Progress::begin("reading");
    let members = Sheet::read(&arguments.roster, &columns.roster)?;
    let claims = arguments.queries.as_ref().map(|path| Sheet::read(path, &columns.queries)).transpose()?;
    progress.next("building the roster");
    let roster = Roster::build((0..members.len()).map(|row| (members.key(row), members.person(row))));
    let people = claims.iter().flat_map(|claims| (0..claims.len()).map(|row| claims.person(row)));
    progress.next("estimating the policy");
    let (policy, report) = matching::fit(&roster, people, &start);
    progress.end();
    let text = format!("{}\n{}", report.to_comments(), policy.to_text());
    std::fs::write(&arguments.out, text)
        .map_err(|error| Failure::Disk(format!("{} can't be written: {error}", arguments.out.display())))?;
    let answer = serde_json::json!({
        "records": report.records,
        "claims": report.claims,
        "random_pairs": report.random_pairs,
        "relative_pairs": report.relative_pairs,
        "rounds": report.rounds,
        "digest": format!("{:016x}", policy.digest),
    });
    show::print(&answer, json)
}
