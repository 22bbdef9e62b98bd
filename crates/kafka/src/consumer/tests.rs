use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(30);

fn membership(group: &str, instance: &str) -> Membership {
    let (group, instance, topics) = (group.to_owned(), instance.to_owned(), vec!["topic".into()]);
    Membership { group, instance, topics, session_timeout: Duration::from_secs(6) }
}

/// Waits until the group has something to tell about partitions.
fn told(consumer: &mut KafkaConsumer) -> Wake {
    let begun = std::time::Instant::now();
    while begun.elapsed() < LONG {
        match consumer.wait(Duration::from_millis(100)).unwrap() {
            wake @ (Wake::Assigned(_) | Wake::Revoked { .. }) => return wake,
            Wake::Ready | Wake::Woken | Wake::TimedOut => {}
        }
    }
    panic!("the group says nothing")
}

/// Brokers that answer slowly say who is no member before they say what topics there are.
#[test]
fn a_denial_that_comes_before_the_topics_is_heard() {
    let brokers = MockCluster::new(1).unwrap();
    let denial = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    brokers.request_errors(RDKafkaApiKey::FindCoordinator, &[denial; 8]);
    let settings = Settings::new(brokers.bootstrap_servers(), "tests");
    let membership = membership("others", "intruder");
    let config = client_config(&settings, Role::Member(&membership));
    let client: BaseConsumer<Context> = config.create_with_context(Context::new(&settings)).unwrap();
    let slow = |step| -> KafkaResult<()> {
        std::thread::sleep(step);
        Err(KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut))
    };
    let told = meet(&client, &membership, LONG, slow).unwrap_err();
    assert!(matches!(&told, BusError::Refused(reason) if reason.contains("group others")), "{told}");
}

/// A member that is alone, with the one partition there is.
fn alone(brokers: &MockCluster<'_, impl rdkafka::ClientContext>) -> KafkaConsumer {
    brokers.create_topic("topic", 1, 1).unwrap();
    let settings = Settings::new(brokers.bootstrap_servers(), "tests");
    let shared = (Arc::new(Passes::new().unwrap()), Arc::new(Observers::new(&settings).unwrap()));
    let mut consumer = KafkaConsumer::join(&settings, &membership("workers", "one"), shared).unwrap();
    assert_eq!(told(&mut consumer), Wake::Assigned(vec![TopicPartition::new("topic", 0)]));
    consumer
}

#[test]
fn a_member_that_was_put_out_of_its_group_is_given_partitions_again() {
    let brokers = MockCluster::new(1).unwrap();
    let mut consumer = alone(&brokers);
    let partitions = vec![TopicPartition::new("topic", 0)];
    brokers.request_errors(RDKafkaApiKey::Heartbeat, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID]);
    assert_eq!(told(&mut consumer), Wake::Revoked { partitions: partitions.clone(), lost: true });
    assert_eq!(told(&mut consumer), Wake::Assigned(partitions));
}

#[test]
fn a_member_whose_name_another_has_taken_owns_nothing() {
    let brokers = MockCluster::new(1).unwrap();
    let mut consumer = alone(&brokers);
    brokers.request_errors(RDKafkaApiKey::Heartbeat, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID]);
    let begun = std::time::Instant::now();
    let mut waits = std::iter::from_fn(|| (begun.elapsed() < LONG).then(|| consumer.wait(Duration::from_millis(100))));
    assert_eq!(waits.find_map(Result::err), Some(BusError::Fenced));
    assert_eq!(consumer.assignment(), []);
}
