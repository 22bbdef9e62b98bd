//! Who a claim is about, by a matching policy against the roster: the member, perhaps somebody, nobody.

use domain::Code;
use domain::lifecycle::evidence::{Agreement, Alternative, FieldEvidence, MatchEvidence, MatchField, Rehearsed};
use domain::messages::Context;
use domain::person::Dossier;
use domain::{Token, lifecycle::PolicyRef};
use matching::evidence::{Ranked, Weighed};
use matching::levels::{Field, Levels};
use matching::{Explanation, Outcome};

use crate::rollout::Judge;
use crate::{Reading, Rollout, Roster};

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved<'a> {
    /// Who it is.
    pub resolution: Resolution<'a>,
    /// From which probability on it was a match, in parts per million.
    pub match_ppm: u32,
    /// What that rests on.
    pub weighed: Weighed<'a>,
}

/// Who a claim is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resolution<'a> {
    /// This member.
    Matched {
        /// The account that fits.
        account: &'a str,
        /// The account that stands for it today.
        member: &'a str,
        /// The fields that agree best, as events and reviews show them.
        rule: String,
    },
    /// One of these, perhaps; a person has to look.
    Uncertain {
        /// Why.
        code: Code,
        /// Who there is to choose from, the likeliest first.
        choices: Vec<Choice<'a>>,
    },
    /// Nobody of ours.
    Nobody {
        /// Why.
        code: Code,
    },
}

/// Somebody who may be the member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice<'a> {
    /// The account that stands for them today.
    pub member: &'a str,
    /// The fields that agree best.
    pub rule: String,
    /// How likely, in parts per million.
    pub probability: u32,
    /// The weight for them against a stranger, in centibits.
    pub weight: i32,
}

/// From which probability on a reviewer is shown somebody, in parts per million; the likeliest is shown always.
const SHOWN_PPM: u32 = 1_000;

/// Looks the claim of a request up.
pub fn resolve<'a>(
    rollout: &Rollout,
    judge: &Judge,
    roster: &'a Roster,
    (context, dossier): (&Context, &Dossier),
) -> Resolved<'a> {
    let thresholds = rollout.thresholds(judge, context);
    let mut matcher = rollout.matcher(judge, context, roster);
    let weighed = Reading::of_request(context, dossier).with(|person| matcher.weigh_up(person));
    let (decision, best) = (&weighed.decision, weighed.decision.member);
    let is_match = decision.outcome == Outcome::Match;
    let resolution = match (best, best.and_then(|account| roster.survivor(account))) {
        (Some(account), Some(member)) if is_match => {
            Resolution::Matched { account, member, rule: rule(&decision.levels) }
        }
        (Some(_), _) if is_match || decision.outcome == Outcome::Review => {
            let choices = choices(roster, &weighed.ranked);
            let code = if choices.len() == 1 { Code::PartialAgreement } else { Code::SeveralCandidates };
            Resolution::Uncertain { code, choices }
        }
        _ => Resolution::Nobody { code: why_nobody(&weighed) },
    };
    Resolved { resolution, match_ppm: thresholds.matches, weighed }
}

/// Who a reviewer may choose from: a member once, however many of their accounts fit.
fn choices<'a>(roster: &'a Roster, ranked: &[Ranked<'a>]) -> Vec<Choice<'a>> {
    let mut choices: Vec<Choice<'a>> = Vec::new();
    for (place, other) in ranked.iter().enumerate() {
        let member = roster.survivor(other.account).unwrap_or(other.account);
        match choices.iter_mut().find(|choice| choice.member == member) {
            Some(choice) => choice.probability += other.probability,
            None if place == 0 || SHOWN_PPM <= other.probability => choices.push(Choice {
                member,
                rule: rule(&other.levels),
                probability: other.probability,
                weight: other.weight,
            }),
            None => {}
        }
    }
    choices
}

/// The fields that agree as well as they can.
fn rule(levels: &Levels) -> String {
    let best = Field::ALL.into_iter().filter(|field| levels.of(*field) == 1);
    best.map(Field::as_str).collect::<Vec<_>>().join("+")
}

fn why_nobody(weighed: &Weighed<'_>) -> Code {
    let identifies = |field: &Field| field.identifies(weighed.decision.levels.of(*field));
    if Field::ALL.iter().any(identifies) { Code::CandidatesDisagree } else { Code::NoCandidate }
}

// === impl Resolved ===

impl Resolved<'_> {
    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        match self.resolution {
            Resolution::Matched { .. } => Outcome::Match,
            Resolution::Uncertain { .. } => Outcome::Review,
            Resolution::Nobody { .. } => Outcome::NoMatch,
        }
    }

    /// What the log keeps of it; `claim` is the token of what the claim says, `likeliest` that of the likeliest member.
    pub fn evidence(&self, claim: Token, likeliest: Option<Token>, rehearsed: Option<Rehearsed>) -> Box<MatchEvidence> {
        let decision = &self.weighed.decision;
        let rival = decision.runner_up;
        Box::new(MatchEvidence {
            claim,
            likeliest,
            probability_ppm: decision.probability,
            weight: decision.weight,
            alternative: alternative(rival.map(|rival| rival.explanation)),
            alternative_ppm: rival.map_or(0, |rival| rival.probability),
            margin: rival.map_or(0, |rival| rival.margin),
            fields: self
                .weighed
                .fields
                .iter()
                .map(|said| FieldEvidence {
                    field: MatchField::of(said.field.as_str()),
                    agreement: Agreement::of(said.level),
                    weight: said.weight,
                })
                .collect(),
            rehearsed,
        })
    }

    /// The account of the likeliest member, where none is matched.
    pub fn likeliest<'r>(&self, roster: &'r Roster) -> Option<&'r str>
    where
        Self: 'r,
    {
        match self.resolution {
            Resolution::Matched { .. } => None,
            Resolution::Uncertain { .. } | Resolution::Nobody { .. } => {
                self.weighed.decision.member.map(|account| roster.survivor(account).unwrap_or(account))
            }
        }
    }

    /// The same as what another policy says beside it.
    pub fn rehearsed(&self, policy: PolicyRef, acted: &Self) -> Rehearsed {
        Rehearsed {
            policy,
            outcome: self.outcome().as_str().into(),
            same_member: self.weighed.decision.member == acted.weighed.decision.member,
            probability_ppm: self.weighed.decision.probability,
        }
    }
}

fn alternative(explanation: Option<Option<Explanation>>) -> Alternative {
    match explanation {
        None => Alternative::None,
        Some(None) => Alternative::Stranger,
        Some(Some(Explanation::Member)) => Alternative::Member,
        Some(Some(Explanation::Relative)) => Alternative::Relative,
        Some(Some(Explanation::Namesake)) => Alternative::Namesake,
        Some(Some(Explanation::Twin)) => Alternative::Twin,
    }
}

#[cfg(test)]
mod tests;
