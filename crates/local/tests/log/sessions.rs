//! Sessions of consumers by a clock that moves when told, from one thread, as the simulation drives them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::bus::{Bus, BusError, Cleanup, Consumed, Consumer, Limit, Membership, TopicPartition, Wake};
use fleet::clock::Clock;
use local::{Local, Options};

use crate::bed::{ManualClock, PLENTY, append, membership, options_with, record, topic, values};

const SESSION: Duration = Duration::from_secs(10);

/// The machine's time, for who really sleeps.
struct RunningClock(Instant);

impl Clock for RunningClock {
    fn now_ms(&self) -> i64 {
        0
    }

    fn since_boot(&self) -> Duration {
        self.0.elapsed()
    }
}

#[test]
fn a_member_that_was_silent_for_too_long_has_lost_its_partitions() {
    let clock = ManualClock::new();
    let log = Local::in_memory(options_with(clock.clone())).unwrap();
    let topic = topic(&log, "topic", 2, Cleanup::Keep);
    let mut slow = log.consumer(membership("group", "slow", &[&topic])).unwrap();
    assigned(&mut *slow);
    clock.pass(SESSION);
    assert_eq!(slow.heartbeat_age(), SESSION);
    clock.pass(Duration::from_millis(1));
    let mut other = log.consumer(membership("group", "other", &[&topic])).unwrap();
    assert_eq!(assigned(&mut *other), 2, "it does not wait for the silent one");
    let mut producer = log.producer("slow").unwrap();
    producer.send(record(&topic, 0, "key", Some("late"))).unwrap();
    let consumed = Consumed { group: &slow.group(), next: &[] };
    assert_eq!(producer.commit(Some(consumed)), Err(BusError::StaleGeneration));
    slow.take(&topic, PLENTY, &mut Vec::new()).unwrap();
    assert!(SESSION < slow.heartbeat_age(), "a call after the end of the session renews nothing");
    let Ok(Wake::Revoked { partitions, lost: true }) = slow.wait(Duration::ZERO) else { panic!("it is not told") };
    assert_eq!(partitions.len(), 2);
    slow.release().unwrap();
    assert_eq!(slow.wait(Duration::ZERO), Ok(Wake::TimedOut), "it has joined again and waits its turn");
    assert!(matches!(other.wait(Duration::ZERO), Ok(Wake::Revoked { lost: false, .. })));
    other.release().unwrap();
    assert_eq!((assigned(&mut *slow), assigned(&mut *other)), (1, 1));
}

#[test]
fn an_instance_that_was_replaced_is_told_so() {
    let log = Local::in_memory(options_with(ManualClock::new())).unwrap();
    let topic = topic(&log, "topic", 2, Cleanup::Keep);
    let mut old = log.consumer(membership("group", "member", &[&topic])).unwrap();
    assigned(&mut *old);
    let generation = old.group().generation;
    let mut new = log.consumer(membership("group", "member", &[&topic])).unwrap();
    assert_eq!(assigned(&mut *new), 2);
    assert!(generation < new.group().generation);
    assert!(matches!(old.wait(Duration::ZERO), Ok(Wake::Revoked { lost: true, .. })));
    assert_eq!(old.wait(Duration::ZERO), Err(BusError::Fenced));
    assert_eq!(new.wait(Duration::ZERO), Ok(Wake::TimedOut));
}

#[test]
fn a_consumer_asleep_takes_over_when_anothers_session_ends() {
    let options = Options { clock: Arc::new(RunningClock(Instant::now())), ..options_with(ManualClock::new()) };
    let log = Local::in_memory(options).unwrap();
    let topic = topic(&log, "topic", 2, Cleanup::Keep);
    let mut stayer = log.consumer(membership("group", "stayer", &[&topic])).unwrap();
    assigned(&mut *stayer);
    let short = Membership { session_timeout: Duration::from_millis(50), ..membership("group", "silent", &[&topic]) };
    let _silent = log.consumer(short).unwrap();
    let begun = Instant::now();
    let mut owned = 0;
    while owned < 2 {
        assert!(begun.elapsed() < Duration::from_secs(50), "it slept through the end of the other's session");
        match stayer.wait(Duration::from_secs(60)).unwrap() {
            Wake::Assigned(partitions) => owned = partitions.len(),
            Wake::Revoked { lost: false, .. } => stayer.release().unwrap(),
            other @ (Wake::Ready | Wake::Woken | Wake::TimedOut | Wake::Revoked { lost: true, .. }) => {
                panic!("{other:?}")
            }
        }
    }
}

#[test]
fn every_partition_gets_its_turn() {
    let log = Local::in_memory(options_with(ManualClock::new())).unwrap();
    let topic = topic(&log, "topic", 2, Cleanup::Keep);
    append(&log, &topic, 0, &["flood"; 100]);
    append(&log, &topic, 1, &["lone"]);
    let mut consumer = log.consumer(membership("group", "member", &[&topic])).unwrap();
    assigned(&mut *consumer);
    let mut taken = Vec::new();
    for _ in 0..2 {
        consumer.take(&topic, Limit { records: 10, bytes: 1 << 20 }, &mut taken).unwrap();
    }
    assert!(values(&taken).contains(&"lone".to_owned()));
}

#[test]
fn a_topic_nobody_has_created_cannot_be_subscribed_to() {
    let log = Local::in_memory(options_with(ManualClock::new())).unwrap();
    let refused = log.consumer(membership("group", "member", &[&"nobody".into()])).err();
    assert_eq!(refused, Some(BusError::UnknownPartition("nobody".into())));
}

#[test]
fn what_is_not_owned_cannot_be_sought() {
    let log = Local::in_memory(options_with(ManualClock::new())).unwrap();
    let topic = topic(&log, "topic", 1, Cleanup::Keep);
    let mut consumer = log.consumer(membership("group", "member", &[&topic])).unwrap();
    let partition = TopicPartition::new(topic, 0);
    assert!(matches!(consumer.seek(&partition, 0), Err(BusError::Refused(_))));
    assert!(matches!(consumer.position(&partition), Err(BusError::Refused(_))));
}

/// How many partitions an assignment has that must be told now.
fn assigned(consumer: &mut dyn Consumer) -> usize {
    match consumer.wait(Duration::ZERO).unwrap() {
        Wake::Assigned(partitions) => partitions.len(),
        other @ (Wake::Ready | Wake::Woken | Wake::TimedOut | Wake::Revoked { .. }) => panic!("{other:?}"),
    }
}
