use fleet::bus::{GroupMetadata, Headers, Isolation};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::mocking::{MockCluster, MockCoordinator};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;
use crate::observers::Observers;

fn producer(settings: &Settings) -> KafkaProducer {
    let catalogue = Catalogue::new(settings.clone(), Observers::new(settings).unwrap().any());
    let passes = Arc::new(Passes::new().unwrap());
    KafkaProducer::new(settings, "producer", Arc::new(catalogue), passes, &Holders::default()).unwrap()
}

fn record() -> Outgoing {
    let (value, headers) = (Some(bytes::Bytes::from_static(b"value")), Headers::default());
    Outgoing { topic: "topic".into(), partition: 0, timestamp_ms: 0, key: None, value, headers }
}

#[test]
fn a_record_that_failed_is_to_blame_for_its_own_transaction_and_no_other() {
    let brokers = MockCluster::new(1).unwrap();
    brokers.create_topic("topic", 1, 1).unwrap();
    let mut producer = producer(&Settings::new(brokers.bootstrap_servers(), "tests"));
    producer.send(record()).unwrap();
    producer.client.context().fail(RDKafkaErrorCode::InvalidRecord);
    let refused = producer.commit(None).unwrap_err();
    assert!(refused.may_blame_content(), "{refused}");
    producer.abort().unwrap();
    producer.send(record()).unwrap();
    producer.client.context().fail(RDKafkaErrorCode::InvalidRecord);
    producer.abort().unwrap();
    producer.send(record()).unwrap();
    assert_eq!(producer.commit(None), Ok(()));
}

#[test]
fn a_commit_that_nobody_has_answered_may_have_gone_through() {
    let brokers = MockCluster::new(1).unwrap();
    brokers.create_topic("topic", 1, 1).unwrap();
    let settings = Settings::new(brokers.bootstrap_servers(), "tests");
    let mut producer = producer(&Settings { transaction_timeout: Duration::from_secs(2), ..settings });
    producer.send(record()).unwrap();
    let busy = RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
    brokers.request_errors(RDKafkaApiKey::EndTxn, &[busy; 1_000]);
    let unanswered = producer.commit(None).unwrap_err();
    assert!(matches!(unanswered, BusError::OutcomeUnknown(_)), "{unanswered}");
    // What can't be taken back is not waited for once more: whoever comes back does so with another producer.
    let aborted = producer.abort().unwrap_err();
    assert!(matches!(aborted, BusError::OutcomeUnknown(_)), "{aborted}");
}

#[test]
fn who_was_fenced_after_being_slow_does_not_know_of_a_newer_holder() {
    // Brokers fence the producer of a transaction that they have ended because it took too long, as they do one that was succeeded.
    for (is_slow, commits) in [(false, true), (false, false), (true, true), (true, false)] {
        let brokers = MockCluster::new(1).unwrap();
        brokers.create_topic("topic", 1, 1).unwrap();
        let mut producer = producer(&Settings::new(brokers.bootstrap_servers(), "tests"));
        // It was made long ago.
        producer.begun = Duration::ZERO;
        producer.send(record()).unwrap();
        if is_slow {
            // The machine may not have been up for that long.
            producer.allowed = Duration::ZERO;
        }
        brokers.request_errors(RDKafkaApiKey::EndTxn, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_PRODUCER_FENCED]);
        if commits {
            assert_eq!(producer.commit(None), Err(BusError::Fenced));
        }
        for _ in 0..2 {
            let aborted = producer.abort().unwrap_err();
            assert_eq!(aborted == BusError::Fenced, !is_slow, "{aborted}");
        }
        assert_eq!(producer.send(record()), Err(BusError::Fenced), "either way it is of no use any more");
    }
}

#[test]
fn brokers_say_after_how_long_they_end_a_transaction_in_the_words_of_the_settings() {
    let brokers = MockCluster::new(1).unwrap();
    let mut settings = Settings::new(brokers.bootstrap_servers(), "tests");
    assert_eq!(producer(&settings).allowed, settings.transaction_timeout);
    settings.overrides.0.insert("transaction.timeout.ms".into(), "3000".into());
    assert_eq!(producer(&settings).allowed, Duration::from_secs(3));
}

#[test]
fn a_group_whose_coordinator_has_gone_is_not_waited_for_for_ever() {
    let brokers = MockCluster::new(2).unwrap();
    brokers.create_topic("topic", 1, 2).unwrap();
    brokers.partition_leader("topic", 0, Some(1)).unwrap();
    brokers.coordinator(MockCoordinator::Transaction("producer".into()), 1).unwrap();
    brokers.coordinator(MockCoordinator::Group("workers".into()), 2).unwrap();
    let settings = Settings::new(brokers.bootstrap_servers(), "tests");
    let mut producer = producer(&Settings { transaction_timeout: Duration::from_secs(2), ..settings.clone() });
    let config = client_config(&settings, Role::GroupObserver("workers", Isolation::ReadCommitted));
    let member: BaseConsumer<Context> = config.create_with_context(Context::new(&settings)).unwrap();
    let token = producer.passes.issue(member.group_metadata().unwrap());
    let group = GroupMetadata { group: "workers".into(), generation: 1, member: "member".into(), token };
    let next = [(TopicPartition::new("topic", 0), 1)];
    producer.send(record()).unwrap();
    assert_eq!(producer.commit(Some(Consumed { group: &group, next: &next })), Ok(()));

    brokers.broker_down(2).unwrap();
    producer.send(record()).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let committed = producer.commit(Some(Consumed { group: &group, next: &next }));
        let aborted = producer.abort();
        drop(producer);
        tell.send((committed, aborted)).unwrap();
    });
    let (committed, aborted) = told.recv_timeout(Duration::from_secs(30)).expect("an end");
    assert!(matches!(committed, Err(BusError::Unavailable(_))), "{committed:?}");
    assert!(matches!(aborted, Err(BusError::Unavailable(_))), "{aborted:?}");
}
