//! One owned partition: a worker's memory, the fleet's own, and what derives from them.

use domain::call::Outstanding;
use domain::{Change, Memory, Overlay, View, Worker};

use crate::blocking::{FleetEntry, FleetKey};
use crate::calls::Calls;
use crate::timers::Timers;

/// The state of one partition of a worker.
pub(crate) struct Partition<W: Worker> {
    /// The committed memory.
    pub(crate) memory: Memory<W::Key, W::Entry>,
    /// What this turn changes.
    pub(crate) overlay: Overlay<W::Key, W::Entry>,
    /// The fleet's own committed entries.
    pub(crate) fleet: Memory<FleetKey, FleetEntry>,
    /// What this turn changes of them.
    pub(crate) fleet_overlay: Overlay<FleetKey, FleetEntry>,
    /// When entries come due.
    pub(crate) timers: Timers<W::Key>,
    /// Calls and their answers.
    pub(crate) calls: Calls,
}

impl<W: Worker> Default for Partition<W> {
    fn default() -> Self {
        Self {
            memory: Memory::default(),
            overlay: Overlay::default(),
            fleet: Memory::default(),
            fleet_overlay: Overlay::default(),
            timers: Timers::default(),
            calls: Calls::default(),
        }
    }
}

impl<W: Worker> Partition<W> {
    /// The worker's memory as this turn sees it.
    pub(crate) fn view(&self) -> View<'_, W::Key, W::Entry> {
        View::new(&self.memory, &self.overlay)
    }

    /// The fleet's own entries as this turn sees them.
    pub(crate) fn fleet_view(&self) -> View<'_, FleetKey, FleetEntry> {
        View::new(&self.fleet, &self.fleet_overlay)
    }

    /// Carries out one committed change, of this turn or from the changelog.
    pub(crate) fn apply(&mut self, change: Change<W::Key, W::Entry>) {
        let key = match &change {
            Change::Put(key, _) | Change::Forget(key) => key.clone(),
        };
        let due = match &change {
            Change::Put(key, entry) => W::due(key, entry),
            Change::Forget(_) => None,
        };
        let before = self.memory.apply(change).and_then(|entry| W::due(&key, &entry));
        if before.is_some() || due.is_some() {
            self.timers.moved(&key, before, due);
        }
    }

    /// The turn has committed: its changes become memory.
    pub(crate) fn settle(&mut self) {
        for change in self.overlay.drain() {
            self.apply(change);
        }
        for change in self.fleet_overlay.drain() {
            self.fleet.apply(change);
        }
    }

    /// The turn was undone: its changes never were.
    pub(crate) fn forget_turn(&mut self) {
        self.overlay.clear();
        self.fleet_overlay.clear();
    }

    /// After a restore: calls that memory waits for and nobody here performs will be given up in time.
    pub(crate) fn adopt_calls(&mut self) {
        let outstanding: Vec<Outstanding> =
            self.memory.iter().filter_map(|(key, entry)| W::outstanding(key, entry)).collect();
        self.calls.adopt(outstanding.into_iter());
    }

    /// How many requests wait behind a letter, and how many records behind them.
    pub(crate) fn parked(&self) -> (usize, usize) {
        self.fleet.iter().fold((0, 0), |(blocked, parked), (key, _)| match key {
            FleetKey::Blocked(_) => (blocked + 1, parked),
            FleetKey::Parked(..) => (blocked, parked + 1),
            FleetKey::Suspect(_) => (blocked, parked),
        })
    }
}
