//! Deciding: who among the candidates a claim speaks of, against all other explanations of it.

use crate::Person;
use crate::claim::{Claim, Side};
use crate::compare::{Comparison, compare};
use crate::fixed::{centibits_of_count, power};
use crate::levels::{FIELDS, Field, Levels};
use crate::packed::Packed;
use crate::policy::Policy;
use crate::roster::keys::{self, Kind, PROBES, Probes};
use crate::roster::table::Span;
use crate::roster::{KINDS, Roster};
use crate::weights::{Each, Explanation, Rarity, Weights};

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

/// A candidate with what was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scored {
    pub(crate) head: u32,
    pub(crate) found: Comparison,
    pub(crate) weights: Each,
}

/// Judges claims by a policy against a roster. It keeps room to work in, so one is made for many claims.
pub struct Matcher<'r> {
    pub(crate) roster: &'r Roster,
    pub(crate) weights: Weights,
    policy: Policy,
    pub(crate) scored: Vec<Scored>,
    heads: Vec<u32>,
    /// How many records share the claim's value, by kind of key.
    shared: [u32; KINDS],
    blocks_skipped: u32,
}

/// The most members a block may have; larger ones tell too little to be worth the time.
const BLOCK_MAX: usize = 1000;
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
    /// A matcher that judges by this policy.
    pub fn new(policy: &Policy, roster: &'r Roster) -> Self {
        Self {
            roster,
            weights: Weights::of(policy),
            policy: policy.clone(),
            scored: Vec::new(),
            heads: Vec::new(),
            shared: [0; KINDS],
            blocks_skipped: 0,
        }
    }

    /// Judges a claim.
    pub fn decide(&mut self, person: &Person<'_>) -> Decision<'r> {
        let claim = Claim::of(person, &self.roster.lexicons);
        self.judge(&claim)
    }

    /// The accounts that are looked at for a claim: what blocking leaves.
    pub fn candidates(&mut self, person: &Person<'_>) -> Vec<&'r str> {
        self.gather(&Claim::of(person, &self.roster.lexicons));
        self.heads.iter().map(|head| self.roster.account(*head)).collect()
    }

    pub(crate) fn judge(&mut self, claim: &Claim) -> Decision<'r> {
        self.gather(claim);
        let rarity = self.rarity(claim);
        self.score(claim, &rarity);
        self.weigh()
    }

    /// Finds the candidates.
    pub(crate) fn gather(&mut self, claim: &Claim) {
        self.heads.clear();
        self.shared = [0; KINDS];
        self.blocks_skipped = 0;
        for side in claim.sides() {
            let probes = Probes::of(side, &self.roster.lexicons.names);
            let mut spans = [Span::default(); KINDS * PROBES];
            for (span, (_, key)) in spans.iter_mut().zip(probes.keys()) {
                *span = self.roster.span(*key);
            }
            for (span, (kind, key)) in spans.iter().zip(probes.keys()) {
                self.take_block(*kind, *key, *span);
            }
        }
        self.heads.sort_unstable();
        self.heads.dedup();
    }

    fn take_block(&mut self, kind: Kind, key: u64, span: Span) {
        let (roster, before) = (self.roster, self.heads.len());
        let mut count = 0;
        for record in roster.block_at(key, span) {
            // The table lets strangers through now and then; who they are depends on its size, which must not decide.
            if keys::of_kind(kind, &roster.records[record as usize], &roster.lexicons) != key {
                continue;
            }
            count += 1;
            if count <= BLOCK_MAX {
                self.heads.push(roster.head(record));
            }
        }
        if BLOCK_MAX < count {
            self.heads.truncate(before);
            self.blocks_skipped += 1;
        }
        let shared = &mut self.shared[kind as usize];
        *shared = (*shared).max(count as u32);
    }

    /// How rare the claim's values are on this roster.
    pub(crate) fn rarity(&self, claim: &Claim) -> Rarity {
        let single = Rarity::single(self.roster);
        let places = self.roster.places.sharing(&claim.first.packed);
        let places = places.map(|count| single - centibits_of_count(count));
        let mut rarity = Rarity { of: [single; FIELDS], places, single };
        let shared = |kind: Kind| single - centibits_of_count(self.shared[kind as usize]);
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

    fn score(&mut self, claim: &Claim, rarity: &Rarity) {
        self.scored.clear();
        for head in &self.heads {
            let found = best(claim, self.roster, *head, &self.weights, rarity);
            let weights = self.weights.explain(&found, rarity);
            self.scored.push(Scored { head: *head, found, weights });
        }
    }

    /// Holds the explanations against each other.
    fn weigh(&self) -> Decision<'r> {
        let nobody = Decision {
            outcome: Outcome::NoMatch,
            member: None,
            probability: 0,
            weight: self.weights.stranger,
            levels: Levels::default(),
            runner_up: None,
            candidates: self.scored.len() as u32,
            blocks_skipped: self.blocks_skipped,
        };
        let member = |scored: &Scored| scored.weights[Explanation::Member as usize];
        let key = |scored: &Scored| self.roster.account(scored.head);
        let best = self
            .scored
            .iter()
            .max_by(|one, other| member(one).cmp(&member(other)).then_with(|| key(other).cmp(key(one))));
        let Some(best) = best else { return nobody };
        let most = self.scored.iter().flat_map(|scored| scored.weights).fold(self.weights.stranger, i32::max);
        let part = |weight: i32| power(most.abs_diff(weight));
        let mut total = u128::from(part(self.weights.stranger));
        let (mut own, mut anybody) = (0u128, 0u128);
        let mut rival: Option<(i32, Option<Explanation>, u32)> = Some((self.weights.stranger, None, u32::MAX));
        for scored in &self.scored {
            for explanation in Explanation::ALL {
                let weight = scored.weights[explanation as usize];
                let share = part(weight);
                total += u128::from(share);
                anybody += if explanation == Explanation::Member { u128::from(share) } else { 0 };
                if explanation == Explanation::Member && (scored.head == best.head || self.are_one(scored, best)) {
                    own += u128::from(share);
                } else if rival.is_none_or(|(most, _, head)| {
                    most < weight || most == weight && head != u32::MAX && key(scored) < self.roster.account(head)
                }) {
                    rival = Some((weight, Some(explanation), scored.head));
                }
            }
        }
        let in_million = |share: u128| (share * u128::from(MILLION) / total.max(1)) as u32;
        let probability = in_million(own);
        let outcome = match self.outcome(probability) {
            // It is one of ours, but nothing tells which: a person may.
            Outcome::NoMatch if self.outcome(in_million(anybody)) != Outcome::NoMatch => Outcome::Review,
            outcome => outcome,
        };
        let runner_up = rival.map(|(weight, explanation, head)| RunnerUp {
            member: explanation.map(|_| self.roster.account(head)),
            explanation,
            probability: in_million(u128::from(part(weight))),
            margin: member(best) - weight,
        });
        let (levels, weight) = (best.found.levels, member(best));
        Decision { outcome, member: Some(key(best)), probability, weight, levels, runner_up, ..nobody }
    }

    /// What follows from a probability in parts per million.
    pub(crate) fn outcome(&self, probability: u32) -> Outcome {
        if self.policy.decide.matches <= probability {
            Outcome::Match
        } else if self.policy.decide.review <= probability {
            Outcome::Review
        } else {
            Outcome::NoMatch
        }
    }

    /// Whether two candidates are records of one person, enrolled twice: held against each other as a claim and a member would be.
    pub(crate) fn are_one(&self, one: &Scored, other: &Scored) -> bool {
        let member = |scored: &Scored| scored.weights[Explanation::Member as usize];
        if member(one) + 2_000 < member(other) {
            return false;
        }
        let (one, other) = (&self.roster.records[one.head as usize], &self.roster.records[other.head as usize]);
        // One contract numbers the people it covers: two numbers are two people, be they called alike.
        if keys::contract(one) != 0 && keys::contract(one) == keys::contract(other) && one.member != other.member {
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

/// The best agreement of any reading of a claim with any record of a member, field by field.
pub(crate) fn best(claim: &Claim, roster: &Roster, head: u32, weights: &Weights, rarity: &Rarity) -> Comparison {
    let first = compare(&claim.first, &roster.records[head as usize], &roster.lexicons);
    let records = roster.variants(head);
    if claim.others.is_empty() && records.len() == 1 {
        return first;
    }
    let mut found = first;
    for side in claim.sides() {
        for record in records.clone() {
            let other = compare(side, &roster.records[record as usize], &roster.lexicons);
            take_better(&mut found, &other, weights, rarity);
        }
    }
    found
}

/// Takes over what agrees better: names together, since one may be swapped, the other fields each by itself.
fn take_better(found: &mut Comparison, other: &Comparison, weights: &Weights, rarity: &Rarity) {
    let weigh = |comparison: &Comparison, field| weights.field(field, comparison, rarity)[Explanation::Member as usize];
    let names = |comparison: &Comparison| weigh(comparison, Field::Given) + weigh(comparison, Field::Family);
    let says = |comparison: &Comparison, field| comparison.levels.of(field) != 0;
    let has_names = |comparison: &Comparison| says(comparison, Field::Given) || says(comparison, Field::Family);
    if has_names(other) && (!has_names(found) || names(found) < names(other)) {
        for field in [Field::Given, Field::Family] {
            found.levels.0[field as usize] = other.levels.0[field as usize];
        }
        found.bearers = other.bearers;
    }
    for field in Field::ALL.into_iter().skip(Field::Middle as usize) {
        if says(other, field) && (!says(found, field) || weigh(found, field) < weigh(other, field)) {
            found.levels.0[field as usize] = other.levels.0[field as usize];
        }
    }
}

const _: () = assert!(size_of::<Packed>() == 64);
