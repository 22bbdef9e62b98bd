//! Shelves in a directory.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use fjall::{Database, Keyspace, OwnedWriteBatch, PersistMode};
use fleet::bus::TopicPartition;
use fleet::shelf::{Batch, Checkpoint, Shelf, ShelfError, Shelves};

use crate::directory::Directory;
use crate::engine;
use crate::looking::{self, Found};

/// How much memory shelves may take, each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// For blocks of tables that were read.
    pub cache_bytes: u64,
    /// For what was written and is not in tables yet; twice as much for a moment.
    pub write_buffer_bytes: u64,
}

/// Shelves below one directory, which processes of one machine may share.
#[derive(Clone, Debug)]
pub struct DiskShelves {
    root: PathBuf,
    options: DiskOptions,
}

/// One of them, open.
struct DiskShelf {
    store: Store,
    at: TopicPartition,
    options: DiskOptions,
    // Dropped last: nobody else may open the directory before the engine has closed it.
    directory: Directory,
}

/// The engine, and what it was asked to keep.
struct Store {
    keyspace: Keyspace,
    database: Database,
    /// How many settled entries were written, counted on from those of the checkpoint.
    settled: u64,
    /// Nothing lies there yet.
    is_blank: bool,
}

/// What a store was written for, so that a copied directory is not taken for another partition's, nor another form for this one.
const IDENTITY: &[u8] = b"i";
const CHECKPOINT: &[u8] = b"c";
const SETTLED: u8 = b's';
const LIVE: u8 = b'l';
const FORM: u8 = 1;

// === impl DiskOptions ===

impl Default for DiskOptions {
    fn default() -> Self {
        Self { cache_bytes: 8 << 20, write_buffer_bytes: 8 << 20 }
    }
}

// === impl DiskShelves ===

impl DiskShelves {
    /// Shelves below `root`, which is made when it is needed.
    pub fn new(root: &Path, options: DiskOptions) -> Self {
        Self { root: root.to_owned(), options }
    }

    /// What lies below a root, of which nothing is opened or changed; nothing where there is no such folder.
    pub fn look(root: &Path) -> Result<Found, ShelfError> {
        looking::look(root)
    }
}

impl Shelves for DiskShelves {
    fn open(&self, at: &TopicPartition) -> Result<Box<dyn Shelf>, ShelfError> {
        let home = self.root.join(&*at.topic).join(at.partition.to_string());
        let mut directory = Directory::newest(&home)?;
        if directory.is_marked() {
            directory = directory.put_aside(&home, "a read had failed")?;
        }
        let (directory, store) = match Store::open(&directory, &self.options, at) {
            Err(ShelfError::Damaged(reason)) => {
                let fresh = directory.put_aside(&home, &reason)?;
                let store = Store::open(&fresh, &self.options, at)?;
                (fresh, store)
            }
            opened => (directory, opened?),
        };
        Ok(Box::new(DiskShelf { store, at: at.clone(), options: self.options, directory }))
    }
}

// === impl Store ===

impl Store {
    /// Opens what lies in a directory, which has to be of this partition and form if it is of any.
    fn open(directory: &Directory, options: &DiskOptions, at: &TopicPartition) -> Result<Self, ShelfError> {
        let path = directory.store();
        let (keyspace, database) = engine::open(&path, options)?;
        let ours = identity(at);
        let found = engine::run(&path, || keyspace.get(IDENTITY))?;
        let is_blank = found.is_none();
        match found {
            Some(found) if *found == ours => {}
            Some(_) => return Err(ShelfError::Damaged(format!("{} is of another partition or form", path.display()))),
            None => engine::run(&path, || keyspace.insert(IDENTITY, ours))?,
        }
        let noted = engine::run(&path, || keyspace.get(CHECKPOINT))?.and_then(|value| noted(&value));
        Ok(Self { keyspace, database, settled: noted.map_or(0, |(_, settled)| settled), is_blank })
    }
}

fn identity(at: &TopicPartition) -> Vec<u8> {
    [&[FORM], at.to_string().as_bytes()].concat()
}

/// A checkpoint, and how many settled entries there were before what came with it.
fn noted(value: &[u8]) -> Option<(Checkpoint, u64)> {
    let (offset, rest) = value.split_first_chunk()?;
    let (at_ms, settled) = rest.split_first_chunk()?;
    let checkpoint = Checkpoint { offset: u64::from_be_bytes(*offset), at_ms: i64::from_be_bytes(*at_ms) };
    Some((checkpoint, u64::from_be_bytes(settled.try_into().ok()?)))
}

// === impl DiskShelf ===

impl DiskShelf {
    /// Runs the engine on what is there. If that can't be read now, it is not trusted by whoever opens it next.
    fn read<T>(&self, read: impl FnOnce() -> fjall::Result<T>) -> Result<T, ShelfError> {
        let done = engine::run(&self.directory.store(), read);
        done.inspect_err(|_| self.directory.mark_damaged())
    }
}

impl Shelf for DiskShelf {
    fn checkpoint(&self) -> Result<Option<Checkpoint>, ShelfError> {
        Ok(self
            .read(|| self.store.keyspace.get(CHECKPOINT))?
            .and_then(|value| noted(&value))
            .map(|(checkpoint, _)| checkpoint))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ShelfError> {
        Ok(self.read(|| self.store.keyspace.get([&[SETTLED], key].concat()))?.map(Bytes::from))
    }

    fn live(&self, visit: &mut dyn FnMut(Bytes, Bytes)) -> Result<(), ShelfError> {
        self.read(|| {
            for entry in self.store.keyspace.prefix([LIVE]) {
                let (key, value) = entry.into_inner()?;
                visit(Bytes::from(key).split_off(1), value.into());
            }
            Ok(())
        })
    }

    fn write(&mut self, batch: Batch) -> Result<(), ShelfError> {
        self.store.is_blank = false;
        let (before, keyspace) = (self.store.settled, &self.store.keyspace);
        let room = batch.changes.len() + 1;
        let mut writes = OwnedWriteBatch::with_capacity(self.store.database.clone(), room);
        for change in batch.changes {
            let key = [&[if change.is_settled { SETTLED } else { LIVE }], &change.key[..]].concat();
            match change.value {
                Some(value) => writes.insert(keyspace, key, value),
                None => writes.remove(keyspace, key),
            }
            self.store.settled += u64::from(change.is_settled);
        }
        if let Some(Checkpoint { offset, at_ms }) = batch.checkpoint {
            let value = [offset.to_be_bytes(), at_ms.to_be_bytes(), before.to_be_bytes()].concat();
            writes.insert(keyspace, CHECKPOINT, value);
        }
        // It need not outlive the machine: what is lost of the end is in the changelog.
        let writes = writes.durability(Some(PersistMode::Buffer));
        engine::run(&self.directory.store(), || writes.commit())
    }

    fn start_over(self: Box<Self>) -> Result<Box<dyn Shelf>, ShelfError> {
        if self.store.is_blank {
            return Ok(self);
        }
        let Self { store, at, options, directory } = *self;
        drop(store);
        directory.clear()?;
        let store = Store::open(&directory, &options, &at)?;
        Ok(Box::new(Self { store, at, options, directory }))
    }

    fn len(&self) -> usize {
        usize::try_from(self.store.settled).unwrap_or(usize::MAX)
    }
}
