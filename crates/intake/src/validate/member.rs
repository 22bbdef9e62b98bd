//! Rules on who the request is about.

use domain::Code;
use domain::time::Date;

use super::{Case, Findings, Rule, is_blank};

pub(super) const RULES: &[Rule] = &[name_is_given, birth_date_is_given, birth_date_is_a_day, birth_date_is_plausible];

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

fn birth_date<'a>(case: &Case<'a>) -> Option<&'a str> {
    case.request.member.birth_date.as_deref().filter(|text| !is_blank(text))
}
