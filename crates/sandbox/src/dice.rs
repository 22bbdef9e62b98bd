//! Seeded chance without state: asking the same question always draws the same number, whatever was asked in between.

use uuid::Uuid;

/// A place in a tree of seeds. Going down by what a decision is about makes the decision independent of timing and
/// order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

/// One number drawn, spread evenly over all of `u64`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw(u64);

// === impl Dice ===

impl Dice {
    /// The root of a run.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// The place below this one that belongs to `part`: a purpose, an attempt, a position.
    pub(crate) const fn at(self, part: u64) -> Self {
        Self(mix(self.0.wrapping_add(mix(part))))
    }

    /// The place that belongs to an id.
    pub(crate) fn at_id(self, id: Uuid) -> Self {
        let (high, low) = id.as_u64_pair();
        self.at(high).at(low)
    }

    /// The place that belongs to a name.
    pub(crate) fn at_name(self, name: &str) -> Self {
        name.bytes().fold(self, |dice, byte| dice.at(u64::from(byte)))
    }

    /// The number for `part` of this place.
    pub(crate) const fn draw(self, part: u64) -> Draw {
        Draw(self.at(part).0)
    }
}

// === impl Draw ===

impl Draw {
    /// The number itself.
    pub(crate) const fn value(self) -> u64 {
        self.0
    }

    /// A number below `bound`; zero when the bound is zero.
    pub(crate) fn below(self, bound: u64) -> u64 {
        let product = u128::from(self.0) * u128::from(bound);
        u64::try_from(product >> 64).expect("the upper half of a 128-bit product fits 64 bits")
    }

    /// True for `rate` draws in a thousand.
    pub(crate) fn hits(self, rate: u32) -> bool {
        self.below(1000) < u64::from(rate)
    }

    /// A duration between half of `typical` and one and a half times it.
    pub(crate) fn around(self, typical: u64) -> u64 {
        typical / 2 + self.below(typical + 1)
    }
}

/// The finaliser of SplitMix64: every input bit reaches every output bit.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_path_draws_the_same_number_and_another_path_another() {
        let dice = Dice::new(7).at_name("evergreen");
        assert_eq!(dice.at(1).draw(2).value(), dice.at(1).draw(2).value());
        assert_ne!(dice.at(1).draw(2).value(), dice.at(2).draw(1).value());
        assert_ne!(dice.draw(0).value(), Dice::new(8).at_name("evergreen").draw(0).value());
    }

    #[test]
    fn rates_come_out_as_stated() {
        let dice = Dice::new(1);
        let hits = (0..100_000).filter(|n| dice.draw(*n).hits(50)).count();
        assert!((4_700..5_300).contains(&hits), "{hits} of 100,000 at 50 per mille");
        assert!((0..1_000).all(|n| (50..=150).contains(&dice.draw(n).around(100))));
    }
}
