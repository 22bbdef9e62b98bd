//! A decision as the log keeps it beside how the same claim is judged today: field by field, and where the two differ and why.

use domain::Token;
use domain::lifecycle::evidence::MatchEvidence;
use matching::levels::Field;
use serde::Serialize;

use super::{Decided, Judged};

/// A field as the log has it and as it is today.
#[derive(Serialize)]
pub(super) struct Row {
    field: &'static str,
    agreement: Option<&'static str>,
    weight_centibits: Option<i32>,
    agreement_today: Option<&'static str>,
    weight_today_centibits: Option<i32>,
    claim: Option<String>,
    roster: Option<String>,
    /// Whose word that is and over whose, where sources differ.
    source: Option<String>,
}

/// Where today's judgement is another one.
#[derive(Serialize, PartialEq, Debug)]
pub(super) struct Difference {
    what: &'static str,
    then: String,
    today: String,
}

/// The fields that say something, then or today, in the order of the policy.
pub(super) fn fields(evidence: Option<&MatchEvidence>, judged: Option<&Judged>) -> Vec<Row> {
    let explained = judged.map(|judged| &judged.explained);
    let row = |of: Field| {
        let field = of.as_str();
        let then = evidence.and_then(|evidence| evidence.fields.iter().find(|said| said.field.as_str() == field));
        let today = explained.and_then(|explained| explained.fields.iter().find(|said| said.field == field));
        (then.is_some() || today.is_some()).then(|| Row {
            field,
            agreement: then.map(|said| said.agreement.as_str()),
            weight_centibits: then.map(|said| said.weight),
            agreement_today: today.map(|said| said.level),
            weight_today_centibits: today.map(|said| said.weight),
            claim: today.map(|said| said.claim.clone()),
            roster: today.map(|said| said.roster.clone()),
            source: judged.and_then(|judged| judged.stands.as_ref()?.source(of)),
        })
    };
    Field::ALL.into_iter().filter_map(row).collect()
}

/// Where the machine judges otherwise today than it did.
pub(super) fn differences(
    (outcome, evidence): (&'static str, &MatchEvidence),
    decided: &Decided,
    judged: &Judged,
) -> Vec<Difference> {
    let explained = &judged.explained;
    let mut found = Vec::new();
    let mut compare = |what: &'static str, then: String, today: String| {
        if then != today {
            found.push(Difference { what, then, today });
        }
    };
    compare("outcome", outcome.into(), explained.outcome.into());
    if let (Some(then), "match") = (decided.member_token, outcome) {
        let text = |token: Token| token.to_string();
        compare("member", text(then), judged.member_token.map(text).unwrap_or_default());
    }
    compare("probability", percent(evidence.probability_ppm), percent(explained.probability_ppm));
    for row in fields(Some(evidence), Some(judged)) {
        let said = |agreement: Option<&str>, weight: Option<i32>| match (agreement, weight) {
            (Some("missing") | None, _) | (_, None) => "nothing".to_owned(),
            (Some(agreement), Some(weight)) => format!("{agreement} {}", bits(weight)),
        };
        compare(
            row.field,
            said(row.agreement, row.weight_centibits),
            said(row.agreement_today, row.weight_today_centibits),
        );
    }
    found
}

/// Why today's judgement differs, or that it does not.
pub(super) fn why(decided: &Decided, judged: &Judged, differs: bool) -> &'static str {
    let is_same_policy = decided.policy == judged.policy;
    // The event of a review does not tell how much of the roster was known.
    let is_same_roster = decided.roster_version.map(|version| version == judged.roster_version);
    match (differs, is_same_policy, is_same_roster) {
        (false, true, Some(true)) => "the same policy against the same roster says the same today",
        (false, ..) => "policy or roster may have changed since, and nothing of that changes the judgement",
        (true, true, Some(true)) => "neither policy nor roster has changed since: report this, for it must not be",
        (true, true, _) => "the roster has changed since",
        (true, false, Some(true)) => "another policy is in force",
        (true, false, _) => "another policy is in force, and the roster has changed since",
    }
}

fn percent(ppm: u32) -> String {
    format!("{}.{:02} %", ppm / 10_000, ppm % 10_000 / 100)
}

fn bits(centibits: i32) -> String {
    format!("{:.2}", f64::from(centibits) / 100.0)
}
