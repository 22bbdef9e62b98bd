//! The process is killed again and again in the middle of its work: whatever it acknowledged is there, and no transaction is there
//! in part.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fleet::bus::{Bus, Cleanup, Consumed, Delivered, Membership, TopicPartition, Wake};
use local::{Durability, Local, Options};

use crate::bed::{options, read, record, topic};

/// Names the directory to a child, and makes it one.
const CHILD: &str = "WAYBILL_LOG_CRASH_TEST_DIRECTORY";
const WORKERS: u32 = 3;
const KILLS: usize = 8;
/// How much is acknowledged before each kill: enough for tables, value files and journals to come and go.
const ACKNOWLEDGED: usize = 400;

#[test]
fn what_was_acknowledged_survives_any_kill_and_nothing_is_there_in_part() {
    if let Ok(directory) = std::env::var(CHILD) {
        work_until_killed(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = vec![0; WORKERS as usize];
    for kill in 0..KILLS {
        run_and_kill(directory.path(), ACKNOWLEDGED + 7 * kill, &mut acknowledged);
        check(directory.path(), &mut acknowledged);
    }
}

/// The child: workers that each commit transaction after transaction, telling the parent the number of each, beside upkeep.
fn work_until_killed(directory: &Path) -> ! {
    let log = open(directory);
    let (facts, state) =
        (topic(&log, "facts", WORKERS, Cleanup::Keep), topic(&log, "state", WORKERS, Cleanup::Compact));
    for worker in 0..WORKERS {
        let (log, facts, state) = (log.clone(), facts.clone(), state.clone());
        thread::spawn(move || work(&log, worker, &facts, &state));
    }
    loop {
        log.maintain().unwrap();
    }
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn work(log: &Local, worker: u32, facts: &Arc<str>, state: &Arc<str>) {
    let membership = Membership {
        group: format!("group-{worker}"),
        instance: "member".into(),
        topics: vec![facts.clone()],
        session_timeout: Duration::from_secs(60),
    };
    let mut consumer = log.consumer(membership).unwrap();
    assert!(matches!(consumer.wait(Duration::ZERO), Ok(Wake::Assigned(_))));
    let mut producer = log.producer(&format!("worker-{worker}")).unwrap();
    let partition = TopicPartition::new(facts.clone(), worker);
    let begin = log.committed(&format!("group-{worker}"), &partition).unwrap().unwrap_or(0);
    for number in begin + 1.. {
        let text = format!("{number} {}", "padding ".repeat(500));
        producer.send(record(facts, worker, "fact", Some(&text))).unwrap();
        producer.send(record(facts, worker, "fact", Some(&number.to_string()))).unwrap();
        producer.send(record(state, worker, &format!("key {}", number % 10), Some(&number.to_string()))).unwrap();
        producer.send(record(state, worker, "newest", Some(&text))).unwrap();
        let next = [(partition.clone(), number)];
        producer.commit(Some(Consumed { group: &consumer.group(), next: &next })).unwrap();
        // One write each, so that no line is torn; the test harness does not capture what other threads print.
        println!("\nacknowledged {worker} {number}");
    }
}

fn run_and_kill(directory: &Path, count: usize, acknowledged: &mut [u64]) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::what_was_acknowledged_survives_any_kill_and_nothing_is_there_in_part", "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut note = |line: String| {
        let numbers = line.strip_prefix("acknowledged ").and_then(|rest| rest.split_once(' '));
        let Some((worker, number)) = numbers else { return false };
        let worker: usize = worker.parse().unwrap();
        acknowledged[worker] = number.parse::<u64>().unwrap().max(acknowledged[worker]);
        true
    };
    let seen = lines.by_ref().map(Result::unwrap).filter(|line| note(line.clone())).take(count).count();
    assert_eq!(seen, count, "the child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    // What was printed before the kill was acknowledged too; the last line may be torn.
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    for line in rest.into_iter().rev().skip(1) {
        note(line);
    }
}

fn check(directory: &Path, acknowledged: &mut [u64]) {
    let log = open(directory);
    log.verify().unwrap();
    for worker in 0..WORKERS {
        let partition = TopicPartition::new("facts", worker);
        let done = log.committed(&format!("group-{worker}"), &partition).unwrap().unwrap_or(0);
        let at_least = &mut acknowledged[worker as usize];
        assert!(*at_least <= done, "{at_least} were acknowledged, {done} are there");
        *at_least = done;
        let facts: Vec<u64> = numbers(&read(&log, &"facts".into(), worker));
        assert_eq!(facts, (1..=done).flat_map(|number| [number, number]).collect::<Vec<_>>());
        let state = read(&log, &"state".into(), worker);
        for key in 0..10_u64.min(done) {
            let newest = (0..=done).rev().find(|number| number % 10 == done.wrapping_sub(key) % 10).unwrap();
            let key = format!("key {}", newest % 10);
            let found = state.iter().rfind(|record| record.key.as_deref() == Some(key.as_bytes())).unwrap();
            assert_eq!(numbers(std::slice::from_ref(found)), [newest]);
        }
    }
}

/// The number each value begins with.
fn numbers(records: &[Delivered]) -> Vec<u64> {
    let number = |record: &Delivered| {
        let text = std::str::from_utf8(record.value.as_ref().unwrap()).unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    };
    records.iter().map(number).collect()
}

fn open(directory: &Path) -> Local {
    let durability = Durability::EveryCommit;
    Local::open(
        directory,
        Options { durability, write_buffer_bytes: 512 << 10, tail_cache_bytes: 64 << 10, ..options() },
    )
    .unwrap()
}
