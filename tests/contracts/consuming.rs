//! What a consumer promises while it owns its partitions.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fleet::bus::{Limit, TopicPartition, Wake};

use crate::bench::Bench;
use crate::stage::{A_MOMENT, PLENTY, Stage, fall_asleep, values};

pub(crate) fn a_group_starts_at_the_beginning_and_goes_on_where_it_was(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    stage.append(&topic, 0, &["a", "b"]);
    let mut member = stage.join_alone("group", "member", &[&topic]);
    stage.take(&mut member, 2);
    assert_eq!(values(&member.taken), ["a", "b"]);
    member.commit(&mut *stage.producer("producer")).unwrap();
    member.consumer.leave().unwrap();
    stage.append(&topic, 0, &["c"]);
    let mut successor = stage.join_alone("group", "successor", &[&topic]);
    stage.take(&mut successor, 1);
    assert_eq!(values(&successor.taken), ["c"]);
}

pub(crate) fn rewinding_after_an_abort_delivers_again(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let partition = TopicPartition::new(topic.clone(), 0);
    stage.append(&topic, 0, &["a"]);
    stage.append(&topic, 0, &["b", "c"]);
    let mut member = stage.join_alone("group", "member", &[&topic]);
    stage.take(&mut member, 3);
    member.consumer.seek(&partition, member.taken[1].offset).unwrap();
    assert_eq!(member.consumer.position(&partition), Ok(member.taken[1].offset));
    stage.take(&mut member, 5);
    assert_eq!(values(&member.taken), ["a", "b", "c", "b", "c"]);
    assert_eq!(member.taken[1..3], member.taken[3..5]);
}

pub(crate) fn taking_goes_on_at_the_place_that_was_sought(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let partition = TopicPartition::new(topic.clone(), 0);
    stage.append(&topic, 0, &["a", "b", "c", "d"]);
    let all = stage.read(&topic, 0);
    let mut member = stage.join_alone("group", "member", &[&topic]);
    let one = Limit { records: 1, ..PLENTY };
    stage.until("the first is taken", || {
        member.step(A_MOMENT);
        member.consumer.take(&topic, one, &mut member.taken).unwrap();
        !member.taken.is_empty()
    });
    stage.until("the next has been looked at", || matches!(member.step(A_MOMENT), Wake::Ready));
    member.consumer.seek(&partition, all[3].offset).unwrap();
    stage.take(&mut member, 2);
    assert_eq!(values(&member.taken), ["a", "d"]);
    stage.until("its end is known", || {
        member.step(A_MOMENT);
        all[3].offset < member.consumer.position(&partition).unwrap()
    });
    member.consumer.seek(&partition, all[1].offset).unwrap();
    assert_eq!(member.consumer.position(&partition), Ok(all[1].offset));
    stage.take(&mut member, 5);
    assert_eq!(values(&member.taken), ["a", "d", "b", "c", "d"]);
}

pub(crate) fn paused_partitions_give_nothing_until_resumed(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 2);
    let paused = [TopicPartition::new(topic.clone(), 0)];
    let mut member = stage.join_alone("group", "member", &[&topic]);
    member.consumer.pause(&paused).unwrap();
    stage.append(&topic, 0, &["held"]);
    stage.append(&topic, 1, &["flows"]);
    stage.take(&mut member, 1);
    member.step(A_MOMENT);
    member.take_all();
    assert_eq!(values(&member.taken), ["flows"]);
    member.consumer.resume(&paused).unwrap();
    stage.take(&mut member, 2);
    assert_eq!(values(&member.taken), ["flows", "held"]);
}

pub(crate) fn taking_respects_its_limits(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let written: Vec<String> = (0..50).map(|nth| format!("value {nth:04}")).collect();
    stage.append(&topic, 0, &written.iter().map(String::as_str).collect::<Vec<_>>());
    let mut member = stage.join_alone("group", "member", &[&topic]);
    let bytes = written[0].len();
    let limits = [Limit { records: 3, bytes: 1 << 20 }, Limit { records: 100, bytes: 4 * bytes + 1 }];
    for (limit, most) in limits.into_iter().cycle().zip([3, 4].into_iter().cycle()) {
        let before = member.taken.len();
        stage.until("something is taken", || {
            member.step(A_MOMENT);
            member.consumer.take(&topic, limit, &mut member.taken).unwrap();
            before < member.taken.len()
        });
        assert!(member.taken.len() - before <= most, "{limit:?} gave {}", member.taken.len() - before);
        if member.taken.len() == written.len() {
            break;
        }
    }
    assert_eq!(values(&member.taken), written);
    let mut nothing = Vec::new();
    member.consumer.take(&topic, Limit { records: 0, bytes: 0 }, &mut nothing).unwrap();
    assert_eq!(nothing, []);
}

pub(crate) fn taking_is_by_topic(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let (urgent, bulk) = (stage.topic("urgent", 1), stage.topic("bulk", 1));
    let mut member = stage.join_alone("group", "member", &[&urgent, &bulk]);
    stage.append(&bulk, 0, &["slow"]);
    stage.append(&urgent, 0, &["fast"]);
    for (topic, value) in [(&urgent, "fast"), (&bulk, "slow")] {
        let mut taken = Vec::new();
        stage.until("the topic's record comes", || {
            member.step(A_MOMENT);
            member.consumer.take(topic, PLENTY, &mut taken).unwrap();
            !taken.is_empty()
        });
        assert_eq!(values(&taken), [value]);
    }
}

/// However the takes of different topics alternate, and however full the others are.
pub(crate) fn every_partition_has_its_turn(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topics = ["urgent", "standard", "bulk"].map(|name| stage.topic(name, 4));
    let many = vec!["waits"; 1_000];
    for topic in &topics {
        (0..4).for_each(|partition| stage.append(topic, partition, &many));
    }
    let mut member = stage.join_alone("group", "member", &topics.each_ref());
    let mut given: BTreeMap<TopicPartition, usize> = BTreeMap::new();
    stage.until("every partition has given something", || {
        // Who has given is paused while the others' records are on their way, so that nobody is emptied by that wait. When they
        // are there all compete again.
        let early: Vec<TopicPartition> = given.keys().cloned().collect();
        member.consumer.pause(&early).unwrap();
        member.step(A_MOMENT);
        member.consumer.resume(&early).unwrap();
        for topic in topics.iter().chain(&topics[..1]) {
            let mut taken = Vec::new();
            member.consumer.take(topic, Limit { records: 1, bytes: 1 << 20 }, &mut taken).unwrap();
            taken.iter().for_each(|record| *given.entry(record.topic_partition()).or_default() += 1);
        }
        given.len() == 12
    });
    assert!(given.values().all(|count| *count < many.len()), "somebody waited until another was empty: {given:?}");
}

pub(crate) fn a_large_record_passes_a_small_limit(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let large = "x".repeat(100_000);
    stage.append(&topic, 0, &[&large, "small"]);
    let mut member = stage.join_alone("group", "member", &[&topic]);
    stage.until("both come", || {
        member.step(A_MOMENT);
        member.consumer.take(&topic, Limit { records: 10, bytes: 1000 }, &mut member.taken).unwrap();
        member.taken.len() == 2
    });
    assert_eq!(values(&member.taken), [&large, "small"]);
}

pub(crate) fn waiting_ends_when_records_come(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let mut member = stage.join_alone("group", "member", &[&topic]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            fall_asleep();
            stage.append(&topic, 0, &["value"]);
        });
        stage.until("the wait ends", || member.step(stage.forever()) == Wake::Ready);
    });
    member.take_all();
    stage.take(&mut member, 1);
}

pub(crate) fn waiting_ends_when_woken(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let mut member = stage.join_alone("group", "member", &[&topic]);
    let waker = member.consumer.waker();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            fall_asleep();
            waker();
        });
        stage.until("the wait ends", || member.step(stage.forever()) == Wake::Woken);
    });
    waker();
    assert_eq!(member.step(stage.forever()), Wake::Woken, "a wake before the wait counts");
}

pub(crate) fn waiting_ends_in_time(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let mut member = stage.join_alone("group", "member", &[&topic]);
    stage.until("nothing is left to tell", || member.step(Duration::ZERO) == Wake::TimedOut);
    let begun = Instant::now();
    assert_eq!(member.step(A_MOMENT), Wake::TimedOut);
    assert!(A_MOMENT <= begun.elapsed());
    assert!(member.consumer.heartbeat_age() < bench.session_timeout());
}
