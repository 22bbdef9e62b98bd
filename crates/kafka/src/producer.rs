//! Producers: one transaction at a time, drained before it ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::bus::{BusError, Consumed, Outgoing, Producer, RECORD_LIMIT_BYTES, TopicPartition};
use rdkafka::Offset;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::types::RDKafkaErrorCode;

use crate::catalogue::Catalogue;
use crate::client_config::{Role, client_config};
use crate::context::Context;
use crate::courier::Courier;
use crate::errors::{commit_failed, failed, sending_failed, transaction_failed, undelivered, unknown};
use crate::holders::{Holder, Holders};
use crate::passes::Passes;
use crate::pulse::up;
use crate::record::outgoing;
use crate::settings::Settings;
use crate::standing::list;

/// The holder of a transactional id. Dropping it aborts what is open, if the broker can be reached soon.
pub(crate) struct KafkaProducer {
    client: Arc<BaseProducer<Context>>,
    /// There is one as soon as offsets are consumed.
    courier: Option<Courier>,
    catalogue: Arc<Catalogue>,
    passes: Arc<Passes>,
    holder: Holder,
    /// How many partitions the topics have that were sent to, and the one that was sent to last.
    partitions: BTreeMap<Arc<str>, u32>,
    last: Option<(Arc<str>, u32)>,
    state: State,
    /// When the last transaction began, by the time the machine has been up.
    begun: Duration,
    /// After how long brokers end a transaction.
    allowed: Duration,
    /// How long the end of a transaction may take.
    patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No transaction is open.
    Idle,
    /// A transaction is open.
    Open,
    /// Something in the open transaction failed: only an abort helps.
    MustAbort,
    /// Nobody knows what has become of the transaction: it can't be taken back, and no other can be begun.
    Unknown,
    /// Somebody else holds the id.
    Fenced,
    /// Fenced after a transaction that took longer than brokers allow. They end such a transaction themselves and fence who began it,
    /// so this does not tell whether somebody else holds the id.
    Lapsed,
}

/// The topic of the transactions' coordinators: the one there is for a client that knows no other yet.
const COORDINATORS: &str = "__transaction_state";
/// How long a first answer from them is waited for, step by step: who has to show a token is asked for it in between.
const CONNECTING: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(300), STEP];
/// How long to rest between looks at what is under way, at least and at most. librdkafka's own wait is not used: below a millisecond
/// it spins, and it does not end before its time.
const LOOK_AGAIN: Duration = Duration::from_micros(100);
const LOOK_AGAIN_MAX: Duration = Duration::from_millis(1);
/// What a producer can't tell that was fenced after it was slow.
const LAPSED: &str = "the transaction took longer than brokers allow, who may have ended it";
/// Why a transaction of which nobody knows what has become is not waited for once more.
const UNKNOWN: &str = "what may have gone through can't be taken back";
/// How long dropping a producer may take to abort.
const DROP_MAX: Duration = Duration::from_secs(1);
/// What is left of the time for a call when it is not worth making another.
const LATE: Duration = Duration::from_millis(50);
/// How long one call into librdkafka may wait for the coordinator before tokens and errors are looked after.
const STEP: Duration = Duration::from_secs(1);

// === impl KafkaProducer ===

impl KafkaProducer {
    /// Takes a transactional id over from whoever holds it.
    pub(crate) fn new(
        settings: &Settings,
        transactional_id: &str,
        catalogue: Arc<Catalogue>,
        passes: Arc<Passes>,
        holders: &Holders,
    ) -> Result<Self, BusError> {
        let what = format!("taking over the transactional id {transactional_id}");
        let config = client_config(settings, Role::Producer(transactional_id));
        let allowed = settings.transaction_allowed();
        let client: Result<BaseProducer<Context>, _> = config.create_with_context(Context::new(settings));
        let client = client.map_err(|error| failed(&what, &error))?;
        let (partitions, patience) = (BTreeMap::new(), settings.transaction_timeout);
        // Who asks for a coordinator before any broker is connected waits half a second until the next attempt. What the answer says
        // does not matter, and if there is none the next call says so.
        let is_connected = |step| {
            client.poll(Duration::ZERO);
            client.client().fetch_metadata(Some(COORDINATORS), step).is_ok()
        };
        CONNECTING.into_iter().any(is_connected);
        // An earlier holder's transaction is ended first, which takes its time while a broker starts.
        let deadline = Instant::now() + settings.request_timeout.max(settings.transaction_timeout);
        persist(&client, &what, deadline, |client| Ok(client.init_transactions(STEP)))
            .map_err(|unfinished| client.context().complaint().explain(unfinished.error))?;
        let holder = holders.succeed(transactional_id);
        Ok(Self {
            client: Arc::new(client),
            courier: None,
            catalogue,
            passes,
            holder,
            partitions,
            last: None,
            state: State::Idle,
            begun: up(),
            allowed,
            patience,
        })
    }

    fn begin(&mut self) -> Result<(), BusError> {
        self.holder.check()?;
        match self.state {
            State::Open => return Ok(()),
            State::Fenced | State::Lapsed => return Err(BusError::Fenced),
            State::MustAbort => return Err(BusError::Abort("an earlier part of it failed".into())),
            State::Unknown => return Err(BusError::OutcomeUnknown(UNKNOWN.into())),
            State::Idle => {}
        }
        self.begun = up();
        let begun = self.client.begin_transaction().map_err(|error| self.judged("beginning a transaction", &error));
        self.after(begun)?;
        self.state = State::Open;
        Ok(())
    }

    /// Waits until nothing is under way any more. Both ends of a transaction need that: librdkafka would wait for it itself, but
    /// in steps of 100 ms at a commit, and not at all at an abort.
    fn drain(&self, deadline: Instant) -> Result<(), BusError> {
        let begun = Instant::now();
        loop {
            self.client.poll(Duration::ZERO);
            if self.client.in_flight_count() == 0 {
                return Ok(());
            }
            let now = Instant::now();
            if deadline <= now {
                let what = "the brokers do not take the records of a transaction: see that they run and answer";
                return Err(BusError::Unavailable(what.into()));
            }
            // A small transaction is waited for closely; a large one, which is not over so soon, at little cost.
            std::thread::sleep((now.duration_since(begun) / 16).clamp(LOOK_AGAIN, LOOK_AGAIN_MAX));
        }
    }

    fn check(&mut self, record: &Outgoing) -> Result<(), BusError> {
        let bytes = record.size_bytes();
        if RECORD_LIMIT_BYTES < bytes {
            return Err(BusError::TooLarge { bytes, limit: RECORD_LIMIT_BYTES });
        }
        let count = match &self.last {
            Some((topic, count)) if Arc::ptr_eq(topic, &record.topic) => *count,
            Some(_) | None => self.count(&record.topic)?,
        };
        let name = || TopicPartition::new(record.topic.clone(), record.partition);
        if record.partition < count { Ok(()) } else { Err(unknown(&name())) }
    }

    fn count(&mut self, topic: &Arc<str>) -> Result<u32, BusError> {
        let count = match self.partitions.get(topic) {
            Some(count) => *count,
            None => {
                let count = self.catalogue.partitions(topic)?;
                self.partitions.insert(topic.clone(), count);
                count
            }
        };
        self.last = Some((topic.clone(), count));
        Ok(count)
    }

    fn enqueue(&self, record: &Outgoing) -> Result<(), BusError> {
        let deadline = Instant::now() + self.patience;
        let mut record = outgoing(record);
        loop {
            let (error, rejected) = match self.client.send(record) {
                Ok(()) => return Ok(()),
                Err(rejected) => rejected,
            };
            let is_full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
            if !is_full || deadline <= Instant::now() {
                return Err(self.judged("sending a record", &error));
            }
            record = rejected;
            self.client.poll(Duration::ZERO);
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn consume(&mut self, consumed: Consumed<'_>, deadline: Instant) -> Result<(), BusError> {
        let what = "consuming offsets";
        let proof: Arc<ConsumerGroupMetadata> = self.passes.proof(&consumed.group.token)?;
        let offset = |next: &u64| Offset::Offset(i64::try_from(*next).unwrap_or(i64::MAX));
        let offsets = list(consumed.next.iter().map(|(name, next)| (name, offset(next))))?;
        let client = Arc::clone(&self.client);
        let courier = match &mut self.courier {
            Some(courier) => courier,
            none => none.insert(Courier::of(&client)?),
        };
        persist(&client, what, deadline, |_| {
            // All in one call, since what has timed out here can't be taken up again.
            courier.carry(offsets.clone(), Arc::clone(&proof), deadline.saturating_duration_since(Instant::now()))
        })
        .map_err(|unfinished| self.explained(unfinished.error))
    }

    /// Ends the open transaction by a commit. Offsets travel while the records do.
    fn end(&mut self, consumed: Option<Consumed<'_>>) -> Result<(), BusError> {
        let deadline = Instant::now() + self.patience;
        if let Some(consumed) = consumed.filter(|consumed| !consumed.next.is_empty()) {
            self.consume(consumed, deadline)?;
        }
        self.drain(deadline).map_err(|error| self.explained(error))?;
        if let Some(code) = self.client.context().take_undelivered() {
            // Records that librdkafka itself has let go fell with their transaction, whose end alone says why.
            let is_purged = matches!(code, RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight);
            if is_purged && let Err(error) = self.client.commit_transaction(STEP) {
                return Err(self.judged("a record", &error));
            }
            // What librdkafka says of the transaction then is only that a record failed.
            return Err(undelivered(code, self.client.client().fatal_error()));
        }
        let committed = persist(&self.client, "committing", deadline, |client| Ok(client.commit_transaction(STEP)));
        // A transaction that has to be aborted was not committed; of any other nobody knows who was not answered.
        committed.map_err(|Unfinished { error, must_abort }| {
            self.explained(if must_abort { error } else { commit_failed(error) })
        })
    }

    fn explained(&self, error: BusError) -> BusError {
        listen(&self.client);
        self.client.context().complaint().explain(error)
    }

    fn judged(&self, what: &str, error: &KafkaError) -> BusError {
        sending_failed(what, error, self.client.client().fatal_error())
    }

    /// What has to happen after an error.
    fn after<T>(&mut self, outcome: Result<T, BusError>) -> Result<T, BusError> {
        match &outcome {
            // What the broker counts begins later than this, so whoever was quicker was not fenced for being slow.
            Err(BusError::Fenced) if self.allowed <= up().saturating_sub(self.begun) => self.state = State::Lapsed,
            Err(BusError::Fenced) => self.state = State::Fenced,
            Err(BusError::OutcomeUnknown(_)) => self.state = State::Unknown,
            Err(_) => self.state = State::MustAbort,
            Ok(_) => {}
        }
        outcome
    }
}

impl Producer for KafkaProducer {
    fn send(&mut self, record: Outgoing) -> Result<(), BusError> {
        // What is refused here is not in the transaction, which goes on.
        self.check(&record)?;
        self.begin()?;
        let sent = self.enqueue(&record);
        self.after(sent)
    }

    fn commit(&mut self, consumed: Option<Consumed<'_>>) -> Result<(), BusError> {
        self.holder.check()?;
        if self.state == State::Idle && consumed.is_none() {
            return Ok(());
        }
        self.begin()?;
        let ended = self.end(consumed);
        self.after(ended)?;
        self.state = State::Idle;
        Ok(())
    }

    fn abort(&mut self) -> Result<(), BusError> {
        self.holder.check()?;
        match self.state {
            State::Idle => return Ok(()),
            State::Fenced => return Err(BusError::Fenced),
            State::Lapsed => return Err(BusError::OutcomeUnknown(LAPSED.into())),
            State::Unknown => return Err(BusError::OutcomeUnknown(UNKNOWN.into())),
            State::Open | State::MustAbort => {}
        }
        if self.courier.as_ref().is_some_and(Courier::is_lost) {
            return Err(BusError::Unavailable("an earlier part of the transaction is under way for ever".into()));
        }
        let deadline = Instant::now() + self.patience;
        let aborted = self
            .drain(deadline)
            .and_then(|()| {
                let aborted = persist(&self.client, "aborting", deadline, |client| Ok(client.abort_transaction(STEP)));
                aborted.map_err(|unfinished| unfinished.error)
            })
            .map_err(|error| self.explained(error));
        self.client.context().take_undelivered();
        match self.after(aborted) {
            Ok(()) => self.state = State::Idle,
            Err(_) if self.state == State::Lapsed => return Err(BusError::OutcomeUnknown(LAPSED.into())),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Drop for KafkaProducer {
    fn drop(&mut self) {
        if matches!(self.state, State::Open | State::MustAbort) && self.client.client().fatal_error().is_none() {
            self.patience = DROP_MAX;
            if let Err(error) = self.abort() {
                tracing::debug!(%error, "a dropped producer's transaction stays open until it times out or is taken over");
            }
        }
    }
}

/// What a call about a transaction has failed with.
struct Unfinished {
    error: BusError,
    /// Nothing can come of the transaction any more.
    must_abort: bool,
}

impl From<BusError> for Unfinished {
    fn from(error: BusError) -> Self {
        Self { error, must_abort: false }
    }
}

/// Calls until it succeeds, fails for good or is too late.
fn persist(
    client: &BaseProducer<Context>,
    what: &str,
    deadline: Instant,
    mut call: impl FnMut(&BaseProducer<Context>) -> Result<KafkaResult<()>, BusError>,
) -> Result<(), Unfinished> {
    loop {
        listen(client);
        let error = match call(client)? {
            Ok(()) => {
                client.context().answered();
                return Ok(());
            }
            Err(KafkaError::Transaction(error)) => error,
            Err(error) => return Err(failed(what, &error).into()),
        };
        let is_worth_it = error.is_retriable() && !error.is_fatal() && !error.txn_requires_abort();
        if !is_worth_it || deadline <= Instant::now() + LATE {
            listen(client);
            let must_abort = error.txn_requires_abort();
            return Err(Unfinished {
                error: transaction_failed(what, &error, client.client().fatal_error()),
                must_abort,
            });
        }
    }
}

/// Hears all a client has to tell; it tells one thing at a time.
fn listen(client: &BaseProducer<Context>) {
    loop {
        let told = client.context().told();
        client.poll(Duration::ZERO);
        if client.context().told() == told {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
