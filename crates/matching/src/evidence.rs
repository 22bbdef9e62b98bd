//! What a decision rests on, for whoever has to keep it: the weight of every field, who else it may be, and what the roster said.

use crate::Person;
use crate::claim::Claim;
use crate::compare::compare;
use crate::decide::{Decision, FORGOTTEN, Matcher};
use crate::fixed::power;
use crate::levels::{CardLevel, Field, Levels, NumberLevel};
use crate::normal::mix;
use crate::packed::Packed;
use crate::roster::Roster;
use crate::score::Scored;
use crate::weights::{Explanation, Rarity};

/// A decision with what it rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Weighed<'r> {
    /// The decision.
    pub decision: Decision<'r>,
    /// The fields in which claim and member both say something.
    pub fields: Vec<FieldWeight>,
    /// The members it may speak of, the likeliest first.
    pub ranked: Vec<Ranked<'r>>,
}

/// What one field says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldWeight {
    /// The field.
    pub field: Field,
    /// The level of agreement.
    pub level: &'static str,
    /// What it adds for the member, in centibits.
    pub weight: i32,
    /// What the roster says there, as a number: protected health information like the field itself.
    pub held: u64,
}

/// A member that a claim may speak of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ranked<'r> {
    /// The key of the account.
    pub account: &'r str,
    /// How likely, in parts per million.
    pub probability: u32,
    /// The weight for it, in centibits: the odds against a stranger, priors included.
    pub weight: i32,
    /// Whether the decision counts it to its member: the same person, enrolled twice.
    pub is_the_member: bool,
    /// Whether it does so for a merge alone: by what the records say they may be two people.
    pub is_merged_only: bool,
    /// How the claim and they agree.
    pub levels: Levels,
}

/// The most members that are told of.
const RANKED_MAX: usize = 50;

// === impl Matcher ===

impl<'r> Matcher<'r> {
    /// Judges a claim, and tells what the decision rests on.
    pub fn weigh_up(&mut self, person: &Person<'_>) -> Weighed<'r> {
        let claim = Claim::of(person, &self.roster.lexicons);
        let decision = self.judge(&claim);
        let head = decision.member.and_then(|account| self.roster.find(account));
        let fields = head.map(|head| self.field_weights(&claim, head)).unwrap_or_default();
        Weighed { ranked: self.ranked(head), fields, decision }
    }

    /// What speaks for and against one member of the roster, by name; nothing where the claim does not lead to it.
    pub fn weigh_member(&mut self, person: &Person<'_>, account: &str) -> Vec<FieldWeight> {
        let claim = Claim::of(person, &self.roster.lexicons);
        self.score_all(&claim);
        self.roster.find(account).map(|head| self.field_weights(&claim, head)).unwrap_or_default()
    }

    fn field_weights(&self, claim: &Claim, head: u32) -> Vec<FieldWeight> {
        let Some(scored) = self.scored().iter().find(|scored| scored.head == head) else { return Vec::new() };
        let rarity = self.rarity(claim);
        let fields = Field::ALL.into_iter().filter(|field| scored.found.levels.of(*field) != 0);
        fields.map(|field| self.field_weight(claim, (scored, field), &rarity)).collect()
    }

    fn field_weight(&self, claim: &Claim, (scored, field): (&Scored, Field), rarity: &Rarity) -> FieldWeight {
        let (level, roster) = (scored.found.levels.of(field), self.roster);
        let agrees = |record: &u32| {
            let record = &roster.records[*record as usize];
            claim.sides().any(|side| compare(side, record, &roster.lexicons).levels.of(field) == level)
        };
        let mut variants = roster.variants(scored.head);
        let record = if variants.len() == 1 { None } else { variants.find(agrees) };
        FieldWeight {
            field,
            level: scored.found.levels.name(field),
            weight: self.weights.field(field, &scored.found, rarity)[Explanation::Member as usize],
            held: held(field, &roster.records[record.unwrap_or(scored.head) as usize], roster),
        }
    }

    /// The members among the candidates, those first for whom most is said.
    fn ranked(&self, best: Option<u32>) -> Vec<Ranked<'r>> {
        let weight = |scored: &Scored| scored.weights[Explanation::Member as usize];
        let all = self.scored().iter().flat_map(|scored| scored.weights);
        let most = all.clone().fold(self.weights.stranger, i32::max);
        let part = |weight: i32| if most - weight < FORGOTTEN { u128::from(power((most - weight) as u32)) } else { 0 };
        let total = all.map(part).sum::<u128>() + part(self.weights.stranger);
        let best = best.and_then(|head| self.scored().iter().find(|scored| scored.head == head));
        let mut ranked: Vec<_> = self
            .scored()
            .iter()
            .map(|scored| {
                let is_merged = best.is_some_and(|best| best.head != scored.head && self.are_merged(scored, best));
                let looks_it = best.is_some_and(|best| best.head == scored.head || self.look_one(scored, best));
                Ranked {
                    account: self.roster.account(scored.head),
                    probability: (part(weight(scored)) * 1_000_000 / total.max(1)) as u32,
                    weight: weight(scored),
                    levels: scored.found.levels,
                    is_the_member: is_merged || looks_it,
                    is_merged_only: is_merged && !looks_it,
                }
            })
            .collect();
        ranked.sort_by(|one, other| other.weight.cmp(&one.weight).then_with(|| one.account.cmp(other.account)));
        ranked.truncate(RANKED_MAX);
        ranked
    }
}

// === impl Roster ===

impl Roster {
    /// What an account's records say in a field, as numbers that tell values apart; protected health information like the field
    /// itself. Nothing where the account is not on the roster.
    pub fn held(&self, account: &str, field: Field) -> Vec<u64> {
        let Some(head) = self.find(account) else { return Vec::new() };
        self.variants(head).map(|record| held(field, &self.records[record as usize], self)).collect()
    }
}

/// What a record says in a field; zero where it says nothing.
fn held(field: Field, record: &Packed, roster: &Roster) -> u64 {
    let name = |id| roster.lexicons.names.get(id).map_or(0, |entry| entry.word.hash());
    let several = |values: &[u64]| {
        let says = values.iter().any(|value| *value != 0);
        if says { values.iter().fold(0, |held, value| mix(held ^ *value)) } else { 0 }
    };
    match field {
        Field::Given => name(record.given),
        Field::Family => name(record.family),
        Field::Middle => name(record.middle),
        Field::Suffix => record.suffix() as u64,
        Field::BirthDate => u64::from(record.dob().0),
        Field::Sex => record.sex() as u64,
        Field::Address => {
            let street = roster.lexicons.places.get(record.street).map_or(0, |entry| entry.word.hash());
            let numbers = [record.number, u32::from(record.unit), record.zip(), u32::from(record.city), record.state()];
            several(&[&[street][..], &numbers.map(u64::from)].concat())
        }
        Field::Phone => record.phone(),
        Field::Email => u64::from(record.email),
        Field::Ssn => u64::from(record.ssn),
        Field::Mbi => u64::from(record.mbi()),
        Field::Card => several(&[record.member, u64::from(record.subscriber)]),
        Field::Group => u64::from(record.group),
    }
}

// === impl Field ===

impl Field {
    /// Whether a level of this field says that an identifier is the member's: of the person, or of the contract.
    pub fn identifies(self, level: u8) -> bool {
        match self {
            Self::Mbi | Self::Ssn => level == NumberLevel::Same as u8,
            Self::Card => [CardLevel::Member, CardLevel::Contract, CardLevel::Subscriber]
                .map(|level| level as u8)
                .contains(&level),
            Self::Given
            | Self::Family
            | Self::Middle
            | Self::Suffix
            | Self::BirthDate
            | Self::Sex
            | Self::Address
            | Self::Phone
            | Self::Email
            | Self::Group => false,
        }
    }
}
