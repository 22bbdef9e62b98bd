//! Rules on who the request is about.

use std::ops::RangeInclusive;

use domain::Code;
use domain::time::Date;

use super::{Case, Findings, Rule, is_blank};

pub(super) const RULES: &[Rule] = &[
    name_is_given,
    birth_date_is_given,
    birth_date_is_a_day,
    birth_date_is_plausible,
    phones_are_well_formed,
    emails_are_well_formed,
    identifiers_are_complete,
];

/// From the shortest local number to the longest international one with an extension.
const PHONE_DIGITS: RangeInclusive<usize> = 7..=20;

const AGE_YEARS_MAX: i64 = 130;

fn name_is_given(case: &Case<'_>, found: &mut Findings) {
    let name = &case.request.member.name;
    found.add_if(is_blank(&name.family), "member.name.family", Code::NameMissing);
    found.add_if(name.given.iter().all(|given| is_blank(given)), "member.name.given", Code::NameMissing);
}

fn birth_date_is_given(case: &Case<'_>, found: &mut Findings) {
    found.add_if(birth_date(case).is_none(), "member.birth_date", Code::BirthDateMissing);
}

fn birth_date_is_a_day(case: &Case<'_>, found: &mut Findings) {
    let malformed = birth_date(case).is_some_and(|text| Date::parse(text).is_none());
    found.add_if(malformed, "member.birth_date", Code::BirthDateMalformed);
}

fn birth_date_is_plausible(case: &Case<'_>, found: &mut Findings) {
    let Some(born) = birth_date(case).and_then(Date::parse) else { return };
    let today = Date::of(case.now);
    let oldest = Date { year: today.year - AGE_YEARS_MAX, ..today };
    found.add_if(born < oldest || today < born, "member.birth_date", Code::BirthDateImplausible);
}

fn phones_are_well_formed(case: &Case<'_>, found: &mut Findings) {
    for (index, phone) in case.request.member.phones.iter().enumerate() {
        found.add_if(!is_phone(phone), format_args!("member.phones[{index}]"), Code::PhoneMalformed);
    }
}

fn emails_are_well_formed(case: &Case<'_>, found: &mut Findings) {
    for (index, email) in case.request.member.emails.iter().enumerate() {
        found.add_if(!is_email(email), format_args!("member.emails[{index}]"), Code::EmailMalformed);
    }
}

/// An identifier without its system could be anybody's.
fn identifiers_are_complete(case: &Case<'_>, found: &mut Findings) {
    for (index, identifier) in case.request.member.identifiers.iter().enumerate() {
        for (part, text) in [("system", &identifier.system), ("value", &identifier.value)] {
            let field = format_args!("member.identifiers[{index}].{part}");
            found.add_if(is_blank(text), field, Code::IdentifierIncomplete);
        }
    }
}

/// Digits, with what people write between them and `x` or `ext` before an extension.
fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let between = |char: char| char.is_ascii_digit() || " +-./()#xXeEtT".contains(char);
    PHONE_DIGITS.contains(&digits) && text.chars().all(between)
}

/// A name and a domain with a dot, without blanks; whether mail arrives there only mail can tell.
fn is_email(text: &str) -> bool {
    let plain = !text.chars().any(|char| char.is_whitespace() || char.is_control());
    let Some((name, domain)) = text.rsplit_once('@') else { return false };
    let labels = domain.split('.').collect::<Vec<_>>();
    plain && !name.is_empty() && 2 <= labels.len() && labels.iter().all(|label| !label.is_empty())
}

fn birth_date<'a>(case: &Case<'a>) -> Option<&'a str> {
    case.request.member.birth_date.as_deref().filter(|text| !is_blank(text))
}
