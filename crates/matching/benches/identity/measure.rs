//! What is measured: how right decisions are, and how fast and small their making is.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use matching::{Decision, Matcher, Outcome, Policy, Roster};
use serde_json::{Value, json};

use crate::set::{Set, person};

/// Decides every claim of a set and says how right, fast and small that was.
///
/// What is per second and core is measured in the time that this thread had a core for. A claim's latency is the least of `rounds`:
/// what else the machine does is not the matcher's.
pub(crate) fn measure(set: &Set, policy: &Policy, rounds: u32) -> Value {
    let start = cpu();
    let mut roster = Roster::build(set.roster.iter().map(|record| (record.member_id.as_str(), person(record))));
    let built = cpu() - start;
    let bytes = roster.to_snapshot();
    let loads = (0..3).map(|_| {
        let start = cpu();
        std::hint::black_box(Roster::of_snapshot(&bytes).is_ok());
        cpu() - start
    });
    let loaded = loads.min().unwrap_or_default();
    let roster = Roster::of_snapshot(&bytes).unwrap_or(roster);
    let mut matcher = Matcher::new(policy, &roster);
    let decisions: Vec<_> = set.claims.iter().map(|claim| matcher.decide(&person(claim))).collect();
    let recall = candidate_recall(set, &mut matcher);
    let mut answer = accuracy(set, &decisions);
    let mut whole = Duration::MAX;
    for _ in 0..rounds {
        let start = cpu();
        std::hint::black_box(matcher.decide_all(set.claims.iter().map(person)));
        whole = whole.min(cpu() - start);
    }
    let each = latencies(set, rounds, |claim| _ = std::hint::black_box(matcher.decide(&person(claim))));
    let explained = latencies(set, rounds, |claim| _ = std::hint::black_box(matcher.explain(&person(claim))));
    let at = |times: &[Duration], share: usize| {
        times[(times.len() * share / 1000).min(times.len() - 1)].as_nanos() as f64 / 1e3
    };
    let (packed, rest) = roster.bytes();
    let puts = updates(set, &roster);
    let figures = json!({
        "name": set.name,
        "members": roster.len(),
        "candidate_recall": recall,
        "matches_per_s_core": set.claims.len() as f64 / whole.as_secs_f64(),
        "p50_us": at(&each, 500),
        "p99_us": at(&each, 990),
        "max_us": at(&each, 1000),
        "explained_p50_us": at(&explained, 500),
        "explained_p99_us": at(&explained, 990),
        "bytes_per_member": packed / roster.len(),
        "bytes_per_member_with_strings": (packed + rest) / roster.len(),
        "build_per_s_core": roster.len() as f64 / built.as_secs_f64(),
        "snapshot_load_ms": loaded.as_secs_f64() * 1e3,
        "put_p50_us": at(&puts, 500),
        "put_p99_us": at(&puts, 990),
        "put_max_us": at(&puts, 1000),
    });
    if let (Value::Object(answer), Value::Object(figures)) = (&mut answer, figures) {
        answer.extend(figures);
    }
    answer
}

/// How long this thread has had a core.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How long it takes to take in each of a sixth of the members anew, in order of duration: the longest of them build the index anew.
fn updates(set: &Set, roster: &Roster) -> Vec<Duration> {
    let mut roster = roster.clone();
    let some = set.roster.iter().take(set.roster.len() / 6 + 1);
    let mut puts: Vec<_> = some.map(|record| timed(|| roster.put(&record.member_id, &person(record)))).collect();
    puts.sort_unstable();
    puts
}

/// How long each claim takes at the least, in order of duration.
fn latencies(set: &Set, rounds: u32, mut work: impl FnMut(&sandbox::roster::Record)) -> Vec<Duration> {
    let mut least = vec![Duration::MAX; set.claims.len()];
    for _ in 0..rounds {
        for (claim, least) in set.claims.iter().zip(&mut least) {
            *least = timed(|| work(claim)).min(*least);
        }
    }
    least.sort_unstable();
    least
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The share of claims of members whose member is among the candidates.
fn candidate_recall(set: &Set, matcher: &mut Matcher<'_>) -> f64 {
    let (mut present, mut found) = (0u32, 0u32);
    for (claim, right) in set.claims.iter().zip(&set.right).filter(|(_, right)| !right.is_empty()) {
        let candidates = matcher.candidates(&person(claim));
        present += 1;
        found += u32::from(candidates.iter().any(|key| right.iter().any(|id| id == key)));
    }
    f64::from(found) / f64::from(present.max(1))
}

/// The measures of the field: precision, recall and F1 of matches; false merges per 10,000 claims; share of reviews; and how well
/// the probabilities of the proposed members agree with the truth (Brier 1950; expected calibration error over ten bins).
fn accuracy(set: &Set, decisions: &[Decision<'_>]) -> Value {
    let (mut right, mut wrong, mut review, mut present, mut brier) = (0u32, 0u32, 0u32, 0u32, 0.0);
    let mut bins = [(0u32, 0.0, 0u32); 10];
    for (decision, truth) in decisions.iter().zip(&set.right) {
        present += u32::from(!truth.is_empty());
        review += u32::from(decision.outcome == Outcome::Review);
        let Some(member) = decision.member else { continue };
        let is_right = truth.iter().any(|id| id == member);
        let probability = f64::from(decision.probability) / 1e6;
        if decision.outcome == Outcome::Match {
            *if is_right { &mut right } else { &mut wrong } += 1;
        }
        brier += (probability - f64::from(u8::from(is_right))).powi(2);
        let bin = &mut bins[((probability * 10.0) as usize).min(9)];
        *bin = (bin.0 + 1, bin.1 + probability, bin.2 + u32::from(is_right));
    }
    let proposed = f64::from(bins.iter().map(|bin| bin.0).sum::<u32>()).max(1.0);
    let (precision, recall) =
        (f64::from(right) / f64::from(right + wrong).max(1.0), f64::from(right) / f64::from(present.max(1)));
    json!({
        "claims": decisions.len(),
        "f1": 2.0 * precision * recall / (precision + recall).max(f64::MIN_POSITIVE),
        "precision": precision,
        "recall": recall,
        "false_merges_per_10k": 1e4 * f64::from(wrong) / decisions.len() as f64,
        "review_share": f64::from(review) / decisions.len() as f64,
        "brier": brier / proposed,
        "ece": bins.iter().map(|bin| (bin.1 - f64::from(bin.2)).abs()).sum::<f64>() / proposed,
    })
}
