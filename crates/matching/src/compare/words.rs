//! How the words of a claim compare with those of a roster: found anew each time, or once for each word and claim.
//!
//! Candidates share words, since they share households and sounds; comparing two words costs more than all the numbers of a record.

use super::name::{self, MiddleNamed, Named};
use crate::claim::Side;
use crate::lexicon::{Lexicon, WordId};

/// What comparing the words of one reading of a claim with those of the lexicon finds.
pub(crate) trait Words {
    /// How the claim's given name compares with this one.
    fn given(&mut self, side: &Side, id: WordId, lexicon: &Lexicon) -> Named;
    /// How the claim's family name compares with this one.
    fn family(&mut self, side: &Side, id: WordId, lexicon: &Lexicon) -> Named;
    /// How the claim's middle name compares with this one.
    fn middle(&mut self, side: &Side, id: WordId, lexicon: &Lexicon) -> MiddleNamed;
}

/// Compares anew each time.
pub(crate) struct Afresh;

/// Remembers what was found for the claim at hand.
pub(crate) struct Remembered {
    claim: u32,
    given: Vec<Slot<Named>>,
    family: Vec<Slot<Named>>,
    middle: Vec<Slot<MiddleNamed>>,
}

/// What was found for a word, and for which claim.
#[derive(Clone, Copy, Default)]
struct Slot<T> {
    claim: u32,
    id: WordId,
    found: T,
}

/// Of so many words of a kind it is remembered what was found; another one that falls into a word's place takes it.
const SLOTS: usize = 64;

// === impl Afresh ===

impl Words for Afresh {
    #[inline]
    fn given(&mut self, side: &Side, id: WordId, lexicon: &Lexicon) -> Named {
        name::given(side, id, lexicon)
    }

    #[inline]
    fn family(&mut self, side: &Side, id: WordId, lexicon: &Lexicon) -> Named {
        name::family(side, id, lexicon)
    }

    #[inline]
    fn middle(&mut self, side: &Side, id: WordId, lexicon: &Lexicon) -> MiddleNamed {
        name::middle(side, id, lexicon)
    }
}

// === impl Remembered ===

impl Default for Remembered {
    fn default() -> Self {
        let (given, family, middle) =
            (vec![Slot::default(); SLOTS], vec![Slot::default(); SLOTS], vec![Slot::default(); SLOTS]);
        Self { claim: 0, given, family, middle }
    }
}

impl Remembered {
    /// Forgets what was found: another claim follows, or another reading of one.
    pub(crate) fn forget(&mut self) {
        if self.claim == u32::MAX {
            *self = Self::default();
        }
        self.claim += 1;
    }
}

#[inline]
fn recall<T: Copy>(slots: &mut [Slot<T>], claim: u32, id: WordId, find: impl FnOnce() -> T) -> T {
    let slot = &mut slots[id as usize % SLOTS];
    if slot.claim != claim || slot.id != id {
        *slot = Slot { claim, id, found: find() };
    }
    slot.found
}

impl Words for Remembered {
    #[inline]
    fn given(&mut self, side: &Side, id: WordId, lexicon: &Lexicon) -> Named {
        recall(&mut self.given, self.claim, id, || Afresh.given(side, id, lexicon))
    }

    #[inline]
    fn family(&mut self, side: &Side, id: WordId, lexicon: &Lexicon) -> Named {
        recall(&mut self.family, self.claim, id, || Afresh.family(side, id, lexicon))
    }

    #[inline]
    fn middle(&mut self, side: &Side, id: WordId, lexicon: &Lexicon) -> MiddleNamed {
        recall(&mut self.middle, self.claim, id, || Afresh.middle(side, id, lexicon))
    }
}
