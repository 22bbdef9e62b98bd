//! The topics there are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fleet::bus::{BusError, Cleanup, Isolation, TopicPartition, TopicSpec};
use futures_executor::block_on;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier, TopicReplication,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::types::RDKafkaErrorCode;

use crate::client_config::{BATCH_BYTES_MAX, Role, client_config};
use crate::context::Context;
use crate::errors::{failed, failed_by, number, unknown};
use crate::observers::patiently;
use crate::settings::Settings;
use fleet::sync::locked;

/// What is known of topics. Partition counts never change, so what was found once is kept.
pub(crate) struct Catalogue {
    settings: Settings,
    client: Arc<BaseConsumer<Context>>,
    counts: Mutex<BTreeMap<Arc<str>, u32>>,
}

/// How long to rest between looks at whether new topics can be used.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

// === impl Catalogue ===

impl Catalogue {
    pub(crate) fn new(settings: Settings, client: Arc<BaseConsumer<Context>>) -> Self {
        Self { settings, client, counts: Mutex::default() }
    }

    /// How many partitions a topic has.
    pub(crate) fn partitions(&self, topic: &str) -> Result<u32, BusError> {
        if let Some(count) = locked(&self.counts).get(topic) {
            return Ok(*count);
        }
        let count = self.ask(Some(topic))?.remove(topic).ok_or_else(|| BusError::UnknownPartition(topic.to_owned()))?;
        locked(&self.counts).insert(topic.into(), count);
        Ok(count)
    }

    /// Whether there is such a partition.
    pub(crate) fn check(&self, partition: &TopicPartition) -> Result<(), BusError> {
        match self.partitions(&partition.topic) {
            Ok(count) if partition.partition < count => Ok(()),
            Ok(_) | Err(BusError::UnknownPartition(_)) => Err(unknown(partition)),
            Err(error) => Err(error),
        }
    }

    /// All topics but Kafka's own, with their cleanup.
    pub(crate) fn all(&self) -> Result<Vec<TopicSpec>, BusError> {
        let counts = self.ask(None)?;
        let names: Vec<ResourceSpecifier<'_>> = counts.keys().map(|name| ResourceSpecifier::Topic(name)).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let what = "describing topics";
        let described = block_on(self.admin()?.describe_configs(&names, &self.options()));
        let mut specs = Vec::with_capacity(counts.len());
        for resource in described.map_err(|error| failed(what, &error))? {
            let resource = match resource {
                Ok(resource) => resource,
                // Deleted meanwhile.
                Err(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => continue,
                Err(code) => return Err(failed_by(what, code)),
            };
            let OwnedResourceSpecifier::Topic(name) = &resource.specifier else { continue };
            let property = |name: &str| resource.get(name).and_then(|entry| entry.value.as_deref());
            let cleanup = cleanup(property("cleanup.policy"), property("retention.ms"));
            let partitions = counts.get(&**name).copied().unwrap_or_default();
            specs.push(TopicSpec { name: name.as_str().into(), partitions, cleanup });
        }
        Ok(specs)
    }

    /// Creates the topics that do not exist and waits until they can be used.
    pub(crate) fn create(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        let there = self.ask(None)?;
        let mut missing = Vec::new();
        for spec in topics {
            match there.get(&*spec.name) {
                None => missing.push(spec),
                Some(found) if *found == spec.partitions => {}
                Some(found) => {
                    let (topic, found, wanted) = (spec.name.to_string(), *found, spec.partitions);
                    return Err(BusError::PartitionCount { topic, found, wanted });
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        self.make(&missing)?;
        missing.iter().try_for_each(|spec| self.await_leaders(spec))
    }

    fn make(&self, missing: &[&TopicSpec]) -> Result<(), BusError> {
        let properties: Vec<Vec<(String, String)>> = missing.iter().map(|spec| self.properties(spec.cleanup)).collect();
        let copies = self.settings.replication.map_or(-1, i32::from);
        let new = missing.iter().zip(&properties).map(|(spec, properties)| {
            let topic = NewTopic::new(&spec.name, number(spec.partitions), TopicReplication::Fixed(copies));
            properties.iter().fold(topic, |topic, (name, value)| topic.set(name, value))
        });
        let new: Vec<NewTopic<'_>> = new.collect();
        let made = block_on(self.admin()?.create_topics(&new, &self.options()));
        for topic in made.map_err(|error| failed("creating topics", &error))? {
            match topic {
                // Somebody else did it at the same time.
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => return Err(failed_by(&format!("creating topic {name}"), code)),
            }
        }
        Ok(())
    }

    fn properties(&self, cleanup: Cleanup) -> Vec<(String, String)> {
        let (policy, retention) = policy(cleanup);
        let own = [
            ("cleanup.policy", policy.to_owned()),
            ("retention.ms", retention),
            // A record of the limit and its framing exceed the broker's default by a little.
            ("max.message.bytes", BATCH_BYTES_MAX.to_string()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        own.chain(self.settings.topic_properties.clone()).collect()
    }

    /// A new topic is not known everywhere at once, and its partitions may have no leader for a moment.
    fn await_leaders(&self, spec: &TopicSpec) -> Result<(), BusError> {
        let deadline = Instant::now() + self.settings.request_timeout;
        while !self.has_leaders(spec)? {
            if deadline <= Instant::now() {
                return Err(BusError::Unavailable(format!("new topic {} has no leaders yet", spec.name)));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    fn has_leaders(&self, spec: &TopicSpec) -> Result<bool, BusError> {
        let (client, patience) = (&self.client, self.settings.request_timeout);
        let metadata = patiently(client, &spec.name, patience, |step| client.fetch_metadata(Some(&spec.name), step))?;
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        let led = partitions.filter(|partition| partition.error().is_none() && 0 <= partition.leader()).count();
        Ok(led == spec.partitions as usize)
    }

    /// Asks the brokers how many partitions topics have.
    fn ask(&self, topic: Option<&str>) -> Result<BTreeMap<String, u32>, BusError> {
        let what = topic.unwrap_or("asking for topics");
        let client = &self.client;
        let metadata =
            patiently(client, what, self.settings.request_timeout, |step| client.fetch_metadata(topic, step))?;
        let mut counts = BTreeMap::new();
        for topic in metadata.topics().iter().filter(|topic| !topic.name().starts_with("__")) {
            match topic.error().map(RDKafkaErrorCode::from) {
                None | Some(RDKafkaErrorCode::LeaderNotAvailable) => {}
                Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => continue,
                Some(code) => return Err(failed_by(topic.name(), code)),
            }
            counts.insert(topic.name().to_owned(), u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX));
        }
        Ok(counts)
    }

    /// A client for administration. It has no way to show bearer tokens: the binding keeps the queue in which they are asked for
    /// to itself.
    fn admin(&self) -> Result<AdminClient<Context>, BusError> {
        if self.settings.token_source().is_some() {
            let reason = "topics can't be made or described with a bearer token: use SCRAM or a certificate for that";
            return Err(BusError::Refused(reason.into()));
        }
        let config = client_config(&self.settings, Role::Observer(Isolation::ReadUncommitted));
        config.create_with_context(Context::new(&self.settings)).map_err(|error| failed("administration", &error))
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.settings.request_timeout))
    }
}

/// What a topic's properties have to say about its old records: the policy, and for how many milliseconds they are kept.
fn policy(cleanup: Cleanup) -> (&'static str, String) {
    match cleanup {
        Cleanup::Keep => ("delete", "-1".into()),
        Cleanup::Delete { retention } => ("delete", retention.as_millis().to_string()),
        Cleanup::Compact => ("compact", "-1".into()),
        Cleanup::CompactDelete { retention } => ("compact,delete", retention.as_millis().to_string()),
    }
}

/// What a topic's properties say about its old records.
fn cleanup(policy: Option<&str>, retention_ms: Option<&str>) -> Cleanup {
    let (policy, retention) = (policy.unwrap_or("delete"), retention_ms.and_then(|text| text.parse().ok()));
    match (policy.contains("compact"), policy.contains("delete"), retention.map(Duration::from_millis)) {
        (true, true, Some(retention)) => Cleanup::CompactDelete { retention },
        (true, _, _) => Cleanup::Compact,
        (false, _, Some(retention)) => Cleanup::Delete { retention },
        (false, _, None) => Cleanup::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleanup_reads_back() {
        let day = Duration::from_secs(86_400);
        assert_eq!(cleanup(Some("delete"), Some("-1")), Cleanup::Keep);
        assert_eq!(cleanup(Some("delete"), Some("86400000")), Cleanup::Delete { retention: day });
        assert_eq!(cleanup(Some("compact"), Some("604800000")), Cleanup::Compact);
        assert_eq!(cleanup(Some("compact,delete"), Some("86400000")), Cleanup::CompactDelete { retention: day });
        let all = [
            Cleanup::Keep,
            Cleanup::Delete { retention: day },
            Cleanup::Compact,
            Cleanup::CompactDelete { retention: day },
        ];
        for wanted in all {
            let (policy, retention_ms) = policy(wanted);
            assert_eq!(cleanup(Some(policy), Some(&retention_ms)), wanted);
        }
    }
}
