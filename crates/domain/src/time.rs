//! Points in time and spans, in milliseconds; calendar text only for people.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Later than any moment that will be met.
    pub const NEVER: Self = Self(i64::MAX);

    /// Reads RFC 3339 in UTC (`2026-11-26T18:08:48.082Z`, seconds and their fraction may be absent), or a day, which is its first moment.
    pub fn parse(text: &str) -> Option<Self> {
        let (day, clock) = text.split_once('T').unwrap_or((text, "00:00Z"));
        let mut parts = clock.strip_suffix('Z')?.splitn(3, ':');
        let mut below = |limit: i64| {
            let digits = parts.next()?;
            let is_plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
            digits.parse::<i64>().ok().filter(|number| is_plain && *number < limit)
        };
        let minutes = below(24)? * 60 + below(60)?;
        let seconds = parts.next().unwrap_or("00");
        let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
        let is_plain = seconds.len() == 2 && (1..=9).contains(&fraction.len());
        let is_plain = is_plain && seconds.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit());
        let seconds = seconds.parse::<i64>().ok().filter(|number| is_plain && *number < 60)?;
        let ms = format!("{fraction:0<3}")[..3].parse::<i64>().ok()?;
        Some(Self(Date::parse(day)?.days() * 86_400_000 + minutes * 60_000 + seconds * 1000 + ms))
    }

    /// The time from `earlier` until this moment; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = Date::from_days(self.0.div_euclid(86_400_000));
        let ms = self.0.rem_euclid(86_400_000);
        let (s, ms) = (ms / 1000, ms % 1000);
        write!(f, "{date}T{:02}:{:02}:{:02}.{ms:03}Z", s / 3600, s / 60 % 60, s % 60)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads a span as policies write it: a whole number and `ms`, `s`, `m`, `h` or `d`, as in `90s`.
pub fn parse_span(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit_ms).map(Duration::from_millis)
}

/// A day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Date {
    /// The year.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Date {
    /// Reads `YYYY-MM-DD`; none if it is no day of the calendar.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |range: std::ops::Range<usize>| {
            bytes[range]
                .iter()
                .try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
        };
        let date = Self {
            year: number(0..4)?,
            month: u8::try_from(number(5..7)?).ok()?,
            day: u8::try_from(number(8..10)?).ok()?,
        };
        (Self::from_days(date.days()) == date).then_some(date)
    }

    /// Days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    pub fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The inverse of [`Date::days`].
    pub fn from_days(days: i64) -> Self {
        let days = days + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = u8::try_from(day_of_year - (153 * month + 2) / 5 + 1).unwrap_or(1);
        let month = u8::try_from(if month < 10 { month + 3 } else { month - 9 }).unwrap_or(1);
        Self { year: year_of_era + era * 400 + i64::from(month <= 2), month, day }
    }

    /// The day that contains a moment, in UTC.
    pub fn of(moment: Timestamp) -> Self {
        Self::from_days(moment.0.div_euclid(86_400_000))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_policies_write_them() {
        let seconds = |text| parse_span(text).map(|span| span.as_secs());
        assert_eq!(["90s", "15m", "4h", "30d"].map(seconds), [90, 900, 14_400, 2_592_000].map(Some));
        assert_eq!(parse_span("5ms"), Some(Duration::from_millis(5)));
        for broken in ["", "5", "s", "-1s", "1.5h", "1 h", "1w", "99999999999999999999d", "18446744073709551615d"] {
            assert_eq!(parse_span(broken), None, "{broken}");
        }
    }

    #[test]
    fn moments_read_back_as_they_are_shown() {
        for ms in [0, 1_700_000_000_123, -1, 86_399_999] {
            assert_eq!(Timestamp::parse(&Timestamp(ms).to_string()), Some(Timestamp(ms)));
        }
        let minute = Timestamp::parse("2023-11-14T22:13Z").expect("a moment");
        assert_eq!(minute.to_string(), "2023-11-14T22:13:00.000Z");
        assert_eq!(Timestamp::parse("2023-11-14T22:13:20.5Z").map(|at| at.0 % 1000), Some(500));
        assert_eq!(Timestamp::parse("2023-11-14").map(|at| at.0 % 86_400_000), Some(0));
        let wrong =
            ["", "2023-02-30", "2023-11-14T24:00Z", "2023-11-14T22:13", "2023-11-14T22Z", "2023-11-14T22:13:60Z"];
        for text in wrong.into_iter().chain(["2023-11-14T22:13:+5Z", "2023-11-14T22:13:20.Z", "2023-11-14T1:13Z"]) {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_and_dates_are_inverse() {
        for days in (-800_000..800_000).step_by(37) {
            assert_eq!(Date::from_days(days).days(), days);
        }
        assert_eq!(Date::parse("2024-02-29").map(Date::days), Some(19_782));
        assert_eq!(Date::parse("2023-02-29"), None);
        assert_eq!(Date::parse("1980-1-01"), None);
        assert_eq!(Timestamp(1_700_000_000_123).to_string(), "2023-11-14T22:13:20.123Z");
    }
}
