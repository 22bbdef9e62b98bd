//! A worker's memory: typed entries under typed keys, one store per partition, and the view a decision reads.
//!
//! A turn decides many inputs before anything is committed. What they remember goes into an [`Overlay`] that later inputs of the
//! same turn already see through their [`View`]; it is folded into the [`Memory`] when the transaction commits and dropped when it
//! aborts.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::iter::Peekable;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The key of an entry. Keys sort, so that a worker may walk a range of them (a queue, a partner's operations).
pub trait MemoryKey: Ord + Clone + Debug + Send + Sync + 'static {
    /// The changelog record's key; distinct keys give distinct bytes.
    fn encode(&self) -> Bytes;
    /// The inverse of [`MemoryKey::encode`].
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// What is remembered under a key. `contracts` writes it with the schema `memory-<worker>`.
pub trait MemoryEntry: Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {}

/// One change of memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change<K, E> {
    /// Remember this, in place of whatever stood there.
    Put(K, E),
    /// Forget what stands there.
    Forget(K),
}

/// The committed entries of one partition.
#[derive(Clone, Debug)]
pub struct Memory<K, E> {
    entries: BTreeMap<K, E>,
}

/// What the current turn has changed so far; `None` is an entry forgotten in this turn.
#[derive(Clone, Debug)]
pub struct Overlay<K, E> {
    changes: BTreeMap<K, Option<E>>,
}

/// Settled entries that lie outside of working memory ([`crate::Worker::is_settled`]).
pub trait Shelved<K, E>: Debug {
    /// The entry under a key. Whoever can't look answers none and tells the keeper of the turn, which then is never committed: what
    /// can't be read must not pass for what never was.
    fn recall(&self, key: &K) -> Option<E>;
}

/// Memory as an input of the current turn sees it.
#[derive(Debug)]
pub struct View<'a, K, E> {
    memory: &'a Memory<K, E>,
    overlay: &'a Overlay<K, E>,
    shelf: Option<&'a dyn Shelved<K, E>>,
}

// === impl Change ===

impl<K, E> Change<K, E> {
    /// What it changes.
    pub fn key(&self) -> &K {
        match self {
            Self::Put(key, _) | Self::Forget(key) => key,
        }
    }
}

// === impl Memory ===

impl<K: MemoryKey, E: MemoryEntry> Default for Memory<K, E> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
    }
}

impl<K: MemoryKey, E: MemoryEntry> Memory<K, E> {
    /// Carries out one change and answers what stood there before.
    pub fn apply(&mut self, change: Change<K, E>) -> Option<E> {
        match change {
            Change::Put(key, entry) => self.entries.insert(key, entry),
            Change::Forget(key) => self.entries.remove(&key),
        }
    }

    /// The entry under a key.
    pub fn get(&self, key: &K) -> Option<&E> {
        self.entries.get(key)
    }

    /// The entries from `first` to `last`, both included, in key order.
    pub fn range(&self, first: &K, last: &K) -> impl Iterator<Item = (&K, &E)> {
        self.entries.range::<K, _>((std::ops::Bound::Included(first), std::ops::Bound::Included(last)))
    }

    /// All entries, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &E)> {
        self.entries.iter()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

// === impl Overlay ===

impl<K: MemoryKey, E: MemoryEntry> Default for Overlay<K, E> {
    fn default() -> Self {
        Self { changes: BTreeMap::new() }
    }
}

impl<K: MemoryKey, E: MemoryEntry> Overlay<K, E> {
    /// Adds a change; the last one of a key stands.
    pub fn record(&mut self, change: Change<K, E>) {
        match change {
            Change::Put(key, entry) => self.changes.insert(key, Some(entry)),
            Change::Forget(key) => self.changes.insert(key, None),
        };
    }

    /// The net changes, one per key, in key order; the overlay is empty afterwards.
    pub fn drain(&mut self) -> impl Iterator<Item = Change<K, E>> + use<K, E> {
        std::mem::take(&mut self.changes).into_iter().map(|(key, entry)| match entry {
            Some(entry) => Change::Put(key, entry),
            None => Change::Forget(key),
        })
    }

    /// The net changes so far, without taking them.
    pub fn changes(&self) -> impl Iterator<Item = (&K, Option<&E>)> {
        self.changes.iter().map(|(key, entry)| (key, entry.as_ref()))
    }

    /// Forgets the turn's changes.
    pub fn clear(&mut self) {
        self.changes.clear();
    }

    /// Whether the turn has changed nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

// === impl View ===

impl<'a, K: MemoryKey, E: MemoryEntry> View<'a, K, E> {
    /// Memory seen through an overlay.
    pub fn new(memory: &'a Memory<K, E>, overlay: &'a Overlay<K, E>) -> Self {
        Self { memory, overlay, shelf: None }
    }

    /// The same, with settled entries on a shelf.
    pub fn over(self, shelf: Option<&'a dyn Shelved<K, E>>) -> Self {
        Self { shelf, ..self }
    }

    /// The entry under a key that may be settled, as this turn left it, wherever it lies.
    pub fn recall(&self, key: &K) -> Option<E> {
        match self.overlay.changes.get(key) {
            Some(changed) => changed.clone(),
            None => {
                let entry = self.memory.entries.get(key).cloned();
                entry.or_else(|| self.shelf.and_then(|shelf| shelf.recall(key)))
            }
        }
    }

    /// The entry under a key that is not settled, as this turn left it.
    pub fn get(&self, key: &K) -> Option<&'a E> {
        match self.overlay.changes.get(key) {
            Some(changed) => changed.as_ref(),
            None => self.memory.entries.get(key),
        }
    }

    /// The entries from `first` to `last`, both included, in key order, as this turn left them.
    pub fn range(&self, first: &K, last: &K) -> impl Iterator<Item = (&'a K, &'a E)> + use<'a, K, E> {
        let bounds = (std::ops::Bound::Included(first), std::ops::Bound::Included(last));
        Merged {
            base: self.memory.entries.range::<K, _>(bounds).peekable(),
            changed: self.overlay.changes.range::<K, _>(bounds).peekable(),
        }
    }
}

/// Base and overlay in one key order; the overlay hides what it changed.
struct Merged<B: Iterator, C: Iterator> {
    base: Peekable<B>,
    changed: Peekable<C>,
}

impl<'a, K, E, B, C> Iterator for Merged<B, C>
where
    K: Ord + 'a,
    E: 'a,
    B: Iterator<Item = (&'a K, &'a E)>,
    C: Iterator<Item = (&'a K, &'a Option<E>)>,
{
    type Item = (&'a K, &'a E);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let take_base = match (self.base.peek(), self.changed.peek()) {
                (Some((base, _)), Some((changed, _))) => base < changed,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if take_base {
                return self.base.next();
            }
            let (key, entry) = self.changed.next()?;
            if self.base.peek().is_some_and(|(base, _)| *base == key) {
                self.base.next();
            }
            if let Some(entry) = entry {
                return Some((key, entry));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl MemoryKey for u8 {
        fn encode(&self) -> Bytes {
            Bytes::copy_from_slice(&[*self])
        }

        fn decode(bytes: &[u8]) -> Option<Self> {
            bytes.first().copied()
        }
    }

    impl MemoryEntry for u32 {}

    impl Shelved<u8, u32> for BTreeMap<u8, u32> {
        fn recall(&self, key: &u8) -> Option<u32> {
            self.get(key).copied()
        }
    }

    /// What a turn has changed hides what lies on the shelf; everything else is found there.
    #[test]
    fn what_is_settled_is_recalled_beneath_the_overlay() {
        let (memory, mut overlay) = (Memory::default(), Overlay::default());
        let shelf = BTreeMap::from([(1, 10), (2, 20), (3, 30)]);
        overlay.record(Change::Put(2, 21));
        overlay.record(Change::Forget(3));
        let view = View::new(&memory, &overlay).over(Some(&shelf));
        assert_eq!([1, 2, 3, 4].map(|key| view.recall(&key)), [Some(10), Some(21), None, None]);
        assert_eq!(View::new(&memory, &overlay).recall(&1), None);
    }

    fn change() -> impl Strategy<Value = Change<u8, u32>> {
        (0..12_u8, proptest::option::of(any::<u32>())).prop_map(|(key, entry)| match entry {
            Some(entry) => Change::Put(key, entry),
            None => Change::Forget(key),
        })
    }

    proptest! {
        /// A view over an overlay reads exactly as if the changes had been applied, and draining makes it so.
        #[test]
        fn a_view_reads_as_if_the_overlay_were_applied(
            before in proptest::collection::vec(change(), 0..20),
            turn in proptest::collection::vec(change(), 0..20),
            first in 0..12_u8,
            last in 0..12_u8,
        ) {
            let mut memory = Memory::default();
            before.into_iter().for_each(|change| { memory.apply(change); });
            let mut overlay = Overlay::default();
            let mut expected = memory.clone();
            for change in turn {
                overlay.record(change.clone());
                expected.apply(change);
            }
            let view = View::new(&memory, &overlay);
            for key in 0..12 {
                prop_assert_eq!(view.get(&key), expected.get(&key));
            }
            if first <= last {
                let seen: Vec<_> = view.range(&first, &last).map(|(k, e)| (*k, *e)).collect();
                let wanted: Vec<_> = expected.iter().filter(|(k, _)| (first..=last).contains(*k)).map(|(k, e)| (*k, *e)).collect();
                prop_assert_eq!(seen, wanted);
            }
            overlay.drain().for_each(|change| { memory.apply(change); });
            prop_assert_eq!(memory.entries, expected.entries);
        }
    }
}
