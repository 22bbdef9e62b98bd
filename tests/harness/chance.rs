//! One stream of chance for a whole run, so that a seed replays it exactly.

use std::sync::Mutex;

/// SplitMix64 (Steele, Lea and Flood 2014).
#[derive(Debug)]
pub struct Chance(Mutex<u64>);

impl Chance {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        let mut state = self.0.lock().expect("one thread");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound; zero if the bound is.
    pub fn below(&self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).expect("small")).expect("small")
    }

    /// One of these.
    pub fn pick<T: Copy>(&self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Whether something happens that happens so often.
    pub fn hits(&self, per_mille: u64) -> bool {
        self.next() % 1000 < per_mille
    }
}
