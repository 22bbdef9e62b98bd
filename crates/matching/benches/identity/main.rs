//! `make bench-identity`: how right, how fast and how small matching is.

mod set;

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use matching::{Matcher, Outcome, Policy, Roster};
use set::Set;

#[expect(clippy::print_stdout, reason = "a bench reports to standard output")]
fn main() {
    let text = std::env::var("POLICY").map_or_else(
        |_| include_str!("../../../../deploy/policy/matching.toml").to_owned(),
        |path| std::fs::read_to_string(path).expect("the policy"),
    );
    let policy = Policy::parse(&text).expect("a policy");
    for folder in std::env::var("DATA").unwrap_or_default().split(',').filter(|folder| !folder.is_empty()) {
        let set = Set::read(Path::new(folder));
        let start = Instant::now();
        let roster = Roster::build((0..set.roster.len()).map(|row| (set.roster.field(row, "member_id"), set.roster.person(row))));
        let built = start.elapsed();
        if let Ok(path) = std::env::var("FIT") {
            let (fitted, report) = matching::fit(&roster, (0..set.queries.len()).map(|row| set.queries.person(row)), &policy);
            std::fs::write(path, report.to_comments() + "\n" + &fitted.to_text()).expect("the policy");
        }
        let mut matcher = Matcher::new(&policy, &roster);
        let start = Instant::now();
        let decisions: Vec<_> = (0..set.queries.len()).map(|row| matcher.decide(&set.queries.person(row))).collect();
        let took = start.elapsed();
        let (packed, other) = roster.bytes();
        let candidates: u64 = decisions.iter().map(|decision| u64::from(decision.candidates)).sum();
        println!(
            "{}: build {:.0} ms ({:.0}k/s), {:.0}k decisions/s, {:.1} candidates, {} + {} B a member",
            set.name,
            built.as_secs_f64() * 1e3,
            set.roster.len() as f64 / built.as_secs_f64() / 1e3,
            set.queries.len() as f64 / took.as_secs_f64() / 1e3,
            candidates as f64 / decisions.len() as f64,
            packed / roster.len(),
            other / roster.len(),
        );
        let mut out = std::io::BufWriter::new(std::fs::File::create(Path::new(folder).join("predictions.csv")).expect("a file"));
        writeln!(out, "query_id,member_id,probability,decision").expect("a line");
        for (row, decision) in decisions.iter().enumerate() {
            let outcome = match decision.outcome {
                Outcome::Match => "match",
                Outcome::Review => "review",
                Outcome::NoMatch => "no_match",
            };
            let probability = f64::from(decision.probability) / 1e6;
            writeln!(out, "{},{},{probability:.6},{outcome}", set.queries.field(row, "query_id"), decision.member.unwrap_or_default())
                .expect("a line");
        }
    }
}
