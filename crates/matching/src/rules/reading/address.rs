//! Addresses (C.1, C.2). Rules use the street with its ZIP code, never the unit: people of one house share both.

use super::street::{StreetTypes, is_unit_word};
use super::text::{plain, spaced};
use super::{pattern, text};
use crate::rules::book::Placeholders;
use crate::rules::field::Field;
use crate::rules::record::Address;
use crate::rules::values::Values;

/// Adds what an address says. A placeholder in line 1 takes all of it away; one in the ZIP code only that.
pub(super) fn read(address: &Address, types: &StreetTypes, placeholders: &Placeholders, values: &mut Values) {
    let line1 = address.street.as_deref().unwrap_or("").trim();
    let line2 = address.line2.as_deref().unwrap_or("").trim();
    if !line1.is_empty() && is_placeholder(line1, line2, placeholders) {
        return;
    }
    for (field, text) in [(Field::City, &address.city), (Field::State, &address.state)] {
        values.add(field, spaced(&plain(text.as_deref().unwrap_or(""))));
    }
    let Some(zip) = address.zip.as_deref().and_then(|zip| zip5(zip, placeholders)) else { return };
    if let Some(street) = types.read(line1, line2) {
        values.add(Field::Street, format!("{street}|{zip}"));
    }
    values.add(Field::Zip, zip);
}

fn is_placeholder(line1: &str, line2: &str, placeholders: &Placeholders) -> bool {
    let line1 = text::spaced(&line1.to_lowercase().replace(['.', ',', '#', '/'], ""));
    pattern::any(&placeholders.streets, &line1)
        || pattern::any(&placeholders.streets_without_unit, &line1) && !is_unit(line2, placeholders)
}

/// Whether a line 2 is a real unit.
fn is_unit(line2: &str, placeholders: &Placeholders) -> bool {
    let bare = text::solid(line2);
    let words = text::spaced(&plain(line2));
    let first = words.split(' ').next().unwrap_or("");
    let says =
        first.bytes().next().is_some() && (is_unit_word(first) || words.bytes().any(|byte| byte.is_ascii_digit()));
    says && !pattern::any(&placeholders.identifiers, &bare)
}

/// The first five digits of a ZIP code of five digits or nine.
fn zip5(text: &str, placeholders: &Placeholders) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let zip = matches!(digits.len(), 5 | 9).then(|| &digits[..5])?;
    (!pattern::any(&placeholders.zips, zip)).then(|| zip.to_owned())
}
