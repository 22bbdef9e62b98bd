//! The shape of a policy file.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::check::{self, star};
use super::{Fuzzy, Odds, Placeholders, PolicyError, ReadingPolicy, Rule, RuleBook, RuleId, Twins};
use crate::rules::field::{Field, FieldSet};
use crate::rules::product::Product;
use crate::rules::verdict::Outcomes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookText {
    version: String,
    threshold: String,
    suffix_conflict_negates: bool,
    fuzzy: Fuzzy,
    outcomes: Outcomes,
    twins: TwinsText,
    reading: ReadingPolicy,
    fields: BTreeMap<String, OddsText>,
    #[serde(default)]
    rules: Vec<FlatText>,
    #[serde(default)]
    household_rules: Vec<HouseholdText>,
    placeholders: Placeholders,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TwinsText {
    exact: Vec<String>,
    tie_breaks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OddsText {
    exact: String,
    fuzzy: Option<String>,
    #[serde(default = "yes")]
    counted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlatText {
    id: String,
    agree: Vec<String>,
    #[serde(default)]
    fuzzy_max: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HouseholdText {
    id: String,
    household: Vec<String>,
    person: Vec<String>,
    #[serde(default)]
    fuzzy_max: u32,
}

fn yes() -> bool {
    true
}

/// Reads and checks.
pub(super) fn read(text: &str) -> Result<RuleBook, PolicyError> {
    let book: BookText = toml::from_str(text).map_err(PolicyError::Unreadable)?;
    if book.version.trim().is_empty() {
        return Err(PolicyError::NoVersion);
    }
    let mut odds = [None; 22];
    for (name, text) in book.fields {
        let field = named("[fields]", &name)?;
        odds[field as usize] = Some(text.read(field)?);
    }
    let flat = book.rules.into_iter().map(FlatText::read);
    let rules = flat.chain(book.household_rules.into_iter().map(HouseholdText::read)).collect::<Result<Vec<_>, _>>()?;
    let read = RuleBook {
        version: book.version.into(),
        digest: hex::encode(Sha256::digest(text)).into(),
        threshold: Product::parse(&book.threshold).ok_or(PolicyError::Threshold(book.threshold))?,
        fuzzy: book.fuzzy,
        odds,
        rules,
        outcomes: book.outcomes,
        suffix_conflict_negates: book.suffix_conflict_negates,
        twins: book.twins.read()?,
        reading: book.reading,
        placeholders: book.placeholders,
    };
    check::book(&read)?;
    Ok(read)
}

fn named(place: &str, name: &str) -> Result<Field, PolicyError> {
    Field::named(name).ok_or_else(|| PolicyError::UnknownField { place: place.to_owned(), name: name.to_owned() })
}

/// A rule's fields and which of them are starred.
fn fields(rule: &str, names: &[String]) -> Result<(FieldSet, FieldSet), PolicyError> {
    let (mut all, mut starred) = (FieldSet::default(), FieldSet::default());
    for name in names {
        let bare = name.strip_suffix('*');
        let field = named(&format!("rule {rule}"), bare.unwrap_or(name))?;
        if all.has(field) {
            return Err(PolicyError::Twice { rule: rule.to_owned(), field });
        }
        all = all.with(field);
        if bare.is_some() {
            starred = starred.with(field);
        }
    }
    Ok((all, starred))
}

// === impl OddsText ===

impl OddsText {
    fn read(self, field: Field) -> Result<Odds, PolicyError> {
        let value = |text: String| Product::parse(&text).ok_or(PolicyError::Odds { field, text });
        Ok(Odds { exact: value(self.exact)?, fuzzy: self.fuzzy.map(value).transpose()?, counted: self.counted })
    }
}

// === impl FlatText ===

impl FlatText {
    fn read(self) -> Result<Rule, PolicyError> {
        let (person, starred) = fields(&self.id, &self.agree)?;
        if person.is_empty() {
            return Err(PolicyError::Empty(self.id, "agree"));
        }
        let id = RuleId(Arc::from(self.id));
        Ok(Rule { id, household: FieldSet::default(), person, starred, fuzzy_max: self.fuzzy_max })
    }
}

// === impl HouseholdText ===

impl HouseholdText {
    fn read(self) -> Result<Rule, PolicyError> {
        let (household, shared) = fields(&self.id, &self.household)?;
        let (person, starred) = fields(&self.id, &self.person)?;
        if household.is_empty() {
            return Err(PolicyError::Empty(self.id, "household"));
        }
        if person.is_empty() {
            return Err(PolicyError::Empty(self.id, "person"));
        }
        if let Some(field) = shared.iter().next() {
            return Err(star(&self.id, field, "a household is named exactly, so drop the star"));
        }
        if let Some(field) = household.and(person).iter().next() {
            return Err(PolicyError::Twice { rule: self.id, field });
        }
        Ok(Rule { id: RuleId(Arc::from(self.id)), household, person, starred, fuzzy_max: self.fuzzy_max })
    }
}

// === impl TwinsText ===

impl TwinsText {
    fn read(self) -> Result<Twins, PolicyError> {
        let read = |names: Vec<String>| names.iter().map(|name| named("[twins]", name)).collect::<Result<Vec<_>, _>>();
        Ok(Twins { exact: read(self.exact)?.into_iter().collect(), tie_breaks: read(self.tie_breaks)? })
    }
}
