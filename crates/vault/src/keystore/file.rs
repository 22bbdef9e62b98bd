//! The keystore on disk: which name has which slot, and how threads share a batch.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::erasing::Overwrite;
use super::log::{BATCH_SLOTS_MAX, Held, Log};
use super::slot::{Content, Image, Slot, WRAPPED_BYTES};
use super::{KeyName, KeystoreError};
use crate::cipher::Secret;
use crate::keys::{KEY_ID_BYTES, Keys};

/// Keys in a directory.
pub(crate) struct FileStore {
    keys: Arc<Keys>,
    log: Log,
    /// Where the slot of each name lies.
    index: RwLock<BTreeMap<KeyName, u64>>,
    /// How many slots the index knows; whoever holds it may write.
    length: Mutex<u64>,
    /// The names that threads wait for. The first of them to get hold of `length` makes keys for all.
    wanted: Mutex<BTreeSet<KeyName>>,
}

impl FileStore {
    pub(super) fn open(directory: &Path, keys: Arc<Keys>) -> Result<Self, KeystoreError> {
        let log = Log::open(directory)?;
        let store = Self { keys, log, index: RwLock::default(), length: Mutex::default(), wanted: Mutex::default() };
        store.catch_up(&mut lock(&store.length))?;
        Ok(store)
    }

    pub(super) fn key_for(&self, name: KeyName) -> Result<Secret, KeystoreError> {
        if self.position(name).is_none() {
            lock(&self.wanted).insert(name);
            let mut length = lock(&self.length);
            // Another thread may have made the key while this one waited.
            if self.position(name).is_none() {
                let mut names = mem::take(&mut *lock(&self.wanted));
                names.insert(name);
                let held = self.catch_up(&mut length)?;
                self.append(&held, &mut length, &names, |name| self.fresh(name))?;
            }
        }
        self.find(name)
    }

    pub(super) fn find(&self, name: KeyName) -> Result<Secret, KeystoreError> {
        if let Some(at) = self.position(name)
            && let Ok(slot) = self.log.slot(at)
        {
            return self.unwrap(name, at, &slot);
        }
        // Another process may have made the key, or may be overwriting its slot right now.
        let _held = self.catch_up(&mut lock(&self.length))?;
        let at = self.position(name).ok_or(KeystoreError::Missing)?;
        self.unwrap(name, at, &self.log.slot(at)?)
    }

    pub(super) fn erase(&self, names: &[KeyName]) -> Result<(), KeystoreError> {
        let mut length = lock(&self.length);
        let held = self.catch_up(&mut length)?;
        let known = names.iter().filter_map(|name| self.position(*name));
        let overwrites = known.map(|at| Ok((at, self.log.slot(at)?.erased().image())));
        held.overwrite(&overwrites.collect::<Result<Vec<Overwrite>, KeystoreError>>()?)?;
        let names = names.iter().copied().collect();
        self.append(&held, &mut length, &names, |_| Ok(Content::Erased))
    }

    fn position(&self, name: KeyName) -> Option<u64> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).get(&name).copied()
    }

    /// Takes the right to write, and in what other processes have written since.
    fn catch_up(&self, length: &mut u64) -> Result<Held<'_>, KeystoreError> {
        let held = self.log.hold()?;
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        *length = held.read_from(*length, |at, slot| {
            index.insert(slot.name, at);
        })?;
        Ok(held)
    }

    /// Appends a slot for each name that has none.
    fn append(
        &self,
        held: &Held<'_>,
        length: &mut u64,
        names: &BTreeSet<KeyName>,
        content: impl Fn(KeyName) -> Result<Content, KeystoreError>,
    ) -> Result<(), KeystoreError> {
        let names: Vec<KeyName> = names.iter().copied().filter(|name| self.position(*name).is_none()).collect();
        for batch in names.chunks(BATCH_SLOTS_MAX) {
            let slot = |name: &KeyName| Ok(Slot { name: *name, content: content(*name)?, batch: *length }.image());
            let images = batch.iter().map(slot).collect::<Result<Vec<Image>, KeystoreError>>()?;
            held.append(*length, &images)?;
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            index.extend(batch.iter().copied().zip(*length..));
            *length += batch.len() as u64;
        }
        Ok(())
    }

    fn fresh(&self, name: KeyName) -> Result<Content, KeystoreError> {
        let wrapping = self.keys.active();
        let mut key_id = [0; KEY_ID_BYTES];
        key_id[..wrapping.id().len()].copy_from_slice(wrapping.id().as_bytes());
        let mut wrapped = [0; WRAPPED_BYTES];
        wrapped.copy_from_slice(&wrapping.wrap(&bound_to(name.to_string().as_bytes()), &Secret::random()?));
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
                wrapping.unwrap(&bound_to(name.to_string().as_bytes()), wrapped).map_err(|_| KeystoreError::Forged)
            }
            Content::Erased => Err(KeystoreError::Erased),
        }
    }
}

fn bound_to(name: &[u8]) -> [&[u8]; 2] {
    [b"waybill/keystore", name]
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
