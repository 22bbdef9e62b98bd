//! Finding the members that are on a roster twice: each account is held against all others, a pair at a time.

use crate::Person;
use crate::claim::Claim;
use crate::decide::{FORGOTTEN, Matcher, Outcome, in_million};
use crate::fixed::power;
use crate::weights::Explanation;

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
    /// against each other. For each, that it is the same person stands against a relative, a namesake, a twin and a stranger.
    pub fn duplicates(&mut self, account: &str, person: &Person<'_>) -> Vec<Duplicate<'r>> {
        let claim = Claim::of(person, &self.roster.lexicons);
        let (own, stranger, roster) = (self.roster.find(account), self.weights.stranger, self.roster);
        self.score_all(&claim);
        let mut found: Vec<_> = self
            .scored()
            .iter()
            .filter(|scored| Some(scored.head) != own)
            .map(|scored| {
                let most = scored.weights.into_iter().fold(stranger, i32::max);
                let part = |weight: i32| if most - weight < FORGOTTEN { power((most - weight) as u32) } else { 0 };
                let total = scored.weights.into_iter().chain([stranger]).map(part).sum();
                let probability = in_million(part(scored.weights[Explanation::Member as usize]), total);
                Duplicate { member: roster.account(scored.head), outcome: self.outcome(probability), probability }
            })
            .filter(|duplicate| duplicate.outcome != Outcome::NoMatch)
            .collect();
        found.sort_by(|one, other| other.probability.cmp(&one.probability).then_with(|| one.member.cmp(other.member)));
        found
    }
}
