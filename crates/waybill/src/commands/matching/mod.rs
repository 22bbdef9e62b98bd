//! `waybill match` and `waybill policy match`: member matching on files.

mod columns;
mod fit;
mod progress;
mod sheet;

use std::io::{BufWriter, Write as _};
use std::path::Path;

use matching::{Decision, Matcher, Outcome, Policy, Roster};

use crate::cli::MatchArgs;
use crate::exit::Failure;
use crate::show;
use columns::Columns;
pub(crate) use fit::run as fit;
use progress::Progress;
use sheet::Sheet;

/// The policy this program was built with.
const POLICY: &str = include_str!("../../../../../deploy/policy/matching.toml");
/// The policy for the FEBRL data sets.
const FEBRL_POLICY: &str = include_str!("../../../../../deploy/policy/matching-febrl.toml");
/// How many claims a thread takes at a time.
const CLAIMS_AT_ONCE: usize = 1024;

/// Judges every claim of a file, or explains the judgement of one.
pub(crate) fn run(arguments: &MatchArgs, json: bool) -> Result<(), Failure> {
    let policy = policy(arguments.policy.as_deref(), arguments.columns.febrl)?;
    let columns = Columns::of(&arguments.columns)?;
    let progress = Progress::begin("reading roster and claims");
    let (members, claims) = std::thread::scope(|scope| {
        let members = scope.spawn(|| Sheet::read(&arguments.roster, &columns.roster));
        let claims = Sheet::read(&arguments.queries, &columns.queries);
        (members.join(), claims)
    });
    let members = members.map_err(|_| Failure::Other(anyhow::anyhow!("reading the roster failed")))??;
    let claims = claims?;
    progress.next("building the roster");
    let roster = Roster::build((0..members.len()).map(|row| (members.key(row), members.person(row))));
    if let Some(query) = &arguments.explain {
        progress.end();
        return explain(&policy, &roster, &claims, query, json);
    }
    let Some(out) = &arguments.out else {
        return Err(Failure::Input("name the file for the answers: --out P.csv".into()));
    };
    let threads = arguments.threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    progress.count("claims judged", claims.len());
    let decisions = judge(&policy, &roster, &claims, threads.max(1), &progress)?;
    progress.next("writing the answers");
    write(out, &claims, &decisions)?;
    progress.end();
    summary(&decisions, json)
}

/// Judges all claims; the answers stand in the order of the claims, whoever gave them.
fn judge<'r>(
    policy: &Policy,
    roster: &'r Roster,
    claims: &Sheet,
    threads: usize,
    progress: &Progress,
) -> Result<Vec<Decision<'r>>, Failure> {
    let share = claims.len().div_ceil(threads).max(CLAIMS_AT_ONCE);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..claims.len())
            .step_by(share)
            .map(|from| {
                scope.spawn(move || {
                    let mut matcher = Matcher::new(policy, roster);
                    let to = (from + share).min(claims.len());
                    let mut decisions = Vec::with_capacity(to - from);
                    for start in (from..to).step_by(CLAIMS_AT_ONCE) {
                        let rows = start..(start + CLAIMS_AT_ONCE).min(to);
                        progress.add(rows.len());
                        decisions.extend(matcher.decide_all(rows.map(|row| claims.person(row))));
                    }
                    decisions
                })
            })
            .collect();
        let mut decisions = Vec::with_capacity(claims.len());
        for worker in workers {
            decisions.extend(worker.join().map_err(|_| Failure::Other(anyhow::anyhow!("a judging thread failed")))?);
        }
        Ok(decisions)
    })
}

/// Tells why one claim is judged as it is.
fn explain(policy: &Policy, roster: &Roster, claims: &Sheet, query: &str, json: bool) -> Result<(), Failure> {
    let row = (0..claims.len()).find(|row| claims.key(*row) == query);
    let row = row.ok_or_else(|| Failure::NotFound(format!("no claim has the key {query}")))?;
    let explained = Matcher::new(policy, roster).explain(&claims.person(row));
    if json {
        let answer = serde_json::to_value(&explained).map_err(|error| Failure::Other(error.into()))?;
        return show::print(&answer, true);
    }
    show::tell(&format!("{explained}\n"))
}

fn write(path: &Path, claims: &Sheet, decisions: &[Decision<'_>]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Disk(format!("{} can't be written: {error}", path.display()));
    let mut out = csv::Writer::from_writer(BufWriter::new(std::fs::File::create(path).map_err(failed)?));
    let failed = |error: csv::Error| Failure::Disk(format!("{} can't be written: {error}", path.display()));
    out.write_record(["query_id", "member_id", "probability", "decision"]).map_err(failed)?;
    for (row, decision) in decisions.iter().enumerate() {
        let probability = format!("{}.{:06}", decision.probability / 1_000_000, decision.probability % 1_000_000);
        let member = decision.member.unwrap_or_default();
        out.write_record([claims.key(row), member, &probability, decision.outcome.as_str()]).map_err(failed)?;
    }
    let mut out =
        out.into_inner().map_err(|error| Failure::Disk(format!("{} can't be written: {error}", path.display())))?;
    out.flush().map_err(|error| Failure::Disk(format!("{} can't be written: {error}", path.display())))
}

fn summary(decisions: &[Decision<'_>], json: bool) -> Result<(), Failure> {
    let count = |outcome| decisions.iter().filter(|decision| decision.outcome == outcome).count();
    let skipped = decisions.iter().filter(|decision| decision.blocks_skipped != 0).count();
    let answer = serde_json::json!({
        "claims": decisions.len(),
        "match": count(Outcome::Match),
        "review": count(Outcome::Review),
        "no_match": count(Outcome::NoMatch),
        "claims_with_skipped_blocks": skipped,
    });
    show::print(&answer, json)
}

fn policy(path: Option<&Path>, is_febrl: bool) -> Result<Policy, Failure> {
    let Some(path) = path else {
        let text = if is_febrl { FEBRL_POLICY } else { POLICY };
        return Policy::parse(text).map_err(|error| Failure::Other(error.into()));
    };
    Policy::parse(&read(path)?)
        .map_err(|error| Failure::Input(format!("{}: {:#}", path.display(), anyhow::Error::from(error))))
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| unopened(path, &error))
}

/// Why a file can't be read.
fn unopened(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("{} can't be read: {error}", path.display());
    if error.kind() == std::io::ErrorKind::NotFound { Failure::NotFound(message) } else { Failure::Input(message) }
}

#[cfg(test)]
mod tests;
