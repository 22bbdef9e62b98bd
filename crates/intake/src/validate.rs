//! Whether a submission is complete and lawful. Each rule is one small function; all of them speak, so that a source can correct
//! everything at once. Findings come in the order of the rules: who may ask, which request, about whom, by what right, what of
//! whom, and sizes last.

mod ask;
mod coverage;
mod member;
mod request;
mod right;
mod sizes;

use std::collections::BTreeSet;
use std::fmt;

use domain::lifecycle::workflow::{self, Steps};
pub use domain::messages::Finding;
use domain::messages::IntakeRequest;
use domain::partner::Registry;
use domain::time::Date;
use domain::{Code, Timestamp};

pub(crate) use sizes::is_too_long;

use crate::{Intake, Source};

/// Everything that is wrong with a submission, the most telling first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings(Vec<Finding>);

/// What the rules look at.
struct Case<'a> {
    request: &'a IntakeRequest,
    source: &'a Source,
    steps: Steps,
    partners: &'a Registry,
    payer_id: &'a str,
    now: Timestamp,
}

type Rule = fn(&Case<'_>, &mut Findings);

const RULES: [&[Rule]; 6] = [request::RULES, member::RULES, coverage::RULES, right::RULES, ask::RULES, sizes::RULES];

/// Applies every rule to a submission.
pub fn validate(intake: &Intake, source: &Source, request: &IntakeRequest, now: Timestamp) -> Findings {
    let case = Case {
        request,
        source,
        steps: workflow::steps(request.workflow),
        partners: &intake.partners,
        payer_id: &intake.policy.payer_id,
        now,
    };
    let mut findings = Findings::default();
    RULES.iter().copied().flatten().for_each(|rule| rule(&case, &mut findings));
    findings
}

// === impl Findings ===

impl Findings {
    /// One finding alone.
    pub fn one(field: &str, code: Code) -> Self {
        Self(vec![Finding { field: field.to_owned(), code }])
    }

    /// The first finding; none if nothing is wrong.
    pub fn first(&self) -> Option<&Finding> {
        self.0.first()
    }

    /// The fields at fault, each once.
    pub fn fields(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.0.iter().filter(|finding| seen.insert(&finding.field)).map(|finding| finding.field.clone()).collect()
    }

    /// What to do about all of them, a sentence each.
    pub fn remedy(&self) -> String {
        let sentence = |finding: &Finding| format!("{} ({}): {}", finding.field, finding.code, finding.code.remedy());
        self.0.iter().map(sentence).collect::<Vec<_>>().join(" ")
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    fn add(&mut self, field: impl fmt::Display, code: Code) {
        self.0.push(Finding { field: field.to_string(), code });
    }

    fn add_if(&mut self, wrong: bool, field: impl fmt::Display, code: Code) {
        if wrong {
            self.add(field, code);
        }
    }
}

/// Whether a text says nothing.
fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Whether a period of calendar days is none: a day that does not exist, or an end before the start. Either side may be open.
fn is_malformed(start: Option<&str>, end: Option<&str>) -> bool {
    let (first, last) = (start.map(Date::parse), end.map(Date::parse));
    match (first, last) {
        (Some(None), _) | (_, Some(None)) => true,
        (Some(Some(first)), Some(Some(last))) => last < first,
        (None, _) | (_, None) => false,
    }
}

#[cfg(test)]
mod tests;
