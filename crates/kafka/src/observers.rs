//! Clients that only look: watermarks, metadata, the offsets of groups.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fleet::bus::{BusError, Isolation, TopicPartition, Watermarks};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::types::RDKafkaErrorCode;

use crate::client_config::{Role, client_config};
use crate::context::Context;
use crate::errors::{explained, failed, number};
use crate::settings::Settings;
use crate::signal::locked;
use crate::standing::{list, offset};

/// The clients that look. What a partition's end is depends on the isolation of who asks, so there are two; a group's offsets are
/// told to who names the group, so there is one for each that was asked about.
pub(crate) struct Observers {
    settings: Settings,
    committed: Arc<BaseConsumer<Context>>,
    uncommitted: Arc<BaseConsumer<Context>>,
    groups: Mutex<BTreeMap<String, Arc<BaseConsumer<Context>>>>,
}

/// How long to rest before asking again.
const ASK_AGAIN: Duration = Duration::from_millis(5);

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
        let (low, high) = self.patiently(client, &format!("the ends of {partition}"), || {
            client.fetch_watermarks(&partition.topic, number(partition.partition), self.settings.request_timeout)
        })?;
        let offset = |offset: i64| u64::try_from(offset).unwrap_or_default();
        Ok((offset(low), offset(high)))
    }

    /// The offset a group has committed for a partition. A transaction about to move it is waited for.
    pub(crate) fn offset(&self, group: &str, partition: &TopicPartition) -> Result<Option<u64>, BusError> {
        let client = self.group(group)?;
        let what = format!("the offset of group {group} in {partition}");
        let asked = || list([(partition, Offset::Invalid)].into_iter());
        let answer = self.patiently(&client, &what, || {
            let asked = asked().map_err(|_| rdkafka::error::KafkaError::Canceled)?;
            let answer = client.committed_offsets(asked, self.settings.request_timeout)?;
            answer.elements().iter().try_for_each(|element| element.error())?;
            Ok(answer)
        })?;
        Ok(answer.elements().first().and_then(offset))
    }

    fn group(&self, group: &str) -> Result<Arc<BaseConsumer<Context>>, BusError> {
        let mut groups = locked(&self.groups);
        if let Some(client) = groups.get(group) {
            return Ok(client.clone());
        }
        let client = client(&self.settings, Role::GroupObserver(group))?;
        groups.insert(group.to_owned(), client.clone());
        Ok(client)
    }

    /// Asks until there is an answer: leaders move, and offsets are unstable for a moment.
    fn patiently<T>(
        &self,
        client: &BaseConsumer<Context>,
        what: &str,
        ask: impl Fn() -> KafkaResult<T>,
    ) -> Result<T, BusError> {
        let deadline = Instant::now() + self.settings.request_timeout;
        loop {
            listen(client)?;
            let error = match ask() {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let is_passing = matches!(
                error.rdkafka_error_code(),
                Some(
                    RDKafkaErrorCode::NotLeaderForPartition
                        | RDKafkaErrorCode::LeaderNotAvailable
                        | RDKafkaErrorCode::UnstableOffsetCommit
                        | RDKafkaErrorCode::NotCoordinator
                        | RDKafkaErrorCode::CoordinatorNotAvailable
                        | RDKafkaErrorCode::CoordinatorLoadInProgress
                        | RDKafkaErrorCode::WaitingForCoordinator
                )
            );
            if !is_passing || deadline <= Instant::now() {
                let refusal = client.context().take_refusal();
                return Err(explained(failed(what, &error), refusal));
            }
            std::thread::sleep(ASK_AGAIN);
        }
    }
}

fn client(settings: &Settings, role: Role<'_>) -> Result<Arc<BaseConsumer<Context>>, BusError> {
    let client = client_config(settings, role).create_with_context(Context::new(settings));
    client.map(Arc::new).map_err(|error| failed("a client that looks", &error))
}

/// Hears what a client has to tell: log lines, tokens to renew, brokers that come and go.
pub(crate) fn listen(client: &BaseConsumer<Context>) -> Result<(), BusError> {
    loop {
        let told = client.context().told();
        if client.poll(Duration::ZERO).is_none() && client.context().told() == told {
            return Ok(());
        }
    }
}
