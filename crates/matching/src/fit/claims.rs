//! What claims show: each is shared out among its explanations by the policy so far.

use super::Tally;
use crate::Person;
use crate::claim::Claim;
use crate::compare::Comparison;
use crate::decide::Matcher;
use crate::fixed::power;
use crate::levels::{FIELDS, LEVELS_MAX};
use crate::policy::Policy;
use crate::roster::Roster;
use crate::weights::{EXPLANATIONS, Explanation, Rarity, Weights};

/// A whole claim: shares are parts per million.
pub(super) const UNIT: u64 = 1_000_000;
/// How many claims are used, at most.
pub(super) const CLAIMS_MAX: usize = 200_000;

/// Claims with all comparisons, which stay the same from round to round.
pub(super) struct Claims {
    found: Vec<Comparison>,
    /// For each claim, where its comparisons end, and how rare its values are.
    ends: Vec<(usize, Rarity)>,
}

/// What all claims together say.
pub(super) struct Shares {
    pub(super) member: Tally,
    pub(super) relative: Tally,
    pub(super) twin: Tally,
    pub(super) namesake: Tally,
    pub(super) explained: [u64; EXPLANATIONS],
    pub(super) claims: u64,
}

// === impl Claims ===

impl Claims {
    pub(super) fn of(roster: &Roster, policy: &Policy, claims: &[Person<'_>]) -> Self {
        let mut matcher = Matcher::new(policy, roster);
        let mut all = Self { found: Vec::new(), ends: Vec::new() };
        for person in claims {
            let claim = Claim::of(person, &roster.lexicons);
            let (scored, rarity) = matcher.score_all(&claim);
            all.found.extend(scored.iter().map(|scored| scored.found));
            all.ends.push((all.found.len(), rarity));
        }
        all
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Shares every claim out among its explanations.
    pub(super) fn share_out(&self, policy: &Policy) -> Shares {
        let weights = Weights::of(policy);
        let nothing = [[0; LEVELS_MAX]; FIELDS];
        let mut shares = Shares {
            member: nothing,
            relative: nothing,
            twin: nothing,
            namesake: nothing,
            explained: [0; EXPLANATIONS],
            claims: self.ends.len() as u64,
        };
        let mut start = 0;
        for (end, rarity) in &self.ends {
            let found = &self.found[start..*end];
            start = *end;
            let weighed: Vec<_> = found.iter().map(|found| weights.explain(found, rarity)).collect();
            let most = weighed.iter().flatten().copied().fold(weights.stranger, i32::max);
            let part = |weight: i32| u128::from(power(most.abs_diff(weight)));
            let total = weighed.iter().flatten().fold(part(weights.stranger), |total, weight| total + part(*weight));
            for (found, weighed) in found.iter().zip(&weighed) {
                let each = weighed.map(|weight| (part(weight) * u128::from(UNIT) / total.max(1)) as u64);
                shares.add(found, each);
            }
        }
        shares
    }
}

// === impl Shares ===

impl Shares {
    fn add(&mut self, found: &Comparison, each: [u64; EXPLANATIONS]) {
        let [member, relative, namesake, twin] = each;
        self.explained.iter_mut().zip(each).for_each(|(sum, share)| *sum += share);
        for (field, level) in found.levels.0.into_iter().enumerate() {
            self.member[field][usize::from(level)] += member;
            self.relative[field][usize::from(level)] += relative;
            self.twin[field][usize::from(level)] += twin;
            self.namesake[field][usize::from(level)] += namesake;
        }
        debug_assert!(each[Explanation::Member as usize] <= UNIT);
    }
}
