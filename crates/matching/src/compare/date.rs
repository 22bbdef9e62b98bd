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
    if is_one_digit(claimed, known) {
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
