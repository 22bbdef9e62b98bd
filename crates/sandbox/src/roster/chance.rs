//! A stream of seeded chance, for worlds that are made in one go.

use crate::dice::Dice;

/// Numbers drawn one after the other from one seed.
pub(super) struct Chance {
    place: Dice,
    drawn: u64,
}

// === impl Chance ===

impl Chance {
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        Self { place: Dice::new(seed).at_name(purpose), drawn: 0 }
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.drawn += 1;
        self.place.draw(self.drawn).below(bound as u64) as usize
    }

    /// A number from `least` to `most`.
    pub(super) fn within(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True in `rate` of ten thousand draws.
    pub(super) fn hits(&mut self, rate: usize) -> bool {
        self.below(10_000) < rate
    }

    /// One of several, all as likely.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One of several, the first ones the likelier: half of all draws fall on a seventh of them or so.
    pub(super) fn early<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let (one, other) = (self.below(of.len()), self.below(of.len()));
        let third = self.below(of.len());
        &of[one.min(other).min(third)]
    }
}
