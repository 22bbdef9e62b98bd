//! How common a birth date is: how many are born in a year, and how many on a day, which the first of January is on rosters.

use crate::fixed::centibits_of_count;
use crate::normal::date::Date;

/// Counts of years and of days of the year.
#[derive(Clone)]
pub(crate) struct Calendar {
    years: Vec<u32>,
    days: Vec<u32>,
    dates: u32,
}

/// Of the packed date, what is below the year.
const DAY_BITS: u32 = 9;
const FIRST_YEAR: u32 = 1900;
const YEARS: usize = 201;

impl Default for Calendar {
    fn default() -> Self {
        Self { years: vec![0; YEARS], days: vec![0; 1 << DAY_BITS], dates: 0 }
    }
}

// === impl Calendar ===

impl Calendar {
    /// Counts a date in, or out again.
    pub(crate) fn count(&mut self, date: Date, comes: bool) {
        if !date.is_whole() {
            return;
        }
        let step = |count: &mut u32| *count = if comes { *count + 1 } else { count.saturating_sub(1) };
        step(&mut self.years[Self::year(date)]);
        step(&mut self.days[Self::day(date)]);
        step(&mut self.dates);
    }

    /// The binary logarithm, in centibits, of how rare a date is: of one over the share of members born in its year times that of
    /// its day. Years and days in which nobody is born count as half a member and a day in 366.
    pub(crate) fn rarity(&self, date: Date) -> i32 {
        let all = u64::from(self.dates) * 2 + 732;
        let of_year = u64::from(self.years[Self::year(date)]) * 2 + 7;
        let of_day = u64::from(self.days[Self::day(date)]) * 2 + 2;
        centibits_of_count(all) * 2 - centibits_of_count(of_year) - centibits_of_count(of_day)
    }

    fn year(date: Date) -> usize {
        (date.year().saturating_sub(FIRST_YEAR) as usize).min(YEARS - 1)
    }

    fn day(date: Date) -> usize {
        (date.0 & ((1 << DAY_BITS) - 1)) as usize
    }
}
