//! A damaged directory is noticed: nothing is lost silently, and nothing panics.

use std::fs;
use std::path::{Path, PathBuf};

use fleet::bus::{Bus, BusError, Cleanup};
use local::{Local, Options};

use crate::bed::{append, options, record, topic};

/// How many places in each file are damaged.
const PLACES: usize = 8;

#[test]
fn a_flipped_byte_anywhere_is_harmless_or_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let (original, copy) = (directory.path().join("original"), directory.path().join("copy"));
    let records = fill(&original);
    let mut noticed = Vec::new();
    for file in files(&original) {
        for place in 0..PLACES {
            duplicate(&original, &copy);
            flip(&copy.join(&file), place);
            match Local::open(&copy, small()).and_then(|log| log.verify()) {
                Ok(found) => assert_eq!(found, records, "{} at {place}/{PLACES}", file.display()),
                Err(BusError::Damaged(_) | BusError::Refused(_)) => noticed.push(file.clone()),
                Err(other) => panic!("{}: {other}", file.display()),
            }
        }
    }
    let is_noticed = |part: &str| noticed.iter().any(|file| file.to_str().unwrap().contains(part));
    assert!(is_noticed("jnl") && is_noticed("tables") && is_noticed("blobs"), "{noticed:?}");
}

#[test]
fn a_journal_that_ends_early_is_not_taken_for_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    fill_journal(directory.path());
    let journal = journal(directory.path());
    let bytes = fs::read(&journal).unwrap();
    fs::write(&journal, &bytes[..bytes.len() / 2]).unwrap();
    let Err(BusError::Damaged(what)) = Local::open(directory.path(), options()) else { panic!("it opens") };
    assert!(what.contains("acknowledged") && what.contains("restore"), "{what}");
    assert!(matches!(Local::open(directory.path(), options()), Err(BusError::Damaged(_))), "and it stays so");
    fs::remove_file(directory.path().join("acknowledged")).unwrap();
    Local::open(directory.path(), options()).expect("the way out that the message names");
}

#[test]
fn an_acknowledged_write_that_is_gone_is_missed() {
    let directory = tempfile::tempdir().unwrap();
    let (original, copy) = (directory.path().join("original"), directory.path().join("copy"));
    fill_journal(&original);
    let log = Local::open(&original, options()).unwrap();
    let before = fs::read(journal(&original)).unwrap();
    append(&log, &"topic".into(), 0, &["acknowledged"]);
    // As the process leaves it that ends here, but for its last write.
    duplicate(&original, &copy);
    fs::write(journal(&copy), before).unwrap();
    assert!(matches!(Local::open(&copy, options()), Err(BusError::Damaged(_))));
}

#[test]
fn a_torn_last_write_is_taken_for_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let records = fill_journal(directory.path());
    let acknowledged = fs::read(directory.path().join("acknowledged")).unwrap();
    append(&Local::open(directory.path(), options()).unwrap(), &"topic".into(), 0, &["torn"]);
    // As if the power had gone during the write: its end is missing and nobody acknowledged it.
    fs::write(directory.path().join("acknowledged"), acknowledged).unwrap();
    let journal = journal(directory.path());
    let mut bytes = fs::read(&journal).unwrap();
    let end = bytes.len();
    bytes[end - 5..].fill(0);
    fs::write(&journal, bytes).unwrap();
    assert_eq!(Local::open(directory.path(), options()).unwrap().verify(), Ok(records));
}

#[test]
fn what_a_crash_left_of_a_new_directory_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    fs::create_dir_all(store.join("keyspaces")).unwrap();
    fs::write(store.join("0.jnl"), b"").unwrap();
    Local::open(directory.path(), small()).unwrap();
    fs::remove_file(store.join("version")).unwrap();
    assert!(matches!(Local::open(directory.path(), small()), Err(BusError::Damaged(_))), "now it holds something");
}

/// Some of it in tables and value files, some in the journal only.
fn fill(path: &Path) -> u64 {
    let log = Local::open(path, small()).unwrap();
    let topic = topic(&log, "topic", 2, Cleanup::Keep);
    let mut producer = log.producer("producer").unwrap();
    for round in 0..60_u32 {
        let value = format!("{round} ").repeat(8000);
        producer.send(record(&topic, round % 2, "key", Some(&value))).unwrap();
        producer.commit(None).unwrap();
    }
    drop((producer, log));
    // Opening it once more takes the room for more off its journal.
    Local::open(path, small()).unwrap().verify().unwrap()
}

/// A few records, all of them in the journal only.
fn fill_journal(path: &Path) -> u64 {
    let log = Local::open(path, options()).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Keep);
    for round in 0..10 {
        append(&log, &topic, 0, &[&round.to_string()]);
    }
    drop(log);
    Local::open(path, options()).unwrap().verify().unwrap()
}

fn journal(path: &Path) -> PathBuf {
    let mut journals =
        files(path).into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "jnl"));
    path.join(journals.next_back().unwrap())
}

fn small() -> Options {
    Options { write_buffer_bytes: 1 << 20, ..options() }
}

fn flip(file: &Path, place: usize) {
    let mut bytes = fs::read(file).unwrap();
    let at = bytes.len() * place / PLACES;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 0x55;
    }
    fs::write(file, bytes).unwrap();
}

/// The files below a directory, relative to it.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_dir() {
                directories.push(entry);
            } else {
                found.push(entry.strip_prefix(path).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn duplicate(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    for file in files(from) {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(&file), &target).unwrap();
    }
}
