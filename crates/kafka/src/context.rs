//! What librdkafka tells its clients: rebalances, statistics, errors, log lines, failed deliveries.

use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fleet::bus::TopicPartition;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::{ClientContext, Statistics, TopicPartitionList};

use crate::complaint::Complaint;
use crate::errors::advice;
use crate::pulse::Pulse;
use crate::settings::{Settings, TokenSource};
use crate::tokens;
use fleet::sync::locked;

/// The ear of one client. Its callbacks run in the thread that polls the client.
pub(crate) struct Context {
    token_source: Option<TokenSource>,
    /// How often anything was told: an event that was only told about looks to a poll like no event.
    told: AtomicU64,
    /// What the group wants, until the consumer deals with it.
    rebalance: Mutex<Option<Rebalance>>,
    /// The client closes: partitions are given up as soon as the group asks.
    closing: AtomicBool,
    /// The client ends: from here on it may end at any moment, unless the group waits for an answer.
    ending: AtomicBool,
    /// Where the partition ends whose end was told last.
    end: AtomicI64,
    pulse: Mutex<Pulse>,
    /// Why the first record of the open transaction failed that did.
    undelivered: Mutex<Option<RDKafkaErrorCode>>,
    complaint: Mutex<Complaint>,
}

/// What a group wants of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rebalance {
    /// To take these over.
    Assign(Vec<TopicPartition>),
    /// To give up all it has.
    Revoke {
        /// It has lost them already.
        lost: bool,
    },
}

/// The kind of log line that tells why a connection was lost or not made. Not all of them come as errors.
const LOST: &str = "FAIL";

// === impl Context ===

impl Context {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            token_source: settings.token_source().cloned(),
            told: AtomicU64::new(0),
            rebalance: Mutex::new(None),
            closing: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            end: AtomicI64::new(-1),
            pulse: Mutex::new(Pulse::new()),
            undelivered: Mutex::new(None),
            complaint: Mutex::default(),
        }
    }

    /// How often anything was told.
    pub(crate) fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    /// What the group wants, if it has not been asked for yet.
    pub(crate) fn take_rebalance(&self) -> Option<Rebalance> {
        locked(&self.rebalance).take()
    }

    /// From now on partitions are given up as soon as the group asks.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// From now on the client ends by itself.
    pub(crate) fn end(&self) {
        self.ending.store(true, Ordering::Release);
    }

    /// The end of the partition whose end was told just now.
    pub(crate) fn take_end(&self) -> Option<u64> {
        u64::try_from(self.end.swap(-1, Ordering::Relaxed)).ok()
    }

    /// What is known of the group's coordinator hearing us.
    pub(crate) fn pulse(&self) -> std::sync::MutexGuard<'_, Pulse> {
        locked(&self.pulse)
    }

    /// Why the first record failed that did since this was last asked.
    pub(crate) fn take_undelivered(&self) -> Option<RDKafkaErrorCode> {
        locked(&self.undelivered).take()
    }

    /// What was heard against us since brokers last answered.
    pub(crate) fn complaint(&self) -> std::sync::MutexGuard<'_, Complaint> {
        locked(&self.complaint)
    }

    /// Brokers have answered: what was heard before is over.
    pub(crate) fn answered(&self) {
        *self.complaint() = Complaint::default();
    }

    /// A record was not delivered. Why the first was not is the cause; the others mostly fall with it.
    pub(crate) fn fail(&self, code: RDKafkaErrorCode) {
        locked(&self.undelivered).get_or_insert(code);
    }

    fn note(&self) {
        self.told.fetch_add(1, Ordering::Relaxed);
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.note();
        if facility == LOST {
            self.complaint().lose(message);
        }
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
                tracing::warn!(target: "librdkafka", facility, "{message}");
            }
            RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
                tracing::info!(target: "librdkafka", facility, "{message}");
            }
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(target: "librdkafka", facility, "{message}");
            }
        }
    }

    fn stats(&self, statistics: Statistics) {
        self.note();
        self.pulse().observe(&statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.note();
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        if code == RDKafkaErrorCode::PartitionEOF {
            self.end.store(end_of(reason).unwrap_or(-1), Ordering::Relaxed);
        } else if self.complaint().hear(code, reason) {
            tracing::warn!(target: "librdkafka", "{reason}");
        } else if let Some(advice) = advice(code) {
            tracing::warn!(target: "librdkafka", "{reason}; {advice}");
        } else if self.complaint().is_news(code) {
            tracing::info!(target: "librdkafka", %error, "{reason}");
        } else {
            tracing::debug!(target: "librdkafka", %error, "{reason}");
        }
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.note();
        let source = self.token_source.as_ref().ok_or("no source of tokens is configured")?;
        tokens::token(source).inspect_err(|error| {
            tracing::warn!(%error, "no token for the brokers");
            self.complaint().refuse(error.to_string());
        })
    }
}

impl ConsumerContext for Context {
    /// Notes what the group wants, so that the consumer can tell the fleet and act when the fleet is ready: librdkafka waits, and
    /// shows the group meanwhile that the member lives.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        self.note();
        if self.closing.load(Ordering::Acquire) {
            if self.ending.load(Ordering::Acquire) && ends(consumer) {
                return;
            }
            if let Err(error) = consumer.unassign() {
                tracing::debug!(%error, "giving up partitions at the end failed");
            }
            return;
        }
        let wanted = if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            Rebalance::Assign(named(partitions))
        } else {
            Rebalance::Revoke { lost: consumer.assignment_lost() }
        };
        *locked(&self.rebalance) = Some(wanted);
    }

    fn commit_callback(&self, _: rdkafka::error::KafkaResult<()>, _: &TopicPartitionList) {
        self.note();
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.note();
        if let Err((error, _)) = result {
            self.fail(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown));
        }
    }
}

/// Whether a client that ends does so without our answer. What the group wanted before it let go may be told after that, when nobody
/// is left to take the answer, and librdkafka waits for ever for it to be taken. If on the other hand the group waits for our answer,
/// the client does not end before it has come. Which of the two it is can be told only from what happens.
fn ends(consumer: &BaseConsumer<Context>) -> bool {
    let begun = Instant::now();
    while !consumer.closed() {
        if ENDING < begun.elapsed() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// How long a client takes to end that waits for nothing: a request to the group's coordinator.
const ENDING: Duration = Duration::from_millis(200);

fn named(partitions: &TopicPartitionList) -> Vec<TopicPartition> {
    let name = |(topic, number): (String, i32)| Some(TopicPartition::new(topic, u32::try_from(number).ok()?));
    partitions.to_topic_map().into_keys().filter_map(name).collect()
}

/// Where a partition ends, as librdkafka says it: "... at offset 17 (HighwaterMark 20)". Its own events carry the offset, the
/// Rust binding keeps it to itself; without it a position would not pass over a batch that compaction has emptied.
fn end_of(reason: &str) -> Option<i64> {
    let (_, rest) = reason.split_once(" at offset ")?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_records_that_failed_the_first_says_why() {
        let context = Context::new(&Settings::new("one:9092", "tests"));
        [RDKafkaErrorCode::InvalidRecord, RDKafkaErrorCode::PurgeQueue].into_iter().for_each(|code| context.fail(code));
        assert_eq!(context.take_undelivered(), Some(RDKafkaErrorCode::InvalidRecord));
        assert_eq!(context.take_undelivered(), None, "it is said once");
    }

    #[test]
    fn the_end_of_a_partition_is_read_off() {
        let reason = "Fetch from broker 1 reached end of partition at offset 17 (HighwaterMark 20)";
        assert_eq!(end_of(reason), Some(17));
        assert_eq!(end_of("something else"), None);
    }
}
