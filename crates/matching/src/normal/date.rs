//! Birth dates: whole or in part.

/// A date of the Gregorian calendar packed into 21 bits, `year * 512 + month * 32 + day`. Month and day are zero where only the year
/// is known; zero altogether says nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Date(pub(crate) u32);

/// The years a birth date may have: older people are placeholders (1900-01-01), later ones typing errors.
const YEARS: std::ops::RangeInclusive<u32> = 1901..=2100;

// === impl Date ===

impl Date {
    /// Reads `YYYY-MM-DD`, `YYYY/M/D`, `YYYYMMDD`, `MM/DD/YYYY`, `M-D-YYYY`, `DD.MM.YYYY`, `YYYY-MM` and `YYYY`. A date that is
    /// none in the calendar with the month first is tried with the day first; what cannot be one says nothing.
    pub(crate) fn of(text: &str) -> Self {
        // As nearly all are written.
        if let [a, b, c, d, b'-', e, f, b'-', g, h] = text.as_bytes()
            && [a, b, c, d, e, f, g, h].into_iter().all(u8::is_ascii_digit)
        {
            let number =
                |digits: &[&u8]| digits.iter().fold(0, |number, digit| number * 10 + u32::from(**digit - b'0'));
            return Self::checked(number(&[a, b, c, d]), number(&[e, f]), number(&[g, h]));
        }
        let mut groups = [(0u32, 0usize); 3];
        let mut count = 0;
        // A time of day may stand behind.
        let day = text.trim().split(['T', ' ']).next().unwrap_or_default();
        for digits in day.split(|letter: char| !letter.is_ascii_digit()).filter(|digits| !digits.is_empty()) {
            if count == 3 || 8 < digits.len() {
                return Self::default();
            }
            groups[count] =
                (digits.bytes().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')), digits.len());
            count += 1;
        }
        let [(one, length), (two, _), (three, last_length)] = groups;
        match (count, length, last_length) {
            (3, 4, _) => Self::checked(one, two, three),
            (3, _, 4) if text.contains('.') => Self::checked(three, two, one),
            (3, _, 4) => Self::checked(three, one, two),
            (1, 8, _) if YEARS.contains(&(one / 10_000)) => Self::checked(one / 10_000, one / 100 % 100, one % 100),
            (1, 8, _) => Self::checked(one % 10_000, one / 1_000_000, one / 10_000 % 100),
            (2, 4, _) if (1..=12).contains(&two) => Self::known(one, two, 0),
            (1, 4, _) => Self::known(one, 0, 0),
            _ => Self::default(),
        }
    }

    fn checked(year: u32, month: u32, day: u32) -> Self {
        let (month, day) = if 12 < month && (1..=12).contains(&day) { (day, month) } else { (month, day) };
        let longest = match month {
            4 | 6 | 9 | 11 => 30,
            2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
            2 => 28,
            1..=12 => 31,
            _ => 0,
        };
        if longest == 0 || day == 0 || longest < day {
            // The year alone is still worth something.
            return Self::known(year, 0, 0);
        }
        Self::known(year, month, day)
    }

    fn known(year: u32, month: u32, day: u32) -> Self {
        if YEARS.contains(&year) { Self(year << 9 | month << 5 | day) } else { Self::default() }
    }

    /// The year; zero where nothing is known.
    pub(crate) fn year(self) -> u32 {
        self.0 >> 9
    }

    /// The month; zero where only the year is known.
    pub(crate) fn month(self) -> u32 {
        self.0 >> 5 & 15
    }

    /// The day; zero where it is not known.
    pub(crate) fn day(self) -> u32 {
        self.0 & 31
    }

    /// Whether it is known to the day.
    pub(crate) fn is_whole(self) -> bool {
        self.day() != 0
    }

    /// Its eight digits as one number.
    #[inline]
    pub(crate) fn number(self) -> u64 {
        (self.year() * 10_000 + self.month() * 100 + self.day()).into()
    }

    /// Its eight digits.
    pub(crate) fn digits(self) -> [u8; 8] {
        let mut rest = self.number();
        let mut digits = [0; 8];
        for digit in digits.iter_mut().rev() {
            *digit = (rest % 10) as u8;
            rest /= 10;
        }
        digits
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.year(), self.month(), self.day()) {
            (0, _, _) => Ok(()),
            (year, 0, _) => write!(f, "{year:04}"),
            (year, month, 0) => write!(f, "{year:04}-{month:02}"),
            (year, month, day) => write!(f, "{year:04}-{month:02}-{day:02}"),
        }
    }
}

impl std::fmt::Debug for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Date(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_however_they_are_written() {
        for text in [
            "1984-02-29",
            "02/29/1984",
            "2/29/1984",
            "19840229",
            "02291984",
            "29.02.1984",
            "29/02/1984",
            "1984-02-29T00:00:00Z",
        ] {
            assert_eq!(Date::of(text).to_string(), "1984-02-29", "{text}");
        }
        for (text, read) in [
            ("1984", "1984"),
            ("1984-07", "1984-07"),
            ("1985-02-29", "1985"),
            ("1900-01-01", ""),
            ("0000-00-00", ""),
            ("soon", ""),
        ] {
            assert_eq!(Date::of(text).to_string(), read, "{text}");
        }
        assert_eq!(Date::of("1984-02-29").digits(), [1, 9, 8, 4, 0, 2, 2, 9]);
    }
}
