//! Reviewers who race: what several people say of one review, at once, against each other, and too late.

use std::collections::BTreeMap;

use domain::messages::{CommandAction, Stage, Verdict};
use domain::{RequestId, Token};
use identity::Entry;
use tests::World;
use tests::chance::Chance;
use tests::reading::remembered;

/// What one of them does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Look,
    Take,
    AskMore,
    Appeal,
    /// Says that it is the candidate at this place.
    Member(usize),
    Nobody,
    Cancel,
    Hold,
    Release,
}

/// Who they are.
const PEOPLE: [&str; 3] = ["jo", "kim", "ray"];

/// The steps of a race, each with how long after its beginning it comes, in milliseconds, and who takes it.
pub(crate) fn steps(seed: u32) -> Vec<(i64, &'static str, Step)> {
    let chance = Chance::new(u64::from(seed) ^ 0x7ace);
    let mut steps = Vec::new();
    // Mostly the reviewers know what they must do first.
    for person in PEOPLE {
        if chance.hits(700) {
            steps.push((0, person, Step::Look));
        }
    }
    for _ in 0..3 + chance.below(7) {
        let after = chance.pick(&[0, 0, 0, 0, 1, 700, 20_000, 3_700_000]);
        let step = match chance.below(100) {
            0..10 => Step::Look,
            10..22 => Step::Take,
            22..27 => Step::AskMore,
            27..39 => Step::Appeal,
            39..70 => Step::Member(chance.below(2)),
            70..92 => Step::Nobody,
            92..96 => Step::Cancel,
            96..98 => Step::Hold,
            _ => Step::Release,
        };
        steps.push((after, chance.pick(&PEOPLE), step));
    }
    steps.sort_by_key(|(after, ..)| *after);
    steps
}

impl Step {
    /// What it is as a command about a review that shows these candidates; none where there is nobody to choose.
    pub(crate) fn order(self, shown: &[Token]) -> Option<(CommandAction, Option<Verdict>)> {
        let said = |verdict| Some((CommandAction::DecideReview, Some(verdict)));
        match self {
            Self::Look => said(Verdict::Look {}),
            Self::Take => said(Verdict::Take {}),
            Self::AskMore => said(Verdict::AskMore {}),
            Self::Appeal => said(Verdict::Appeal {}),
            Self::Nobody => said(Verdict::IsNobody {}),
            Self::Member(place) => {
                said(Verdict::IsMember { member_token: *shown.get(place.checked_rem(shown.len())?)? })
            }
            Self::Cancel => Some((CommandAction::Cancel, None)),
            Self::Hold => Some((CommandAction::Hold, None)),
            Self::Release => Some((CommandAction::Release, None)),
        }
    }
}

/// Whom the open reviews show.
pub(crate) fn candidates(world: &World) -> BTreeMap<RequestId, Vec<Token>> {
    let reviews = remembered::<Entry>(world, Stage::Identity).into_iter();
    reviews
        .filter_map(|entry| match entry {
            Entry::OpenReview(review) => Some(review),
            Entry::Ground(_) | Entry::Watch(_) => None,
        })
        .map(|review| {
            let tokens = review.candidates.iter().map(|candidate| candidate.member_token).collect();
            (review.context.request_id, tokens)
        })
        .collect()
}
