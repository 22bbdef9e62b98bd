//! What leak tests share: [`canaries`] are values that must not turn up, [`search`] finds them in whatever form, [`places`]
//! shows what was written, [`good`] and [`misplaced`] are what they are planted in.

pub mod canaries;
pub mod places;
pub mod search;

use domain::Timestamp;
use domain::messages::IntakeRequest;
use sandbox::upstream::{Traffic, traffic};

use crate::clock::START_MS;
use crate::{PAYER, SOURCE, Setup};

pub use canaries::Canary;
pub use search::Searcher;

/// Requests as they would be without canaries, all different, made at a moment.
pub fn good(seed: u64, count: u64, now: Timestamp) -> Vec<IntakeRequest> {
    let payers = Setup::rough(seed).payers;
    let plan = Traffic {
        seed,
        source: SOURCE.into(),
        payer: PAYER.to_owned(),
        members: count,
        partners: payers.iter().map(|payer| payer.id.as_str().into()).collect(),
        count,
        now,
        only_good: true,
    };
    traffic(&plan).into_iter().map(|submission| submission.request).collect()
}

/// The same at the moment at which a world begins.
pub fn good_at_start(seed: u64, count: u64) -> Vec<IntakeRequest> {
    good(seed, count, Timestamp(START_MS))
}

/// Canaries where they don't belong, in fields that are looked at closely: every one of these is refused. `next` gives a request
/// that is sound but for its canaries.
pub fn misplaced(mut next: impl FnMut(&str) -> IntakeRequest) -> [IntakeRequest; 5] {
    let mut malformed = next("malformed");
    let text = malformed.member.name.family.clone();
    malformed.member.birth_date = Some(text.clone());
    malformed.member.name.given.clear();
    malformed.coverage_to_link = None;
    let mut long = next("long");
    long.member.name.family = text.repeat(50);
    long.member.phones = vec![text.clone(); 51];
    let unconsented = IntakeRequest { consent: None, ..next("unconsented") };
    let stranger = IntakeRequest { source: text.as_str().into(), ..next("stranger") };
    let astray = IntakeRequest { counterparty: text.as_str().into(), ..next("astray") };
    [malformed, long, unconsented, stranger, astray]
}
