//! What a rule book must hold to, beyond its shape.

use std::collections::BTreeSet;

use super::{PolicyError, Rule, RuleBook};
use crate::rules::field::{Field, FieldSet};
use crate::rules::product::{FACTORS_MAX, Product};
use crate::rules::verdict::Outcome;

/// The most days between birth dates that are still one slip of the pen.
const DAYS_MAX: u32 = 3;

/// Checks a whole book.
pub(super) fn book(book: &RuleBook) -> Result<(), PolicyError> {
    fuzzy(book)?;
    Field::ALL.into_iter().try_for_each(|field| odds(book, field))?;
    outcomes(book)?;
    twins(book)?;
    if book.rules.is_empty() {
        return Err(PolicyError::NoRules);
    }
    let mut ids = BTreeSet::new();
    for checked in &book.rules {
        if checked.id.0.trim().is_empty() || !ids.insert(&checked.id) {
            return Err(PolicyError::IdTaken(checked.id.to_string()));
        }
        rule(book, checked)?;
    }
    Ok(())
}

/// The error of a star that can't be.
pub(super) fn star(rule: &str, field: Field, remedy: &'static str) -> PolicyError {
    PolicyError::Star { rule: rule.to_owned(), field, remedy }
}

fn fuzzy(book: &RuleBook) -> Result<(), PolicyError> {
    let refused = |limit, value, remedy| Err(PolicyError::Fuzzy { limit, value, remedy });
    match book.fuzzy {
        limits if limits.edits != 1 => {
            refused("edits", limits.edits.into(), "one edit is all that is compared, so write 1")
        }
        limits if limits.length_min < 2 => refused(
            "length_min",
            limits.length_min as u64,
            "one edit turns any letter into any other, so write 2 at least",
        ),
        limits if DAYS_MAX < limits.days => refused("days", limits.days.into(), "write 3 at most"),
        _ => Ok(()),
    }
}

fn odds(book: &RuleBook, field: Field) -> Result<(), PolicyError> {
    let Some((odds, fuzzy)) = book.odds(field).and_then(|odds| Some((odds, odds.fuzzy?))) else { return Ok(()) };
    let remedy = match field.may_be_fuzzy() {
        false => "it is only compared exactly, so leave that out",
        true if fuzzy < odds.exact => "more people agree nearly than exactly, so raise it to the exact one at least",
        true => return Ok(()),
    };
    Err(PolicyError::FuzzyOdds { field, fuzzy, remedy })
}

fn outcomes(book: &RuleBook) -> Result<(), PolicyError> {
    let outcomes = book.outcomes;
    if outcomes.none != Outcome::NoMatch {
        return Err(PolicyError::Outcome("none", outcomes.none.name(), "nobody was found, so write \"no_match\""));
    }
    let counts = [("one", outcomes.one, false), ("two", outcomes.two, true), ("more", outcomes.more, true)];
    for (count, outcome, several) in counts {
        if outcome == Outcome::InsufficientFields || several && outcome == Outcome::Match {
            return Err(PolicyError::Outcome(
                count,
                outcome.name(),
                "write \"escalate\", \"ambiguous\" or \"no_match\"",
            ));
        }
    }
    Ok(())
}

fn twins(book: &RuleBook) -> Result<(), PolicyError> {
    let refused = |place, field, remedy| Err(PolicyError::Twins { place, field, remedy });
    if let Some(field) = book.twins.exact.iter().find(|field| !field.may_be_fuzzy()) {
        return refused("exact", field, "it is compared exactly anyway, so leave it out");
    }
    let tells = |field: &Field| matches!(field, Field::NamespacedId | Field::Middle | Field::MemberId | Field::Mbi);
    match book.twins.tie_breaks.iter().find(|field| !tells(field)) {
        Some(field) => refused("tie_breaks", *field, "twins share it, so use namespaced_id, member_id, mbi or middle"),
        None => Ok(()),
    }
}

fn rule(book: &RuleBook, rule: &Rule) -> Result<(), PolicyError> {
    let name = || rule.id.to_string();
    let count = rule.fields().iter().count();
    if FACTORS_MAX < count {
        return Err(PolicyError::TooMany(name(), count));
    }
    if let Some(field) = rule.fields().iter().find(|field| book.odds(*field).is_none()) {
        return Err(PolicyError::NoOdds { rule: name(), field });
    }
    if let Some(field) = rule.starred.iter().find(|field| book.odds(*field).and_then(|odds| odds.fuzzy).is_none()) {
        return Err(star(&rule.id.0, field, "it has no fuzzy u-value, so drop the star or give it one under [fields]"));
    }
    let starred = rule.starred.and(book.counted()).len();
    if starred < rule.fuzzy_max || 0 < starred && rule.fuzzy_max == 0 {
        return Err(PolicyError::FuzzyMax { rule: name(), fuzzy_max: rule.fuzzy_max, starred });
    }
    if rule.fields().without(rule.starred.and(names())).is_empty() {
        return Err(PolicyError::NoKey(name()));
    }
    let (product, fuzzy) = weakest(book, rule);
    if book.threshold < product {
        let fuzzy: Vec<&str> = fuzzy.iter().map(Field::name).collect();
        let form = if fuzzy.is_empty() { String::new() } else { format!(" with {} fuzzy", fuzzy.join(" and ")) };
        return Err(PolicyError::TooWeak { rule: name(), product, form, threshold: book.threshold });
    }
    Ok(())
}

fn names() -> FieldSet {
    [Field::Given, Field::Family].into_iter().collect()
}

/// The form of a rule that says least, and its product.
fn weakest(book: &RuleBook, rule: &Rule) -> (Product, FieldSet) {
    let forms = rule.starred.iter().fold(vec![FieldSet::default()], |mut forms, field| {
        forms.extend_from_within(..);
        let half = forms.len() / 2;
        forms[half..].iter_mut().for_each(|form| *form = form.with(field));
        forms
    });
    forms
        .into_iter()
        .filter(|form| form.and(book.counted()).len() <= rule.fuzzy_max)
        .map(|form| (book.product(rule, form), form))
        .max_by_key(|(product, _)| *product)
        .unwrap_or((Product::ONE, FieldSet::default()))
}
