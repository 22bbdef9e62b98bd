//! Estimating a policy without knowing any truth: from a roster alone, or from a roster and claims against it.
//!
//! What a roster shows by itself: how often strangers agree (random pairs), and how relatives agree (pairs of one contract or
//! address). What only claims show: how often a person's own details agree, how many claims are of people who are absent, and how
//! many of those have relatives or namesakes on the roster. The latter by expectation maximisation (Dempster, Laird, Rubin 1977;
//! Winkler 1988 for record linkage), in which every claim is shared out among its explanations by the policy so far, and the policy
//! is then what those shares say. All sums are of whole parts per million, so that the same input gives the same policy, bit by bit.

mod pairs;
mod claims;

use std::fmt::Write as _;

use crate::Person;
use crate::fixed::BILLION;
use crate::levels::{DateLevel, FIELDS, Field, LEVELS_MAX, NameLevel};
use crate::policy::{Chances, Policy, Prior, is_by_frequency};
use crate::roster::Roster;

/// Counts of levels by field.
pub(crate) type Tally = [[u64; LEVELS_MAX]; FIELDS];

/// What was estimated, and on what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Records on the roster.
    pub records: usize,
    /// Random pairs that were compared.
    pub random_pairs: u64,
    /// Pairs of relatives that were compared.
    pub relative_pairs: u64,
    /// Claims that were shared out.
    pub claims: usize,
    /// Rounds of expectation maximisation.
    pub rounds: u32,
    /// By how many parts per billion the prior that moved most did so in the last round.
    pub last_move: u64,
}

/// Rounds after which estimating stops in any case.
const ROUNDS_MAX: u32 = 200;
/// It stops earlier where the priors move by less than this, in parts per billion.
const STILL: u64 = 1_000;
/// Where fewer than one in so many records has a relative on the roster, nobody's absent relative is to be expected either.
const FAMILIES: u64 = 20;
/// How many observations the policy to start from counts as, for each field: enough to fill in what is never seen.
const START_COUNTS: u64 = 300;

/// Estimates a policy, starting from one.
pub fn fit<'a>(roster: &Roster, claims: impl IntoIterator<Item = Person<'a>>, start: &Policy) -> (Policy, Report) {
    let mut policy = start.clone();
    let claims: Vec<Person<'a>> = claims.into_iter().take(claims::CLAIMS_MAX).collect();
    let (random, random_pairs) = pairs::random(roster, &claims);
    let (relatives, twins, relative_pairs) = pairs::relatives(roster, start);
    for field in Field::ALL {
        for level in 1..field.levels().len() {
            let chances = &mut policy.levels[field as usize][level];
            if !is_by_frequency(field, level) && said(&random, field) != 0 {
                chances.random = share(&random, field, level, chances.random, 1, START_COUNTS / 30);
            }
            if field != Field::Card && said(&relatives, field) != 0 {
                chances.relative = share(&relatives, field, level, chances.relative, 1, START_COUNTS);
                chances.twin = share(&twins, field, level, chances.twin, 1, START_COUNTS);
            }
        }
    }
    let has_families = roster.len() as u64 <= relative_pairs * FAMILIES;
    let claims = claims::Claims::of(roster, &policy, &claims);
    let mut report =
        Report { records: roster.len(), random_pairs, relative_pairs, claims: claims.len(), rounds: 0, last_move: 0 };
    let anchor = policy.clone();
    while claims.len() != 0 && report.rounds < ROUNDS_MAX {
        let shares = claims.share_out(&policy);
        let before = policy.prior;
        maximise(&mut policy, &anchor, &shares, has_families);
        report.rounds += 1;
        report.last_move = policy.prior.distance(&before);
        if report.last_move < STILL {
            break;
        }
    }
    // Reading the text back checks it, and gives the policy its digest.
    let policy = Policy::parse(&policy.to_text()).unwrap_or(policy);
    (policy, report)
}

/// Takes the policy to what the shares of all claims say.
fn maximise(policy: &mut Policy, anchor: &Policy, shares: &claims::Shares, has_families: bool) {
    let member = policy.levels.map(|levels| levels.map(|chances| chances.member));
    for field in Field::ALL {
        for level in 1..field.levels().len() {
            let (from, to) = (anchor.levels[field as usize][level], &mut policy.levels[field as usize][level]);
            // Names that have changed places are counted with the given name; the family name then says only how rare it is.
            if field == Field::Family && level == NameLevel::Swapped as usize {
                *to = Chances { member: BILLION, relative: BILLION, twin: BILLION, ..*to };
                continue;
            }
            to.member = share(&shares.member, field, level, from.member, claims::UNIT, START_COUNTS);
            let written = |of: fn(&Chances) -> u64| as_claimed(anchor, &member, field, level, of);
            let (relative, twin) = (written(|chances| chances.relative), written(|chances| chances.twin));
            to.relative = share(&shares.relative, field, level, relative, claims::UNIT, START_COUNTS * 3);
            to.twin = share(&shares.twin, field, level, twin, claims::UNIT, START_COUNTS * 10);
        }
    }
    let all = shares.claims * claims::UNIT;
    let part = |count: u64| (u128::from(count) * u128::from(BILLION) / u128::from(all.max(1))) as u64;
    let least = BILLION / 1_000_000;
    let [member, relative, namesake, twin] = shares.explained.map(part);
    let (relative, twin) = if has_families { (relative, twin) } else { (least, least) };
    let (relative, twin, namesake) = (relative.max(least), twin.max(least), namesake.max(least));
    let absent = relative + twin + namesake + least;
    // On odd data relatives may explain nearly everything; something is left for each.
    let (relative, twin, namesake) =
        if BILLION - least < absent { (least, least, least) } else { (relative, twin, namesake) };
    let member = member.min(BILLION - relative - twin - namesake - least).max(1);
    let stranger = BILLION - member - relative - twin - namesake;
    let exact = DateLevel::Exact as usize;
    let before = policy.prior.namesake_same_birth_date;
    let namesake_same_birth_date = share(&shares.namesake, Field::BirthDate, exact, before, claims::UNIT, 1);
    policy.prior = Prior { member, relative, twin, namesake, stranger, namesake_same_birth_date, ..policy.prior };
}

/// How often a claim of a relative shows a level, who on the roster show it as `of` says: what relatives share is written down as
/// carelessly as a member's own, so that a share of it shows the level that a careless claim of the member would.
fn as_claimed(
    roster: &Policy,
    member: &[[u64; LEVELS_MAX]; FIELDS],
    field: Field,
    level: usize,
    of: fn(&Chances) -> u64,
) -> u64 {
    let top = NameLevel::Exact as usize;
    let on_roster = of(&roster.levels[field as usize][level]);
    match field {
        Field::Given | Field::Family | Field::BirthDate | Field::Sex | Field::Address | Field::Phone | Field::Email => {
            let shared = of(&roster.levels[field as usize][top]);
            let mistaken = u128::from(shared) * u128::from(member[field as usize][level]) / u128::from(BILLION);
            let own = if level == top { 0 } else { on_roster };
            (mistaken as u64 + own).clamp(1, BILLION)
        }
        Field::Middle | Field::Suffix | Field::Ssn | Field::Mbi | Field::Card | Field::Group => on_roster,
    }
}

fn said(tally: &Tally, field: Field) -> u64 {
    tally[field as usize][1..].iter().sum()
}

/// A level's share of a field's counts in parts per billion, the policy to start from counting as `weight` observations.
fn share(tally: &Tally, field: Field, level: usize, start: u64, unit: u64, weight: u64) -> u64 {
    let count = u128::from(tally[field as usize][level]) * u128::from(BILLION);
    let weight = u128::from(weight * unit);
    let all = u128::from(said(tally, field)) + weight;
    (((count + u128::from(start.min(BILLION)) * weight) / all.max(1)) as u64).clamp(1, BILLION)
}

// === impl Prior ===

impl Prior {
    /// The largest difference between two priors, in parts per billion.
    fn distance(&self, other: &Self) -> u64 {
        let values = |prior: &Self| [prior.member, prior.relative, prior.twin, prior.namesake, prior.stranger];
        values(self).into_iter().zip(values(other)).map(|(one, other)| one.abs_diff(other)).max().unwrap_or(0)
    }
}

// === impl Report ===

impl Report {
    /// The report as comments of the policy file.
    pub fn to_comments(&self) -> String {
        let Self { records, random_pairs, relative_pairs, claims, rounds, last_move } = self;
        let mut text = String::new();
        let _ = writeln!(text, "# Estimated without labels on {records} records and {claims} claims.");
        let _ = writeln!(
            text,
            "# Random agreement: {random_pairs} pairs. Relatives: {relative_pairs} pairs of one contract or address."
        );
        let _ = writeln!(
            text,
            "# Expectation maximisation: {rounds} rounds, in the last of which no prior moved by more than {last_move} parts per billion."
        );
        text
    }
}
