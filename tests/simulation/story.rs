//! Tells a failure so that a person can follow it: what was promised and broken, what went wrong on the way, and the story of the
//! request in plain words.

use std::fmt::Write as _;

use crate::oracle::Fact;
use crate::run::Failure;
use crate::scenario::Scenario;

/// No story is longer than this.
const FACTS_MAX: usize = 60;

/// The whole story of a failure.
pub(crate) fn tell(scenario: &Scenario, failure: &Failure) -> String {
    let mut text = format!("seed {} breaks a promise:\n", scenario.seed);
    for wrong in failure.wrong.iter().take(5) {
        let _ = writeln!(text, "  {wrong}");
    }
    let _ = write!(
        text,
        "\nThe smallest scenario that was found ({} submissions' keys left out):\n",
        scenario.left_out.len()
    );
    for fault in scenario.plan.0.iter() {
        let _ = writeln!(text, "  {fault}");
    }
    for order in scenario.orders.iter() {
        let _ = writeln!(text, "  {order}");
    }
    let about = |fact: &&Fact| failure.wrong.iter().any(|wrong| wrong.contains(&fact.request_id.to_string()));
    let is_about_one = failure.facts.iter().any(|fact| about(&fact));
    let facts: Vec<&Fact> = failure.facts.iter().filter(|fact| !is_about_one || about(fact)).collect();
    let whose = if is_about_one { "the request" } else { "all requests" };
    let _ = writeln!(text, "\nThe story of {whose}, as the log tells it:");
    // Of a long row of failures the first and the last tell enough.
    let is_failure = |at: usize| facts.get(at).is_some_and(|fact| fact.kind == "attempt-failed");
    let is_told = |at: &usize| *at == 0 || !(at - 1..=at + 1).all(is_failure);
    let told: Vec<&Fact> = (0..facts.len()).filter(is_told).map(|at| facts[at]).collect();
    for fact in told.iter().skip(told.len().saturating_sub(FACTS_MAX)) {
        let detail = if fact.detail.is_empty() { String::new() } else { format!(" ({})", fact.detail) };
        let short = fact.request_id.to_string();
        let _ = writeln!(
            text,
            "  {:>14.3} s  {:<8} {:<14} {}{detail}",
            fact.seen.as_secs_f64(),
            &short[..8],
            fact.by.as_str(),
            words(fact.kind)
        );
    }
    let _ = write!(text, "\nAs a regression:\n{scenario:#?}\n");
    text
}

fn words(kind: &str) -> &str {
    match kind {
        "received" => "its submission arrives",
        "validated" => "intake accepts it",
        "refused" => "intake refuses a submission",
        "duplicate-suppressed" => "the same submission comes again, and nothing is repeated",
        "conflict-refused" => "its key comes with another payload, which is refused",
        "identity-matched" => "its member is found",
        "identity-unmatched" => "nobody fits",
        "review-opened" => "a person has to say who the member is",
        "review-decided" => "a person has answered",
        "command-passed" => "a command comes to identity after it has left, or changes nothing",
        "partner-dispatched" => "the partner is being asked",
        "attempt-failed" => "an attempt fails",
        "outcome-unknown" => "nobody knows whether an attempt took effect",
        "acknowledged" => "the partner has confirmed",
        "fulfilled" => "the partner has delivered",
        "partner-refused" => "the partner refuses for good",
        "attempts-exhausted" => "all attempts are spent",
        "cancelled" => "it is taken back in time",
        "cancel-failed" => "the cancel comes too late",
        "compensation-started" => "its effect is to be undone",
        "compensated" => "its effect is undone",
        "compensation-failed" => "its effect can't be undone",
        "deadline-breached" => "a clock runs out",
        "exception-raised" => "an owner is named",
        "escalated" => "the next owner is named",
        "cancel-requested" => "a person wants it to end",
        "held" => "a person stops it for now",
        "released" => "a person lets it go on",
        "command-refused" => "a command has no place here",
        "verification-failed" => "what came is not what was announced",
        "closed" => "it is closed",
        "letter-replayed" => "a person sends its letter back",
        "letter-discarded" => "a person puts its letter aside",
        "dead-lettered" => "one of its records becomes a letter",
        other => other,
    }
}
