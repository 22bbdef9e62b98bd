//! What a crash, a full stop and damage leave of a shelf in a directory.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use fleet::bus::TopicPartition;
use proptest::prelude::*;
use shelf::{Batch, Checkpoint, DiskOptions, DiskShelves, Shelf, ShelfChange, Shelves};

fn at() -> TopicPartition {
    TopicPartition::new("waybill.memory.intake", 3)
}

fn open(root: &Path) -> Box<dyn Shelf> {
    DiskShelves::new(root, DiskOptions { write_buffer_bytes: 1 << 20, ..DiskOptions::default() })
        .open(&at())
        .expect("opened")
}

/// The nth batch: one settled entry, one of which the newest alone is live, and a checkpoint that says that it is there.
fn batch(nth: u64, value_bytes: usize) -> Batch {
    let change = |is_settled, key: Vec<u8>| {
        let value = [&nth.to_be_bytes()[..], &noise(nth, value_bytes)].concat();
        ShelfChange { is_settled, key: key.into(), value: Some(value.into()) }
    };
    let changes = vec![change(true, nth.to_be_bytes().to_vec()), change(false, b"newest".to_vec())];
    Batch { changes, checkpoint: Some(Checkpoint { offset: nth + 1, at_ms: 0 }) }
}

/// How many batches a shelf holds, having made sure that it holds the first so many and nothing else.
fn batches(shelf: &dyn Shelf, written: u64) -> u64 {
    let there = |nth: u64| shelf.get(&nth.to_be_bytes()).expect("read").is_some();
    let held = (0..written).take_while(|nth| there(*nth)).count() as u64;
    assert!((held..written).all(|nth| !there(nth)), "a batch is missing in between");
    assert_eq!(shelf.checkpoint().expect("read").map_or(0, |checkpoint| checkpoint.offset), held);
    let mut newest = None;
    shelf.live(&mut |_, value| newest = value.first_chunk().map(|nth| u64::from_be_bytes(*nth) + 1)).expect("read");
    assert_eq!(newest.unwrap_or(0), held);
    held
}

/// Bytes that no engine makes smaller.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let next = |last: &u64| Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed), next).map(|state| (state >> 56) as u8).take(length).collect()
}

/// The files as they are while somebody has them open. The engine tidies up by itself, so it is copied until nothing has changed
/// meanwhile: a crash leaves what there is at one moment.
fn copy(from: &Path, to: &Path) {
    loop {
        let before = listing(from);
        let is_copied = before.iter().try_for_each(|(path, _)| {
            let target = to.join(path.strip_prefix(from).expect("below it"));
            fs::create_dir_all(target.parent().expect("a folder"))?;
            fs::copy(path, &target).map(drop)
        });
        if is_copied.is_ok() && before == listing(from) {
            return;
        }
        fs::remove_dir_all(to).expect("removed");
    }
}

/// All files below a directory, with their lengths.
fn listing(root: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).into_iter().flatten().map(|entry| entry.expect("an entry")) {
        if entry.path().is_dir() {
            found.extend(listing(&entry.path()));
        } else if let Ok(metadata) = entry.metadata() {
            found.push((entry.path(), metadata.len()));
        }
    }
    found.sort();
    found
}

fn files(root: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(root).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn a_process_that_is_killed_loses_nothing_it_had_written() {
    let (folder, killed) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut shelf = open(folder.path());
    (0..20).for_each(|nth| shelf.write(batch(nth, 10)).expect("written"));
    copy(folder.path(), killed.path());
    assert_eq!(batches(&*open(killed.path()), 20), 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

    /// Wherever the journal of a crashed machine ends, what is left are the first so many batches, with the checkpoint that is theirs:
    /// also where tables were written already.
    #[test]
    fn a_torn_journal_leaves_a_beginning(value_bytes in 0..60_000_usize, part in 0..=1_000_u64) {
        let (folder, torn) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let mut shelf = open(folder.path());
        (0..40).for_each(|nth| shelf.write(batch(nth, value_bytes)).expect("written"));
        copy(folder.path(), torn.path());
        let journal = files(torn.path(), "jnl").pop().expect("a journal");
        let written = 40 * (2 * value_bytes as u64 + 200);
        let end = written * part / 1_000;
        let journal = OpenOptions::new().write(true).open(journal).expect("opened");
        let length = journal.metadata().expect("known").len();
        // The engine makes room ahead; what was not written there reads as zeros.
        journal.set_len(end.min(length)).and_then(|()| journal.set_len(length)).expect("cut");
        batches(&*open(torn.path()), 40);
    }
}

#[test]
fn damage_is_put_aside_and_never_fatal() {
    for damage in ["manifest", "table"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shelf = open(folder.path());
        (0..40).for_each(|nth| shelf.write(batch(nth, 60_000)).expect("written"));
        drop(shelf);
        let home = folder.path().join("waybill.memory.intake/3");
        all_to_tables(&home.join("0/store"));
        if damage == "manifest" {
            fs::write(home.join("0/store/version"), b"rubbish").expect("written");
        } else {
            // The largest table is of entries; the engine has small ones of its own, which it reads at once.
            let tables = listing(&home).into_iter().filter(|(path, _)| is_table(path));
            let (table, bytes) = tables.max_by_key(|(_, bytes)| *bytes).expect("something was written to tables");
            let mut table = OpenOptions::new().write(true).open(table).expect("opened");
            table.seek(SeekFrom::Start(bytes / 2)).and_then(|_| table.write_all(&[0xff; 70_000])).expect("written");
            // It shows when somebody reads there, which is an error and no answer.
            let shelf = open(folder.path());
            let read: Vec<_> = (0..40_u64).map(|nth| shelf.get(&nth.to_be_bytes())).collect();
            assert!(read.iter().any(Result::is_err), "the damage was read");
            assert!(!read.contains(&Ok(None)), "what can't be read must not pass for what never was");
        }
        let mut shelf = open(folder.path());
        assert_eq!(batches(&*shelf, 40), 0, "{damage}");
        shelf.write(batch(0, 10)).expect("written");
        drop(shelf);
        assert!(home.join("damaged-0").exists());
        assert_eq!(batches(&*open(folder.path()), 40), 1);
    }
}

/// Has the engine write all it has to tables, so that no journal stands in for them.
fn all_to_tables(store: &Path) {
    let database = fjall::Database::builder(store).open().expect("opened");
    let keyspace = database.keyspace("shelf", fjall::KeyspaceCreateOptions::default).expect("there");
    // With nothing new it would not wait for what is on its way from the journal.
    keyspace.insert("of no kind", "").and_then(|()| keyspace.rotate_memtable_and_wait()).expect("written");
}

fn is_table(path: &Path) -> bool {
    path.parent().and_then(Path::file_name).is_some_and(|name| name == "tables")
}

#[test]
fn a_directory_of_another_partition_is_not_taken_for_this_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut shelf = open(folder.path());
    shelf.write(batch(0, 10)).expect("written");
    drop(shelf);
    let topic = folder.path().join("waybill.memory.intake");
    copy(&topic.join("3"), &topic.join("4"));
    let shelves = DiskShelves::new(folder.path(), DiskOptions::default());
    let other = shelves.open(&TopicPartition::new("waybill.memory.intake", 4)).expect("opened");
    assert_eq!(other.checkpoint(), Ok(None));
}

#[test]
fn whoever_looks_sees_who_holds_what_and_makes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("memory");
    let look = || DiskShelves::look(&root).expect("looked");
    assert_eq!(look(), shelf::Found::default());
    assert!(!root.exists());

    let mut held = open(&root);
    held.write(batch(0, 100)).expect("written");
    let found = look();
    assert_eq!((found.shelves, found.held), (1, 1));
    assert!(0 < found.bytes, "{found:?}");
    drop(held);
    assert_eq!((look().shelves, look().held), (1, 0));
    assert_eq!(batches(&*open(&root), 1), 1, "it was left as it was");
    fs::write(root.join("notes"), "somebody's").expect("written");
    assert_eq!(look().shelves, 1);
}
