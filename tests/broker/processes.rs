//! What the contract can't show from within one connection: holders of a name in other processes, and what they leave behind.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::bus::{Bus, BusError, TopicPartition, Wake};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::bench::Bench;
use crate::kafka::{Broker, address, connect};
use crate::stage::{A_MOMENT, Stage, record, values};

/// How long the broker lets a transaction of a foreign producer be open.
const OPEN_MAX: Duration = Duration::from_secs(5);

fn stage() -> Stage {
    Stage::new(&Broker::new())
}

#[test]
fn a_holder_in_another_process_is_fenced_by_the_broker() {
    let stage = stage();
    let topic = stage.topic("topic", 1);
    let elsewhere = connect();
    let mut zombie = elsewhere.producer(&stage.name("producer")).unwrap();
    zombie.send(record(&topic, 0, "before")).unwrap();
    zombie.commit(None).unwrap();
    zombie.send(record(&topic, 0, "zombie")).unwrap();
    let mut successor = stage.producer("producer");
    assert_eq!(zombie.commit(None), Err(BusError::Fenced));
    assert_eq!(zombie.send(record(&topic, 0, "zombie again")), Err(BusError::Fenced));
    assert_eq!(zombie.abort(), Err(BusError::Fenced));
    successor.send(record(&topic, 0, "successor")).unwrap();
    successor.commit(None).unwrap();
    assert_eq!(stage.values(&topic, 0), ["before", "successor"]);
}

#[test]
fn an_idle_holder_learns_with_the_first_transaction_that_has_something_in_it() {
    let stage = stage();
    let topic = stage.topic("topic", 1);
    let mut zombie = connect().producer(&stage.name("producer")).unwrap();
    let _successor = stage.producer("producer");
    let tried = zombie.send(record(&topic, 0, "zombie")).and_then(|()| zombie.commit(None));
    assert_eq!(tried, Err(BusError::Fenced));
    assert_eq!(stage.values(&topic, 0), [""; 0]);
}

/// The offsets of a transaction that a dead process has left open may still be committed. Whoever is told its partitions must not
/// start before that is settled.
#[test]
fn partitions_are_told_once_no_open_transaction_can_move_their_offsets() {
    let stage = stage();
    let topic = stage.topic("topic", 1);
    stage.append(&topic, 0, &["a", "b"]);
    let begun = leave_offsets_pending(&stage, &topic, OPEN_MAX);
    let mut member = stage.join_alone("group", "member", &[&topic]);
    assert!(OPEN_MAX <= begun.elapsed() + Duration::from_secs(1), "told after {:?}", begun.elapsed());
    stage.take(&mut member, 2);
    assert_eq!(values(&member.taken), ["a", "b"], "the transaction was aborted by the broker");
}

/// A broker that ends may lose the mark that ends a transaction on a group's offsets: to the group it stays open for ever. Who is to
/// have its partitions has them in the end, and is told that where they start is not settled.
#[test]
fn a_transaction_that_never_ends_keeps_partitions_from_nobody() {
    let stage = stage();
    let topic = stage.topic("topic", 1);
    stage.append(&topic, 0, &["a", "b"]);
    leave_offsets_pending(&stage, &topic, Duration::from_secs(600));
    let mut member = stage.join_alone("group", "member", &[&topic]);
    let at = TopicPartition::new(topic.clone(), 0);
    assert!(member.consumer.is_unsettled(&at));
    assert_eq!(member.consumer.position(&at), Ok(0));
    stage.take(&mut member, 2);
    assert_eq!(values(&member.taken), ["a", "b"]);
    assert_eq!(stage.committed("group", &topic, 0), None, "nobody hangs who asks how far the group is");
}

/// A foreign member takes the partition, sends its offset in a transaction, and is gone.
fn leave_offsets_pending(stage: &Stage, topic: &Arc<str>, open_max: Duration) -> Instant {
    let id = stage.name("zombie");
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", address())
        .set("transactional.id", &id)
        .set("transaction.timeout.ms", open_max.as_millis().to_string())
        .create()
        .unwrap();
    producer.init_transactions(OPEN_MAX).unwrap();
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", address()).set("group.id", stage.name("group")).create().unwrap();
    consumer.subscribe(&[topic]).unwrap();
    while consumer.assignment().unwrap().count() == 0 {
        consumer.poll(A_MOMENT);
    }
    producer.begin_transaction().unwrap();
    let begun = Instant::now();
    producer.send(BaseRecord::<(), [u8]>::to(topic).payload(b"open")).map_err(|(error, _)| error).unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, 0, Offset::Offset(1)).unwrap();
    producer.send_offsets_to_transaction(&offsets, &consumer.group_metadata().unwrap(), OPEN_MAX).unwrap();
    producer.flush(OPEN_MAX).unwrap();
    begun
}

#[test]
fn a_member_that_only_waits_keeps_its_lease() {
    let (bench, stage) = (Broker::new(), stage());
    let topic = stage.topic("topic", 3);
    let mut member = stage.join_alone("group", "member", &[&topic]);
    let begun = Instant::now();
    let mut oldest = Duration::ZERO;
    while begun.elapsed() < bench.session_timeout() {
        member.step(Duration::from_millis(100));
        if bench.session_timeout() / 2 < begun.elapsed() {
            oldest = oldest.max(member.consumer.heartbeat_age());
        }
    }
    println!("the oldest lease was of {oldest:?}");
    assert!(oldest < bench.session_timeout() / 2, "{oldest:?}");
    std::thread::sleep(bench.session_timeout() / 2);
    assert!(bench.session_timeout() / 2 <= member.consumer.heartbeat_age(), "who does not look knows nothing new");
}

#[test]
fn leaving_does_not_wait_for_the_session_to_end() {
    let (bench, stage) = (Broker::new(), stage());
    let topic = stage.topic("topic", 4);
    let leaver = stage.join_alone("group", "leaver", &[&topic]);
    let begun = Instant::now();
    leaver.consumer.leave().unwrap();
    let left = begun.elapsed();
    let successor = stage.join_alone("group", "successor", &[&topic]);
    println!("left after {left:?}, taken over after {:?}", begun.elapsed());
    assert_eq!(successor.owned.len(), 4);
    assert!(begun.elapsed() < bench.session_timeout() / 2, "{:?}", begun.elapsed());
}

/// A process that was killed comes back under its names: neither its session nor its transaction is waited for.
#[test]
fn a_restart_under_the_same_names_waits_for_nothing() {
    let (bench, stage) = (Broker::new(), stage());
    let (topic, output) = (stage.topic("topic", 4), stage.topic("output", 1));
    let before = stage.join_alone("group", "slot", &[&topic]);
    let mut open = stage.producer("slot");
    open.send(record(&output, 0, "open")).unwrap();
    let begun = Instant::now();
    std::mem::forget(open);
    drop(before);
    let gone = begun.elapsed();
    let stage = stage.across(|| Arc::new(connect()));
    let mut producer = stage.producer("slot");
    let mut member = stage.join("group", "slot", &[&topic]);
    stage.until("it has its partitions back", || matches!(member.step(A_MOMENT), Wake::Assigned(_)));
    println!("gone after {gone:?}, back after {:?}", begun.elapsed());
    let all: BTreeSet<TopicPartition> = stage.partitions(&[&topic]);
    assert_eq!(member.owned, all);
    producer.send(record(&output, 0, "back")).unwrap();
    member.commit(&mut *producer).unwrap();
    assert!(begun.elapsed() < bench.session_timeout() / 2, "{:?}", begun.elapsed());
    assert_eq!(stage.values(&output, 0), ["back"]);
}
