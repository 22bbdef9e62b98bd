use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::thread;

use domain::{LetterId, RequestId};

use super::super::erasing;
use super::super::slot::{SLOT_BYTES, checksum};
use super::*;

const SLOT: u64 = SLOT_BYTES as u64;

/// A keystore's directory, from which files can be altered while no store is open.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn slots(&self) -> PathBuf {
        self.path().join("keys")
    }

    fn journal(&self) -> PathBuf {
        self.path().join("erasing")
    }

    fn try_open(&self) -> Result<FileStore, KeystoreError> {
        FileStore::open(self.path(), Arc::new(Keys::from_seed(1)))
    }

    fn open(&self) -> FileStore {
        self.try_open().expect("a keystore")
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.slots()).expect("the slots")
    }

    /// The slots as a power loss may leave them: what was acknowledged meanwhile is not known.
    fn write(&self, bytes: &[u8]) {
        fs::write(self.slots(), bytes).expect("written");
        let _ = fs::remove_file(self.path().join("acknowledged"));
    }
}

/// Names of both kinds whose order, which is the order within a batch, is that of their numbers.
fn name(number: u8) -> KeyName {
    if number < 3 { RequestId([number; 16]).into() } else { LetterId([number; 16]).into() }
}

fn names(numbers: Range<u8>) -> Vec<KeyName> {
    numbers.map(name).collect()
}

/// The keys of these names, made in one batch.
fn make(store: &FileStore, names: &[KeyName]) -> Vec<[u8; 32]> {
    lock(&store.queue).wanted.extend(names);
    names.iter().map(|name| *store.key_for(*name).expect("a key").bytes()).collect()
}

fn found(store: &FileStore, names: &[KeyName]) -> Vec<[u8; 32]> {
    names.iter().map(|name| *store.find(*name).expect("a key").bytes()).collect()
}

fn assert_erased(store: &FileStore, name: KeyName) {
    assert!(matches!(store.find(name), Err(KeystoreError::Erased)), "{name}");
    assert!(matches!(store.key_for(name), Err(KeystoreError::Erased)), "{name}");
}

#[test]
fn a_key_is_made_once_and_found_after_reopening() {
    let disk = Disk::new();
    let store = disk.open();
    assert!(matches!(store.find(name(1)), Err(KeystoreError::Missing)));
    let keys = make(&store, &names(0..5));
    assert_eq!(keys, make(&store, &names(0..5)));
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 5);
    drop(store);
    assert_eq!(found(&disk.open(), &names(0..5)), keys);
    assert_eq!(disk.bytes().len() as u64, 5 * SLOT);
    for key in keys {
        assert!(!disk.bytes().windows(32).any(|window| window == key), "no key lies there unwrapped");
    }
}

#[test]
fn an_erased_name_never_has_a_key_again() {
    let disk = Disk::new();
    let store = disk.open();
    let kept = make(&store, &names(0..2));
    make(&store, &names(2..4));
    let before = disk.bytes();
    store.erase(&[name(2), name(9), name(2)]).expect("erased");
    store.erase(&[name(2)]).expect("again");
    let wrapped = &before[2 * SLOT_BYTES + 51..2 * SLOT_BYTES + 111];
    assert!(before.windows(60).any(|window| window == wrapped));
    assert!(!disk.bytes().windows(16).any(|window| window == &wrapped[..16]), "nothing of it is left");
    for store in [store, disk.open()] {
        assert_erased(&store, name(2));
        assert_erased(&store, name(9));
        assert_eq!(found(&store, &names(0..2)), kept);
        assert!(store.find(name(3)).is_ok());
    }
    assert!(!disk.journal().exists());
}

#[test]
fn a_file_cut_anywhere_keeps_every_key_whose_batch_lies_before_the_cut() {
    let disk = Disk::new();
    let store = disk.open();
    let mut keys = make(&store, &names(0..1));
    keys.extend(make(&store, &names(1..4)));
    keys.extend(make(&store, &names(4..6)));
    drop(store);
    let whole = disk.bytes();
    for length in 0..=whole.len() {
        disk.write(&whole[..length]);
        let left = u8::try_from(length / SLOT_BYTES).expect("few");
        let store = disk.open();
        assert_eq!(found(&store, &names(0..left)), keys[..usize::from(left)], "cut at {length}");
        let made = make(&store, &names(0..7));
        drop(store);
        assert_eq!(found(&disk.open(), &names(0..7)), made, "cut at {length}, then written to");
    }
}

#[test]
fn a_batch_with_a_hole_is_torn_but_a_hole_before_it_is_damage() {
    let disk = Disk::new();
    let store = disk.open();
    let keys = make(&store, &names(0..2));
    make(&store, &names(2..6));
    drop(store);
    let whole = disk.bytes();
    let with_hole = |slot: usize| {
        let mut bytes = whole.clone();
        bytes[slot * SLOT_BYTES..(slot + 1) * SLOT_BYTES].fill(0);
        bytes
    };
    for slot in 2..6 {
        disk.write(&with_hole(slot));
        let store = disk.open();
        assert_eq!(found(&store, &names(0..2)), keys);
        assert_eq!(disk.bytes().len(), slot * SLOT_BYTES, "cut off at the hole");
    }
    for slot in 0..2 {
        let damaged = with_hole(slot);
        disk.write(&damaged);
        assert!(matches!(disk.try_open(), Err(KeystoreError::Damaged { slot: found }) if found == slot as u64));
        assert_eq!(disk.bytes(), damaged, "nothing is cut off");
    }
}

#[test]
fn an_end_that_was_acknowledged_is_not_taken_for_a_crash() {
    let disk = Disk::new();
    make(&disk.open(), &names(0..2));
    let keys = make(&disk.open(), &names(0..4));
    let whole = disk.bytes();
    let flipped = {
        let mut bytes = whole.clone();
        bytes[3 * SLOT_BYTES + 60] ^= 0x55;
        bytes
    };
    for (damaged, found) in
        [(&flipped[..], 3), (&whole[..3 * SLOT_BYTES], 3), (&whole[..2 * SLOT_BYTES + 5], 2), (&[], 0)]
    {
        fs::write(disk.slots(), damaged).expect("written");
        let refused = disk.try_open().err().expect("damage");
        assert!(
            matches!(refused, KeystoreError::Lost { found: at, lost } if (at, lost) == (found, 4 - found)),
            "{refused}"
        );
        assert_eq!(disk.bytes(), damaged, "nothing is cut off");
    }
    fs::write(disk.slots(), &whole).expect("written");
    assert_eq!(found(&disk.open(), &names(0..4)), keys);
    fs::write(disk.slots(), &flipped).expect("written");
    fs::remove_file(disk.path().join("acknowledged")).expect("the way out that the message names");
    assert_eq!(found(&disk.open(), &names(0..3)), keys[..3]);
}

#[test]
fn what_is_no_keystore_or_of_a_later_version_is_left_alone() {
    let disk = Disk::new();
    let foreign = vec![b'x'; (BATCH_SLOTS_MAX + 1) * SLOT_BYTES];
    disk.write(&foreign);
    assert!(matches!(disk.try_open(), Err(KeystoreError::Damaged { slot: 0 })));
    assert_eq!(disk.bytes(), foreign);
    disk.write(&[]);
    make(&disk.open(), &names(0..2));
    let mut later = disk.bytes();
    later[SLOT_BYTES] = 2;
    let sum = checksum(&later[SLOT_BYTES..2 * SLOT_BYTES - 8]);
    later[2 * SLOT_BYTES - 8..].copy_from_slice(&sum);
    disk.write(&later);
    assert!(matches!(disk.try_open(), Err(KeystoreError::Damaged { slot: 1 })));
    assert_eq!(disk.bytes(), later);
}

#[test]
fn a_crash_anywhere_in_an_erasure_leaves_it_undone_or_done() {
    let disk = Disk::new();
    let store = disk.open();
    let keys = make(&store, &names(0..4));
    let erased = |at| (at, store.log.slot(at).expect("a slot").erased().image());
    let overwrites = [erased(1), erased(2)];
    erasing::begin(disk.path(), &overwrites).expect("a journal");
    let journal = fs::read(disk.journal()).expect("the journal");
    drop(store);
    let whole = disk.bytes();
    for length in 0..journal.len() {
        fs::write(disk.journal(), &journal[..length]).expect("written");
        assert_eq!(found(&disk.open(), &names(0..4)), keys, "journal cut at {length}");
        assert!(!disk.journal().exists());
    }
    for written in 0..=2 * SLOT_BYTES {
        let mut bytes = whole.clone();
        let target = overwrites.map(|(_, image)| image).concat();
        bytes[SLOT_BYTES..SLOT_BYTES + written].copy_from_slice(&target[..written]);
        disk.write(&bytes);
        fs::write(disk.journal(), &journal).expect("written");
        let store = disk.open();
        assert_erased(&store, name(1));
        assert_erased(&store, name(2));
        assert_eq!([found(&store, &names(0..1)), found(&store, &names(3..4))].concat(), [keys[0], keys[3]]);
        assert!(!disk.journal().exists());
    }
}

#[test]
fn several_stores_share_a_directory() {
    let disk = Disk::new();
    let (one, other) = (disk.open(), disk.open());
    let keys = make(&one, &names(0..3));
    assert_eq!(found(&other, &names(0..3)), keys);
    assert_eq!(make(&other, &names(0..5))[..3], keys);
    one.erase(&[name(4)]).expect("erased");
    assert_erased(&other, name(4));
    other.erase(&[name(6)]).expect("erased");
    assert_erased(&one, name(6));
    let all = thread::scope(|scope| {
        let threads = [&one, &other, &one, &other].map(|store| {
            scope.spawn(move || (10..80).map(|number| *store.key_for(name(number)).expect("a key").bytes()).collect())
        });
        threads.map(|thread| -> Vec<[u8; 32]> { thread.join().expect("no panic") })
    });
    assert!(all.iter().all(|keys| *keys == all[0]), "all agree on every key");
    assert_eq!(found(&disk.open(), &names(10..80)), all[0]);
}

/// A process that is stopped with the right to write keeps nobody from reading, nor from starting.
#[test]
fn who_reads_waits_for_nobody_who_writes() {
    let directory = Disk::new();
    let (writer, reader) = (directory.open(), directory.open());
    let keys = make(&writer, &names(0..3));
    let _stopped = writer.catch_up().expect("the right to write");
    assert_eq!(found(&reader, &names(0..3)), keys);
    assert_eq!(found(&directory.open(), &names(0..3)), keys);
}

#[test]
fn an_entry_opens_under_its_own_name_and_deployment_only() {
    let disk = Disk::new();
    make(&disk.open(), &names(0..2));
    let other = FileStore::open(disk.path(), Arc::new(Keys::from_seed(2))).expect("a keystore");
    assert!(matches!(other.find(name(0)), Err(KeystoreError::Forged)));
    let store = disk.open();
    let [first, second] = [0, 1].map(|at| store.log.slot(at).expect("a slot"));
    drop(store);
    let swapped = [
        Slot { content: second.content, ..first },
        Slot { content: Content::Key { key_id: [b'x'; KEY_ID_BYTES], wrapped: [0; WRAPPED_BYTES] }, ..second },
    ];
    disk.write(swapped.map(|slot| slot.image()).as_flattened());
    let store = disk.open();
    assert!(matches!(store.find(name(0)), Err(KeystoreError::Forged)));
    assert!(matches!(store.find(name(1)), Err(KeystoreError::UnknownKey)));
}

#[test]
fn after_a_rotation_old_keys_open_and_new_ones_are_wrapped_under_the_new_key() {
    let disk = Disk::new();
    let file = disk.path().join("deployment.toml");
    let before = Keys::generate(&file).expect("keys");
    let old = make(&FileStore::open(disk.path(), Arc::new(before)).expect("a keystore"), &names(0..1));
    let after = Keys::rotate(&file).expect("rotated");
    let active = after.active_id().to_owned();
    let store = FileStore::open(disk.path(), Arc::new(after)).expect("a keystore");
    assert_eq!(found(&store, &names(0..1)), old);
    make(&store, &names(1..2));
    let under = |at, id: &str| match store.log.slot(at).expect("a slot").content {
        Content::Key { key_id, .. } => key_id.starts_with(id.as_bytes()),
        Content::Erased => false,
    };
    assert!(!under(0, &active) && under(1, &active));
}

#[test]
fn a_large_batch_is_written_in_parts() {
    let disk = Disk::new();
    let store = disk.open();
    let many: Vec<KeyName> = (0..2500_u128).map(|number| RequestId(number.to_be_bytes()).into()).collect();
    let keys = make(&store, &many);
    drop(store);
    let whole = disk.bytes();
    assert_eq!(found(&disk.open(), &many), keys);
    disk.write(&whole[..2048 * SLOT_BYTES + 1]);
    assert_eq!(found(&disk.open(), &many[..2048]), keys[..2048]);
}

#[test]
fn on_a_full_disk_every_waiting_thread_is_told() {
    let disk = Disk::new();
    std::os::unix::fs::symlink("/dev/full", disk.slots()).expect("linked");
    let store = disk.open();
    let asked = |number| store.key_for(name(number)).map(|_| ());
    let answers = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(move || asked(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    for answer in answers {
        assert!(matches!(answer, Err(KeystoreError::Store(_))), "{answer:?}");
    }
    assert!(matches!(store.erase(&names(0..1)), Err(KeystoreError::Store(_))));
    assert!(matches!(store.find(name(0)), Err(KeystoreError::Missing)));
}
