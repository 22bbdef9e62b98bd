//! Transactional producers, and the coordinator of their transactions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fleet::bus::{BusError, Cleanup, Consumed, Outgoing, Producer, RECORD_LIMIT_BYTES, TopicPartition};

use super::log::Serial;
use super::state::{State, unknown};
use super::{Client, Commit, Step};

/// Who holds a transactional id, as the coordinator knows it.
#[derive(Default)]
pub(super) struct Holder {
    epoch: u64,
    open: Option<Transaction>,
}

/// A transaction that is not ended everywhere.
struct Transaction {
    serial: Serial,
    began: Duration,
    partitions: BTreeSet<TopicPartition>,
    /// Offsets that wait for its end, with their group.
    offsets: BTreeMap<TopicPartition, (String, u64)>,
    /// It has committed, and its markers come by then.
    committed_by: Option<Duration>,
}

/// A producer of one process.
pub(super) struct ModelProducer {
    client: Client,
    id: Arc<str>,
    epoch: u64,
    /// Whether this process has a transaction open.
    is_open: bool,
    sent: usize,
    must_abort: bool,
}

/// How long a transaction may stay open before the coordinator ends it and fences its producer.
const TIMEOUT: Duration = Duration::from_secs(10);

// === impl Holder ===

impl Holder {
    /// Whether an offset of this group waits for the end of a transaction.
    pub(super) fn may_move(&self, group: &str, at: &TopicPartition) -> bool {
        let waits = |open: &Transaction| open.offsets.get(at).is_some_and(|(of, _)| of == group);
        self.open.as_ref().is_some_and(waits)
    }
}

// === impl State ===

impl State {
    /// Ends what was left open for too long, and writes markers that are due; whether there was any of it.
    pub(super) fn end_overdue(&mut self) -> bool {
        let now = self.now;
        let mut ended = Vec::new();
        for (id, holder) in &mut self.holders {
            let Some(open) = &holder.open else { continue };
            match open.committed_by {
                Some(by) if by <= now => ended.push((Arc::clone(id), true)),
                None if open.began + TIMEOUT < now => {
                    holder.epoch += 1;
                    ended.push((Arc::clone(id), false));
                }
                Some(_) | None => {}
            }
        }
        let have_ended = !ended.is_empty();
        ended.into_iter().for_each(|(id, is_committed)| self.end(&id, is_committed));
        have_ended
    }

    /// Writes the markers of a transaction, and the offsets it moves.
    fn end(&mut self, id: &Arc<str>, is_committed: bool) {
        let Some(open) = self.holders.get_mut(id).and_then(|holder| holder.open.take()) else { return };
        self.ended += 1;
        for at in &open.partitions {
            if let Ok(log) = self.log_mut(at) {
                log.end(open.serial, is_committed);
            }
        }
        if is_committed {
            open.offsets.into_iter().for_each(|(at, (group, next))| self.set_committed(&group, at, next));
        }
    }

    /// A new holder: what its predecessor left open is aborted, what it had committed gets its markers.
    fn hold(&mut self, id: &Arc<str>) -> u64 {
        let is_committed = self.holders.get(id).and_then(|holder| holder.open.as_ref()?.committed_by).is_some();
        self.end(id, is_committed);
        let holder = self.holders.entry(Arc::clone(id)).or_default();
        holder.epoch += 1;
        holder.epoch
    }

    /// The open transaction of the holder of this epoch, which begins here if there is none.
    fn transaction(&mut self, id: &Arc<str>, epoch: u64) -> Result<&mut Transaction, BusError> {
        self.check(id, epoch)?;
        // The coordinator lets nobody begin anew before the markers of the last one are written.
        if self.holders[id].open.as_ref().is_some_and(|open| open.committed_by.is_some()) {
            self.end(id, true);
        }
        let (now, serial) = (self.now, self.serials + 1);
        let holder = self.holders.get_mut(id).ok_or(BusError::Fenced)?;
        if holder.open.is_none() {
            self.serials = serial;
        }
        Ok(holder.open.get_or_insert_with(|| Transaction {
            serial,
            began: now,
            partitions: BTreeSet::new(),
            offsets: BTreeMap::new(),
            committed_by: None,
        }))
    }

    fn check(&self, id: &Arc<str>, epoch: u64) -> Result<(), BusError> {
        if self.holders.get(id).is_some_and(|holder| holder.epoch == epoch) { Ok(()) } else { Err(BusError::Fenced) }
    }

    fn put(&mut self, id: &Arc<str>, epoch: u64, record: Outgoing) -> Result<(), BusError> {
        let at = TopicPartition::new(Arc::clone(&record.topic), record.partition);
        let Some(topic) = self.topics.get(&at.topic) else { return Err(unknown(&at)) };
        if topic.spec.partitions <= at.partition {
            return Err(unknown(&at));
        }
        let is_compacted = matches!(topic.spec.cleanup, Cleanup::Compact | Cleanup::CompactDelete { .. });
        if is_compacted && record.key.is_none() {
            return Err(BusError::Refused(format!("topic {} is compacted, its records need keys", at.topic)));
        }
        let name = Arc::clone(&topic.spec.name);
        self.check(id, epoch)?;
        self.writable()?;
        let open = self.transaction(id, epoch)?;
        let serial = open.serial;
        open.partitions.insert(at.clone());
        self.log_mut(&at)?.append(&name, record, serial);
        Ok(())
    }

    /// The offsets of a transaction pass the group's coordinator.
    fn consume(&mut self, id: &Arc<str>, epoch: u64, consumed: Consumed<'_>) -> Result<(), BusError> {
        self.check(id, epoch)?;
        self.writable()?;
        for (at, _) in consumed.next {
            self.log(at)?;
        }
        if !consumed.next.is_empty() && !self.groups.is_current(consumed.group) {
            return Err(BusError::StaleGeneration);
        }
        let open = self.transaction(id, epoch)?;
        for (at, next) in consumed.next {
            open.offsets.insert(at.clone(), (consumed.group.group.clone(), *next));
        }
        Ok(())
    }

    fn commit(&mut self, id: &Arc<str>, epoch: u64) -> Result<(), BusError> {
        self.check(id, epoch)?;
        self.writable()?;
        let late = self.markers_late.map(|(_, by)| self.now + by);
        let open = self.transaction(id, epoch)?;
        open.committed_by = Some(late.unwrap_or(Duration::ZERO));
        // Each partition gets its marker by itself: the group's may be there long before those of records.
        let are_offsets_early = late.is_some() && open.serial.is_multiple_of(2);
        let early = if are_offsets_early { std::mem::take(&mut open.offsets) } else { BTreeMap::new() };
        early.into_iter().for_each(|(at, (group, next))| self.set_committed(&group, at, next));
        if late.is_none() {
            self.end(id, true);
        }
        Ok(())
    }
}

// === impl ModelProducer ===

impl ModelProducer {
    pub(super) fn new(client: Client, transactional_id: &str) -> Result<Self, BusError> {
        let id: Arc<str> = transactional_id.into();
        let epoch = {
            let mut state = client.state();
            state.reachable()?;
            state.hold(&id)
        };
        client.shared.stir();
        Ok(Self { client, id, epoch, is_open: false, sent: 0, must_abort: false })
    }

    fn check(&self) -> Result<(), BusError> {
        self.client.state().check(&self.id, self.epoch)?;
        if self.must_abort { Err(BusError::Abort("an earlier failure of it".into())) } else { Ok(()) }
    }

    fn try_commit(&mut self, consumed: Option<Consumed<'_>>) -> Result<(), BusError> {
        if let Some(consumed) = consumed {
            self.is_open = true;
            self.client.state().consume(&self.id, self.epoch, consumed)?;
        }
        self.client.hook.reached(Step::Committing);
        let lost = || Err(BusError::OutcomeUnknown("the answer of the coordinator was lost".into()));
        match self.client.hook.judge() {
            Commit::Succeeds => self.client.state().commit(&self.id, self.epoch)?,
            Commit::Fails(error) => return Err(error),
            Commit::Lost => return lost(),
            Commit::Unheard => {
                self.client.state().commit(&self.id, self.epoch)?;
                self.client.shared.stir();
                return lost();
            }
        }
        self.client.shared.stir();
        Ok(())
    }
}

impl Producer for ModelProducer {
    fn send(&mut self, record: Outgoing) -> Result<(), BusError> {
        self.check()?;
        let bytes = record.size_bytes();
        if RECORD_LIMIT_BYTES < bytes {
            return Err(BusError::TooLarge { bytes, limit: RECORD_LIMIT_BYTES });
        }
        let sent = self.client.state().put(&self.id, self.epoch, record);
        self.must_abort |= matches!(sent, Err(BusError::Unavailable(_) | BusError::Full(_)));
        sent?;
        (self.is_open, self.sent) = (true, self.sent + 1);
        if self.sent == 2 {
            self.client.hook.reached(Step::Sending);
        }
        Ok(())
    }

    fn commit(&mut self, consumed: Option<Consumed<'_>>) -> Result<(), BusError> {
        self.check()?;
        if !self.is_open && consumed.is_none() {
            return Ok(());
        }
        let outcome = self.try_commit(consumed);
        self.client.hook.ended(&outcome);
        self.sent = 0;
        match &outcome {
            Ok(()) => {
                self.is_open = false;
                self.client.hook.reached(Step::Committed);
            }
            Err(_) => self.must_abort = true,
        }
        outcome
    }

    fn abort(&mut self) -> Result<(), BusError> {
        (self.is_open, self.must_abort, self.sent) = (false, false, 0);
        let mut state = self.client.state();
        state.check(&self.id, self.epoch)?;
        state.reachable()?;
        let is_committed = state.holders[&self.id].open.as_ref().is_some_and(|open| open.committed_by.is_some());
        state.end(&self.id, is_committed);
        drop(state);
        self.client.shared.stir();
        Ok(())
    }
}
