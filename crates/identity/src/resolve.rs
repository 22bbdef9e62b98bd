//! Who a claim is about: the policy's rules applied to the roster's candidates.

use std::collections::BTreeMap;

use domain::Code;

use crate::agreement::Agreement;
use crate::policy::{Policy, RuleVerdict};
use crate::{Profile, Roster};

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved<'a> {
    /// How many people were candidates.
    pub candidates: u32,
    /// Who it is.
    pub resolution: Resolution<'a>,
}

/// Who a claim is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resolution<'a> {
    /// This member, and nobody else, by a rule that suffices.
    Matched {
        /// The account.
        account: &'a str,
        /// The rule.
        rule: &'a str,
    },
    /// One of these, perhaps; a person has to look.
    Uncertain {
        /// Why.
        code: Code,
        /// Accounts and the rule that speaks for each, in the order of accounts.
        choices: Vec<(&'a str, &'a str)>,
    },
    /// Nobody of ours.
    Nobody {
        /// Why.
        code: Code,
    },
}

/// A rule that speaks for somebody; the strongest sorts first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Voice<'a> {
    verdict: RuleVerdict,
    rank: usize,
    rule: &'a str,
}

/// What speaks for a person, over all of their records.
#[derive(Clone, Copy, Default)]
struct Case<'a> {
    voice: Option<Voice<'a>>,
    identified: bool,
}

/// Looks a claim up. One person by a rule that matches is a match; anybody else a rule speaks for is uncertain.
pub fn resolve<'a>(policy: &'a Policy, roster: &'a Roster, claim: &Profile) -> Resolved<'a> {
    let mut people: BTreeMap<&'a str, Case<'a>> = BTreeMap::new();
    for found in roster.candidates(claim) {
        let agreement = Agreement::between(claim, found.profile);
        let case = people.entry(found.account).or_default();
        case.identified |= agreement.fields.identify();
        case.voice = case.voice.into_iter().chain(Voice::of(policy, agreement)).min();
    }
    let spoken_for = |verdict| {
        let voices = people.iter().filter_map(|(account, case)| Some((*account, case.voice?)));
        let choices =
            voices.filter(|(_, voice)| voice.verdict == verdict).map(|(account, voice)| (account, voice.rule));
        choices.collect::<Vec<_>>()
    };
    let resolution = match spoken_for(RuleVerdict::Match)[..] {
        [(account, rule)] => Resolution::Matched { account, rule },
        [] => match spoken_for(RuleVerdict::Review) {
            nobody if nobody.is_empty() => Resolution::Nobody { code: why_nobody(&people) },
            one if one.len() == 1 => Resolution::Uncertain { code: Code::PartialAgreement, choices: one },
            choices => Resolution::Uncertain { code: Code::SeveralCandidates, choices },
        },
        ref several => Resolution::Uncertain { code: Code::SeveralCandidates, choices: several.to_vec() },
    };
    Resolved { candidates: u32::try_from(people.len()).unwrap_or(u32::MAX), resolution }
}

fn why_nobody(people: &BTreeMap<&str, Case<'_>>) -> Code {
    if people.values().any(|case| case.identified) { Code::CandidatesDisagree } else { Code::NoCandidate }
}

// === impl Voice ===

impl<'a> Voice<'a> {
    /// The first rule whose fields all agree. Where the generations conflict it can only ask for a review: father and son share
    /// a name, an address and sometimes a card.
    fn of(policy: &'a Policy, agreement: Agreement) -> Option<Self> {
        let mut rules = policy.rules.iter().enumerate();
        let (rank, rule) = rules.find(|(_, rule)| agreement.fields.contain(rule.agree))?;
        let verdict = if agreement.suffixes_conflict { RuleVerdict::Review } else { rule.verdict };
        Some(Self { verdict, rank, rule: &rule.name })
    }
}

#[cfg(test)]
mod tests;
