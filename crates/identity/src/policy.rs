//! How identity goes about its work: where thresholds are otherwise than the matching policy says, what a review takes, when a caller
//! is taken to be guessing, how long a match can be withdrawn. Read from a versioned file.

use std::time::Duration;

use domain::lifecycle::PolicyRef;
use domain::messages::{Context, Workflow};
use domain::person::ConsentPolicy;
use matching::policy::Thresholds;
use serde::Deserialize;

/// The policy of `deploy/policy/identity.toml`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    text: String,
    thresholds: Vec<Threshold>,
    /// What a review takes.
    pub review: ReviewPolicy,
    /// When a caller is guessing.
    pub guard: GuardPolicy,
    /// How long what a match rests on is remembered, so that it can be withdrawn.
    pub remember: Duration,
    /// How long it is waited for an account that a member's was merged into, before the match is withdrawn.
    pub await_heir: Duration,
}

/// From which probability on something follows, for some requests.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    workflow: Option<Workflow>,
    consent: Option<ConsentPolicy>,
    match_ppm: u32,
    review_ppm: u32,
}

/// What a review takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewPolicy {
    /// How many people have to agree: one or two.
    pub reviewers: u8,
    /// The same where the consent covers sensitive data.
    pub reviewers_sensitive: u8,
    /// Whether somebody has to have looked at what is sealed before they decide.
    pub must_open: bool,
    /// How long, in seconds, a decision that it is nobody can be appealed before it takes effect.
    pub appeal_s: u32,
}

/// When a caller is guessing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuardPolicy {
    /// How many different cards one person may be asked for with, or people one card, before it is taken for guessing.
    pub distinct_max: u32,
    /// Within which time.
    pub window: Duration,
    /// For how long such claims are not answered.
    pub throttle: Duration,
}

/// Why a text is no identity policy.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is not TOML of the expected shape.
    #[error("the identity policy can't be read")]
    Unreadable(#[source] Box<toml::de::Error>),
    /// A value is out of its range.
    #[error("{what} of the identity policy must lie between {least} and {most}, and is {value}")]
    Range {
        /// What is out of its range.
        what: &'static str,
        /// The least it may be.
        least: u32,
        /// The most it may be.
        most: u32,
        /// What it is.
        value: u32,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyText {
    #[serde(rename = "version")]
    _version: u32,
    #[serde(default)]
    thresholds: Vec<Threshold>,
    review: ReviewPolicy,
    guard: GuardText,
    lineage: LineageText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardText {
    distinct_max: u32,
    window_s: u32,
    throttle_s: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineageText {
    remember_days: u32,
    #[serde(default = "hour_s")]
    heir_awaited_s: u32,
}

/// What a policy of before there was such a time means.
fn hour_s() -> u32 {
    3_600
}

const DAY_S: u64 = 86_400;

// === impl Policy ===

impl Policy {
    /// Reads the policy's text.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let read: PolicyText = toml::from_str(text).map_err(|error| PolicyError::Unreadable(Box::new(error)))?;
        let PolicyText { thresholds, review, guard, lineage, .. } = read;
        for threshold in &thresholds {
            // A match must at least be likelier than not.
            within("thresholds.match_ppm", threshold.match_ppm, 500_001, 1_000_000)?;
            within("thresholds.review_ppm", threshold.review_ppm, 1, threshold.match_ppm)?;
        }
        within("review.reviewers", review.reviewers.into(), 1, 2)?;
        within("review.reviewers_sensitive", review.reviewers_sensitive.into(), review.reviewers.into(), 2)?;
        within("review.appeal_s", review.appeal_s, 0, 30 * DAY_S as u32)?;
        // One who is asked for twice is no guess; and each attempt is remembered.
        within("guard.distinct_max", guard.distinct_max, 2, 100)?;
        within("guard.window_s", guard.window_s, 1, 7 * DAY_S as u32)?;
        within("guard.throttle_s", guard.throttle_s, 1, 7 * DAY_S as u32)?;
        within("lineage.remember_days", lineage.remember_days, 0, 3_660)?;
        within("lineage.heir_awaited_s", lineage.heir_awaited_s, 1, 7 * DAY_S as u32)?;
        let guard = GuardPolicy {
            distinct_max: guard.distinct_max,
            window: Duration::from_secs(guard.window_s.into()),
            throttle: Duration::from_secs(guard.throttle_s.into()),
        };
        let remember = Duration::from_secs(u64::from(lineage.remember_days) * DAY_S);
        let await_heir = Duration::from_secs(lineage.heir_awaited_s.into());
        Ok(Self { text: text.to_owned(), thresholds, review, guard, remember, await_heir })
    }

    /// What events call this policy together with a matching policy: the version is that policy's, the digest is of both.
    pub fn reference(&self, matching: &matching::Policy) -> PolicyRef {
        PolicyRef::of(matching.version, &format!("{}\n{:016x}", self.text, matching.digest))
    }

    /// From which probability on a request is matched or reviewed: by the first row that is about it, else by the matching policy.
    pub fn thresholds(&self, context: &Context, matching: &matching::Policy) -> Thresholds {
        let is_about = |row: &&Threshold| {
            row.workflow.is_none_or(|workflow| workflow == context.workflow)
                && row.consent.is_none_or(|consent| consent == context.consent)
        };
        let row = self.thresholds.iter().find(is_about);
        row.map_or(matching.decide, |row| Thresholds { matches: row.match_ppm, review: row.review_ppm })
    }

    /// How many people have to agree on a review of this request.
    pub fn reviewers(&self, context: &Context) -> u8 {
        match context.consent {
            ConsentPolicy::Regular => self.review.reviewers,
            ConsentPolicy::Sensitive => self.review.reviewers_sensitive,
        }
    }
}

fn within(what: &'static str, value: u32, least: u32, most: u32) -> Result<(), PolicyError> {
    if (least..=most).contains(&value) { Ok(()) } else { Err(PolicyError::Range { what, least, most, value }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{context, matching_policy, policy};

    const DEPLOYED: &str = include_str!("../../../deploy/policy/identity.toml");

    #[test]
    fn thresholds_are_those_of_the_first_row_about_a_request() {
        let (policy, matching) = (policy(), matching_policy());
        assert_eq!(policy.thresholds(&context(), &matching), matching.decide);
        let row = "[[thresholds]]\nconsent = 'sensitive'\nmatch_ppm = 990_000\nreview_ppm = 200_000\n";
        let stricter = Policy::parse(&format!("{DEPLOYED}\n{row}")).expect("a policy");
        let sensitive = Context { consent: ConsentPolicy::Sensitive, ..context() };
        let Thresholds { matches, review } = stricter.thresholds(&sensitive, &matching);
        assert_eq!((matches, review), (990_000, 200_000));
        assert_eq!(stricter.thresholds(&context(), &matching), matching.decide);
        assert_ne!(stricter.reference(&matching), policy.reference(&matching), "history tells them apart");
    }

    #[test]
    fn what_would_merge_strangers_or_remember_too_much_is_refused() {
        let with = |from: &str, to: &str| Policy::parse(&DEPLOYED.replace(from, to));
        let range = |what| move |error| matches!(error, PolicyError::Range { what: named, .. } if named == what);
        let likely = Policy::parse(&format!("{DEPLOYED}\n[[thresholds]]\nmatch_ppm = 400_000\nreview_ppm = 1\n"));
        assert!(likely.is_err_and(range("thresholds.match_ppm")));
        assert!(with("reviewers = 1", "reviewers = 0").is_err_and(range("review.reviewers")));
        assert!(
            with("reviewers_sensitive = 2", "reviewers_sensitive = 3").is_err_and(range("review.reviewers_sensitive"))
        );
        assert!(with("distinct_max = 6", "distinct_max = 1").is_err_and(range("guard.distinct_max")));
        assert!(matches!(with("must_open", "may_open"), Err(PolicyError::Unreadable(_))));
    }
}
