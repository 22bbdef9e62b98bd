//! Readers: positions in partitions outside any group.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::bus::{BusError, Delivered, Isolation, Limit, Reader, TopicPartition};
use fleet::sync::Signal;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::catalogue::Catalogue;
use crate::client_config::{Role, client_config};
use crate::context::Context;
use crate::ending::End;
use crate::errors::{failed, unknown};
use crate::flag::Flag;
use crate::observers::{listen, patiently};
use crate::settings::Settings;
use crate::standing::list;
use crate::tap::Taps;

/// A reader with a client of its own.
pub(crate) struct KafkaReader {
    client: Arc<BaseConsumer<Context>>,
    catalogue: Arc<Catalogue>,
    taps: Taps,
    signal: Arc<Signal>,
    /// Whether the client may have something to tell beside records.
    news: Flag,
    /// How long a question may take.
    patience: Duration,
    /// The sum of the positions when it last moved, so that passing over a gap counts as moving.
    reached: u64,
    /// Comes last. Who takes partitions over has had a reader for each, and works on while they end.
    _end: End<BaseConsumer<Context>>,
}

// === impl KafkaReader ===

impl KafkaReader {
    /// A reader of nothing yet.
    pub(crate) fn new(settings: &Settings, isolation: Isolation, catalogue: Arc<Catalogue>) -> Result<Self, BusError> {
        let config = client_config(settings, Role::Reader(isolation));
        let client: Result<BaseConsumer<Context>, _> = config.create_with_context(Context::new(settings));
        let mut client = client.map_err(|error| failed("a reader", &error))?;
        let signal: Arc<Signal> = Arc::default();
        let (news, raise) = Flag::raised(&signal);
        client.set_nonempty_callback(raise);
        let client = Arc::new(client);
        let end = End::unawaited(&client);
        let taps = Taps::new(client.clone(), signal.clone(), settings.header_names);
        Ok(Self { client, catalogue, taps, signal, news, patience: settings.request_timeout, reached: 0, _end: end })
    }

    /// Hears what the client has to tell beside records: logs, tokens to renew, brokers that come and go.
    fn listen(&self) {
        self.news.lower();
        listen(&self.client);
    }

    /// Who is refused would wait for records that never come. Whether that is so still, a question tells: brokers that are merely
    /// away are waited for.
    fn check_refusal(&self) -> Result<(), BusError> {
        let names = if self.client.context().complaint().is_refusal() { self.taps.names() } else { Vec::new() };
        let Some(first) = names.first() else { return Ok(()) };
        let asked = patiently(&self.client, &first.to_string(), self.patience, |step| {
            self.client.fetch_metadata(Some(&first.topic), step)
        });
        match asked.err() {
            Some(refused @ BusError::Refused(_)) => Err(refused),
            Some(_) | None => Ok(()),
        }
    }

    fn sum(&self) -> Result<u64, BusError> {
        let positions = self.taps.names();
        positions.iter().map(|name| self.position(name)).sum()
    }
}

impl Reader for KafkaReader {
    fn assign(&mut self, from: &[(TopicPartition, u64)]) -> Result<(), BusError> {
        for (name, _) in from {
            self.catalogue.check(name)?;
        }
        let offset = |start: &u64| Offset::Offset(i64::try_from(*start).unwrap_or(i64::MAX));
        let assigned = list(from.iter().map(|(name, start)| (name, offset(start))))?;
        self.taps.open(from)?;
        self.client.assign(&assigned).map_err(|error| failed("assigning partitions to a reader", &error))?;
        self.reached = from.iter().map(|(_, start)| start).sum();
        Ok(())
    }

    fn read(&mut self, limit: Limit, timeout: Duration, out: &mut Vec<Delivered>) -> Result<(), BusError> {
        let (begun, before) = (Instant::now(), out.len());
        loop {
            if self.news.is_raised() {
                self.listen();
            }
            self.taps.take(None, limit, out)?;
            let left = timeout.saturating_sub(begun.elapsed());
            if before < out.len() {
                return Ok(());
            }
            self.check_refusal()?;
            if left.is_zero() {
                return Ok(());
            }
            let reached = self.sum()?;
            if std::mem::replace(&mut self.reached, reached) < reached {
                return Ok(());
            }
            self.signal.sleep(left);
        }
    }

    fn position(&self, partition: &TopicPartition) -> Result<u64, BusError> {
        self.taps.position(partition).unwrap_or_else(|| Err(unknown(partition)))
    }
}
