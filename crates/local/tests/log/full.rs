//! A full disk: refused in time, and if not, then nothing acknowledged is lost.

use std::fs;

use fleet::bus::{Bus, BusError, Cleanup, Producer};
use local::{Local, Options};
use tests::small_disk::{SmallDisk, has_own_mounts};

use crate::bed::{options, read, record, topic};

#[test]
fn a_full_disk_is_refused_in_time_and_work_goes_on_when_there_is_space() {
    if !has_own_mounts("full::a_full_disk_is_refused_in_time_and_work_goes_on_when_there_is_space") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(directory.path(), 64);
    let open = || Local::open(disk.path().join("log"), Options { free_space_bytes_min: 24 << 20, ..small() }).unwrap();
    let log = open();
    let topic = topic(&log, "topic", 1, Cleanup::Keep);
    fs::write(disk.path().join("filler"), vec![1; 20 << 20]).unwrap();
    let mut producer = log.producer("producer").unwrap();
    let mut done = 0;
    let refusal = loop {
        match write(&mut *producer, done) {
            Ok(()) => done += 1,
            Err(refusal) => break refusal,
        }
    };
    let BusError::Full(what) = &refusal else { panic!("{refusal}") };
    assert!(what.contains(disk.path().to_str().unwrap()), "{what}");
    assert!(refusal.is_transient());
    producer.abort().unwrap();
    assert!(matches!(write(&mut *producer, done), Err(BusError::Full(_))), "it stays full");
    producer.abort().unwrap();
    assert_eq!(read(&log, &topic, 0).len(), done);
    fs::remove_file(disk.path().join("filler")).unwrap();
    write(&mut *producer, done).expect("there is space again");
    drop((producer, log));
    assert_eq!(read(&open(), &topic, 0).len(), done + 1);
}

#[test]
fn a_write_that_would_reach_into_the_reserve_is_refused() {
    if !has_own_mounts("full::a_write_that_would_reach_into_the_reserve_is_refused") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(directory.path(), 64);
    let log = Local::open(disk.path().join("log"), Options { free_space_bytes_min: 24 << 20, ..small() }).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Keep);
    let mut producer = log.producer("producer").unwrap();
    let value = "x".repeat(900_000);
    for _ in 0..50 {
        producer.send(record(&topic, 0, "key", Some(&value))).unwrap();
    }
    assert!(matches!(producer.commit(None), Err(BusError::Full(_))), "45 MB beside the reserve on 64");
    producer.abort().unwrap();
    write(&mut *producer, 0).expect("there is room for little");
}

/// Without a reserve the engine's own files meet the end of the disk. Space comes back little by little, so that this happens
/// at many places; at some of them the log has to close.
#[test]
fn a_disk_that_runs_out_in_the_middle_loses_nothing_acknowledged() {
    if !has_own_mounts("full::a_disk_that_runs_out_in_the_middle_loses_nothing_acknowledged") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(directory.path(), 48);
    let open = || Local::open(disk.path().join("log"), small()).unwrap();
    let mut log = open();
    let topic = topic(&log, "topic", 1, Cleanup::Keep);
    let pieces: Vec<_> = (0..60).map(|piece| disk.path().join(format!("filler-{piece}"))).collect();
    pieces.iter().for_each(|piece| fs::write(piece, vec![1; 400 << 10]).unwrap());
    let mut done = 0;
    for piece in pieces {
        let mut producer = log.producer("producer").unwrap();
        let failure = loop {
            match write(&mut *producer, done) {
                Ok(()) => done += 1,
                Err(failure) => break failure,
            }
        };
        fs::remove_file(piece).unwrap();
        if matches!(failure, BusError::Full(_)) {
            continue;
        }
        assert!(failure.to_string().contains("restart"), "{failure}");
        producer.abort().unwrap();
        let again = write(&mut *producer, done).unwrap_err();
        assert!(matches!(&again, BusError::Fatal(what) if what.contains("restart")), "{again}");
        assert_eq!(read(&log, &topic, 0).len(), done, "what is there can still be read");
        drop((producer, log));
        log = open();
        let found = read(&log, &topic, 0).len();
        assert!(found == done || found == done + 1, "{done} were acknowledged, {found} are there");
        done = found;
    }
    drop(log);
    write(&mut *open().producer("producer").unwrap(), done).expect("there is space again");
}

/// A transaction of about 100 KB that does not compress.
fn write(producer: &mut dyn Producer, number: usize) -> Result<(), BusError> {
    let mut noise = number as u64 + 1;
    let mut digit = || {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + u8::try_from(noise >> 58).unwrap())
    };
    let value: String = (0..100_000).map(|_| digit()).collect();
    producer.send(record(&"topic".into(), 0, "key", Some(&value)))?;
    producer.commit(None)
}

fn small() -> Options {
    Options { write_buffer_bytes: 2 << 20, tail_cache_bytes: 1 << 20, ..options() }
}
