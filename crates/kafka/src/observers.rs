//! Clients that only look: watermarks, metadata, the offsets of groups.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fleet::bus::{BusError, Isolation, TopicPartition, Watermarks};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;

use crate::client_config::{Role, client_config};
use crate::context::Context;
use crate::errors::{failed, is_outage, number};
use crate::settings::Settings;
use crate::standing::{list, offset};
use fleet::sync::locked;

/// The clients that look. What a partition's end is depends on the isolation of who asks, so there are two; a group's offsets are
/// told to who names the group, so there is one for each that was asked about, or two: offsets have isolations as well.
pub(crate) struct Observers {
    settings: Settings,
    committed: Arc<BaseConsumer<Context>>,
    uncommitted: Arc<BaseConsumer<Context>>,
    groups: Mutex<GroupObservers>,
}

/// By group, and whether transactions on its offsets are waited for.
type GroupObservers = BTreeMap<(String, bool), Arc<BaseConsumer<Context>>>;

/// How long to rest before asking again.
const ASK_AGAIN: Duration = Duration::from_millis(5);
/// How long one question may take at first, and at most.
const STEP_MIN: Duration = Duration::from_millis(200);
const STEP_MAX: Duration = Duration::from_secs(2);
/// What passes by itself, beside brokers that don't answer. Whether there is such a topic was asked before, so it is only not known
/// everywhere yet.
const PASSING: [RDKafkaErrorCode; 9] = [
    RDKafkaErrorCode::UnknownPartition,
    RDKafkaErrorCode::UnknownTopic,
    RDKafkaErrorCode::UnknownTopicOrPartition,
    RDKafkaErrorCode::UnstableOffsetCommit,
    RDKafkaErrorCode::WaitingForCoordinator,
    // A partition that has just got another leader.
    RDKafkaErrorCode::FencedLeaderEpoch,
    RDKafkaErrorCode::OffsetNotAvailable,
    RDKafkaErrorCode::ReplicaNotAvailable,
    RDKafkaErrorCode::UnknownLeaderEpoch,
];

// === impl Observers ===

impl Observers {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BusError> {
        let observer = |isolation| client(settings, Role::Observer(isolation));
        Ok(Self {
            settings: settings.clone(),
            committed: observer(Isolation::ReadCommitted)?,
            uncommitted: observer(Isolation::ReadUncommitted)?,
            groups: Mutex::default(),
        })
    }

    /// A client for metadata.
    pub(crate) fn any(&self) -> Arc<BaseConsumer<Context>> {
        self.uncommitted.clone()
    }

    /// A partition's watermarks. The stable one is asked for first, so that the high one is never below it.
    pub(crate) fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, BusError> {
        let (low, stable) = self.ends(&self.committed, partition)?;
        let (_, high) = self.ends(&self.uncommitted, partition)?;
        Ok(Watermarks { low, stable, high: high.max(stable) })
    }

    fn ends(&self, client: &BaseConsumer<Context>, partition: &TopicPartition) -> Result<(u64, u64), BusError> {
        let what = format!("the ends of {partition}");
        let (low, high) = patiently(client, &what, self.settings.request_timeout, |step| {
            // librdkafka remembers for long that it did not know a new topic, unless it is made to ask again.
            let ends = client.fetch_watermarks(&partition.topic, number(partition.partition), step);
            ends.inspect_err(|_| drop(client.fetch_metadata(Some(&partition.topic), step)))
        })?;
        let offset = |offset: i64| u64::try_from(offset).unwrap_or_default();
        Ok((offset(low), offset(high)))
    }

    /// The offset a group has committed for a partition. A transaction about to move it is waited for, unless it never ends.
    pub(crate) fn offset(&self, group: &str, partition: &TopicPartition) -> Result<Option<u64>, BusError> {
        let ask = |isolation| self.offsets((group, isolation), std::slice::from_ref(partition));
        let answer = match ask(Isolation::ReadCommitted) {
            Err(BusError::Unavailable(_)) => ask(Isolation::ReadUncommitted),
            answer => answer,
        };
        Ok(answer?.into_iter().next().flatten())
    }

    /// The offsets a group had committed before any transaction that is about to move them.
    pub(crate) fn offsets_before(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<u64>>, BusError> {
        self.offsets((group, Isolation::ReadUncommitted), partitions)
    }

    fn offsets(
        &self,
        (group, isolation): (&str, Isolation),
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<u64>>, BusError> {
        let client = self.group(group, isolation)?;
        let what = format!("the offsets of group {group}");
        let asked = || list(partitions.iter().map(|partition| (partition, Offset::Invalid)));
        let answer = patiently(&client, &what, self.settings.request_timeout, |step| {
            let asked = asked().map_err(|_| KafkaError::Canceled)?;
            let answer = client.committed_offsets(asked, step)?;
            answer.elements().iter().try_for_each(|element| element.error())?;
            Ok(answer)
        })?;
        let told = |at: &TopicPartition| answer.find_partition(&at.topic, number(at.partition));
        Ok(partitions.iter().map(|partition| told(partition).as_ref().and_then(offset)).collect())
    }

    fn group(&self, group: &str, isolation: Isolation) -> Result<Arc<BaseConsumer<Context>>, BusError> {
        let mut groups = locked(&self.groups);
        let key = (group.to_owned(), isolation == Isolation::ReadCommitted);
        if let Some(client) = groups.get(&key) {
            return Ok(client.clone());
        }
        let client = client(&self.settings, Role::GroupObserver(group, isolation))?;
        groups.insert(key, client.clone());
        Ok(client)
    }
}

/// Asks until there is an answer: brokers start, leaders move, offsets are unstable for a moment. The question is told how long it
/// may take. It begins with little, since a client that has to show a token can't connect before its news were heard.
pub(crate) fn patiently<T>(
    client: &BaseConsumer<Context>,
    what: &str,
    patience: Duration,
    ask: impl Fn(Duration) -> KafkaResult<T>,
) -> Result<T, BusError> {
    patiently_hearing(client, (what, patience), ask, |_| Ok(()))
}

/// The same for a client that is told other things meanwhile: librdkafka tells them once, so whoever needs them hears them here.
/// An error in answer ends the asking.
pub(crate) fn patiently_hearing<T>(
    client: &BaseConsumer<Context>,
    (what, patience): (&str, Duration),
    ask: impl Fn(Duration) -> KafkaResult<T>,
    hear: impl Fn(&KafkaError) -> Result<(), BusError>,
) -> Result<T, BusError> {
    let deadline = Instant::now() + patience;
    let mut step = STEP_MIN;
    loop {
        hear_all(client, &hear)?;
        let error = match ask(step.min(patience)) {
            Ok(answer) => {
                client.context().answered();
                return Ok(answer);
            }
            Err(error) => error,
        };
        let is_passing = error.rdkafka_error_code().is_some_and(|code| is_outage(code) || PASSING.contains(&code));
        if !is_passing || deadline <= Instant::now() {
            hear_all(client, &hear)?;
            // What should have passed and has not is an outage, whatever it is called: a client that has lost its brokers forgets
            // topics that are there.
            let error =
                if is_passing { BusError::Unavailable(format!("{what}: {error}")) } else { failed(what, &error) };
            return Err(client.context().complaint().explain(error));
        }
        step = (step * 2).min(STEP_MAX);
        std::thread::sleep(ASK_AGAIN);
    }
}

fn client(settings: &Settings, role: Role<'_>) -> Result<Arc<BaseConsumer<Context>>, BusError> {
    let client = client_config(settings, role).create_with_context(Context::new(settings));
    client.map(Arc::new).map_err(|error| failed("a client that looks", &error))
}

/// Hears what a client has to tell that waits for no errors: log lines, tokens to renew, brokers that come and go.
pub(crate) fn listen(client: &BaseConsumer<Context>) {
    let _: Result<(), ()> = hear_all(client, |_| Ok(()));
}

/// Hears all a client has to tell, and each error of it.
fn hear_all<E>(client: &BaseConsumer<Context>, hear: impl Fn(&KafkaError) -> Result<(), E>) -> Result<(), E> {
    loop {
        let told = client.context().told();
        match client.poll(Duration::ZERO) {
            Some(Err(error)) => hear(&error)?,
            Some(Ok(_)) => {}
            None if client.context().told() == told => return Ok(()),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::*;

    /// A worker ends where a topic is not there; it waits where brokers are not.
    #[test]
    fn a_client_that_has_lost_its_brokers_is_not_taken_at_its_word_that_there_is_no_such_topic() {
        let brokers = MockCluster::new(1).unwrap();
        let settings = Settings::new(brokers.bootstrap_servers(), "tests");
        let client = client(&settings, Role::Observer(Isolation::ReadCommitted)).unwrap();
        for code in [RDKafkaErrorCode::UnknownPartition, RDKafkaErrorCode::UnknownTopic] {
            let ask = |_| -> KafkaResult<()> { Err(KafkaError::MetadataFetch(code)) };
            let told = patiently(&client, "the ends of topic-0", Duration::from_millis(20), ask).unwrap_err();
            assert!(matches!(told, BusError::Unavailable(_)), "{told}");
        }
    }

    #[test]
    fn a_partition_that_has_just_got_another_leader_is_asked_again() {
        let brokers = MockCluster::new(1).unwrap();
        brokers.create_topic("topic", 1, 1).unwrap();
        let observers = Observers::new(&Settings::new(brokers.bootstrap_servers(), "tests")).unwrap();
        let busy = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE;
        brokers.request_errors(RDKafkaApiKey::ListOffsets, &[busy; 3]);
        let ends = observers.watermarks(&TopicPartition::new("topic", 0)).unwrap();
        assert_eq!((ends.low, ends.high), (0, 0));
    }
}
