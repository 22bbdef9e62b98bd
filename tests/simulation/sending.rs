//! What the upstream system of the simulated world sends: the traffic of a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::Timestamp;
use domain::messages::Lane;
use sandbox::upstream::{Expected, Submission, Traffic, traffic};
use tests::{PAYER, SOURCE, World};

use crate::guessing::{Guess, guesses};
use crate::scenario::{SUBMISSIONS, Scenario};

/// How many members the roster has at first.
pub(crate) const MEMBERS: u64 = 60;
/// The least time a request in haste has: more than intake ever stands still.
const HASTE: Duration = Duration::from_secs(12 * 3600);

/// What a scenario sends, in order.
pub(crate) fn submissions(scenario: &Scenario, world: &World) -> impl Iterator<Item = Submission> {
    let partners = world.registry.iter().map(|partner| partner.id.clone()).collect();
    let plan = Traffic { partners, ..plan(scenario.seed, PAYER) };
    let sent = traffic(&plan).into_iter().filter(|submission| scenario.has(submission));
    sent.map(move |submission| in_haste(submission, plan.now))
}

/// What somebody guesses in a scenario.
pub(crate) fn guesses_of(scenario: &Scenario, world: &World) -> Vec<Guess> {
    let partners: Vec<_> = world.registry.iter().map(|partner| partner.id.clone()).collect();
    guesses(scenario.seed, &partners).into_iter().filter(|guess| scenario.has(&guess.submission)).collect()
}

/// The account of whom each thread is about, where there is one, and whether its card says so.
pub(crate) fn accounts(seed: u64) -> BTreeMap<String, (String, bool)> {
    let about = |submission: Submission| {
        let number: u64 = submission.request.member.identifiers.first()?.value.get(1..)?.parse().ok()?;
        let account = (number < MEMBERS).then(|| format!("member-{number:08}"))?;
        let has_card = submission.request.coverage_to_link.is_some_and(|coverage| coverage.member_id.is_some());
        Some((submission.request.correlation_id?, (account, has_card)))
    };
    traffic(&plan(seed, PAYER)).into_iter().filter_map(about).collect()
}

/// The idempotency keys of a seed's submissions.
pub(crate) fn keys(seed: u64, payer: &str) -> BTreeSet<String> {
    let guesses = guesses(seed, &["nobody".into()]).into_iter().map(|guess| guess.submission);
    let sent = traffic(&plan(seed, payer)).into_iter().chain(guesses);
    sent.map(|submission| submission.request.idempotency_key).collect()
}

/// The same submission once more: the first one of them has taken the key, if anything could.
pub(crate) fn repeated(submission: Submission) -> Submission {
    let expected = match submission.expected {
        Expected::Dispatched | Expected::Unmatched | Expected::InReview | Expected::Duplicate => Expected::Duplicate,
        Expected::Conflict => Expected::Conflict,
        Expected::Refused => Expected::Refused,
        Expected::Lettered => Expected::Lettered,
    };
    Submission { expected, ..submission }
}

fn plan(seed: u64, payer: &str) -> Traffic {
    Traffic {
        seed,
        source: SOURCE.into(),
        payer: payer.to_owned(),
        members: MEMBERS,
        partners: vec!["nobody".into()],
        count: SUBMISSIONS,
        now: Timestamp(tests::clock::START_MS),
        only_good: false,
    }
}

/// Half of the requests have little time, so that a hold outlasts it; which ones, and how little, follows from the key alone.
fn in_haste(mut submission: Submission, now: Timestamp) -> Submission {
    let number = submission.request.idempotency_key.bytes().last().map_or(0, |digit| u32::from(digit - b'0'));
    // Bulk may wait at the gate for longer than that.
    if number.is_multiple_of(2) && submission.lane != Lane::Bulk {
        submission.request.due_by = Some(now + HASTE * (1 + number));
    }
    submission
}
