//! Members of groups, as their client has them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fleet::bus::{
    Allowance, BusError, Consumer, Delivered, GroupMetadata, Isolation, Limit, Membership, TopicPartition, Wake, Waker,
};

use super::Client;
use super::groups::{News, Seat};
use super::state::{State, unknown};

/// A member of a group. Dropping it is falling silent.
pub(super) struct ModelConsumer {
    client: Client,
    membership: Membership,
    seat: Seat,
    /// It was put out, and joins again when it next asks.
    is_out: bool,
    generation: u64,
    /// By its own clock, while the group knows it no more.
    last_heard: Duration,
    owned: BTreeMap<TopicPartition, Cursor>,
    /// For each topic whose turn it is to be taken from first.
    turns: BTreeMap<Arc<str>, usize>,
    woken: Arc<AtomicBool>,
}

#[derive(Clone, Copy)]
struct Cursor {
    position: u64,
    is_paused: bool,
}

const COMMITTED: Isolation = Isolation::ReadCommitted;

// === impl ModelConsumer ===

impl ModelConsumer {
    pub(super) fn join(client: Client, membership: Membership) -> Result<Self, BusError> {
        let heard = client.clock.since_boot();
        let mut state = client.state();
        let seat = seat(&client, &membership, heard, &mut state)?;
        drop(state);
        client.shared.stir();
        Ok(Self {
            client,
            membership,
            seat,
            is_out: false,
            generation: 0,
            last_heard: heard,
            owned: BTreeMap::new(),
            turns: BTreeMap::new(),
            woken: Arc::default(),
        })
    }

    /// What the group has to tell. What it knows itself counts too: a client that was silent for longer than its session is sure
    /// that it is out.
    fn news(&mut self, state: &mut State) -> Result<Option<Wake>, BusError> {
        // Who can't reach the brokers hears nothing from them.
        if state.reachable().is_err() {
            return Ok(None);
        }
        let heard = self.client.clock.since_boot();
        if self.is_out {
            self.seat = seat(&self.client, &self.membership, heard, state)?;
            self.is_out = false;
            self.client.shared.stir();
        }
        if state.groups.heard(&self.seat).is_some() {
            let now = state.now;
            state.groups.touch(&self.seat, heard, now);
            self.last_heard = heard;
        }
        let (groups, holders) = (&mut state.groups, &state.holders);
        let group = &self.membership.group;
        let is_still = |at: &TopicPartition| !holders.values().any(|holder| holder.may_move(group, at));
        match groups.ask(&self.seat, |partitions| partitions.iter().all(is_still)) {
            News::None => Ok(None),
            News::Assigned(generation, partitions) => {
                self.generation = generation;
                self.owned.clear();
                for at in &partitions {
                    let position = state.start(group, at)?;
                    self.owned.insert(at.clone(), Cursor { position, is_paused: false });
                }
                Ok(Some(Wake::Assigned(partitions)))
            }
            News::Revoked(partitions) => Ok(Some(Wake::Revoked { partitions, lost: false })),
            News::Expired => {
                self.is_out = true;
                Ok(self.lose())
            }
            News::Fenced => self.lose().map_or(Err(BusError::Fenced), |wake| Ok(Some(wake))),
        }
    }

    fn lose(&mut self) -> Option<Wake> {
        let partitions: Vec<TopicPartition> = std::mem::take(&mut self.owned).into_keys().collect();
        (!partitions.is_empty()).then_some(Wake::Revoked { partitions, lost: true })
    }

    fn is_ready(&self, state: &State) -> bool {
        let mut flowing = self.owned.iter().filter(|(_, cursor)| !cursor.is_paused);
        flowing.any(|(at, cursor)| state.log(at).is_ok_and(|log| cursor.position < log.end_for(COMMITTED)))
    }

    fn set_paused(&mut self, partitions: &[TopicPartition], is_paused: bool) -> Result<(), BusError> {
        for at in partitions {
            self.owned.get_mut(at).ok_or_else(|| not_owned(at))?.is_paused = is_paused;
        }
        Ok(())
    }
}

impl Consumer for ModelConsumer {
    fn wait(&mut self, timeout: Duration) -> Result<Wake, BusError> {
        let shared = Arc::clone(&self.client.shared);
        self.client.is_asleep.store(false, Ordering::Relaxed);
        let found = shared.wait(timeout, |state| {
            if let Some(wake) = self.news(state)? {
                return Ok(Some(wake));
            }
            if self.woken.swap(false, Ordering::AcqRel) {
                return Ok(Some(Wake::Woken));
            }
            Ok(self.is_ready(state).then_some(Wake::Ready))
        })?;
        self.client.is_asleep.store(found.is_none(), Ordering::Relaxed);
        Ok(found.unwrap_or(Wake::TimedOut))
    }

    fn take(&mut self, topic: &str, limit: Limit, out: &mut Vec<Delivered>) -> Result<(), BusError> {
        let state = self.client.state();
        state.reachable()?;
        let mut cursors: Vec<_> = self.owned.iter_mut().filter(|(at, _)| &*at.topic == topic).collect();
        let Some(name) = cursors.first().map(|(at, _)| Arc::clone(&at.topic)) else { return Ok(()) };
        let turn = self.turns.entry(name).or_default();
        let (first, count) = (*turn, cursors.len());
        *turn = turn.wrapping_add(1);
        let mut allowance = Allowance::new(limit);
        for nth in 0..count {
            let (at, cursor) = &mut cursors[first.wrapping_add(nth) % count];
            if !cursor.is_paused {
                cursor.position = state.log(at)?.read(cursor.position, COMMITTED, &mut allowance, out);
            }
        }
        Ok(())
    }

    fn release(&mut self) -> Result<(), BusError> {
        self.owned.clear();
        self.client.state().groups.release(&self.seat);
        self.client.shared.stir();
        Ok(())
    }

    fn assignment(&self) -> Vec<TopicPartition> {
        self.owned.keys().cloned().collect()
    }

    fn position(&self, partition: &TopicPartition) -> Result<u64, BusError> {
        self.owned.get(partition).map(|cursor| cursor.position).ok_or_else(|| not_owned(partition))
    }

    fn seek(&mut self, partition: &TopicPartition, offset: u64) -> Result<(), BusError> {
        self.owned.get_mut(partition).ok_or_else(|| not_owned(partition))?.position = offset;
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
        let heard = self.client.state().groups.heard(&self.seat).unwrap_or(self.last_heard);
        self.client.clock.since_boot().saturating_sub(heard)
    }

    fn waker(&self) -> Waker {
        let (woken, shared) = (Arc::clone(&self.woken), Arc::clone(&self.client.shared));
        Arc::new(move || {
            woken.store(true, Ordering::Release);
            shared.stir();
        })
    }

    fn leave(self: Box<Self>) -> Result<(), BusError> {
        self.client.state().groups.leave(&self.seat);
        self.client.shared.stir();
        Ok(())
    }
}

/// Joins the group.
fn seat(client: &Client, membership: &Membership, heard: Duration, state: &mut State) -> Result<Seat, BusError> {
    state.reachable()?;
    let wanted = |name: &Arc<str>| {
        let topic = state.topics.get(name).ok_or_else(|| unknown(&TopicPartition::new(Arc::clone(name), 0)))?;
        Ok((Arc::clone(name), topic.spec.partitions))
    };
    let wanted = membership.topics.iter().map(wanted).collect::<Result<_, BusError>>()?;
    let now = state.now;
    Ok(state.groups.join(membership, &client.name, wanted, (now, heard)))
}

fn not_owned(partition: &TopicPartition) -> BusError {
    BusError::Refused(format!("{partition} is not assigned to this consumer"))
}
