//! How the workers of this process stand: what each has before it, and whether it is ready.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::messages::Stage;
use fleet::Pending;

/// What the slots of workers last said of themselves. Clones share it; in a process that runs none it stays empty.
#[derive(Clone, Default)]
pub(crate) struct Standing(Arc<Mutex<Slots>>);

type Slots = BTreeMap<(Stage, usize), (Pending, bool)>;

impl Standing {
    /// Notes what a slot says; answers whether it is news.
    pub(crate) fn note(&self, slot: (Stage, usize), now: (Pending, bool)) -> bool {
        self.slots().insert(slot, now) != Some(now)
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
