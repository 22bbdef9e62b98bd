//! The machines that processes run on, as far as something lies there that outlives a process: the shelves of those that have any.

use std::sync::Arc;

use fleet::shelf::Shelves;
use shelf::MemoryShelves;

use crate::chance::Chance;
use crate::plan::PROCESSES;

/// The machines of a stage's processes.
pub(crate) struct Machines(Vec<MemoryShelves>);

/// The shelves of a machine, which may fail together with a process that ends there.
pub(crate) struct Machine {
    shelves: MemoryShelves,
    chance: Chance,
}

/// How often a process ends because its machine does, of a thousand.
const FAILS: u64 = 400;
/// How often such a machine loses of a shelf the last few batches alone, as most file systems do.
const LOSES_THE_LAST: u64 = 700;
const LAST: usize = 4;

// === impl Machines ===

impl Machines {
    /// In every other world all processes share one machine, in the others each has its own: a partition that comes back to a machine
    /// finds there what was on the shelf when it left.
    pub(crate) fn new(seed: u64) -> Self {
        let shared = MemoryShelves::default();
        let own = |_| if seed.is_multiple_of(2) { shared.clone() } else { MemoryShelves::default() };
        Self((0..=PROCESSES).map(own).collect())
    }

    /// The machine of a process.
    pub(crate) fn of(&self, number: usize, seed: u64) -> Machine {
        let stream = u64::try_from(number).expect("a few");
        Machine { shelves: self.0[number].clone(), chance: Chance::new(seed ^ 0x5e1f ^ stream << 32) }
    }
}

// === impl Machine ===

impl Machine {
    /// What a process there works with.
    pub(crate) fn shelves(&self) -> Arc<dyn Shelves> {
        Arc::new(self.shelves.clone())
    }

    /// A process has ended there: maybe its machine has, which then keeps the beginning of what was written to its shelves. One on
    /// which somebody is still at work has not.
    pub(crate) fn may_fail(&self) {
        if !self.chance.hits(FAILS) || self.shelves.is_in_use() {
            return;
        }
        self.shelves.crash(|batches| {
            let lost = if self.chance.hits(LOSES_THE_LAST) { LAST.min(batches) } else { batches };
            batches - self.chance.below(lost + 1)
        });
    }
}
