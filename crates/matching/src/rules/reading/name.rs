//! Names (B.1 to B.6).

use super::nickname::Nicknames;
use super::text::solid;
use super::{pattern, suffix};
use crate::rules::book::{GivenNames, Placeholders, ReadingPolicy};
use crate::rules::field::Field;
use crate::rules::record::Name;
use crate::rules::values::Values;

/// So many equal characters are no name.
const REPEATS_MIN: usize = 3;

/// Adds what a name says. A placeholder takes its part of the name away, or all of it where nothing real is left.
pub(super) fn read(
    name: &Name,
    policy: &ReadingPolicy,
    placeholders: &Placeholders,
    nicknames: &Nicknames,
    values: &mut Values,
) {
    let (family, behind) = suffix::behind(name.family.as_deref().unwrap_or(""));
    let (mut given, mut family) = (name.given.as_deref().map(solid).unwrap_or_default(), solid(&family));
    let means_nothing = |text: &str, initial: bool| {
        text.is_empty()
            || text.chars().count() == 1 && !initial
            || pattern::repeats(text, REPEATS_MIN)
            || pattern::any(&placeholders.names, text)
    };
    let (no_given, no_family) = (means_nothing(&given, true), means_nothing(&family, false));
    if no_given && no_family {
        return;
    }
    let mut dropped = false;
    if no_given {
        given.clear();
    } else if !family.is_empty() && drops(&family, placeholders) {
        (family, dropped) = (String::new(), true);
    }
    if means_nothing(&format!("{given}{family}"), dropped) {
        return;
    }
    values.generations = values.generations.or(behind).or(name.suffix.as_deref().map(suffix::read).unwrap_or_default());
    if !given.is_empty() {
        add_given(&given, name, policy, nicknames, values);
    }
    values.add(Field::Family, family);
}

/// Whether a family name is dropped although a real given name stands beside it: Infante, Babyak, Sample and Doe are real ones.
fn drops(family: &str, placeholders: &Placeholders) -> bool {
    family.chars().count() == 1 || pattern::repeats(family, REPEATS_MIN) || pattern::any(&placeholders.family, family)
}

fn add_given(given: &str, name: &Name, policy: &ReadingPolicy, nicknames: &Nicknames, values: &mut Values) {
    if policy.nicknames {
        for nickname in nicknames.of(given) {
            values.add(Field::Given, nickname.as_str());
        }
    }
    for middle in name.middle.iter().map(|middle| solid(middle)).filter(|middle| !middle.is_empty()) {
        if policy.given_names == GivenNames::All {
            values.add(Field::Given, middle.as_str());
        }
        values.add(Field::Middle, middle);
    }
    values.add(Field::Given, given);
}
