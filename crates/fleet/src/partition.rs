//! One owned partition: a worker's memory, the fleet's own, and what derives from them.

use domain::{Change, Memory, Overlay, Timestamp, View, Worker};

use crate::blocking::{FleetEntry, FleetKey};
use crate::calls::{CallId, Calls};
use crate::shelf::{Checkpoint, ShelfChange};
use crate::shelved::Shelved;
use crate::timers::Timers;

/// The state of one partition of a worker.
pub(crate) struct Partition<W: Worker> {
    /// The committed memory, but for what lies on the shelf.
    pub(crate) memory: Memory<W::Key, W::Entry>,
    /// Where settled entries lie, if not in memory.
    pub(crate) shelf: Option<Shelved<W>>,
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
    /// Up to which offset the changelog is part of memory; what this slot wrote after that is too.
    pub(crate) read_to: u64,
    /// It is to be given up: only answers are decided, and no calls made.
    pub(crate) is_leaving: bool,
    /// Whether its entries were held against the shared tables since it was restored.
    pub(crate) is_stirred: bool,
    counts: Counts,
}

/// How many of the fleet's entries there are of each kind, so that nobody has to count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Requests that wait behind a letter.
    pub(crate) blocked: usize,
    /// Records parked behind them.
    pub(crate) parked: usize,
    /// Calls given up before they were made.
    pub(crate) unmade: usize,
    /// Inputs of which something was taken.
    inputs: usize,
}

/// What a transaction has written of a partition's memory, and how far it makes the changelog known.
pub(crate) type Settled = (Vec<ShelfChange>, Option<Checkpoint>);

impl<W: Worker> Default for Partition<W> {
    fn default() -> Self {
        Self {
            memory: Memory::default(),
            shelf: None,
            overlay: Overlay::default(),
            fleet: Memory::default(),
            fleet_overlay: Overlay::default(),
            timers: Timers::default(),
            calls: Calls::default(),
            read_to: 0,
            is_leaving: false,
            is_stirred: false,
            counts: Counts::default(),
        }
    }
}

impl<W: Worker> Partition<W> {
    /// The worker's memory as this turn sees it.
    pub(crate) fn view(&self) -> View<'_, W::Key, W::Entry> {
        let shelf = self.shelf.as_ref().map(|shelf| shelf as &dyn domain::memory::Shelved<_, _>);
        View::new(&self.memory, &self.overlay).over(shelf)
    }

    /// The fleet's own entries as this turn sees them.
    pub(crate) fn fleet_view(&self) -> View<'_, FleetKey, FleetEntry> {
        View::new(&self.fleet, &self.fleet_overlay)
    }

    /// Carries out one committed change, of this turn or from the changelog.
    pub(crate) fn apply(&mut self, change: Change<W::Key, W::Entry>) {
        let key = change.key().clone();
        let due = match &change {
            Change::Put(key, entry) => W::due(key, entry),
            Change::Forget(_) => None,
        };
        let before = self.memory.apply(change).and_then(|entry| W::due(&key, &entry));
        if before.is_some() || due.is_some() {
            self.timers.moved(&key, before, due);
        }
    }

    /// The same for the fleet's own entries.
    pub(crate) fn apply_fleet(&mut self, change: Change<FleetKey, FleetEntry>) {
        let (key, is_put) = (change.key().clone(), matches!(change, Change::Put(..)));
        let was_there = self.fleet.apply(change).is_some();
        let count = self.counts.of(&key);
        *count = *count + usize::from(is_put) - usize::from(was_there);
    }

    /// The turn has committed: its changes become memory. What it wrote of them goes onto the shelf, and with it how far the changelog
    /// has come, where that was asked for.
    pub(crate) fn settle(&mut self, (written, checkpoint): Settled) {
        for change in self.overlay.drain() {
            if self.shelf.is_none() || !W::is_settled(change.key()) {
                self.apply(change);
            }
        }
        for change in self.fleet_overlay.drain() {
            self.apply_fleet(change);
        }
        if let Some(shelf) = &mut self.shelf {
            shelf.put(written, checkpoint);
        }
    }

    /// How many of the worker's entries there are, wherever they lie.
    pub(crate) fn entries(&self) -> usize {
        self.memory.len() + self.shelf.as_ref().map_or(0, Shelved::len)
    }

    /// The turn was undone: its changes never were.
    pub(crate) fn forget_turn(&mut self) {
        self.overlay.clear();
        self.fleet_overlay.clear();
    }

    /// Puts the timer of an entry off, or silences it, unless the turn has moved the entry afterwards.
    pub(crate) fn displace(&mut self, key: &W::Key, due: Timestamp, to: Option<Timestamp>) {
        if self.memory.get(key).and_then(|entry| W::due(key, entry)) == Some(due) {
            self.timers.displace(key, due, to);
        }
    }

    /// Lets an entry come due now, if it is due at all.
    pub(crate) fn bring_forward(&mut self, key: &W::Key, now: Timestamp) {
        if let Some(due) = self.memory.get(key).and_then(|entry| W::due(key, entry)).filter(|due| now < *due) {
            self.timers.displace(key, due, Some(now));
        }
    }

    /// After a restore, or when an answer can't be decided: calls that memory waits for and nobody here performs will be given
    /// up in time, and those known never to have been made at once.
    pub(crate) fn adopt_calls(&mut self) {
        self.calls.adopt(self.memory.iter().filter_map(|(key, entry)| W::outstanding(key, entry)));
        if self.counts.unmade == 0 {
            return;
        }
        let unmade: Vec<CallId> = self.fleet.iter().filter_map(|(key, _)| key.unmade()).collect();
        unmade.into_iter().for_each(|id| self.calls.never_made(id));
    }

    /// The time of the oldest record that waits behind a letter.
    pub(crate) fn oldest_parked(&self) -> Option<Timestamp> {
        if self.counts.parked == 0 {
            return None;
        }
        self.fleet.iter().filter_map(|(_, entry)| entry.parked_at()).min()
    }

    /// What the fleet remembers, in numbers.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }
}

impl Counts {
    fn of(&mut self, key: &FleetKey) -> &mut usize {
        match key {
            FleetKey::Blocked(_) => &mut self.blocked,
            FleetKey::Parked(..) => &mut self.parked,
            FleetKey::Progress(_) => &mut self.inputs,
            FleetKey::Unmade(..) => &mut self.unmade,
        }
    }
}
