//! Birth dates (A.5, D.6).

use chrono::{Datelike, NaiveDate};

use super::pattern;
use crate::rules::book::{Placeholders, ReadingPolicy};

/// A full date within the policy's bounds. A year, or a year and a month, is no date: its u-value would be that of a day.
pub(super) fn read(text: &str, policy: &ReadingPolicy, placeholders: &Placeholders, today: i32) -> Option<String> {
    let text = text.trim();
    let day = day(text).filter(|_| !pattern::any(&placeholders.birth_dates, text))?;
    let year = NaiveDate::from_epoch_days(today)?.year();
    let first = NaiveDate::from_ymd_opt(year.checked_sub_unsigned(policy.years_max)?, 1, 1)?.to_epoch_days();
    let last = today.checked_add_unsigned(policy.days_ahead_max)?;
    (first..=last).contains(&day).then(|| text.to_owned())
}

/// The day that `1980-02-29` is, counted from 1970-01-01; none for anything else.
pub(crate) fn day(text: &str) -> Option<i32> {
    let shape = |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(shape) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?)?;
    (date.year() != 0).then(|| date.to_epoch_days())
}
