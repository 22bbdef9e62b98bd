//! Consumers: members of groups, and what they own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fleet::bus::{
    Allowance, BusError, Consumer, Delivered, GroupMetadata, Limit, Membership, TopicPartition, Wake, Waker,
};

use crate::cursor::Cursor;
use crate::engine::Engine;
use crate::groups::{News, Seat, Subscription};
use fleet::sync::Signal;

/// A member of a group. Dropping it is falling silent: the group waits for the end of the session, or for a new holder of
/// the instance, as it would after a crash. `leave` goes at once.
pub(crate) struct LocalConsumer {
    engine: Arc<Engine>,
    membership: Membership,
    seat: Seat,
    is_seated: bool,
    generation: u64,
    signal: Arc<Signal>,
    /// When the group last heard of us.
    seen: Duration,
    owned: BTreeMap<Arc<str>, Owned>,
}

/// What a consumer owns of one topic.
#[derive(Default)]
struct Owned {
    cursors: Vec<Cursor>,
    /// Whose turn it is to be taken from first. Each topic has its own, or the number of topics would decide who is ever first.
    turn: usize,
}

// === impl LocalConsumer ===

impl LocalConsumer {
    /// Joins a group.
    pub(crate) fn join(engine: Arc<Engine>, membership: Membership) -> Result<Self, BusError> {
        let subscriptions = subscriptions(&engine, &membership)?;
        let signal: Arc<Signal> = Arc::default();
        engine.coordinator.watch(&signal);
        let seen = engine.coordinator.now();
        let seat = engine.coordinator.join(&membership, subscriptions);
        let owned = BTreeMap::new();
        Ok(Self { engine, membership, seat, is_seated: true, generation: 0, signal, seen, owned })
    }

    /// What the group has to tell.
    fn news(&mut self) -> Result<Option<Wake>, BusError> {
        if !self.is_seated {
            let subscriptions = subscriptions(&self.engine, &self.membership)?;
            self.seat = self.engine.coordinator.join(&self.membership, subscriptions);
            self.is_seated = true;
        }
        self.hear();
        match self.engine.coordinator.ask(&self.seat) {
            News::None => Ok(None),
            News::Assigned { generation, partitions } => {
                self.generation = generation;
                self.own(&partitions)?;
                Ok(Some(Wake::Assigned(partitions)))
            }
            News::Revoked(partitions) => Ok(Some(Wake::Revoked { partitions, lost: false })),
            News::Expired => {
                self.is_seated = false;
                Ok(self.lose())
            }
            News::Fenced => self.lose().map_or(Err(BusError::Fenced), |wake| Ok(Some(wake))),
        }
    }

    /// Shows the group that we live, and notes when it heard so.
    fn hear(&mut self) {
        let now = self.engine.coordinator.now();
        if self.engine.coordinator.touch(&self.seat) {
            self.seen = now;
        }
    }

    fn lose(&mut self) -> Option<Wake> {
        let partitions = self.disown();
        (!partitions.is_empty()).then_some(Wake::Revoked { partitions, lost: true })
    }

    fn own(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.disown();
        let starts = self.engine.starts(&self.membership.group, partitions)?;
        for (name, start) in partitions.iter().zip(starts) {
            let partition = self.engine.topics.partition(name)?;
            partition.watch(&self.signal);
            self.owned.entry(name.topic.clone()).or_default().cursors.push(Cursor::new(partition, start));
        }
        Ok(())
    }

    fn disown(&mut self) -> Vec<TopicPartition> {
        let disowned = self.assignment();
        for cursor in std::mem::take(&mut self.owned).values().flat_map(|owned| &owned.cursors) {
            cursor.partition().unwatch(&self.signal);
        }
        disowned
    }

    fn cursors(&self) -> impl Iterator<Item = &Cursor> {
        self.owned.values().flat_map(|owned| &owned.cursors)
    }

    fn is_ready(&self) -> bool {
        self.cursors().any(Cursor::is_ready)
    }

    /// Sleeps until there may be news, at most this long. The deadlines of the others' sessions count too: there may be
    /// nobody else awake to see them pass.
    fn sleep(&self, timeout: Duration) {
        let expiry = self.engine.coordinator.sleep(&self.seat);
        // The session ends after its deadline, not at it.
        let expiry = expiry.map(|expiry| expiry + Duration::from_millis(1));
        self.signal.sleep(expiry.map_or(timeout, |expiry| expiry.min(timeout)));
    }

    fn cursor(&self, partition: &TopicPartition) -> Result<&Cursor, BusError> {
        let mut cursors = self.owned.get(&partition.topic).into_iter().flat_map(|owned| &owned.cursors);
        cursors.find(|cursor| cursor.partition().is(partition)).ok_or_else(|| not_owned(partition))
    }

    fn cursor_mut(&mut self, partition: &TopicPartition) -> Result<&mut Cursor, BusError> {
        let mut cursors = self.owned.get_mut(&partition.topic).into_iter().flat_map(|owned| &mut owned.cursors);
        cursors.find(|cursor| cursor.partition().is(partition)).ok_or_else(|| not_owned(partition))
    }

    fn set_paused(&mut self, partitions: &[TopicPartition], is_paused: bool) -> Result<(), BusError> {
        for partition in partitions {
            self.cursor_mut(partition)?.is_paused = is_paused;
        }
        Ok(())
    }
}

impl Consumer for LocalConsumer {
    fn wait(&mut self, timeout: Duration) -> Result<Wake, BusError> {
        let begun = Instant::now();
        loop {
            if let Some(wake) = self.news()? {
                return Ok(wake);
            }
            if self.signal.take_woken() {
                return Ok(Wake::Woken);
            }
            if self.is_ready() {
                return Ok(Wake::Ready);
            }
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(Wake::TimedOut);
            }
            self.sleep(left);
        }
    }

    fn take(&mut self, topic: &str, limit: Limit, out: &mut Vec<Delivered>) -> Result<(), BusError> {
        self.hear();
        let Some(Owned { cursors, turn }) = self.owned.get_mut(topic) else { return Ok(()) };
        let mut allowance = Allowance::new(limit);
        let count = cursors.len();
        let first = *turn;
        *turn = turn.wrapping_add(1);
        for nth in 0..count {
            let cursor = &mut cursors[first.wrapping_add(nth) % count];
            if cursor.is_ready() {
                cursor.take(&self.engine, &mut allowance, out)?;
            }
        }
        Ok(())
    }

    fn release(&mut self) -> Result<(), BusError> {
        self.disown();
        self.engine.coordinator.release(&self.seat);
        Ok(())
    }

    fn assignment(&self) -> Vec<TopicPartition> {
        self.cursors().map(|cursor| cursor.partition().name()).collect()
    }

    fn position(&self, partition: &TopicPartition) -> Result<u64, BusError> {
        self.cursor(partition).map(Cursor::position)
    }

    fn seek(&mut self, partition: &TopicPartition, offset: u64) -> Result<(), BusError> {
        self.cursor_mut(partition)?.seek(offset);
        Ok(())
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.set_paused(partitions, true)
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.set_paused(partitions, false)
    }

    fn group(&self) -> GroupMetadata {
        let (group, member) = (self.seat.group.clone(), self.seat.member.clone());
        GroupMetadata { group, generation: self.generation, member, token: Bytes::new() }
    }

    fn heartbeat_age(&self) -> Duration {
        self.engine.coordinator.now().saturating_sub(self.seen)
    }

    fn waker(&self) -> Waker {
        let signal = self.signal.clone();
        Arc::new(move || signal.wake())
    }

    fn leave(self: Box<Self>) -> Result<(), BusError> {
        self.engine.coordinator.leave(&self.seat);
        Ok(())
    }
}

impl Drop for LocalConsumer {
    fn drop(&mut self) {
        self.disown();
        self.engine.coordinator.unwatch(&self.signal);
    }
}

fn subscriptions(engine: &Engine, membership: &Membership) -> Result<Vec<Subscription>, BusError> {
    let subscription = |name: &Arc<str>| {
        let topic = engine.topics.get(name)?;
        Ok(Subscription { topic: topic.spec.name.clone(), partitions: topic.spec.partitions })
    };
    membership.topics.iter().map(subscription).collect()
}

fn not_owned(partition: &TopicPartition) -> BusError {
    BusError::Refused(format!("{partition} is not assigned to this consumer"))
}
