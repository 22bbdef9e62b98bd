//! `make bench-identity`: how right, how fast and how small matching is, on worlds of the sandbox that no policy was fitted on, and
//! on the folders that `DATA` names (comma between them; each with `roster.csv`, `queries.csv` and `truth.csv`).
//!
//! `POLICY=file` judges by another policy. `FIT=file` instead estimates a policy on the world that the shipped one was fitted on, and
//! writes it. `LARGE=1` adds a roster of a million. `PREDICTIONS=dir` also writes each set's answers, one file a set. `JSON=file` writes
//! all figures and targets. Folders whose name begins with `febrl` are judged by the policy for them; `FEBRL=folder` adds the FEBRL
//! sets of the folder to those of the sandbox.

#![expect(clippy::disallowed_methods, reason = "a bench measures time, and reads what it is told to")]

mod febrl;
mod measure;
mod set;
mod targets;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use matching::{Matcher, Policy, Roster};
use sandbox::roster::Mood;
use serde_json::Value;
use set::{Set, person};

#[expect(clippy::print_stdout, reason = "a bench reports to standard output")]
fn main() {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let text = variable("POLICY").map_or_else(
        || include_str!("../../../../deploy/policy/matching.toml").to_owned(),
        |path| std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")),
    );
    let policy = Policy::parse(&text).expect("a policy");
    let febrl = Policy::parse(include_str!("../../../../deploy/policy/matching-febrl.toml")).expect("a policy");
    if let Some(path) = variable("FIT") {
        return fit(&policy, &path);
    }
    let mut sets: Vec<Set> = variable("DATA")
        .unwrap_or_default()
        .split(',')
        .filter(|folder| !folder.is_empty())
        .map(|folder| Set::read(Path::new(folder)))
        .collect();
    let mut within = None;
    if sets.is_empty() {
        let moods = [(Mood::Mixed, 11), (Mood::Careful, 12), (Mood::Careless, 13), (Mood::Immigrant, 14)];
        sets.extend(moods.map(|(mood, seed)| Set::make(mood, seed, 100_000, 20_000)));
        within = variable("FEBRL").map(PathBuf::from).filter(|folder| folder.join("dataset3.csv").is_file());
        sets.extend(within.iter().flat_map(|folder| febrl::sets(folder)));
    }
    if variable("LARGE").is_some() {
        sets.push(Set::make(Mood::Mixed, 15, 1_000_000, 20_000));
    }
    println!("{}", HEAD);
    let mut answers = Vec::new();
    for set in &sets {
        let policy = if set.name.starts_with("febrl") && variable("POLICY").is_none() { &febrl } else { &policy };
        let answer = measure::measure(set, policy, 5);
        println!("{}", line(&answer));
        if let Some(folder) = variable("PREDICTIONS") {
            write(set, policy, &Path::new(&folder).join(format!("{}.csv", set.name)));
        }
        answers.push(answer);
    }
    for has_ssn in [true, false] {
        let answer = within.as_ref().map(|folder| febrl::within(folder, &febrl, has_ssn));
        answer.iter().for_each(|answer| println!("{}", line(answer)));
        answers.extend(answer);
    }
    let (lines, targets) = targets::judge(&answers);
    println!("\n{lines}");
    if let Some(path) = variable("JSON") {
        let all = serde_json::json!({ "sets": answers, "targets": targets });
        std::fs::write(path, format!("{all:#}\n")).expect("the figures are written");
    }
}

/// The heads of the columns of [`line`].
const HEAD: &str = "set                        F1 FM/10k  review  Brier    ECE  recall    per s  p50/p99/max µs     explained   \
    B/member  build/s load ms";

fn line(answer: &Value) -> String {
    let number = |name: &str| answer[name].as_f64().unwrap_or_default();
    format!(
        "{:<22} {:>6.4} {:>6.1} {:>6.2}% {:>6.4} {:>6.4} {:>7.5} {:>7.0}k {:>5.1}/{:.1}/{:<5.0} {:>6.1}/{:<5.1} {:>4.0}/{:<5.0} {:>7.0}k {:>7.0}",
        answer["name"].as_str().unwrap_or_default(),
        number("f1"),
        number("false_merges_per_10k"),
        number("review_share") * 100.0,
        number("brier"),
        number("ece"),
        number("candidate_recall"),
        number("matches_per_s_core") / 1e3,
        number("p50_us"),
        number("p99_us"),
        number("max_us"),
        number("explained_p50_us"),
        number("explained_p99_us"),
        number("bytes_per_member"),
        number("bytes_per_member_with_strings"),
        number("build_per_s_core") / 1e3,
        number("snapshot_load_ms"),
    )
}

/// Estimates the policy that is shipped, from the one given.
fn fit(start: &Policy, path: &str) {
    let set = Set::make(Mood::Mixed, 1, 100_000, 20_000);
    let roster = Roster::build(set.roster.iter().map(|record| (record.member_id.as_str(), person(record))));
    let (policy, report) = matching::fit(&roster, set.claims.iter().map(person), start);
    std::fs::write(path, format!("{}\n{}", report.to_comments(), policy.to_text())).expect("the policy is written");
}

fn write(set: &Set, policy: &Policy, path: &Path) {
    let roster = Roster::build(set.roster.iter().map(|record| (record.member_id.as_str(), person(record))));
    let mut matcher = Matcher::new(policy, &roster);
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).expect("a file"));
    writeln!(out, "query_id,member_id,probability,decision").expect("a line");
    for (name, claim) in set.names.iter().zip(&set.claims) {
        let decision = matcher.decide(&person(claim));
        let probability = f64::from(decision.probability) / 1e6;
        let member = decision.member.unwrap_or_default();
        writeln!(out, "{name},{member},{probability:.6},{}", decision.outcome.as_str()).expect("a line");
    }
}
