//! Finding the members that are on a roster twice: each account is held against all others, a pair at a time.

use std::sync::Arc;

use crate::Person;
use crate::claim::Claim;
use crate::compare::Comparison;
use crate::decide::{FORGOTTEN, Matcher, Outcome, in_million};
use crate::fixed::power;
use crate::roster::keys;
use crate::weights::{Explanation, Rarity, Weights};

/// Another account that may stand for the same person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Duplicate<'r> {
    /// Its key.
    pub member: &'r str,
    /// Whether it does, or a person has to look.
    pub outcome: Outcome,
    /// How likely it does, in parts per million.
    pub probability: u32,
}

// === impl Matcher ===

impl<'r> Matcher<'r> {
    /// The other accounts that stand, or may stand, for the person of this one, the likeliest first; `person` is what its record says.
    ///
    /// Unlike a claim, which speaks of one member, a person may be enrolled any number of times: so the accounts found do not stand
    /// against each other. For each, that it is the same person, as likely beforehand as a record is to be a duplicate, stands against
    /// a relative, a twin and a stranger. A second enrolment has another card and group, so these say nothing; but one contract numbers
    /// the people it covers, so two numbers of it are two people.
    pub fn duplicates(&mut self, account: &str, person: &Person<'_>) -> Vec<Duplicate<'r>> {
        let claim = Claim::of(person, &self.roster.lexicons);
        let (own, roster, weights) = (self.roster.find(account), self.roster, Arc::clone(&self.weights));
        let (_, rarity) = self.score_all(&claim);
        let record = |head: u32| &roster.records[head as usize];
        let mut found: Vec<_> = self
            .scored()
            .iter()
            .filter(|scored| Some(scored.head) != own)
            .filter(|scored| own.is_none_or(|own| !keys::are_of_one_contract(record(own), record(scored.head))))
            .map(|scored| {
                let probability = weights.same_ppm(&scored.found, &rarity);
                Duplicate { member: roster.account(scored.head), outcome: self.outcome(probability), probability }
            })
            .filter(|duplicate| duplicate.outcome != Outcome::NoMatch)
            .collect();
        found.sort_by(|one, other| other.probability.cmp(&one.probability).then_with(|| one.member.cmp(other.member)));
        found
    }
}

// === impl Weights ===

impl Weights {
    /// How likely two records of a roster are one person, in parts per million.
    fn same_ppm(&self, found: &Comparison, rarity: &Rarity) -> u32 {
        let [same, relative, _, twin] = self.apart(found, rarity);
        // How common relatives are the policy says.
        let [relative, twin] =
            [relative + self.prior[Explanation::Relative as usize], twin + self.prior[Explanation::Relative as usize]];
        let most = same.max(relative).max(twin).max(rarity.single);
        let part = |weight: i32| if most - weight < FORGOTTEN { power((most - weight) as u32) } else { 0 };
        in_million(part(same), [same, relative, twin, rarity.single].map(part).into_iter().sum())
    }
}
