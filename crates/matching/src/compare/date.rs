//! Birth dates.

use super::DateLevel;
use crate::normal::date::Date;

/// Compares two birth dates.
pub(super) fn level(claimed: Date, known: Date) -> DateLevel {
    if claimed == known {
        return if claimed.year() == 0 {
            DateLevel::Missing
        } else if claimed.is_whole() {
            DateLevel::Exact
        } else {
            DateLevel::Partial
        };
    }
    if claimed.year() == 0 || known.year() == 0 {
        return DateLevel::Missing;
    }
    let same_year = claimed.year() == known.year();
    let (same_month, same_day) = (claimed.month() == known.month(), claimed.day() == known.day());
    if !claimed.is_whole() || !known.is_whole() {
        let month_agrees = same_month || claimed.month() == 0 || known.month() == 0;
        return if same_year && month_agrees { DateLevel::Partial } else { DateLevel::Different };
    }
    if same_year && claimed.month() == known.day() && claimed.day() == known.month() {
        return DateLevel::Swapped;
    }
    if same_year && (is_first(claimed) || is_first(known)) {
        return DateLevel::FirstOfYear;
    }
    // Where both year and day of the year differ, one digit does only if it has changed places across the two.
    let is_far = !(same_year || same_month && same_day);
    let is_across = same_day && claimed.year() / 10 == known.year() / 10;
    if (!is_far || is_across) && is_one_digit(claimed, known) {
        return DateLevel::OneDigit;
    }
    match (same_year, same_month, same_day) {
        (false, true, true) => DateLevel::OtherYear,
        (true, true, false) | (true, false, true) => DateLevel::Close,
        (true, _, _) => DateLevel::SameYear,
        (false, _, _) => DateLevel::Different,
    }
}

fn is_first(date: Date) -> bool {
    date.month() == 1 && date.day() == 1
}

fn is_one_digit(claimed: Date, known: Date) -> bool {
    super::number::can_be_one_place(claimed.number(), known.number(), 10)
        && super::number::is_one_place(&claimed.digits(), &known.digits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistaken_digit_is_found_wherever_it_is() {
        let dates = |years: std::ops::Range<u32>| {
            years.flat_map(|year| {
                let days = [1, 2, 5, 10, 12, 15, 20, 21, 30].into_iter();
                days.flat_map(move |day| {
                    [1u32, 2, 3, 10, 11, 12].map(|month| Date::of(&format!("{year}-{month:02}-{day:02}")))
                })
            })
        };
        let mut found = 0;
        for one in dates(1979..1982).filter(|date| date.is_whole()) {
            for other in dates(1965..1993).filter(|date| date.is_whole() && *date != one) {
                let plain = crate::compare::number::is_one_place(&one.digits(), &other.digits());
                let level = level(one, other);
                let is_other = matches!(level, DateLevel::Swapped | DateLevel::FirstOfYear);
                assert_eq!(level == DateLevel::OneDigit, plain && !is_other, "{one} {other}");
                found += u32::from(plain && one.year() != other.year() && one.month() != other.month());
            }
        }
        assert!(0 < found, "a digit has changed places between year and month");
    }
}
