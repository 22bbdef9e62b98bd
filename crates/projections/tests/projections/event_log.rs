//! An event log to write to.

use std::sync::Arc;
use std::time::Duration;

use contracts::{Codec, Topic, Topics};
use domain::messages::Stage;
use domain::{LifecycleEvent, Trace};
use fleet::Postman;
use fleet::bus::{Bus, Cleanup, Producer, TopicSpec};
use fleet::clock::Clock;
use local::{Durability, Local, Options};
use projections::Log;

/// The event log of a deployment, and the only one who writes to it.
pub(crate) struct EventLog {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) topics: Topics,
    pub(crate) codec: Codec,
    pub(crate) postman: Postman,
    pub(crate) producer: Box<dyn Producer>,
}

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        0
    }

    fn since_boot(&self) -> Duration {
        Duration::ZERO
    }
}

/// How the log is kept: nothing here has to survive the machine.
pub(crate) fn options() -> Options {
    Options { durability: Durability::None, ..Options::new(Arc::new(Still)) }
}

impl EventLog {
    pub(crate) fn on(bus: Local, partitions: u32) -> Self {
        let (topics, codec) = (Topics::new("waybill.", partitions), Codec::bundled());
        let name = topics.name(&Topic::Events);
        bus.create_topics(&[TopicSpec { name, partitions, cleanup: Cleanup::Keep }]).expect("a topic");
        let producer = bus.producer("test").expect("a producer");
        let postman = Postman::new(codec.clone(), topics.clone(), Stage::Intake);
        Self { bus: Arc::new(bus), topics, codec, postman, producer }
    }

    /// The log, as projections see it.
    pub(crate) fn log(&self) -> Log {
        Log::new(Arc::clone(&self.bus), self.codec.clone(), &self.topics)
    }

    /// Appends events in one transaction.
    pub(crate) fn append(&mut self, events: impl IntoIterator<Item = LifecycleEvent>) {
        for event in events {
            let id = event.cause.child("event", 0);
            let record = self.postman.event(event, id, Trace::root(id)).expect("an event fits");
            self.producer.send(record).expect("room");
        }
        self.producer.commit(None).expect("a commit");
    }
}
