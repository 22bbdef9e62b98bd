//! What every shelf promises, asked of both.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fleet::bus::TopicPartition;
use proptest::prelude::*;
use shelf::{Batch, Checkpoint, DiskOptions, DiskShelves, MemoryShelves, Shelf, ShelfChange, Shelves};

/// A machine whose shelves are looked at, with what has to live as long as they do.
struct Machine {
    shelves: Arc<dyn Shelves>,
    _folder: Option<tempfile::TempDir>,
}

fn machines() -> [Machine; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Arc::new(DiskShelves::new(folder.path(), DiskOptions::default()));
    [
        Machine { shelves: disk, _folder: Some(folder) },
        Machine { shelves: Arc::new(MemoryShelves::default()), _folder: None },
    ]
}

fn at(partition: u32) -> TopicPartition {
    TopicPartition::new("waybill.memory.intake", partition)
}

fn put(is_settled: bool, key: &str, value: &str) -> ShelfChange {
    ShelfChange { is_settled, key: key.to_owned().into(), value: Some(value.to_owned().into()) }
}

fn forget(is_settled: bool, key: &str) -> ShelfChange {
    ShelfChange { is_settled, key: key.to_owned().into(), value: None }
}

fn batch(changes: impl Into<Vec<ShelfChange>>, offset: Option<u64>) -> Batch {
    Batch { changes: changes.into(), checkpoint: offset.map(|offset| Checkpoint { offset, at_ms: 7 }) }
}

fn live(shelf: &dyn Shelf) -> BTreeMap<Bytes, Bytes> {
    let mut live = BTreeMap::new();
    shelf.live(&mut |key, value| drop(live.insert(key, value))).expect("read");
    live
}

fn value(shelf: &dyn Shelf, key: &str) -> Option<String> {
    let value = shelf.get(key.as_bytes()).expect("read")?;
    Some(String::from_utf8(value.to_vec()).expect("text"))
}

#[test]
fn what_was_put_there_is_there_for_the_next() {
    for machine in machines() {
        let mut shelf = machine.shelves.open(&at(0)).expect("opened");
        assert_eq!((shelf.checkpoint(), shelf.len()), (Ok(None), 0));
        shelf
            .write(batch([put(true, "a", "1"), put(false, "b", "2"), put(false, "c", "3")], Some(5)))
            .expect("written");
        shelf.write(batch([forget(false, "b"), put(true, "b", "settled")], None)).expect("written");
        for reopened in [false, true] {
            if reopened {
                drop(shelf);
                shelf = machine.shelves.open(&at(0)).expect("opened");
            }
            assert_eq!(shelf.checkpoint(), Ok(Some(Checkpoint { offset: 5, at_ms: 7 })));
            assert_eq!(
                ["a", "b", "c"].map(|key| value(&*shelf, key)),
                [Some("1".into()), Some("settled".into()), None]
            );
            assert_eq!(live(&*shelf), BTreeMap::from([("c".into(), "3".into())]));
        }
        assert!(machine.shelves.open(&at(1)).expect("opened").is_empty(), "another partition has its own");
    }
}

#[test]
fn starting_over_leaves_nothing_also_for_the_next() {
    for (is_settled, is_reopened) in [(true, false), (true, true), (false, false), (false, true)] {
        for machine in machines() {
            let open = || machine.shelves.open(&at(0)).expect("opened");
            let mut shelf = open();
            let written = [put(is_settled, "a", "1"), put(false, "b", "2")];
            shelf.write(batch(written, is_settled.then_some(5))).expect("written");
            if is_reopened {
                drop(shelf);
                shelf = open();
            }
            let mut shelf = shelf.start_over().expect("started over");
            assert_eq!(
                (shelf.checkpoint(), value(&*shelf, "a"), live(&*shelf), shelf.len()),
                (Ok(None), None, BTreeMap::new(), 0)
            );
            shelf.write(batch([put(true, "c", "3")], None)).expect("written");
            drop(shelf);
            let shelf = open();
            assert_eq!((shelf.checkpoint(), value(&*shelf, "a"), live(&*shelf)), (Ok(None), None, BTreeMap::new()));
        }
    }
}

/// A process that is stopped and not gone keeps what it has; who comes after it begins with nothing, and is not disturbed by it.
#[test]
fn nobody_shares_a_shelf() {
    for machine in machines() {
        let mut zombie = machine.shelves.open(&at(0)).expect("opened");
        zombie.write(batch([put(true, "a", "1")], Some(5))).expect("written");
        let mut other = machine.shelves.open(&at(0)).expect("opened");
        assert_eq!((other.checkpoint(), value(&*other, "a")), (Ok(None), None));
        other.write(batch([put(true, "a", "1"), put(true, "b", "2")], Some(9))).expect("written");
        zombie.write(batch([put(true, "z", "late")], Some(6))).expect("written");
        assert_eq!(value(&*other, "z"), None);
        drop((zombie, other));
        let next = machine.shelves.open(&at(0)).expect("opened");
        assert_eq!(next.checkpoint(), Ok(Some(Checkpoint { offset: 9, at_ms: 7 })), "the newest copy");
        assert_eq!(value(&*next, "b"), Some("2".into()));
    }
}

/// A changelog of entries that are told once is counted right, whatever was read twice: it is read on from the checkpoint.
#[test]
fn entries_are_counted_from_the_checkpoint_on() {
    for machine in machines() {
        let mut shelf = machine.shelves.open(&at(0)).expect("opened");
        shelf.write(batch([put(true, "a", "1"), put(true, "b", "1")], None)).expect("written");
        // Its checkpoint was looked up before "c" and "d" were written to the changelog.
        shelf.write(batch([put(true, "c", "1"), put(true, "d", "1")], Some(2))).expect("written");
        shelf.write(batch([put(true, "e", "1"), put(false, "x", "1")], None)).expect("written");
        drop(shelf);
        let mut shelf = machine.shelves.open(&at(0)).expect("opened");
        let again = ["c", "d", "e"].map(|key| put(true, key, "1"));
        shelf.write(batch(again, Some(5))).expect("written");
        assert_eq!(shelf.len(), 5);
    }
}

fn change() -> impl Strategy<Value = ShelfChange> {
    (any::<bool>(), 0..8_u8, proptest::option::of(any::<u16>())).prop_map(|(is_settled, key, value)| ShelfChange {
        is_settled,
        key: vec![key].into(),
        value: value.map(|value| value.to_be_bytes().to_vec().into()),
    })
}

type Sides = [BTreeMap<Bytes, Bytes>; 2];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

    /// Reads are those of two maps, whoever opens it in between.
    #[test]
    fn a_shelf_reads_as_two_maps(
        batches in proptest::collection::vec((proptest::collection::vec(change(), 0..8), proptest::option::of(0..99_u64)), 1..8),
        reopen_at in 0..8_usize,
    ) {
        for machine in machines() {
            let mut shelf = machine.shelves.open(&at(0)).expect("opened");
            let (mut expected, mut checkpoint): (Sides, _) = (Sides::default(), None);
            for (number, (changes, offset)) in batches.iter().enumerate() {
                if number == reopen_at {
                    drop(shelf);
                    shelf = machine.shelves.open(&at(0)).expect("opened");
                }
                for change in changes {
                    let side = &mut expected[usize::from(change.is_settled)];
                    match &change.value {
                        Some(value) => side.insert(change.key.clone(), value.clone()),
                        None => side.remove(&change.key),
                    };
                }
                checkpoint = offset.or(checkpoint);
                shelf.write(batch(changes.clone(), *offset)).expect("written");
            }
            prop_assert_eq!(&live(&*shelf), &expected[0]);
            for key in 0..8_u8 {
                prop_assert_eq!(shelf.get(&[key]).expect("read"), expected[1].get(&[key][..]).cloned());
            }
            prop_assert_eq!(shelf.checkpoint().expect("read").map(|found| found.offset), checkpoint);
        }
    }
}
