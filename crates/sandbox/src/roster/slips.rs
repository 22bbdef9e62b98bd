//! What goes wrong when somebody writes a record down.

use super::chance::Chance;
use super::names::{self, Culture};
use super::people::{Record, day, email, move_house, phone};

/// How careless a source is: rates of ten thousand for a slip that is of middling likelihood.
#[derive(Clone, Copy)]
pub(super) struct Care(pub(super) usize);

/// A word with one slip of the finger or of the ear.
pub(super) fn misspelt(word: &str, culture: Culture, chance: &mut Chance) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 3 {
        return word.to_owned();
    }
    if chance.hits(3500)
        && let Some(heard) = culture.respelt(word)
    {
        return heard;
    }
    let at = chance.within(1, letters.len() - 2);
    match chance.below(5) {
        0 => letters.swap(at, at + 1),
        1 => drop(letters.remove(at)),
        2 => letters.insert(at, letters[at]),
        3 => letters[at] = *chance.one(&['a', 'e', 'i', 'o', 'n', 'r', 's', 't', 'l', 'm']),
        _ => letters.insert(at, *chance.one(&['e', 'h', 'a', 'i', 's'])),
    }
    letters.into_iter().collect()
}

fn misdigit(text: &str, chance: &mut Chance) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let places: Vec<usize> = (0..letters.len()).filter(|at| letters[*at].is_ascii_digit()).collect();
    if places.len() < 2 {
        return text.to_owned();
    }
    let at = chance.below(places.len() - 1);
    if chance.hits(4000) {
        letters.swap(places[at], places[at + 1]);
    } else {
        letters[places[at]] = *chance.one(&['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    }
    letters.into_iter().collect()
}

fn mistaken_date(dob: &str, chance: &mut Chance) -> String {
    let part = |from: usize, to: usize| dob[from..to].parse::<usize>().unwrap_or(1);
    let (year, month, date) = (part(0, 4), part(5, 7), part(8, 10));
    match chance.below(7) {
        0 if date <= 12 => format!("{year}-{date:02}-{month:02}"),
        1 => format!("{}-{month:02}-{date:02}", year + 1),
        2 => format!("{}-{month:02}-{date:02}", year - 10),
        3 => format!("{year}-{month:02}-{:02}", date % 28 + 1),
        4 => format!("{year}-{:02}-{date:02}", month % 12 + 1),
        5 => format!("{year}-01-01"),
        _ => misdigit(dob, chance),
    }
}

/// Writes somebody's record down with a source's care; says what went wrong.
pub(super) fn write_down(
    record: &mut Record,
    culture: Culture,
    born_as: &str,
    care: Care,
    chance: &mut Chance,
) -> Vec<&'static str> {
    let mut slips = Vec::new();
    let rate = care.0;
    let mut slip = |chance: &mut Chance, weight: usize, name: &'static str| {
        let is_hit = chance.hits((rate * weight / 10).min(9500));
        if is_hit {
            slips.push(name);
        }
        is_hit
    };
    if slip(chance, 14, "moved") {
        move_house(record, chance);
        if chance.hits(4500) {
            record.phone = phone(chance);
        }
    }
    if slip(chance, 10, "phone-changed") {
        record.phone = phone(chance);
    }
    if slip(chance, 12, "email-changed") && !record.email.is_empty() {
        record.email = email(&record.given, &record.family, chance);
    }
    if slip(chance, 5, "married") && record.sex == "F" {
        record.family = if born_as == record.family { culture.family(chance) } else { born_as.to_owned() };
    }
    if slip(chance, 6, "nickname") {
        record.given = names::called(&record.given).map_or_else(|| record.given.clone(), str::to_owned);
    }
    if slip(chance, 7, "given-misspelt") {
        record.given = misspelt(&record.given, culture, chance);
    }
    if slip(chance, 7, "family-misspelt") {
        record.family = misspelt(&record.family, culture, chance);
    }
    if slip(chance, 2, "names-swapped") {
        std::mem::swap(&mut record.given, &mut record.family);
    }
    if slip(chance, 2, "middle-as-given") && 1 < record.middle.len() {
        std::mem::swap(&mut record.given, &mut record.middle);
    }
    if slip(chance, 2, "initial") {
        record.given = record.given.chars().take(1).collect();
    }
    if record.family.contains(['-', ' ']) && slip(chance, 30, "one-of-two-names") {
        let parts: Vec<&str> = record.family.split(['-', ' ']).collect();
        record.family = if chance.hits(6000) { parts[0].to_owned() } else { parts.concat() };
    }
    mistake_numbers(record, &mut slip, chance);
    leave_out(record, &mut slip, chance);
    slips
}

fn mistake_numbers(
    record: &mut Record,
    slip: &mut impl FnMut(&mut Chance, usize, &'static str) -> bool,
    chance: &mut Chance,
) {
    if slip(chance, 5, "birth-date-mistaken") {
        record.dob = mistaken_date(&record.dob, chance);
    }
    if slip(chance, 5, "street-misspelt") {
        record.street = misspelt(&record.street, Culture::English, chance);
    }
    if slip(chance, 1, "zip-mistaken") {
        record.zip = misdigit(&record.zip, chance);
    }
    if slip(chance, 1, "ssn-mistaken") {
        record.ssn4 = misdigit(&record.ssn4, chance);
    }
    if slip(chance, 1, "sex-mistaken") {
        record.sex = if record.sex == "F" { "M".into() } else { "F".into() };
    }
}

fn leave_out(
    record: &mut Record,
    slip: &mut impl FnMut(&mut Chance, usize, &'static str) -> bool,
    chance: &mut Chance,
) {
    if slip(chance, 1, "birth-date-missing") {
        record.dob = chance.one(&["", "1900-01-01"]).to_string();
    }
    if slip(chance, 10, "address-missing") {
        (record.street, record.city, record.state, record.zip) = Default::default();
    }
    if slip(chance, 3, "sex-missing") {
        record.sex.clear();
    }
    for (field, weight, filler) in [
        (&mut record.phone, 22, "999-999-9999"),
        (&mut record.email, 40, "none@none.com"),
        (&mut record.ssn4, 50, "0000"),
        (&mut record.middle, 40, "NMN"),
        (&mut record.suffix, 40, ""),
    ] {
        if slip(chance, weight, "left-out") {
            *field = if chance.hits(1500) { filler.to_owned() } else { String::new() };
        }
    }
    let middle = record.middle.chars().next();
    if chance.hits(6000) && 1 < record.middle.len() && record.middle != "NMN" {
        record.middle = middle.map(String::from).unwrap_or_default();
    }
    if slip(chance, 1, "newborn") && record.dob.starts_with("2025") {
        record.given = chance.one(&["Baby Boy", "Baby Girl", "Infant"]).to_string();
    }
}

/// What the payer's own roster holds: it, too, is incomplete and mistaken, a little.
pub(super) fn enrol(record: &mut Record, culture: Culture, chance: &mut Chance) {
    for (field, rate) in [
        (&mut record.middle, 4000),
        (&mut record.phone, 1500),
        (&mut record.email, 5000),
        (&mut record.ssn4, 3500),
        (&mut record.suffix, 4000),
    ] {
        if chance.hits(rate) {
            field.clear();
        }
    }
    if chance.hits(3500) && 1 < record.middle.len() {
        record.middle = record.middle.chars().take(1).collect();
    }
    if chance.hits(120) {
        record.family = misspelt(&record.family, culture, chance);
    }
    if chance.hits(120) {
        record.given = misspelt(&record.given, culture, chance);
    }
    if chance.hits(40) {
        record.dob = mistaken_date(&record.dob, chance);
    }
    if chance.hits(20) {
        let year = record.dob[..4].parse().unwrap_or(1960);
        record.dob = day(year, chance);
    }
}
