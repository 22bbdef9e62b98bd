//! What has reached the disk when a commit returns. No kill of a process shows that, only a loss of power would; but the kernel counts,
//! for each thread, the bytes it was given for files and that it never had to write, as the files were cut back before.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::thread;
use std::time::Duration;

use fleet::bus::Cleanup;
use local::{Durability, Local, Options};

use crate::bed::{append, options, topic};

#[test]
fn a_commit_is_on_the_disk_when_it_returns() {
    if unwritten_after(Durability::None, |_| {}) == 0 {
        return eprintln!("this machine does not tell what it has written, or had none of it left to write");
    }
    assert_eq!(unwritten_after(Durability::EveryCommit, |_| {}), 0);
}

#[test]
fn what_is_synced_now_and_then_is_on_the_disk_after_that() {
    let interval = Durability::Interval(Duration::from_millis(1));
    let unwritten = unwritten_after(interval, |log| {
        let before = log.stats().syncs;
        // The first may have been under way while the commit was.
        while log.stats().syncs < before + 2 {
            thread::yield_now();
        }
    });
    assert_eq!(unwritten, 0);
}

/// Commits and does what is given; how many bytes of the journal were still to be written then.
fn unwritten_after(durability: Durability, wait: impl FnOnce(&Local)) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let log = Local::open(directory.path(), Options { durability, ..options() }).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Keep);
    append(&log, &topic, 0, &["value"; 1_000]);
    wait(&log);
    let before = never_written();
    cut_back_journals(directory.path());
    never_written() - before
}

fn cut_back_journals(directory: &Path) {
    let entries = fs::read_dir(directory.join("store")).unwrap().map(|entry| entry.unwrap().path());
    let journals: Vec<_> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "jnl")).collect();
    assert!(!journals.is_empty());
    for journal in journals {
        OpenOptions::new().write(true).open(journal).unwrap().set_len(0).unwrap();
    }
}

/// What this thread's files were cut back by before it was written; nothing where the kernel does not count.
fn never_written() -> u64 {
    let counts = fs::read_to_string("/proc/thread-self/io").unwrap_or_default();
    let count = counts.lines().find_map(|line| line.strip_prefix("cancelled_write_bytes: "));
    count.and_then(|count| count.parse().ok()).unwrap_or_default()
}
