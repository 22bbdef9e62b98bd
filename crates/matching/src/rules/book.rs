//! The rule book: a policy file, read and checked. A book that reads approves nothing above its threshold.

mod check;
mod error;
mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Deserialize;

pub use error::PolicyError;

use super::field::{Field, FieldSet};
use super::product::Product;
use super::verdict::Outcomes;

/// The rules of one version of the proposal, with everything that they rest on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleBook {
    /// The version of the proposal. Rule ids are renumbered between versions, so a rule is only named with it.
    pub version: Arc<str>,
    /// SHA-256 of the file, in hexadecimal: what a decision's lineage keeps.
    pub digest: Arc<str>,
    /// What a rule's product must not exceed: the chance that two people agree in it by accident.
    pub threshold: Product,
    /// When values agree that are not the same.
    pub fuzzy: Fuzzy,
    /// The chance that two people agree in a field, for each of [`Field::ALL`] that has one.
    pub odds: [Option<Odds>; 22],
    /// The rules: flat ones first, then those of two steps, each in the file's order. The first that fires is reported.
    pub rules: Vec<Rule>,
    /// What follows from how many candidates there are.
    pub outcomes: Outcomes,
    /// Whether generations that conflict (Jr, Sr) take back what a rule has approved (B.5).
    pub suffix_conflict_negates: bool,
    /// How twins are told apart (C.7).
    pub twins: Twins,
    /// How records are read.
    pub reading: ReadingPolicy,
    /// What counts as missing (section V.D).
    pub placeholders: Placeholders,
}

/// The chances of a field (table 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Odds {
    /// That two people have the same value.
    pub exact: Product,
    /// That two people have values as near as fuzzy comparison allows; none for a field that is compared exactly alone.
    pub fuzzy: Option<Product>,
    /// Whether fuzzy agreement counts against a rule's `fuzzy_max`.
    pub counted: bool,
}

/// The limits of fuzzy comparison (section V.E).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fuzzy {
    /// Edits between names or streets: insert, delete, replace, or swap neighbours. Always 1.
    pub edits: u32,
    /// Characters that both values must have at least.
    pub length_min: usize,
    /// Days between birth dates, at most 3.
    pub days: u32,
}

/// A combination of fields that tells one person (table 2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Its number in the proposal.
    pub id: RuleId,
    /// What names the household, exactly; empty for a flat rule.
    pub household: FieldSet,
    /// What names the person, in that household or anywhere.
    pub person: FieldSet,
    /// Which of the person's fields may agree fuzzily.
    pub starred: FieldSet,
    /// How many of them at once.
    pub fuzzy_max: u32,
}

/// A rule's number. Cloning it is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RuleId(pub Arc<str>);

/// How people of one household and one birth date are told apart (C.7).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Twins {
    /// What must agree exactly among them, starred or not.
    pub exact: FieldSet,
    /// What decides between two who remain: the first that the claim has, even if it tells nothing.
    pub tie_breaks: Vec<Field>,
}

/// How records are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingPolicy {
    /// Which names a person may be called by.
    pub given_names: GivenNames,
    /// Whether the nicknames of the first given name count as given names (B.1).
    pub nicknames: bool,
    /// Birth dates further back are missing, in years before this one (D.6).
    pub years_max: u32,
    /// Birth dates further ahead are missing, in days after today (D.6).
    pub days_ahead_max: u32,
}

/// Which names count as first names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenNames {
    /// The first alone, as the proposal says.
    First,
    /// The middle names as well, as the reference does for the sake of abbreviated names.
    All,
}

/// Patterns of values that say nothing: `*` stands for any characters, `?` for one; letters count without case.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placeholders {
    /// Names, given or family, or both written together.
    pub names: Vec<String>,
    /// Which of those take a family name away that stands beside a real given name.
    pub family: Vec<String>,
    /// Birth dates.
    pub birth_dates: Vec<String>,
    /// Last four digits; four equal ones are always missing.
    pub last4: Vec<String>,
    /// Phone numbers, in digits; seven equal ones or more are always missing.
    pub phones: Vec<String>,
    /// Email addresses.
    pub emails: Vec<String>,
    /// Address lines, in single spaces.
    pub streets: Vec<String>,
    /// Address lines that are missing unless a unit stands beside them.
    pub streets_without_unit: Vec<String>,
    /// ZIP codes.
    pub zips: Vec<String>,
    /// Member and subscriber ids.
    pub payer_ids: Vec<String>,
    /// Any identifier, in letters and digits; zeros or nines alone are always missing.
    pub identifiers: Vec<String>,
}

// === impl RuleBook ===

impl RuleBook {
    /// Reads a policy's text and checks it.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        text::read(text)
    }

    /// A rule by its id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| &*rule.id.0 == id)
    }

    /// The chances of a field.
    pub fn odds(&self, field: Field) -> Option<Odds> {
        self.odds[field as usize]
    }

    /// The chance that a rule's fields agree by accident, those given fuzzily. One, the worst, where it has no value.
    pub fn product(&self, rule: &Rule, fuzzy: FieldSet) -> Product {
        let chance = |field| {
            let odds = self.odds(field)?;
            if fuzzy.has(field) { odds.fuzzy } else { Some(odds.exact) }
        };
        rule.fields()
            .iter()
            .try_fold(Product::ONE, |product, field| product.times(chance(field)?))
            .unwrap_or(Product::ONE)
    }

    /// The fields whose fuzzy agreement counts against `fuzzy_max`.
    pub fn counted(&self) -> FieldSet {
        Field::ALL.into_iter().filter(|field| self.odds(*field).is_some_and(|odds| odds.counted)).collect()
    }
}

// === impl Rule ===

impl Rule {
    /// All that it asks for.
    pub fn fields(&self) -> FieldSet {
        self.household.or(self.person)
    }

    /// Whether it finds a household first.
    pub fn has_two_steps(&self) -> bool {
        !self.household.is_empty()
    }
}

// === impl RuleId ===

impl std::fmt::Display for RuleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
