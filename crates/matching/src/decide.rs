//! Deciding: who among the candidates a claim speaks of, against all other explanations of it.

use std::sync::Arc;

use crate::Person;
use crate::batch::Lane;
use crate::claim::{Claim, Side};
use crate::compare::{can_be_named_alike, compare};
use crate::fixed::{centibits_of_count, power};
use crate::gather::{Gathered, Heads};
use crate::levels::{FIELDS, Field, Levels};
use crate::packed::Packed;
use crate::policy::{Policy, Thresholds};
use crate::ready::Ready;
use crate::roster::keys::{self, Kind};
use crate::roster::{KINDS, Roster};
use crate::score::{Scored, Scorer};
use crate::weights::{Explanation, Rarity, Weights};

/// What follows for a claim.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// It speaks of the member.
    Match,
    /// It may; a person has to look.
    Review,
    /// It speaks of nobody on the roster.
    NoMatch,
}

/// The judgement of a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision<'r> {
    /// What follows.
    pub outcome: Outcome,
    /// The member it most likely speaks of, if anybody was a candidate: the key of the account.
    pub member: Option<&'r str>,
    /// How likely it speaks of that member, in parts per million.
    pub probability: u32,
    /// The weight for that member, in centibits: the odds against a stranger, priors included.
    pub weight: i32,
    /// How the member and the claim agree.
    pub levels: Levels,
    /// The likeliest other explanation.
    pub runner_up: Option<RunnerUp<'r>>,
    /// How many members were candidates.
    pub candidates: u32,
    /// Blocks that were too large to be looked at.
    pub blocks_skipped: u32,
}

/// What else a claim may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunnerUp<'r> {
    /// The member it concerns; none where it is a stranger's.
    pub member: Option<&'r str>,
    /// What it would be.
    pub explanation: Option<Explanation>,
    /// How likely, in parts per million.
    pub probability: u32,
    /// By how many centibits the member's weight is larger: the margin.
    pub margin: i32,
}

/// Who knows of accounts that were merged.
pub trait Merges {
    /// Whether two accounts stand for one person by what was said of them, whatever they look like.
    fn are_one(&self, one: &str, other: &str) -> bool;
}

/// Judges claims by a policy against a roster. It keeps room to work in, so one is made for many claims.
pub struct Matcher<'r> {
    pub(crate) roster: &'r Roster,
    pub(crate) weights: Arc<Weights>,
    policy: Arc<Policy>,
    /// From which probability on something follows.
    thresholds: Thresholds,
    merges: Option<&'r dyn Merges>,
    gathered: Gathered,
    pub(crate) seen: Heads,
    scorer: Scorer,
    /// The claims that are under way at a time.
    pub(crate) lanes: Vec<Lane>,
    /// How rare a value is that one record has.
    single: i32,
}

/// What the likeliest explanation outweighs by so many centibits (41 bits) counts for nothing beside it.
pub(crate) const FORGOTTEN: i32 = 4_100;
/// A probability of one.
const MILLION: u32 = 1_000_000;

// === impl Outcome ===

impl Outcome {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Review => "review",
            Self::NoMatch => "no_match",
        }
    }
}

// === impl Matcher ===

impl<'r> Matcher<'r> {
    /// A matcher that judges by this policy. For many of them, make the policy [`Ready`] once.
    pub fn new(policy: &Policy, roster: &'r Roster) -> Self {
        Self::of(&Ready::of(policy.clone()), policy.decide, roster)
    }

    /// A matcher that judges by the weights of this policy, and by these thresholds.
    pub fn of(ready: &Ready, thresholds: Thresholds, roster: &'r Roster) -> Self {
        let Ready { policy, weights, scale } = ready;
        Self {
            roster,
            scorer: Scorer::of(scale),
            weights: Arc::clone(weights),
            policy: Arc::clone(policy),
            thresholds,
            merges: None,
            gathered: Gathered::default(),
            seen: Heads::default(),
            lanes: Vec::new(),
            single: Rarity::single(roster),
        }
    }

    /// The same, counting as one person whoever was merged.
    pub fn knowing(self, merges: &'r dyn Merges) -> Self {
        Self { merges: Some(merges), ..self }
    }

    /// Judges a claim.
    pub fn decide(&mut self, person: &Person<'_>) -> Decision<'r> {
        let claim = Claim::of(person, &self.roster.lexicons);
        self.judge(&claim)
    }

    /// The accounts that are looked at for a claim: what blocking leaves.
    pub fn candidates(&mut self, person: &Person<'_>) -> Vec<&'r str> {
        self.gathered.gather(&Claim::of(person, &self.roster.lexicons), self.roster, &mut self.seen);
        let mut heads = self.gathered.heads.clone();
        heads.sort_unstable();
        heads.into_iter().map(|head| self.roster.account(head)).collect()
    }

    pub(crate) fn judge(&mut self, claim: &Claim) -> Decision<'r> {
        let mut gathered = std::mem::take(&mut self.gathered);
        gathered.gather(claim, self.roster, &mut self.seen);
        let decision = self.judge_gathered(claim, &gathered);
        self.gathered = gathered;
        decision
    }

    /// Judges a claim whose candidates were gathered.
    pub(crate) fn judge_gathered(&mut self, claim: &Claim, gathered: &Gathered) -> Decision<'r> {
        let rarity = self.rarity_of(claim, &gathered.shared);
        self.scorer.score(claim, &gathered.heads, self.roster, &self.weights, &rarity, true);
        self.weigh(gathered)
    }

    /// Finds and scores every candidate of a claim, be it ever so unlikely.
    pub(crate) fn score_all(&mut self, claim: &Claim) -> (&[Scored], Rarity) {
        self.gathered.gather(claim, self.roster, &mut self.seen);
        let rarity = self.rarity(claim);
        self.scorer.score(claim, &self.gathered.heads, self.roster, &self.weights, &rarity, false);
        (&self.scorer.scored, rarity)
    }

    /// How rare the claim's values are on this roster.
    pub(crate) fn rarity(&self, claim: &Claim) -> Rarity {
        self.rarity_of(claim, &self.gathered.shared)
    }

    /// As [`rarity`](Self::rarity), where so many records share the claim's values, by kind of key.
    pub(crate) fn rarity_of(&self, claim: &Claim, counts: &[u32; KINDS]) -> Rarity {
        let single = self.single;
        let places = self.roster.places.sharing(&claim.first.packed);
        let places = places.map(|count| single - centibits_of_count(count.into()));
        let mut rarity = Rarity { of: [single; FIELDS], places, single };
        let shared = |kind: Kind| single - centibits_of_count(counts[kind as usize].into());
        let fields = [
            (Field::Address, Kind::Address),
            (Field::Phone, Kind::Phone),
            (Field::Email, Kind::Email),
            (Field::Ssn, Kind::Ssn),
            (Field::Mbi, Kind::Mbi),
            (Field::Card, Kind::Contract),
        ];
        for (field, kind) in fields {
            rarity.of[field as usize] = shared(kind);
        }
        let dates = claim.sides().map(|side| side.packed.dob()).filter(|date| date.is_whole());
        rarity.of[Field::BirthDate as usize] = dates.map(|date| self.roster.calendar.rarity(date)).min().unwrap_or(0);
        rarity
    }

    /// Holds the explanations against each other.
    fn weigh(&self, gathered: &Gathered) -> Decision<'r> {
        let nobody = Decision {
            outcome: Outcome::NoMatch,
            member: None,
            probability: 0,
            weight: self.weights.stranger,
            levels: Levels::default(),
            runner_up: None,
            candidates: gathered.heads.len() as u32,
            blocks_skipped: gathered.blocks_skipped,
        };
        let member = |scored: &Scored| scored.weights[Explanation::Member as usize];
        let key = |scored: &Scored| self.roster.account(scored.head);
        let scored = &self.scorer.scored;
        let best =
            scored.iter().max_by(|one, other| member(one).cmp(&member(other)).then_with(|| key(other).cmp(key(one))));
        let Some(best) = best else { return nobody };
        let most = scored.iter().flat_map(|scored| scored.weights).fold(self.weights.stranger, i32::max);
        let part = |weight: i32| if most - weight < FORGOTTEN { power((most - weight) as u32) } else { 0 };
        let mut total = part(self.weights.stranger);
        let (mut own, mut anybody) = (0, 0);
        // Whom it concerns is told by the key, once there is one: of equals the first one is named.
        let mut rival = (self.weights.stranger, None, None);
        for scored in scored {
            let is_own = scored.head == best.head || self.are_one(scored, best);
            for explanation in Explanation::ALL {
                let weight = scored.weights[explanation as usize];
                let share = part(weight);
                total += share;
                anybody += if explanation == Explanation::Member { share } else { 0 };
                if explanation == Explanation::Member && is_own {
                    own += share;
                } else if rival.0 < weight
                    || rival.0 == weight
                        && rival.2.is_some_and(|(head, named)| head != scored.head && key(scored) < named)
                {
                    rival = (weight, Some(explanation), Some((scored.head, key(scored))));
                }
            }
        }
        let in_million = |share: u64| in_million(share, total);
        let probability = in_million(own);
        let outcome = match self.outcome(probability) {
            // It is one of ours, but nothing tells which: a person may.
            Outcome::NoMatch if self.outcome(in_million(anybody)) != Outcome::NoMatch => Outcome::Review,
            outcome @ (Outcome::Match | Outcome::Review | Outcome::NoMatch) => outcome,
        };
        let (weight, explanation, named) = rival;
        let runner_up = Some(RunnerUp {
            member: named.map(|(_, key)| key),
            explanation,
            probability: in_million(part(weight)),
            margin: member(best) - weight,
        });
        let (levels, weight) = (best.found.levels, member(best));
        Decision { outcome, member: Some(key(best)), probability, weight, levels, runner_up, ..nobody }
    }

    /// The candidates of the claim judged last that have a part in its decision.
    pub(crate) fn scored(&self) -> &[Scored] {
        &self.scorer.scored
    }

    /// What follows from a probability in parts per million.
    pub(crate) fn outcome(&self, probability: u32) -> Outcome {
        if self.thresholds.matches <= probability {
            Outcome::Match
        } else if self.thresholds.review <= probability {
            Outcome::Review
        } else {
            Outcome::NoMatch
        }
    }

    /// Whether two candidates are records of one person, enrolled twice.
    pub(crate) fn are_one(&self, one: &Scored, other: &Scored) -> bool {
        self.are_merged(one, other) || self.look_one(one, other)
    }

    /// Whether they are by what was said of their accounts.
    pub(crate) fn are_merged(&self, one: &Scored, other: &Scored) -> bool {
        let (ones, others) = (self.roster.account(one.head), self.roster.account(other.head));
        self.merges.is_some_and(|merges| merges.are_one(ones, others))
    }

    /// Whether they are by what the records say, held against each other as a claim and a member would be.
    pub(crate) fn look_one(&self, one: &Scored, other: &Scored) -> bool {
        let member = |scored: &Scored| scored.weights[Explanation::Member as usize];
        if member(one) + 2_000 < member(other) {
            return false;
        }
        let (one, other) = (&self.roster.records[one.head as usize], &self.roster.records[other.head as usize]);
        if keys::are_of_one_contract(one, other) || !can_be_named_alike(one, other, &self.roster.lexicons.names) {
            return false;
        }
        let found = compare(&Side::of_record(one, &self.roster.lexicons), other, &self.roster.lexicons);
        let mut rarity = Rarity::plain(self.roster);
        rarity.of[Field::BirthDate as usize] = self.roster.calendar.rarity(one.dob());
        self.weights.are_one(&found, &rarity)
    }

    /// The policy this matcher judges by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// A share of a total in parts per million.
pub(crate) fn in_million(share: u64, total: u64) -> u32 {
    (u128::from(share) * u128::from(MILLION) / u128::from(total.max(1))) as u32
}

const _: () = assert!(size_of::<Packed>() == 64);
