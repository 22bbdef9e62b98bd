//! Reviews at the terminal: their steps as asks, and both records side by side.

use std::fmt::Write as _;

use domain::RequestId;
use domain::messages::{CommandAction, CommandTarget, Verdict};
use serde_json::{Map, Value};

use super::operations::request;
use crate::ask::{Ask, Intent, Look};
use crate::cli::{AskArgs, DecideArgs, ExplainArgs, Review, StepArgs};
use crate::show;

/// What is asked about reviews.
pub(super) fn ask(review: Review) -> Ask {
    match review {
        Review::List => Ask::Reviews,
        Review::Open(args) => Ask::OpenReview { request_id: args.request, look: look(args.operator, args.reason) },
        Review::Take(args) => step_of(args, Verdict::Take {}),
        Review::Ask(AskArgs { request, operator, reason }) => {
            step(request, Verdict::AskMore {}, look(operator, Some(reason)))
        }
        Review::Decide(args) => decide(args),
        Review::Appeal(args) => step_of(args, Verdict::Appeal {}),
    }
}

/// Who looks.
pub(super) fn look(operator: String, reason: Option<String>) -> Look {
    Look { operator: operator.into(), reason: reason.unwrap_or_default() }
}

/// Why identity decided; the sealed claim stays so unless that is asked for.
pub(super) fn explain(args: ExplainArgs) -> Ask {
    let ExplainArgs { request: request_id, open, operator, reason } = args;
    Ask::Explain { request_id, look: operator.filter(|_| open).map(|operator| look(operator, reason)) }
}

fn step_of(args: StepArgs, verdict: Verdict) -> Ask {
    step(args.request, verdict, look(args.operator, args.reason))
}

fn step(request_id: RequestId, verdict: Verdict, Look { operator, reason }: Look) -> Ask {
    Ask::Command(Intent {
        target: CommandTarget::RequestTarget { request_id },
        action: CommandAction::DecideReview,
        operator,
        reason,
        verdict: Some(verdict),
        expected_state: None,
        about: None,
    })
}

fn decide(args: DecideArgs) -> Ask {
    let verdict = match args.member {
        Some(member_token) => Verdict::IsMember { member_token },
        None => Verdict::IsNobody {},
    };
    request(args.request, CommandAction::DecideReview, Some(verdict), args.intent)
}

/// The review, then one table for each candidate: claim and roster beside each other, nothing cut.
pub(super) fn side_by_side(answer: &Value) -> String {
    let (mut text, candidates) = apart(answer, "candidates");
    for (number, candidate) in candidates.iter().enumerate() {
        let (about, fields) = apart(candidate, "fields");
        let _ =
            write!(text, "\ncandidate {} of {}\n{about}\n{}", number + 1, candidates.len(), show::whole_table(fields));
    }
    text
}

/// The decision, the fields it rests on, then how the same claim is judged today.
pub(super) fn explanation(answer: &Value) -> String {
    let mut decision = answer.clone();
    let today = decision.as_object_mut().and_then(|fields| fields.shift_remove("today")).filter(Value::is_object);
    let (mut text, fields) = apart(&decision, "fields");
    if let Some(today) = today {
        let _ = write!(text, "\ntoday\n{}", show::rendered(&today));
    }
    if !fields.is_empty() {
        let _ = write!(text, "\nfields\n{}", show::whole_table(fields));
    }
    text
}

/// The fields of an answer as text, and the list under this name.
fn apart<'a>(answer: &'a Value, name: &str) -> (String, &'a [Value]) {
    let list = answer.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    let others = answer.as_object().into_iter().flatten().filter(|(field, value)| *field != name && !is_empty(value));
    let others: Map<String, Value> = others.map(|(field, value)| (field.clone(), value.clone())).collect();
    (show::rendered(&Value::Object(others)), list)
}
