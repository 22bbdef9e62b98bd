//! How the workers of this process stand: what each has before it, and whether it is ready.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::messages::Stage;
use fleet::Pending;

/// What workers last said of themselves. Clones share it; in a process that runs none it stays empty.
#[derive(Clone, Default)]
pub(crate) struct Standing(Arc<Mutex<BTreeMap<Stage, (Pending, bool)>>>);

impl Standing {
    /// Notes what a worker says.
    pub(crate) fn note(&self, stage: Stage, pending: Pending, is_ready: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(stage, (pending, is_ready));
    }

    /// What a worker last said: what is pending, and whether it is ready.
    pub(crate) fn of(&self, stage: Stage) -> Option<(Pending, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&stage).copied()
    }

    /// Whether so many workers have said that they are ready, and none that it is not.
    pub(crate) fn is_ready(&self, workers: usize) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.len() == workers && all.values().all(|(_, ready)| *ready)
    }
}
