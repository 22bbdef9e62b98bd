//! Members of groups, and what they own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::bus::{BusError, Consumer, Delivered, GroupMetadata, Limit, Membership, TopicPartition, Wake, Waker};
use fleet::sync::Signal;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;

use crate::client_config::{Role, client_config};
use crate::context::{Context, Rebalance};
use crate::ending::End;
use crate::errors::{failed, failed_by};
use crate::flag::Flag;
use crate::observers::{Observers, patiently_hearing};
use crate::passes::Passes;
use crate::settings::Settings;
use crate::standing::{Standing, Starting, list};
use crate::tap::Taps;

/// A member of a group. Dropping it is falling silent: the group waits for the end of the session, or for a new holder of the
/// instance, as it would after a crash. `leave` goes at once.
pub(crate) struct KafkaConsumer {
    client: Arc<BaseConsumer<Context>>,
    taps: Taps,
    standing: Standing,
    group: GroupMetadata,
    passes: Arc<Passes>,
    signal: Arc<Signal>,
    /// Whether the client may have something to tell beside records.
    news: Flag,
    session_timeout: Duration,
    observers: Arc<Observers>,
    /// How long a transaction may move a group's offsets until it is taken for one that never ends.
    settling_max: Duration,
    /// Where partitions start was not said for good.
    is_unsettled: bool,
    /// Stands last: what is above has let the client go when it ends.
    _end: End<BaseConsumer<Context>>,
}

/// How brokers say that a member may not be one.
const DENIALS: [RDKafkaErrorCode; 2] =
    [RDKafkaErrorCode::TopicAuthorizationFailed, RDKafkaErrorCode::GroupAuthorizationFailed];
/// How long a consumer sleeps at most, so that the client is polled and does not take its owner for dead.
const NAP_MAX: Duration = Duration::from_secs(1);
/// The same while partitions wait for their offsets.
const NAP_STARTING: Duration = Duration::from_millis(5);
/// How long after a transaction should have ended at the latest its coordinator may take to end it: it looks every ten seconds unless
/// told otherwise.
const SETTLING: Duration = Duration::from_secs(15);
/// How long `leave` waits for the coordinator's word.
const LEAVE_MAX: Duration = Duration::from_secs(3);

// === impl KafkaConsumer ===

impl KafkaConsumer {
    /// Joins a group.
    pub(crate) fn join(
        settings: &Settings,
        membership: &Membership,
        (passes, observers): (Arc<Passes>, Arc<Observers>),
    ) -> Result<Self, BusError> {
        let what = || format!("joining group {}", membership.group);
        let config = client_config(settings, Role::Member(membership));
        let mut client: BaseConsumer<Context> =
            config.create_with_context(Context::new(settings)).map_err(|error| failed(&what(), &error))?;
        let signal: Arc<Signal> = Arc::default();
        let (news, raise) = Flag::raised(&signal);
        client.set_nonempty_callback(raise);
        // Who asks for a coordinator before any broker is connected waits half a second until the next attempt.
        let topic = membership.topics.first().map(|topic| &**topic);
        meet(&client, membership, settings.request_timeout, |step| client.fetch_metadata(topic, step))?;
        let topics: Vec<&str> = membership.topics.iter().map(|topic| &**topic).collect();
        client.subscribe(&topics).map_err(|error| failed(&what(), &error))?;
        let client = Arc::new(client);
        let end = End::of(&client);
        let (group, member) = (membership.group.clone(), membership.instance.clone());
        let group = GroupMetadata { group, generation: 0, member, token: bytes::Bytes::new() };
        let taps = Taps::new(client.clone(), signal.clone(), settings.header_names);
        let (standing, session_timeout) = (Standing::Waiting, membership.session_timeout);
        // Whoever had a partition before may have been set up otherwise.
        let lasting_max = settings.transaction_allowed().max(Settings::TRANSACTION_TIMEOUT);
        let (settling_max, is_unsettled) = (lasting_max + SETTLING, false);
        Ok(Self {
            client,
            taps,
            standing,
            group,
            passes,
            signal,
            news,
            session_timeout,
            observers,
            settling_max,
            is_unsettled,
            _end: end,
        })
    }

    /// What the group has to tell.
    fn news(&mut self) -> Result<Option<Wake>, BusError> {
        self.listen()?;
        match self.client.context().take_rebalance() {
            Some(Rebalance::Assign(partitions)) => self.standing = Standing::Starting(Starting::new(partitions)),
            Some(Rebalance::Revoke { lost }) => {
                if let Some(wake) = self.revoked(lost)? {
                    return Ok(Some(wake));
                }
            }
            None => {}
        }
        let Standing::Starting(starting) = &mut self.standing else { return Ok(None) };
        if let Some(starts) = starting.ask(&self.client)? {
            self.is_unsettled = false;
            return self.own(&starts).map(Some);
        }
        match starting.overdue(self.settling_max) {
            Some(partitions) => self.own_unsettled(&partitions),
            None => Ok(None),
        }
    }

    /// A transaction on the group's offsets has not ended long after its coordinator must have ended it. If the group answers who
    /// does not wait for that, the mark of the end was lost, and waiting helps nobody: partitions start where the group stood before.
    fn own_unsettled(&mut self, partitions: &[TopicPartition]) -> Result<Option<Wake>, BusError> {
        let Ok(before) = self.observers.offsets_before(&self.group.group, partitions) else { return Ok(None) };
        let group = &self.group.group;
        tracing::warn!(%group, "a transaction on the group's offsets never ends; they are taken as they were before it");
        let mut starts = Vec::with_capacity(partitions.len());
        for (name, before) in partitions.iter().zip(before) {
            let start = match before {
                Some(before) => before,
                None => self.observers.watermarks(name)?.low,
            };
            starts.push((name.clone(), start));
        }
        self.is_unsettled = true;
        self.own(&starts).map(Some)
    }

    /// Hears what the client has to tell beside records.
    fn listen(&mut self) -> Result<(), BusError> {
        if matches!(self.standing, Standing::Replaced) {
            return Err(BusError::Fenced);
        }
        self.news.lower();
        let client = self.client.clone();
        loop {
            let told = client.context().told();
            match client.poll(Duration::ZERO) {
                Some(Ok(message)) => {
                    // Each partition has a queue of its own, so there is no way here for a record.
                    self.news.raise();
                    let at = TopicPartition::new(rdkafka::Message::topic(&message), 0);
                    return Err(BusError::Fatal(format!("a record of topic {} came out of turn", at.topic)));
                }
                Some(Err(error)) => self.judge(&error).inspect_err(|_| self.news.raise())?,
                None if client.context().told() == told => break,
                None => {}
            }
        }
        client.context().pulse().seen_all();
        self.check_refusal()
    }

    /// Brokers that refuse a member once may take it the next time, as after a password was changed. Whoever was refused until the
    /// session ended is no member any more, and nobody else would tell.
    fn check_refusal(&self) -> Result<(), BusError> {
        let age = self.heartbeat_age();
        if age <= self.session_timeout {
            return Ok(());
        }
        self.client.context().complaint().refused_within(age).map_or(Ok(()), Err)
    }

    /// Most errors a member hears of mend themselves: brokers come and go.
    fn judge(&mut self, error: &KafkaError) -> Result<(), BusError> {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        if code == RDKafkaErrorCode::FencedInstanceId {
            self.taps.close();
            self.standing = Standing::Replaced;
            return Err(BusError::Fenced);
        }
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            return Err(BusError::Fatal(format!("membership of group {}: {code}", self.group.group)));
        }
        denied(&self.group.group, error)
    }

    /// Who owns nothing has nothing to finish, and who has lost everything can't.
    fn revoked(&mut self, lost: bool) -> Result<Option<Wake>, BusError> {
        let partitions = self.taps.names();
        self.standing = Standing::Revoking;
        if lost || partitions.is_empty() {
            self.give_up()?;
        }
        Ok((!partitions.is_empty()).then_some(Wake::Revoked { partitions, lost }))
    }

    fn give_up(&mut self) -> Result<(), BusError> {
        self.taps.close();
        self.standing = Standing::Waiting;
        self.client.unassign().map_err(|error| failed("giving up partitions", &error))
    }

    fn own(&mut self, starts: &[(TopicPartition, u64)]) -> Result<Wake, BusError> {
        let what = "taking up partitions";
        let offset = |start: &u64| Offset::Offset(i64::try_from(*start).unwrap_or(i64::MAX));
        let assigned = list(starts.iter().map(|(name, start)| (name, offset(start))))?;
        self.taps.open(starts)?;
        self.client.assign(&assigned).map_err(|error| failed(what, &error))?;
        let proof = self.client.group_metadata();
        let proof = proof.ok_or_else(|| BusError::Unavailable(format!("{what}: the group has moved on")))?;
        self.group.generation += 1;
        self.group.token = self.passes.issue(proof);
        self.standing = Standing::Owning;
        Ok(Wake::Assigned(starts.iter().map(|(name, _)| name.clone()).collect()))
    }

    fn set_paused(&mut self, partitions: &[TopicPartition], is_paused: bool) -> Result<(), BusError> {
        match partitions.iter().find(|partition| !self.taps.set_paused(partition, is_paused)) {
            Some(partition) => Err(not_owned(partition)),
            None => Ok(()),
        }
    }

    /// From now on the client gives up whatever the group asks for. What it has asked for already is answered here, and nothing
    /// else: an answer nobody waits for may come when nobody is left to take it, and then waits for ever.
    fn close(&mut self) {
        self.taps.close();
        self.client.context().close();
        let has_asked = self.client.context().take_rebalance().is_some();
        if (has_asked || matches!(self.standing, Standing::Starting(_) | Standing::Revoking))
            && let Err(error) = self.client.unassign()
        {
            tracing::debug!(%error, "giving up partitions at the end failed");
        }
        self.standing = Standing::Waiting;
    }
}

impl Consumer for KafkaConsumer {
    fn wait(&mut self, timeout: Duration) -> Result<Wake, BusError> {
        let begun = Instant::now();
        if matches!(self.standing, Standing::Replaced) {
            self.signal.sleep(timeout.min(NAP_MAX));
        }
        loop {
            if let Some(wake) = self.news()? {
                return Ok(wake);
            }
            if self.signal.take_woken() {
                return Ok(Wake::Woken);
            }
            if self.taps.is_ready()? {
                return Ok(Wake::Ready);
            }
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(Wake::TimedOut);
            }
            let nap = if matches!(self.standing, Standing::Starting(_)) { NAP_STARTING } else { NAP_MAX };
            self.signal.sleep(left.min(nap));
        }
    }

    fn take(&mut self, topic: &str, limit: Limit, out: &mut Vec<Delivered>) -> Result<(), BusError> {
        self.taps.take(Some(topic), limit, out)
    }

    fn release(&mut self) -> Result<(), BusError> {
        if matches!(self.standing, Standing::Revoking) { self.give_up() } else { Ok(()) }
    }

    fn assignment(&self) -> Vec<TopicPartition> {
        self.taps.names()
    }

    fn is_unsettled(&self, _: &TopicPartition) -> bool {
        self.is_unsettled
    }

    fn position(&self, partition: &TopicPartition) -> Result<u64, BusError> {
        self.taps.position(partition).unwrap_or_else(|| Err(not_owned(partition)))
    }

    fn seek(&mut self, partition: &TopicPartition, offset: u64) -> Result<(), BusError> {
        if self.taps.seek(partition, offset)? { Ok(()) } else { Err(not_owned(partition)) }
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.set_paused(partitions, true)
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.set_paused(partitions, false)
    }

    /// The generation counts the assignments told to this member; Kafka's own is in what the token stands for.
    fn group(&self) -> GroupMetadata {
        self.group.clone()
    }

    fn heartbeat_age(&self) -> Duration {
        self.client.context().pulse().age()
    }

    fn waker(&self) -> Waker {
        let signal = self.signal.clone();
        Arc::new(move || signal.wake())
    }

    /// A static member that closes stays in its group, so it has to unsubscribe first and wait until the coordinator has answered:
    /// closing earlier would keep the request from being sent. Who has not joined yet can't leave: if its request to join is under
    /// way, the group waits for the end of its session.
    fn leave(mut self: Box<Self>) -> Result<(), BusError> {
        let is_member = !matches!(self.standing, Standing::Waiting | Standing::Replaced);
        self.close();
        self.client.unsubscribe();
        let begun = Instant::now();
        while is_member && !self.client.context().pulse().has_left() && begun.elapsed() < LEAVE_MAX {
            if self.listen().is_err() {
                break;
            }
            self.signal.sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        self.close();
        self.client.context().end();
    }
}

/// Waits until brokers answer. The group's coordinator is asked for meanwhile, and whether it wants us is told once only.
fn meet<T>(
    client: &BaseConsumer<Context>,
    membership: &Membership,
    patience: Duration,
    ask: impl Fn(Duration) -> KafkaResult<T>,
) -> Result<T, BusError> {
    let what = format!("joining group {}", membership.group);
    patiently_hearing(client, (&what, patience), ask, |error| denied(&membership.group, error))
}

/// That brokers say we may not be a member.
fn denied(group: &str, error: &KafkaError) -> Result<(), BusError> {
    match error.rdkafka_error_code().filter(|code| DENIALS.contains(code)) {
        Some(code) => Err(failed_by(&format!("membership of group {group}"), code)),
        None => Ok(()),
    }
}

fn not_owned(partition: &TopicPartition) -> BusError {
    BusError::Refused(format!("{partition} is not assigned to this consumer"))
}

#[cfg(test)]
mod tests;
