//! Kafka as a bus.

use std::sync::Arc;

use fleet::bus::{
    Bus, BusError, Consumer, Isolation, Membership, Producer, Reader, TopicPartition, TopicSpec, Watermarks,
};

use crate::catalogue::Catalogue;
use crate::consumer::KafkaConsumer;
use crate::groups::{self, GroupStanding};
use crate::holders::Holders;
use crate::observers::Observers;
use crate::passes::Passes;
use crate::producer::KafkaProducer;
use crate::reader::KafkaReader;
use crate::settings::Settings;

/// A Kafka cluster. Clones are the same connection; it closes when the last of them and the last of its consumers, producers and
/// readers is dropped. A producer knows the memberships of consumers of its own connection only.
#[derive(Clone)]
pub struct Kafka {
    settings: Arc<Settings>,
    observers: Arc<Observers>,
    catalogue: Arc<Catalogue>,
    passes: Arc<Passes>,
    holders: Arc<Holders>,
}

// === impl Kafka ===

impl Kafka {
    /// Gets ready to work with a cluster. No broker needs to be there yet.
    ///
    /// # Errors
    /// [`BusError::Refused`] if librdkafka does not take the settings.
    pub fn connect(settings: Settings) -> Result<Self, BusError> {
        let observers = Observers::new(&settings)?;
        let catalogue = Arc::new(Catalogue::new(settings.clone(), observers.any()));
        let (settings, observers) = (Arc::new(settings), Arc::new(observers));
        Ok(Self { settings, observers, catalogue, passes: Arc::new(Passes::new()?), holders: Arc::default() })
    }

    /// How a consumer group stands; nothing if the brokers know of no such group.
    ///
    /// # Errors
    /// As those of [`Bus::topics`].
    pub fn group(&self, group: &str) -> Result<Option<GroupStanding>, BusError> {
        groups::standing(&self.observers.any(), group, self.settings.request_timeout)
    }
}

impl Bus for Kafka {
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        self.catalogue.create(topics)
    }

    fn topics(&self) -> Result<Vec<TopicSpec>, BusError> {
        self.catalogue.all()
    }

    fn partitions(&self, topic: &str) -> Result<Option<u32>, BusError> {
        match self.catalogue.partitions(topic) {
            Ok(count) => Ok(Some(count)),
            Err(BusError::UnknownPartition(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn consumer(&self, membership: Membership) -> Result<Box<dyn Consumer>, BusError> {
        for topic in &membership.topics {
            self.catalogue.partitions(topic)?;
        }
        let shared = (self.passes.clone(), self.observers.clone());
        Ok(Box::new(KafkaConsumer::join(&self.settings, &membership, shared)?))
    }

    fn producer(&self, transactional_id: &str) -> Result<Box<dyn Producer>, BusError> {
        let (catalogue, passes) = (self.catalogue.clone(), self.passes.clone());
        Ok(Box::new(KafkaProducer::new(&self.settings, transactional_id, catalogue, passes, &self.holders)?))
    }

    fn reader(&self, isolation: Isolation) -> Result<Box<dyn Reader>, BusError> {
        Ok(Box::new(KafkaReader::new(&self.settings, isolation, self.catalogue.clone())?))
    }

    fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, BusError> {
        self.catalogue.check(partition)?;
        self.observers.watermarks(partition)
    }

    fn committed(&self, group: &str, partition: &TopicPartition) -> Result<Option<u64>, BusError> {
        self.catalogue.check(partition)?;
        self.observers.offset(group, partition)
    }
}
