//! One stream of chance for a whole run, so that a seed replays it exactly.

use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::messages::Stage;
use fleet::probe::{Point, Probe};

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

    /// Whether something happens that happens so often.
    pub fn hits(&self, per_mille: u64) -> bool {
        self.next() % 1000 < per_mille
    }
}

/// The payload of an unwinding that stands for the end of a process.
pub struct Crash;

/// Ends a worker's process at points of its turn, by chance, as long as crashes are left.
#[derive(Debug)]
pub struct Crashes {
    chance: Chance,
    left: AtomicU32,
    per_mille: u64,
}

impl Crashes {
    /// At most `count` ends, each point of a turn drawing with this probability.
    pub fn new(seed: u64, count: u32, per_mille: u64) -> Self {
        Self { chance: Chance::new(seed ^ 0xc4a5), left: AtomicU32::new(count), per_mille }
    }

    /// Nobody ends any more.
    pub fn stop(&self) {
        self.left.store(0, Ordering::Relaxed);
    }

    /// How many ends are left.
    pub fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }
}

impl Probe for Crashes {
    fn reached(&self, _stage: Stage, _point: Point, _calls_outstanding: usize) {
        if self.chance.hits(self.per_mille)
            && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
        {
            resume_unwind(Box::new(Crash));
        }
    }
}
