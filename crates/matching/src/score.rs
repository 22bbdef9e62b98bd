//! Scoring: what every candidate of a claim weighs. Who can't matter any more is told by the numbers of the record alone.

use crate::claim::Claim;
use crate::compare::{Comparison, Remembered, compare, numbers, with_names};
use crate::decide::FORGOTTEN;
use crate::levels::Field;
use crate::lexicon::{Role, UNKNOWN};
use crate::packed::Packed;
use crate::roster::Roster;
use crate::scale::Scale;
use crate::weights::{Each, Explanation, Rarity, Weights};

/// A candidate with what was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scored {
    pub(crate) head: u32,
    pub(crate) found: Comparison,
    pub(crate) weights: Each,
}

/// Scores the candidates of claims. It keeps room to work in, from claim to claim.
pub(crate) struct Scorer {
    scale: Scale,
    remembered: Remembered,
    pub(crate) scored: Vec<Scored>,
}

/// What stands among those scored so far.
struct Standing {
    /// The largest weight of any explanation.
    most: i32,
    /// The largest weight for a member.
    member: i32,
    /// The largest weight of an explanation by somebody who is not on the roster: no runner-up will weigh less.
    absent: i32,
}

// === impl Scorer ===

impl Scorer {
    pub(crate) fn of(scale: &Scale) -> Self {
        Self { scale: scale.clone(), remembered: Remembered::default(), scored: Vec::new() }
    }

    /// Scores the members with these first records. With `leave_out`, those that can neither be the member or the runner-up nor have
    /// a part in any probability are left out: the decision is the same without them.
    pub(crate) fn score(
        &mut self,
        claim: &Claim,
        heads: &[u32],
        roster: &Roster,
        weights: &Weights,
        rarity: &Rarity,
        leave_out: bool,
    ) {
        self.scored.clear();
        self.scale.set(weights, rarity, known_names(claim, roster));
        self.remembered.forget();
        let mut standing = Standing { most: weights.stranger, member: i32::MIN, absent: weights.stranger };
        for head in heads {
            let record = &roster.records[*head as usize];
            let (found, numbers) = if claim.others.is_empty() && !record.is_followed() {
                let levels = numbers(&claim.first, record, &roster.lexicons);
                let numbers = self.scale.numbers(&levels);
                if leave_out && standing.is_past(self.scale.most_with_names(numbers, record)) {
                    continue;
                }
                (with_names(levels, &mut self.remembered, &claim.first, record, &roster.lexicons), numbers)
            } else {
                let found = best(claim, roster, *head, weights, rarity);
                (found, self.scale.numbers(&found.levels))
            };
            let weights = self.scale.with_names(numbers, &found);
            standing.take(weights);
            roster.prefetch_account(*head);
            self.scored.push(Scored { head: *head, found, weights });
        }
    }
}

/// The claim's given and family name where the roster has them, and how many bear them.
fn known_names(claim: &Claim, roster: &Roster) -> [Option<(u32, u32)>; 2] {
    let packed: &Packed = &claim.first.packed;
    [(packed.given, Role::Given), (packed.family, Role::Family)].map(|(id, role)| {
        let entry = roster.lexicons.names.get(id).filter(|_| id != UNKNOWN);
        entry.map(|entry| (id, entry.counts[role as usize]))
    })
}

// === impl Standing ===

impl Standing {
    #[inline]
    fn take(&mut self, weights: Each) {
        let [member, relative, namesake, twin] = weights;
        self.member = self.member.max(member);
        self.absent = self.absent.max(relative).max(namesake).max(twin);
        self.most = self.most.max(self.member).max(self.absent);
    }

    /// Whether somebody who weighs this at most can't matter any more.
    #[inline]
    fn is_past(&self, most: Each) -> bool {
        let any = most.into_iter().fold(i32::MIN, i32::max);
        any < self.absent && any <= self.most - FORGOTTEN && most[Explanation::Member as usize] < self.member
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
