//! How well members are identified, by the log alone. What the figures mean stands in the help of `waybill identity report`.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use matching::Outcome;
use serde::Serialize;

use super::cases::{self, Case, Reviewed};
use super::flips::percent;
use crate::cli::By;
use crate::compose::Plant;
use crate::exit::Failure;

/// The figures of a time, beside those of the time before.
#[derive(Serialize)]
pub(super) struct Quality {
    since: String,
    until: String,
    periods: Vec<Row>,
    drift: Vec<Drift>,
    groups: Vec<Row>,
    scores: Vec<Score>,
}

/// The figures of some requests.
#[derive(Serialize)]
struct Row {
    of: String,
    judged: u64,
    match_percent: f64,
    review_percent: f64,
    no_match_percent: f64,
    mean_probability: Option<f64>,
    throttled: u64,
    withdrawn: u64,
    undecided: u64,
    found: u64,
    likeliest: u64,
    nobody: u64,
    precision: Option<f64>,
    recall: Option<f64>,
}

/// A figure of both times.
#[derive(Serialize)]
struct Drift {
    figure: &'static str,
    before: f64,
    now: f64,
    change: f64,
}

/// Reviews from a probability on.
#[derive(Serialize)]
struct Score {
    from_ppm: u32,
    reviews: u64,
    found: u64,
    mean_probability: Option<f64>,
    precision: Option<f64>,
    recall: Option<f64>,
}

/// What is counted.
#[derive(Clone, Copy, Default)]
struct Counts {
    matched: u64,
    review: u64,
    no_match: u64,
    throttled: u64,
    withdrawn: u64,
    found: u64,
    likeliest: u64,
    nobody: u64,
    weighed: u64,
    probability_ppm: u64,
}

/// How far back is looked unless it is said: the last month, which the month before is held against.
const LOOKED_BACK: Duration = Duration::from_secs(30 * 86_400);
/// From which probabilities on reviews are looked at, in parts per million.
const SCORES: [u32; 8] = [0, 250_000, 500_000, 600_000, 700_000, 800_000, 900_000, 950_000];

/// The report.
pub(super) fn report(plant: &Plant, since: Option<Timestamp>, by: Option<By>) -> Result<Quality, Failure> {
    let now = Timestamp(plant.clock.now_ms());
    let since = since.unwrap_or(now - LOOKED_BACK);
    if now <= since {
        return Err(Failure::Input("--since must lie in the past".into()));
    }
    let before = since - now.since(since);
    let (then, cases): (Vec<Case>, Vec<Case>) =
        cases::decided(plant, &(before..now))?.into_iter().partition(|case| case.at < since);
    let (this, earlier) = (Counts::of(&cases), Counts::of(&then));
    let periods = vec![this.row("this time"), earlier.row("the time before")];
    let mut groups: BTreeMap<String, Counts> = BTreeMap::new();
    if let Some(by) = by {
        for case in &cases {
            groups.entry(group(case, by)).or_default().count(case);
        }
    }
    Ok(Quality {
        since: since.to_string(),
        until: now.to_string(),
        drift: drift(&periods[0], &periods[1]),
        periods,
        groups: groups.iter().map(|(name, counts)| counts.row(name)).collect(),
        scores: scores(&cases),
    })
}

fn group(case: &Case, by: By) -> String {
    let about = case.about.as_ref().map(|about| match by {
        By::Source => about.source.to_string(),
        By::Partner => about.partner.to_string(),
        By::Kind => about.workflow.as_str().to_owned(),
    });
    about.unwrap_or_else(|| "unknown".to_owned())
}

// === impl Counts ===

impl Counts {
    fn of(cases: &[Case]) -> Self {
        let mut counts = Self::default();
        cases.iter().for_each(|case| counts.count(case));
        counts
    }

    fn count(&mut self, case: &Case) {
        if case.throttled {
            self.throttled += 1;
            return;
        }
        match case.outcome {
            Outcome::Match => self.matched += 1,
            Outcome::Review => self.review += 1,
            Outcome::NoMatch => self.no_match += 1,
        }
        self.withdrawn += u64::from(case.withdrawn && case.outcome == Outcome::Match);
        match case.reviewed {
            Some(Reviewed::Member(chosen)) => {
                self.found += 1;
                self.likeliest += u64::from(case.likeliest == Some(chosen));
            }
            Some(Reviewed::Nobody) => self.nobody += 1,
            None => {}
        }
        if let Some(probability) = case.probability_ppm {
            self.weighed += 1;
            self.probability_ppm += u64::from(probability);
        }
    }

    fn judged(&self) -> u64 {
        self.matched + self.review + self.no_match
    }

    fn row(&self, of: &str) -> Row {
        let judged = self.judged();
        let good = self.matched - self.withdrawn;
        Row {
            of: of.to_owned(),
            judged,
            match_percent: percent(self.matched, judged),
            review_percent: percent(self.review, judged),
            no_match_percent: percent(self.no_match, judged),
            mean_probability: mean(self.probability_ppm, self.weighed),
            throttled: self.throttled,
            withdrawn: self.withdrawn,
            undecided: self.review - self.found - self.nobody,
            found: self.found,
            likeliest: self.likeliest,
            nobody: self.nobody,
            precision: share(good, self.matched),
            recall: share(good, good + self.found),
        }
    }
}

/// The rates and means of this time beside those of the time before; nothing where one of the two has none.
fn drift(now: &Row, before: &Row) -> Vec<Drift> {
    let percent = |row: &Row, value: f64| (0 < row.judged).then_some(value);
    let all = [
        ("match percent", percent(before, before.match_percent), percent(now, now.match_percent)),
        ("review percent", percent(before, before.review_percent), percent(now, now.review_percent)),
        ("no match percent", percent(before, before.no_match_percent), percent(now, now.no_match_percent)),
        ("mean probability", before.mean_probability, now.mean_probability),
        ("precision", before.precision, now.precision),
        ("recall", before.recall, now.recall),
    ];
    let row = |(figure, before, now): (&'static str, Option<f64>, Option<f64>)| {
        let (before, now) = before.zip(now)?;
        Some(Drift { figure, before, now, change: rounded(now - before) })
    };
    all.into_iter().filter_map(row).collect()
}

/// What reviewers said, against what the machine thought: decided reviews from each probability on.
fn scores(cases: &[Case]) -> Vec<Score> {
    let decided: Vec<(u32, bool)> = cases
        .iter()
        .filter(|case| case.outcome == Outcome::Review)
        .filter_map(|case| Some((case.probability_ppm?, matches!(case.reviewed?, Reviewed::Member(_)))))
        .collect();
    let found_at_all = decided.iter().filter(|(_, is_found)| *is_found).count() as u64;
    let score = |from_ppm: u32| {
        let from: Vec<_> = decided.iter().filter(|(probability, _)| from_ppm <= *probability).collect();
        let reviews = from.len() as u64;
        let found = from.iter().filter(|(_, is_found)| *is_found).count() as u64;
        Score {
            from_ppm,
            reviews,
            found,
            mean_probability: mean(from.iter().map(|(probability, _)| u64::from(*probability)).sum(), reviews),
            precision: share(found, reviews),
            recall: share(found, found_at_all),
        }
    };
    SCORES.into_iter().map(score).filter(|score| 0 < score.reviews).collect()
}

/// The mean of probabilities in parts per million, as a probability.
fn mean(sum_ppm: u64, count: u64) -> Option<f64> {
    (0 < count).then(|| rounded(sum_ppm as f64 / count as f64 / 1e6))
}

fn share(part: u64, all: u64) -> Option<f64> {
    (0 < all).then(|| rounded(part as f64 / all as f64))
}

/// To four places.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use domain::lifecycle::PolicyRef;
    use domain::{RequestId, Token};

    use super::*;

    fn case(outcome: Outcome, probability_ppm: u32, reviewed: Option<Reviewed>) -> Case {
        Case {
            request_id: RequestId([0; 16]),
            at: Timestamp(0),
            about: None,
            outcome,
            member: None,
            likeliest: Some(Token([1; 16])),
            policy: PolicyRef::default(),
            probability_ppm: Some(probability_ppm),
            rehearsed: None,
            throttled: false,
            reviewed,
            withdrawn: false,
        }
    }

    #[test]
    fn precision_and_recall_count_what_came_to_light() {
        let member = Some(Reviewed::Member(Token([1; 16])));
        let mut cases = vec![
            case(Outcome::Match, 990_000, None),
            case(Outcome::Match, 970_000, None),
            case(Outcome::Match, 960_000, None),
            case(Outcome::Review, 850_000, member),
            case(Outcome::Review, 550_000, Some(Reviewed::Nobody)),
            case(Outcome::Review, 540_000, Some(Reviewed::Member(Token([2; 16])))),
            case(Outcome::Review, 620_000, None),
            case(Outcome::NoMatch, 10_000, None),
        ];
        cases[2].withdrawn = true;
        cases.push(Case { throttled: true, ..case(Outcome::NoMatch, 0, None) });
        let row = Counts::of(&cases).row("all");
        assert_eq!((row.judged, row.throttled, row.withdrawn, row.undecided), (8, 1, 1, 1));
        assert_eq!((row.found, row.likeliest, row.nobody), (2, 1, 1));
        assert_eq!((row.precision, row.recall), (Some(0.6667), Some(0.5)));
        let scores = scores(&cases);
        assert_eq!((scores[0].reviews, scores[0].precision, scores[0].recall), (3, Some(0.6667), Some(1.0)));
        let high = scores.iter().find(|score| score.from_ppm == 800_000).expect("a score");
        assert_eq!((high.reviews, high.precision, high.recall), (1, Some(1.0), Some(0.5)));
    }

    #[test]
    fn rates_are_held_against_the_time_before() {
        let one = |outcome, count: usize| (0..count).map(move |_| case(outcome, 500_000, None));
        let this: Vec<Case> = one(Outcome::Match, 8).chain(one(Outcome::Review, 2)).collect();
        let before: Vec<Case> = one(Outcome::Match, 9).chain(one(Outcome::Review, 1)).collect();
        let drift = drift(&Counts::of(&this).row("now"), &Counts::of(&before).row("before"));
        let of = |figure| drift.iter().find(|row| row.figure == figure).map(|row| row.change);
        assert_eq!(
            (of("match percent"), of("review percent"), of("mean probability")),
            (Some(-10.0), Some(10.0), Some(0.0))
        );
        assert!(super::drift(&Counts::of(&this).row("now"), &Counts::default().row("before")).is_empty());
    }
}
