//! The keystore on disk: which name has which slot, and how threads share a batch.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

use super::erasing::Overwrite;
use super::log::{BATCH_SLOTS_MAX, Held, Log};
use super::slot::{Content, Image, Slot, WRAPPED_BYTES};
use super::{KeyName, KeystoreError};
use crate::cipher::{Secret, associated_data};
use crate::keys::{KEY_ID_BYTES, Keys};

/// Keys in a directory.
pub(crate) struct FileStore {
    keys: Arc<Keys>,
    log: Log,
    /// Where the slot of each name lies.
    index: RwLock<BTreeMap<KeyName, u64>>,
    /// How many slots the index knows. Whoever writes holds it.
    length: Mutex<u64>,
    queue: Mutex<Queue>,
    done: Condvar,
}

/// The right to write, against other processes and other threads; given back in this order.
struct Writing<'s> {
    held: Held<'s>,
    length: MutexGuard<'s, u64>,
}

/// Threads that want keys: one makes them for all that wait, while the next batch gathers.
#[derive(Default)]
struct Queue {
    wanted: BTreeSet<KeyName>,
    busy: bool,
}

/// A thread's turn to make keys. When it ends, well or not, the others look again.
struct Turn<'s>(&'s FileStore);

impl FileStore {
    pub(super) fn open(directory: &Path, keys: Arc<Keys>) -> Result<Self, KeystoreError> {
        let log = Log::open(directory)?;
        let store = Self {
            keys,
            log,
            index: RwLock::default(),
            length: Mutex::default(),
            queue: Mutex::default(),
            done: Condvar::new(),
        };
        if !store.look()? {
            drop(store.catch_up()?);
        }
        Ok(store)
    }

    pub(super) fn key_for(&self, name: KeyName) -> Result<Secret, KeystoreError> {
        if self.position(name).is_none() {
            let mut queue = lock(&self.queue);
            queue.wanted.insert(name);
            let still = |queue: &mut Queue| queue.busy && self.position(name).is_none();
            let mut queue = self.done.wait_while(queue, still).unwrap_or_else(PoisonError::into_inner);
            if self.position(name).is_none() {
                queue.busy = true;
                let mut names = mem::take(&mut queue.wanted);
                names.insert(name);
                drop(queue);
                let _turn = Turn(self);
                self.append(&mut self.catch_up()?, &names, |name| self.fresh(name))?;
            }
        }
        self.find(name)
    }

    pub(super) fn find(&self, name: KeyName) -> Result<Secret, KeystoreError> {
        let known = || self.position(name).and_then(|at| Some((at, self.log.slot(at).ok()?)));
        if let Some((at, slot)) = known() {
            return self.unwrap(name, at, &slot);
        }
        // Another process may have made the key, or may be overwriting its slot right now.
        if self.look()?
            && let Some((at, slot)) = known()
        {
            return self.unwrap(name, at, &slot);
        }
        let _writing = self.catch_up()?;
        let at = self.position(name).ok_or(KeystoreError::Missing)?;
        self.unwrap(name, at, &self.log.slot(at)?)
    }

    pub(super) fn erase(&self, names: &[KeyName]) -> Result<(), KeystoreError> {
        let mut writing = self.catch_up()?;
        let known = names.iter().filter_map(|name| self.position(*name));
        let overwrites = known.map(|at| Ok((at, self.log.slot(at)?.erased().image())));
        writing.held.overwrite(&overwrites.collect::<Result<Vec<Overwrite>, KeystoreError>>()?)?;
        self.append(&mut writing, &names.iter().copied().collect(), |_| Ok(Content::Erased))
    }

    fn position(&self, name: KeyName) -> Option<u64> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).get(&name).copied()
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<KeyName, u64>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what other processes have acknowledged since, waiting for none of them. False where that takes the right to write.
    fn look(&self) -> Result<bool, KeystoreError> {
        let mut length = lock(&self.length);
        let mut found = Vec::new();
        let Some(end) = self.log.read_acknowledged(*length, |at, slot| found.push((slot.name, at)))? else {
            return Ok(false);
        };
        *length = end;
        self.index_mut().extend(found);
        Ok(true)
    }

    /// Takes the right to write, and in what other processes have written since.
    fn catch_up(&self) -> Result<Writing<'_>, KeystoreError> {
        let mut length = lock(&self.length);
        let held = self.log.hold()?;
        let mut found = Vec::new();
        *length = held.read_from(*length, |at, slot| found.push((slot.name, at)))?;
        self.index_mut().extend(found);
        Ok(Writing { held, length })
    }

    /// Appends a slot for each name that has none.
    fn append(
        &self,
        writing: &mut Writing<'_>,
        names: &BTreeSet<KeyName>,
        content: impl Fn(KeyName) -> Result<Content, KeystoreError>,
    ) -> Result<(), KeystoreError> {
        let names: Vec<KeyName> = names.iter().copied().filter(|name| self.position(*name).is_none()).collect();
        for names in names.chunks(BATCH_SLOTS_MAX) {
            let batch = *writing.length;
            let image = |name: &KeyName| Ok(Slot { name: *name, content: content(*name)?, batch }.image());
            let images = names.iter().map(image).collect::<Result<Vec<Image>, KeystoreError>>()?;
            writing.held.append(batch, &images)?;
            self.index_mut().extend(names.iter().copied().zip(batch..));
            *writing.length += names.len() as u64;
        }
        Ok(())
    }

    fn fresh(&self, name: KeyName) -> Result<Content, KeystoreError> {
        let wrapping = self.keys.active();
        let mut key_id = [0; KEY_ID_BYTES];
        key_id[..wrapping.id().len()].copy_from_slice(wrapping.id().as_bytes());
        let mut wrapped = [0; WRAPPED_BYTES];
        wrapped.copy_from_slice(&wrapping.wrap(&bound_to(name), &Secret::random()?));
        Ok(Content::Key { key_id, wrapped })
    }

    fn unwrap(&self, name: KeyName, at: u64, slot: &Slot) -> Result<Secret, KeystoreError> {
        if slot.name != name {
            return Err(KeystoreError::Damaged { slot: at });
        }
        match &slot.content {
            Content::Key { key_id, wrapped } => {
                let id = key_id.split(|byte| *byte == 0).next().unwrap_or_default();
                let id = std::str::from_utf8(id).map_err(|_| KeystoreError::UnknownKey)?;
                let wrapping = self.keys.wrapping(id).ok_or(KeystoreError::UnknownKey)?;
                wrapping.unwrap(&bound_to(name), wrapped).map_err(|_| KeystoreError::Forged)
            }
            Content::Erased => Err(KeystoreError::Erased),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.0.queue).busy = false;
        self.0.done.notify_all();
    }
}

fn bound_to(name: KeyName) -> Vec<u8> {
    associated_data(&[b"waybill/keystore", name.to_string().as_bytes()])
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
