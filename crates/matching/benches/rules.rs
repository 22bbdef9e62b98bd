//! How fast the rules judge: reading, building and judging on one core, over rosters of generated households.

#[path = "../tests/cms/mod.rs"]
#[expect(dead_code, reason = "speed needs the cases, not the comparison")]
mod cms;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cms::{Case, book, reader};
use matching::rules::{Record, Roster, Values, explain};
use xxhash_rust::xxh3::xxh3_64_with_seed;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for members in [100_000, 1_000_000] {
        measure(&mut out, members)?;
    }
    Ok(())
}

fn measure(out: &mut impl Write, members: usize) -> io::Result<()> {
    let (book, mut records, mut claims, mut number) = (book(), Vec::new(), Vec::new(), 1_000_000);
    while records.len() < members {
        let mut case = Case::numbered(number);
        case.roster.iter_mut().chain([&mut case.claim]).for_each(|record| scatter(record, number));
        records.append(&mut case.roster);
        claims.push(case.claim);
        number += 1;
    }
    let reader = reader(&book);
    let (values, reading) = timed(|| records.iter().map(|record| reader.read(record)).collect::<Vec<Values>>());
    let count = values.len();
    let ids = (0..).map(|at: usize| Arc::from(at.to_string()));
    let (roster, building) = timed(|| Roster::new(book.clone(), ids.zip(values)));
    let claims: Vec<Values> = claims.iter().take(50_000).map(|claim| reader.read(claim)).collect();
    let mut times: Vec<Duration> = claims.iter().map(|claim| timed(|| roster.judge(claim)).1).collect();
    times.sort_unstable();
    let total: Duration = times.iter().sum();
    let mut told: Vec<Duration> = claims.iter().map(|claim| timed(|| explain(&book, &roster.judge(claim))).1).collect();
    told.sort_unstable();
    let per_second = |count: usize, time: Duration| count as f64 / time.as_secs_f64();
    let at = |times: &[Duration], percent: usize| times[times.len() * percent / 100];
    writeln!(out, "{count} members")?;
    writeln!(out, "  read    {:>10.0} records/s", per_second(count, reading))?;
    writeln!(out, "  build   {:>10.0} members/s", per_second(count, building))?;
    writeln!(
        out,
        "  judge   {:>10.0} claims/s, median {:?}, p99 {:?}",
        per_second(times.len(), total),
        at(&times, 50),
        at(&times, 99)
    )?;
    writeln!(out, "  explain                     median {:?}, p99 {:?}", at(&told, 50), at(&told, 99))?;
    writeln!(out, "  memory  {:>10.0} bytes/member", roster.bytes() as f64 / count as f64)
}

/// The generator has few phones, emails and identifiers, so that cases collide; in a town each household has its own.
fn scatter(record: &mut Record, number: u64) {
    let own = |text: &str, bound: u64| xxh3_64_with_seed(text.as_bytes(), number) % bound;
    for phone in &mut record.phones {
        let digits: String = phone.chars().filter(char::is_ascii_digit).take(11).collect();
        *phone =
            format!("{}{:07}", 200 + own(&digits[digits.len().saturating_sub(7)..], 700), own(&digits, 10_000_000));
    }
    for email in record.emails.iter_mut().filter(|email| email.contains('@')) {
        *email = format!("{}.{}", own(&email.trim().to_lowercase(), 1_000_000_000), email.trim());
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
