//! The keystore in memory, for tests and the simulation.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use super::{KeyName, KeystoreError};
use crate::cipher::{Prf, Secret};

/// Keys that derive from a seed and their names.
pub(crate) struct MemoryStore {
    source: Prf,
    names: RwLock<BTreeMap<KeyName, Status>>,
}

#[derive(Clone, Copy)]
enum Status {
    Made,
    Erased,
}

impl MemoryStore {
    pub(super) fn new(seed: u64) -> Self {
        let root = Prf::new(&Secret::new([0; Secret::BYTES]));
        let source = Prf::new(&root.at("waybill/seeded-keystore", &[&seed.to_be_bytes()]));
        Self { source, names: RwLock::default() }
    }

    pub(super) fn key_for(&self, name: KeyName) -> Result<Secret, KeystoreError> {
        self.names.write().unwrap_or_else(PoisonError::into_inner).entry(name).or_insert(Status::Made);
        self.find(name)
    }

    pub(super) fn find(&self, name: KeyName) -> Result<Secret, KeystoreError> {
        match self.names.read().unwrap_or_else(PoisonError::into_inner).get(&name) {
            Some(Status::Made) => Ok(self.source.at(&name.to_string(), &[])),
            Some(Status::Erased) => Err(KeystoreError::Erased),
            None => Err(KeystoreError::Missing),
        }
    }

    pub(super) fn erase(&self, names: &[KeyName]) -> Result<(), KeystoreError> {
        let erased = names.iter().map(|name| (*name, Status::Erased));
        self.names.write().unwrap_or_else(PoisonError::into_inner).extend(erased);
        Ok(())
    }
}
