//! The weights that follow from a policy: how much each level says for a member, a relative, a namesake, against a stranger.

use crate::compare::Comparison;
use crate::fixed::{BILLION, centibits_of_count, ratio};
use crate::levels::{AddressLevel, CardLevel, DateLevel, EmailLevel, FIELDS, Field, LEVELS_MAX, Levels, NameLevel};
use crate::policy::{Policy, Prior, is_by_frequency};
use crate::roster::Roster;

/// What a claim may be, as far as one member is concerned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Explanation {
    /// It speaks of the member.
    Member = 0,
    /// It speaks of a relative of the member, who is not on the roster.
    Relative = 1,
    /// It speaks of a namesake of the member, who is not on the roster.
    Namesake = 2,
    /// It speaks of a relative of the member born on the same day, who is not on the roster.
    Twin = 3,
}

impl Explanation {
    /// All of them in their order.
    pub const ALL: [Self; EXPLANATIONS] = [Self::Member, Self::Relative, Self::Namesake, Self::Twin];
}

/// How many explanations there are.
pub const EXPLANATIONS: usize = 4;

/// A weight for each explanation, in centibits.
pub(crate) type Each = [i32; EXPLANATIONS];

/// How common the values are in which a claim and a member may agree.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Rarity {
    /// The binary logarithm, in centibits, of one over the value's share of the roster, by field; of the card, of the contract's.
    pub(crate) of: [i32; FIELDS],
    /// The same of the claim's ZIP, city and state.
    pub(crate) places: [i32; 3],
    /// The same of a value that only one record has.
    pub(crate) single: i32,
}

/// The weights of a policy, in centibits.
#[derive(Clone)]
pub(crate) struct Weights {
    pub(crate) table: [[Each; LEVELS_MAX]; FIELDS],
    pub(crate) by_frequency: [[bool; LEVELS_MAX]; FIELDS],
    /// The priors, for a roster of a billion.
    pub(crate) prior: Each,
    pub(crate) stranger: i32,
    pub(crate) duplicate: i32,
    /// How many namesakes a member has on the roster.
    namesakes: i32,
    /// The odds from which on a claim is a match.
    sure: i32,
}

// === impl Weights ===

impl Weights {
    pub(crate) fn of(policy: &Policy) -> Self {
        let mut table = [[[0; EXPLANATIONS]; LEVELS_MAX]; FIELDS];
        let mut by_frequency = [[false; LEVELS_MAX]; FIELDS];
        for field in Field::ALL {
            for level in 1..field.levels().len() {
                let chances = policy.levels[field as usize][level];
                let is_free = is_by_frequency(field, level);
                let random = if is_free { BILLION } else { chances.random };
                let [member, relative, twin] =
                    [chances.member, chances.relative, chances.twin].map(|chance| ratio(chance, random));
                let namesake = namesakes(policy, field, level, member);
                // That a twin is born on the same day is what makes one, and stands in the prior; the day is as rare as it is.
                let is_same_day = field == Field::BirthDate && level == DateLevel::Exact as usize;
                let twin = if field != Field::BirthDate {
                    twin
                } else if is_same_day {
                    0
                } else {
                    NEVER
                };
                table[field as usize][level] = [member, relative, namesake, twin];
                by_frequency[field as usize][level] = is_free;
            }
        }
        let Prior { member, relative, namesake, twin, .. } = policy.prior;
        let prior = [member, relative, namesake, twin].map(|prior| ratio(prior, BILLION));
        Self {
            table,
            by_frequency,
            prior,
            stranger: ratio(policy.prior.stranger, BILLION),
            duplicate: ratio(policy.prior.duplicate, BILLION),
            namesakes: ratio(policy.prior.namesake, policy.prior.member),
            sure: ratio(policy.decide.matches.into(), MILLION.saturating_sub(policy.decide.matches).max(1).into()),
        }
    }

    /// The weight of one field.
    pub(crate) fn field(&self, field: Field, found: &Comparison, rarity: &Rarity) -> Each {
        let level = usize::from(found.levels.of(field));
        let weights = self.table[field as usize][level];
        if !self.by_frequency[field as usize][level] {
            return weights;
        }
        at_frequency(weights, rarity.at(field, found))
    }

    /// The weights of all fields together.
    pub(crate) fn total(&self, found: &Comparison, rarity: &Rarity) -> Each {
        let mut total = [0; EXPLANATIONS];
        for field in Field::ALL.into_iter().filter(|field| found.levels.of(*field) != 0) {
            let weights = self.field(field, found, rarity);
            total.iter_mut().zip(weights).for_each(|(total, weight)| *total += weight);
        }
        total
    }

    /// The weights of all explanations of a claim that concern one member, priors included.
    pub(crate) fn explain(&self, found: &Comparison, rarity: &Rarity) -> Each {
        let mut weights = self.total(found, rarity);
        weights.iter_mut().zip(self.prior).for_each(|(weight, prior)| *weight += prior - rarity.single);
        if !is_named_alike(&found.levels) {
            weights[Explanation::Namesake as usize] = NEVER;
        }
        if found.levels.of(Field::BirthDate) != DateLevel::Exact as u8 {
            weights[Explanation::Twin as usize] = NEVER;
        }
        weights
    }

    /// Whether two records of a roster are one person, enrolled twice: held against each other as a claim and a member would be. They
    /// may be namesakes born on the same day: where all but name and birth date differs, two in five such pairs of a generated roster
    /// are (57 of 140), and one in seventy where anything else agrees. So that has to be ruled out as surely as a match is made.
    pub(crate) fn are_one(&self, found: &Comparison, rarity: &Rarity) -> bool {
        let [same, relative, namesake, twin] = self.apart(found, rarity);
        is_named_alike(&found.levels)
            && relative.max(twin).max(rarity.single) < same
            && namesake + self.namesakes + self.sure < same
    }

    /// The weights that two records are one person enrolled twice, relatives, namesakes, twins; that they have nothing to do with each other
    /// weighs as much as a value is rare that one record has.
    pub(crate) fn apart(&self, found: &Comparison, rarity: &Rarity) -> Each {
        let mut found = *found;
        // A person's second enrolment has another card, and another group, by definition.
        found.levels.0[Field::Card as usize] = 0;
        found.levels.0[Field::Group as usize] = 0;
        let [same, relative, namesake, twin] = self.total(&found, rarity);
        [same + self.duplicate, relative, namesake, twin + TWINS]
    }
}

/// What a level weighs at which two agree in a value as rare as this.
#[inline]
pub(crate) fn at_frequency(weights: Each, rarity: i32) -> Each {
    let mut weights = weights.map(|weight| if weight == NO_MORE { 0 } else { weight + rarity });
    // A relative may bear a common name by chance as well as after somebody.
    for explanation in [Explanation::Relative, Explanation::Twin] {
        weights[explanation as usize] = weights[explanation as usize].max(0);
    }
    weights
}

/// A probability of one, in parts per million.
const MILLION: u32 = 1_000_000;
/// How rare a birth date is, in centibits: one of the days of 70 years.
const BIRTH_DATE: i32 = 1_464;
/// What a level says for a namesake: the name as a member's does, the rest as a stranger's does.
fn namesakes(policy: &Policy, field: Field, level: usize, member: i32) -> i32 {
    if matches!(field, Field::Given | Field::Family | Field::Sex) {
        member
    } else if field == Field::BirthDate && level == DateLevel::Exact as usize {
        ratio(policy.prior.namesake_same_birth_date, BILLION)
    } else if field == Field::Email && level == EmailLevel::Same as usize {
        NAMESAKES_EMAIL
    } else if is_by_frequency(field, level) {
        // Of what a namesake does not share, a value agrees no more often than a stranger's.
        NO_MORE
    } else {
        0
    }
}

/// A weight that rules an explanation out, small enough to add others to.
pub(crate) const NEVER: i32 = -1_000_000;
/// How often a namesake has the same email address, in centibits: one in a hundred, since addresses are made of names.
const NAMESAKES_EMAIL: i32 = -664;
/// How many housemates are twins, in centibits: one in a hundred pairs.
const TWINS: i32 = -664;
/// The least roster whose frequencies are believed.
const ROSTER_MIN: u32 = 1_000;
/// Marks a weight that is zero whatever the frequency.
const NO_MORE: i32 = i32::MIN;

// === impl Rarity ===

impl Rarity {
    /// How rare a value is that one record of a roster has. A roster of a few people says little of how common anything is among all
    /// of them, so it counts as one of a thousand.
    pub(crate) fn single(roster: &Roster) -> i32 {
        centibits_of_count(u64::from(roster.standing().max(ROSTER_MIN)))
    }

    /// Every value as rare as can be, birth dates as rare as days are.
    pub(crate) fn plain(roster: &Roster) -> Self {
        let single = Self::single(roster);
        let mut of = [single; FIELDS];
        of[Field::BirthDate as usize] = single.min(BIRTH_DATE);
        Self { of, places: [single; 3], single }
    }

    /// How rare the value is in which a claim and a member agree.
    fn at(&self, field: Field, found: &Comparison) -> i32 {
        match field {
            Field::Given | Field::Family => {
                let bearers = found.bearers[field as usize];
                self.single - centibits_of_count(bearers.into())
            }
            Field::Middle
            | Field::Suffix
            | Field::BirthDate
            | Field::Sex
            | Field::Address
            | Field::Phone
            | Field::Email
            | Field::Ssn
            | Field::Mbi
            | Field::Card
            | Field::Group => self.in_one()[Self::place(field, found.levels.of(field))],
        }
    }

    /// All rarities in one row: by field, then of the places, then of what one record has.
    #[inline]
    pub(crate) fn in_one(&self) -> [i32; FIELDS + 4] {
        let mut row = [self.single; FIELDS + 4];
        row[..FIELDS].copy_from_slice(&self.of);
        row[FIELDS..FIELDS + 3].copy_from_slice(&self.places);
        row
    }

    /// Where in that row the rarity of a field stands that agrees at this level; of given and family name none does.
    pub(crate) fn place(field: Field, level: u8) -> usize {
        match level.checked_sub(AddressLevel::Zip as u8) {
            Some(place @ 0..3) if field == Field::Address => FIELDS + usize::from(place),
            _ if field == Field::Card && level == CardLevel::Member as u8 => FIELDS + 3,
            _ => field as usize,
        }
    }
}

/// Whether both names agree well enough for a namesake.
pub(crate) fn is_named_alike(levels: &Levels) -> bool {
    let good = |field| {
        let level = levels.of(field);
        (NameLevel::Exact as u8..=NameLevel::Near as u8).contains(&level) || level == NameLevel::Swapped as u8
    };
    good(Field::Given) && good(Field::Family)
}
