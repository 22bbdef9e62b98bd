//! What a transaction promises.

use bytes::Bytes;
use fleet::bus::{BusError, Headers, Isolation, Outgoing, Producer, RECORD_LIMIT_BYTES, TopicPartition};

use crate::bench::Bench;
use crate::stage::{A_MOMENT, PLENTY, Stage, record, values};

pub(crate) fn records_keep_their_order_within_a_partition(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 2);
    let mut producer = stage.producer("producer");
    let mut expected = vec![Vec::new(); 2];
    for round in 0..10 {
        for nth in 0..20_u32 {
            let value = format!("{round}-{nth}");
            producer.send(record(&topic, nth % 2, &value)).unwrap();
            expected[nth as usize % 2].push(value);
        }
        producer.commit(None).unwrap();
    }
    for (partition, expected) in (0..).zip(expected) {
        let records = stage.read(&topic, partition);
        assert_eq!(values(&records), expected);
        assert!(records.is_sorted_by(|one, next| one.offset < next.offset));
        assert!(records.iter().all(|record| record.topic_partition() == TopicPartition::new(topic.clone(), partition)));
    }
}

pub(crate) fn everything_of_a_record_comes_back(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let mut headers = Headers::default();
    headers.push("ce_id", "1");
    headers.push("other", Bytes::new());
    headers.push("ce_id", "again");
    let bytes = |bytes: &'static [u8]| Some(Bytes::from_static(bytes));
    let sent = [
        (bytes(b"key"), bytes(b"value"), headers),
        (bytes(b"key"), None, Headers::default()),
        (None, bytes(b"\0\xff"), Headers::default()),
        (bytes(b""), bytes(b""), Headers::default()),
    ];
    let mut producer = stage.producer("producer");
    for (nth, (key, value, headers)) in (0..).zip(sent.clone()) {
        let timestamp_ms = 1_700_000_000_000 - nth;
        producer.send(Outgoing { topic: topic.clone(), partition: 0, timestamp_ms, key, value, headers }).unwrap();
    }
    producer.commit(None).unwrap();
    let records = stage.read(&topic, 0);
    assert_eq!(records.len(), sent.len());
    for (nth, (record, (key, value, headers))) in (0..).zip(records.into_iter().zip(sent)) {
        assert_eq!((record.key, record.value, record.headers), (key, value, headers));
        assert_eq!(record.timestamp_ms, 1_700_000_000_000 - nth);
    }
}

pub(crate) fn a_transaction_is_seen_whole_once_committed(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let (one, other) = (stage.topic("one", 2), stage.topic("other", 1));
    let mut reader = stage.bus.reader(Isolation::ReadCommitted).unwrap();
    let everywhere =
        [(&one, 0), (&one, 1), (&other, 0)].map(|(topic, number)| TopicPartition::new(topic.clone(), number));
    reader.assign(&everywhere.clone().map(|partition| (partition, 0))).unwrap();
    let mut producer = stage.producer("producer");
    for partition in &everywhere {
        producer.send(record(&partition.topic, partition.partition, "together")).unwrap();
    }
    let mut seen = Vec::new();
    reader.read(PLENTY, A_MOMENT, &mut seen).unwrap();
    assert_eq!(seen, [], "nothing is seen before the commit");
    producer.commit(None).unwrap();
    stage.until("all of the transaction is seen", || {
        reader.read(PLENTY, A_MOMENT, &mut seen).unwrap();
        seen.len() == everywhere.len()
    });
}

pub(crate) fn aborted_records_are_never_seen(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let mut producer = stage.producer("producer");
    producer.send(record(&topic, 0, "first")).unwrap();
    producer.commit(None).unwrap();
    producer.send(record(&topic, 0, "dropped")).unwrap();
    producer.abort().unwrap();
    producer.abort().unwrap();
    producer.send(record(&topic, 0, "second")).unwrap();
    producer.commit(None).unwrap();
    assert_eq!(stage.values(&topic, 0), ["first", "second"]);
}

pub(crate) fn offsets_move_with_the_records(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let (input, output) = (stage.topic("input", 1), stage.topic("output", 1));
    stage.append(&input, 0, &["a", "b"]);
    let mut member = stage.join_alone("group", "member", &[&input]);
    stage.take(&mut member, 2);
    let mut producer = stage.producer("producer");
    producer.send(record(&output, 0, "dropped")).unwrap();
    producer.abort().unwrap();
    assert_eq!(stage.committed("group", &input, 0), None);
    producer.send(record(&output, 0, "done")).unwrap();
    member.commit(&mut *producer).unwrap();
    let position = member.consumer.position(&TopicPartition::new(input.clone(), 0)).unwrap();
    assert_eq!(stage.committed("group", &input, 0), Some(position));
    assert!(member.taken[1].offset < position);
    assert_eq!(stage.values(&output, 0), ["done"]);
}

pub(crate) fn offsets_move_without_records(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let input = stage.topic("input", 1);
    stage.append(&input, 0, &["a"]);
    let mut member = stage.join_alone("group", "member", &[&input]);
    stage.take(&mut member, 1);
    member.commit(&mut *stage.producer("producer")).unwrap();
    assert!(Some(member.taken[0].offset) < stage.committed("group", &input, 0));
    let never = stage.bus.committed(&stage.name("another group"), &TopicPartition::new(input, 0));
    assert_eq!(never, Ok(None));
}

pub(crate) fn an_empty_commit_succeeds(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let mut producer = stage.producer("producer");
    producer.commit(None).unwrap();
    producer.send(record(&topic, 0, "value")).unwrap();
    producer.commit(None).unwrap();
    producer.commit(None).unwrap();
    assert_eq!(stage.values(&topic, 0), ["value"]);
}

pub(crate) fn a_newer_producer_fences_the_earlier_one(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let mut zombie = stage.producer("producer");
    zombie.send(record(&topic, 0, "before")).unwrap();
    zombie.commit(None).unwrap();
    zombie.send(record(&topic, 0, "zombie")).unwrap();
    let mut successor = stage.producer("producer");
    successor.send(record(&topic, 0, "successor")).unwrap();
    successor.commit(None).unwrap();
    assert_eq!(zombie.commit(None), Err(BusError::Fenced));
    assert_eq!(send_and_commit(&mut *zombie, record(&topic, 0, "zombie again")), Err(BusError::Fenced));
    assert_eq!(stage.values(&topic, 0), ["before", "successor"]);
    successor.send(record(&topic, 0, "after")).unwrap();
    successor.commit(None).unwrap();
    assert_eq!(stage.values(&topic, 0), ["before", "successor", "after"]);
}

pub(crate) fn a_stale_generation_commits_nothing(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let (input, output) = (stage.topic("input", 2), stage.topic("output", 1));
    stage.append(&input, 0, &["a"]);
    let mut member = stage.join_alone("group", "first", &[&input]);
    stage.take(&mut member, 1);
    let stale = member.consumer.group();
    let mut other = stage.join("group", "second", &[&input]);
    stage.until("the group has moved on", || {
        member.step(A_MOMENT);
        other.step(A_MOMENT);
        member.owned.len() == 1 && other.owned.len() == 1
    });
    let next = [(TopicPartition::new(input.clone(), 0), 1)];
    let consumed = fleet::bus::Consumed { group: &stale, next: &next };
    let mut producer = stage.producer("producer");
    producer.send(record(&output, 0, "stale")).unwrap();
    assert_eq!(producer.commit(Some(consumed)), Err(BusError::StaleGeneration));
    producer.abort().unwrap();
    assert_eq!(stage.committed("group", &input, 0), None);
    producer.send(record(&output, 0, "current")).unwrap();
    member.commit(&mut *producer).unwrap();
    assert_eq!(stage.values(&output, 0), ["current"]);
}

pub(crate) fn a_record_too_large_is_refused_and_the_rest_goes_on(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let mut producer = stage.producer("producer");
    producer.send(record(&topic, 0, "before")).unwrap();
    let refused = producer.send(record(&topic, 0, &"x".repeat(RECORD_LIMIT_BYTES + 1)));
    assert_eq!(refused, Err(BusError::TooLarge { bytes: RECORD_LIMIT_BYTES + 1, limit: RECORD_LIMIT_BYTES }));
    producer.send(record(&topic, 0, "after")).unwrap();
    producer.commit(None).unwrap();
    assert_eq!(stage.values(&topic, 0), ["before", "after"]);
}

pub(crate) fn a_record_as_large_as_allowed_comes_back(bench: &mut dyn Bench) {
    let stage = Stage::new(bench);
    let topic = stage.topic("topic", 1);
    let large = "x".repeat(RECORD_LIMIT_BYTES);
    stage.append(&topic, 0, &["small", &large, "small"]);
    assert_eq!(stage.values(&topic, 0), ["small", &large, "small"]);
}

fn send_and_commit(producer: &mut dyn Producer, record: Outgoing) -> Result<(), BusError> {
    producer.send(record)?;
    producer.commit(None)
}
