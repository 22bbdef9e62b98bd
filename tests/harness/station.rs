//! One place at which a process of the fleet runs and is started again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use contracts::{Codec, Subject};
use domain::{MemoryKey, Worker};
use fleet::bus::{BusError, Delivered};
use fleet::{FleetEntry, Report, Slot, SlotError};

use crate::bus::Client;
use crate::clock::MachineClock;
use crate::machines::Machine;
use crate::plan::{PROCESSES, Who};

/// Where a process runs, and starts again.
pub(crate) struct Station {
    pub(crate) who: Who,
    pub(crate) name: Arc<str>,
    pub(crate) start: Start,
    pub(crate) client: Option<Client>,
    pub(crate) clock: Arc<MachineClock>,
    /// Where it has something that outlives it.
    pub(crate) machine: Option<Machine>,
    pub(crate) slot: Option<Box<dyn Turning>>,
    /// When it may be started.
    pub(crate) down_until: Duration,
    /// It is here only until then.
    pub(crate) visits_until: Option<Duration>,
    /// Until when it sleeps, as it would in production, unless the brokers have changed since this count.
    pub(crate) rests: Option<(Duration, u64)>,
    /// Its slot is in somebody's hands.
    pub(crate) is_busy: bool,
    pub(crate) is_asleep: bool,
    /// The turns of which process are meant: another one may have been started under its name.
    pub(crate) epoch: u32,
    pub(crate) version: u32,
    /// It takes nothing new, and leaves then at the latest.
    pub(crate) closes_by: Option<Duration>,
    /// What it remembers is what it has committed.
    pub(crate) is_sound: bool,
}

/// Starts a process of this version.
pub(crate) type Start = Box<dyn Fn(u32) -> Result<Box<dyn Turning>, BusError> + Send>;

/// A slot of any worker.
pub(crate) trait Turning: Send {
    fn turn(&mut self) -> Result<Report, SlotError>;
    fn idle(&self, wait: Duration) -> Duration;
    fn close(&mut self);
    fn is_drained(&self) -> bool;
    fn is_ready(&self) -> bool;
    fn leave(self: Box<Self>) -> Result<(), SlotError>;
    /// What a partition's memory has that its changelog has not, or the other way round.
    fn differs(&self, codec: &Codec, partition: u32, changelog: &[Delivered]) -> Option<String>;
}

// === impl Station ===

impl Station {
    pub(crate) fn new(
        (who, name, version): (Who, Arc<str>, u32),
        (client, clock): (Option<Client>, Arc<MachineClock>),
        start: Start,
    ) -> Self {
        // Whoever is no regular process is not invited yet.
        let visits_until = (PROCESSES <= who.number).then_some(Duration::ZERO);
        Self {
            who,
            name,
            start,
            client,
            clock,
            machine: None,
            slot: None,
            down_until: Duration::ZERO,
            visits_until,
            rests: None,
            is_busy: false,
            is_asleep: false,
            epoch: 0,
            version,
            closes_by: None,
            is_sound: false,
        }
    }

    /// What its brokers have seen so far.
    pub(crate) fn changes(&self) -> Option<u64> {
        self.client.as_ref().map(Client::changes)
    }

    /// Whether it sleeps at this time: nothing has come in, and nothing is due by itself.
    pub(crate) fn is_resting(&self, now: Duration) -> bool {
        self.rests.is_some_and(|(until, changes)| now < until && self.changes() == Some(changes))
    }

    /// After a turn in which nothing happened, begun when the brokers had seen so much: it sleeps if its consumer would.
    pub(crate) fn rest(&mut self, (now, idle): (Duration, Duration), changes: Option<u64>) {
        let is_asleep = self.client.as_ref().is_some_and(Client::is_asleep) && !idle.is_zero();
        self.rests = changes.filter(|_| is_asleep).map(|changes| (now + idle, changes));
    }

    /// The slot, if what it remembers should be what it has committed.
    pub(crate) fn sound(&self) -> Option<&dyn Turning> {
        self.slot.as_deref().filter(|_| self.is_sound)
    }
}

impl<W: Worker> Turning for Slot<W> {
    fn turn(&mut self) -> Result<Report, SlotError> {
        Slot::turn(self, Duration::ZERO)
    }

    fn idle(&self, wait: Duration) -> Duration {
        Slot::idle(self, wait)
    }

    fn close(&mut self) {
        Slot::close(self);
    }

    fn is_drained(&self) -> bool {
        Slot::is_drained(self)
    }

    fn is_ready(&self) -> bool {
        Slot::is_ready(self)
    }

    fn leave(self: Box<Self>) -> Result<(), SlotError> {
        Slot::leave(*self)
    }

    fn differs(&self, codec: &Codec, partition: u32, changelog: &[Delivered]) -> Option<String> {
        let memory = self.memory(partition)?;
        let mut written: BTreeMap<&[u8], &Bytes> = BTreeMap::new();
        for record in changelog {
            let key = record.key.as_deref().unwrap_or_default();
            match &record.value {
                Some(value) => written.insert(key, value),
                None => written.remove(key),
            };
        }
        let mut bytes = Vec::new();
        // Most entries were written as they would be now, which is told without reading them.
        for (key, entry) in self.fleet_memory(partition) {
            bytes.clear();
            let is_written = codec.encode_value(Subject::MemoryFleet, entry, &mut bytes).is_ok();
            let value = written.remove(&*key);
            let reads =
                |value: &Bytes| codec.decode_value::<FleetEntry>(Subject::MemoryFleet, value).as_ref() == Ok(entry);
            if !value.is_some_and(|value| is_written && **value == *bytes || reads(value)) {
                return Some(format!("at {} the fleet remembers {entry:?} otherwise", W::STAGE.as_str()));
            }
        }
        for (key, entry) in memory.iter() {
            bytes.clear();
            let is_written = codec.encode_entry(W::STAGE, entry, &mut bytes).is_ok();
            let value = written.remove(&*[b"w", &*key.encode()].concat());
            let reads = |value: &Bytes| codec.decode_entry::<W::Entry>(W::STAGE, value).as_ref() == Ok(entry);
            if !value.is_some_and(|value| is_written && **value == *bytes || reads(value)) {
                return Some(format!("{} remembers {key:?} otherwise than its changelog", W::STAGE.as_str()));
            }
        }
        // What is settled may lie on the shelf, as it was written.
        written.retain(|key, value| self.shelved(partition, key).as_ref() != Some(*value));
        let forgotten = written.len();
        (0 < forgotten).then(|| format!("{} has forgotten {forgotten} entries of its changelog", W::STAGE.as_str()))
    }
}
