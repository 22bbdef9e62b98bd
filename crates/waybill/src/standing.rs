//! How the workers of this process stand: what each has before it, and whether it is ready.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::messages::Stage;
use fleet::{Ages, Pending};

/// What the slots of workers last said of themselves. Clones share it; in a process that runs none it stays empty.
#[derive(Clone, Default)]
pub(crate) struct Standing {
    slots: Arc<Mutex<Slots>>,
    ages: Arc<Mutex<BTreeMap<(Stage, usize), Ages>>>,
}

type Slots = BTreeMap<(Stage, usize), (Pending, bool)>;

impl Standing {
    /// Notes what a slot says; answers whether it is news.
    pub(crate) fn note(&self, slot: (Stage, usize), now: (Pending, bool)) -> bool {
        self.slots().insert(slot, now) != Some(now)
    }

    /// Notes how long the oldest of a slot has waited; answers the longest of all slots of its worker.
    pub(crate) fn note_ages(&self, slot: (Stage, usize), now: Ages) -> Ages {
        let mut ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        ages.insert(slot, now);
        let of_stage = ages.range((slot.0, 0)..=(slot.0, usize::MAX)).map(|(_, said)| *said);
        of_stage.fold(now, |all, one| Ages { call: all.call.max(one.call), parked: all.parked.max(one.parked) })
    }

    /// What the slots of a worker last said: what is pending with all of them, and whether they are all ready.
    pub(crate) fn of(&self, stage: Stage) -> Option<(Pending, bool)> {
        let slots = self.slots();
        let of_stage = slots.range((stage, 0)..=(stage, usize::MAX)).map(|(_, said)| *said);
        of_stage.reduce(|(all, ready), (pending, is_ready)| (all + pending, ready && is_ready))
    }

    /// Whether so many slots have said that they are ready, and none that it is not.
    pub(crate) fn is_ready(&self, slots: usize) -> bool {
        let all = self.slots();
        all.len() == slots && all.values().all(|(_, ready)| *ready)
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
