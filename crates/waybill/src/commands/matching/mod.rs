//! `waybill match` and `waybill policy match`: member matching on files.

mod columns;
mod fit;
mod progress;
mod sheet;
mod within;

use std::io::{BufWriter, Write as _};
use std::ops::Range;
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
        let claims = arguments.queries.as_ref().map(|path| Sheet::read(path, &columns.queries)).transpose();
        (members.join(), claims)
    });
    let members = members.map_err(|_| Failure::Other(anyhow::anyhow!("reading the roster failed")))??;
    progress.next("building the roster");
    let roster = Roster::build((0..members.len()).map(|row| (members.key(row), members.person(row))));
    let claims = claims?;
    if let (Some(query), Some(claims)) = (&arguments.explain, &claims) {
        progress.end();
        return explain(&policy, &roster, claims, query, json);
    }
    let Some(out) = &arguments.out else {
        return Err(Failure::Input("name the file for the answers: --out P.csv".into()));
    };
    let threads = arguments.threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let Some(claims) = claims else {
        return within::run(&policy, &roster, &members, (out, threads.max(1)), &progress, json);
    };
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
    in_threads(claims.len(), threads, progress, |rows, decisions| {
        let mut matcher = Matcher::new(policy, roster);
        for rows in rows {
            decisions.extend(matcher.decide_all(rows.map(|row| claims.person(row))));
        }
    })
}

/// Has threads answer for rows, some at a time; the answers stand in the order of the rows, whoever gave them.
fn in_threads<T: Send>(
    count: usize,
    threads: usize,
    progress: &Progress,
    work: impl Fn(&mut dyn Iterator<Item = Range<usize>>, &mut Vec<T>) + Sync,
) -> Result<Vec<T>, Failure> {
    let share = count.div_ceil(threads).max(CLAIMS_AT_ONCE);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count)
            .step_by(share)
            .map(|from| {
                let work = &work;
                scope.spawn(move || {
                    let to = (from + share).min(count);
                    let mut answers = Vec::with_capacity(to - from);
                    let mut some = (from..to).step_by(CLAIMS_AT_ONCE).map(|start| {
                        let rows = start..(start + CLAIMS_AT_ONCE).min(to);
                        progress.add(rows.len());
                        rows
                    });
                    work(&mut some, &mut answers);
                    answers
                })
            })
            .collect();
        let mut answers = Vec::with_capacity(count);
        for worker in workers {
            answers.extend(worker.join().map_err(|_| Failure::Other(anyhow::anyhow!("a judging thread failed")))?);
        }
        Ok(answers)
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
    let rows = decisions.iter().enumerate().map(|(row, decision)| {
        (claims.key(row), decision.member.unwrap_or_default(), decision.probability, decision.outcome)
    });
    write_rows(path, rows)
}

/// Writes answers: claim, member, probability in parts per million, outcome.
fn write_rows<'a>(path: &Path, rows: impl Iterator<Item = (&'a str, &'a str, u32, Outcome)>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Disk(format!("{} can't be written: {error}", path.display()));
    let mut out = csv::Writer::from_writer(BufWriter::new(std::fs::File::create(path).map_err(failed)?));
    let failed = |error: csv::Error| Failure::Disk(format!("{} can't be written: {error}", path.display()));
    out.write_record(["query_id", "member_id", "probability", "decision"]).map_err(failed)?;
    for (claim, member, probability, outcome) in rows {
        let probability = format!("{}.{:06}", probability / 1_000_000, probability % 1_000_000);
        out.write_record([claim, member, &probability, outcome.as_str()]).map_err(failed)?;
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
