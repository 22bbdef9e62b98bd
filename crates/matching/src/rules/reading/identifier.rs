//! Identifiers. One that is unique only within a namespace counts only with it.

use super::pattern;
use crate::rules::book::Placeholders;
use crate::rules::field::Field;
use crate::rules::record::{Identifier, Kind};
use crate::rules::values::Values;

/// Adds what an identifier says.
pub(super) fn read(identifier: &Identifier, placeholders: &Placeholders, values: &mut Values) {
    let value = identifier.value.trim();
    let bare: String = value.chars().filter(|letter| !letter.is_whitespace() && !"-'.".contains(*letter)).collect();
    if bare.is_empty() || pattern::any(&placeholders.identifiers, &bare.to_lowercase()) {
        return;
    }
    if !matches!(identifier.kind, Kind::Ssn | Kind::Itin) && is_filler(value) {
        return;
    }
    let (field, value) = match identifier.kind {
        Kind::Ssn => (Field::Ssn4, last4(value, true, placeholders)),
        Kind::Itin => (Field::Itin4, last4(value, false, placeholders)),
        Kind::Mbi => (Field::Mbi, Some(bare.to_ascii_uppercase())),
        Kind::LegalId => (Field::LegalId, scoped(identifier, value)),
        Kind::MemberId => (Field::MemberId, payer_id(identifier, value, placeholders)),
        Kind::SubscriberId => (Field::SubscriberId, payer_id(identifier, value, placeholders)),
        Kind::Namespaced => (Field::NamespacedId, scoped(identifier, value)),
        Kind::Guardian => (Field::Guardian, scoped(identifier, value)),
        Kind::Mother => (Field::Mother, scoped(identifier, value)),
        Kind::BirthEncounter => (Field::BirthEncounter, scoped(identifier, value)),
    };
    if let Some(value) = value {
        values.add(field, value);
    }
}

fn scoped(identifier: &Identifier, value: &str) -> Option<String> {
    let system = identifier.system.as_deref().map(str::trim).filter(|system| !system.is_empty())?;
    Some(format!("{system}|{value}"))
}

fn payer_id(identifier: &Identifier, value: &str, placeholders: &Placeholders) -> Option<String> {
    scoped(identifier, value).filter(|_| !pattern::any(&placeholders.payer_ids, &value.to_lowercase()))
}

/// Zeros or nines, all of it: what somebody typed to get past the field.
fn is_filler(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'0') || value.bytes().all(|byte| byte == b'9')
}

/// The last four digits of a number, or four digits. A whole social security number that begins with 000 or 999 is none.
fn last4(value: &str, is_ssn: bool, placeholders: &Placeholders) -> Option<String> {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    if is_ssn && digits.len() == 9 && (digits.starts_with("000") || digits.starts_with("999")) {
        return None;
    }
    let last4 = digits.len().checked_sub(4).map(|at| &digits[at..])?;
    let filler = pattern::repeats(last4, 4) || pattern::any(&placeholders.last4, last4);
    (!filler).then(|| last4.to_owned())
}
