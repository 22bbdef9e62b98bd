//! Reading memory back from the changelog.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use contracts::Codec;
use domain::Worker;

use super::{Slot, SlotError};
use crate::blocking::{FleetEntry, FleetKey};
use crate::bus::{Bus, BusError, Delivered, Isolation, Limit, Reader, TopicPartition};
use crate::changelog::replay;
use crate::partition::Partition;
use crate::shelf::Shelves;

/// A partition whose memory is being read back.
///
/// It is complete when the read-committed position reaches the high watermark seen after the partition was assigned: the end of
/// the partition under read-committed is only the last stable offset, which a zombie's open transaction may pin.
pub(super) struct Restore<W: Worker> {
    pub(super) partition: Partition<W>,
    /// Whether nothing of it was kept.
    is_cold: bool,
    at: TopicPartition,
    reading: Option<Reading>,
}

struct Reading {
    reader: Box<dyn Reader>,
    until: u64,
    /// Up to where the shelf knows itself to be.
    noted: u64,
    /// When it last came further, and whether it was told since that it does not.
    moved_ms: i64,
    is_told: bool,
}

/// What memory is read back from.
#[derive(Clone, Copy)]
struct Source<'a> {
    bus: &'a dyn Bus,
    codec: &'a Codec,
    shelves: Option<&'a dyn Shelves>,
    now_ms: i64,
}

/// After so many offsets the shelf is told how far it is: who begins again goes on from there.
const NOTED_EVERY: u64 = 500_000;

/// Who has come no further for so long says so: every transaction ought to have ended by then.
const STUCK_MS: i64 = 60_000;

/// Offsets yet to be read from which a partition is worth a thread.
const LONG: usize = 10_000;

const LIMIT: Limit = Limit { records: 10_000, bytes: 8 * 1024 * 1024 };

impl<W: Worker> Slot<W> {
    /// Reads on; a partition whose memory is complete takes up its inputs. Answers whether anything was read.
    pub(super) fn restore(&mut self) -> Result<bool, SlotError> {
        let (mut has_read, mut complete) = (false, Vec::new());
        let source = Source {
            bus: self.ports.bus.as_ref(),
            codec: &self.desk.codec,
            shelves: self.ports.shelves.as_deref(),
            now_ms: self.ports.clock.now_ms(),
        };
        for (number, progress) in read_on(&mut self.restoring, source) {
            match progress? {
                Progress::Complete => complete.push(number),
                Progress::Read => has_read = true,
                Progress::None => {}
            }
        }
        // A failure leaves all of them where they are: what is complete is found so again.
        complete.iter().try_for_each(|number| self.go_on_from_memory(*number))?;
        let mut restored = Vec::with_capacity(complete.len());
        for number in complete {
            let Some(Restore { mut partition, is_cold, .. }) = self.restoring.remove(&number) else { continue };
            partition.is_stirred = false;
            partition.adopt_calls();
            let entries = partition.entries();
            tracing::debug!(stage = W::STAGE.as_str(), partition = number, entries, "restored");
            self.partitions.insert(number, partition);
            self.standing.is_unruly = true;
            restored.push((number, is_cold));
        }
        self.mark_starts(&restored)?;
        Ok(has_read || !restored.is_empty())
    }

    /// Where the group can't say for good where a partition starts, memory does: it was written by the same transactions, and is
    /// read to its end.
    fn go_on_from_memory(&mut self, number: u32) -> Result<(), BusError> {
        let Some(Restore { partition, .. }) = self.restoring.get(&number) else { return Ok(()) };
        for inlet in &self.inputs {
            let at = TopicPartition { topic: Arc::clone(&inlet.topic), partition: number };
            if !self.consumer.is_unsettled(&at) {
                continue;
            }
            if let Some(FleetEntry::Progress { offset, .. }) =
                partition.fleet.get(&FleetKey::Progress(at.topic.to_string()))
            {
                tracing::info!(stage = W::STAGE.as_str(), %at, offset, "goes on from where memory says");
                self.consumer.seek(&at, *offset)?;
            }
        }
        Ok(())
    }
}

/// Reads on in each partition: where there is much to read, or a shelf to open, each in a thread of its own, as nothing else goes on
/// until then.
fn read_on<W: Worker>(
    restoring: &mut BTreeMap<u32, Restore<W>>,
    source: Source<'_>,
) -> Vec<(u32, Result<Progress, SlotError>)> {
    let is_long = |restore: &&Restore<W>| LONG <= restore.left() || restore.has_shelf_to_open(source);
    let long = restoring.values().filter(is_long).count();
    let restores = restoring.iter_mut();
    if long < 2 {
        return restores.map(|(number, restore)| (*number, restore.read_on(source))).collect();
    }
    std::thread::scope(|scope| {
        let start = |(number, restore): (&u32, _)| {
            let restore: &mut Restore<W> = restore;
            (*number, scope.spawn(move || restore.read_on(source)))
        };
        let readings: Vec<_> = restores.map(start).collect();
        let end = |reading: ScopedJoinHandle<'_, _>| reading.join().unwrap_or_else(|panic| resume_unwind(panic));
        readings.into_iter().map(|(number, reading)| (number, end(reading))).collect()
    })
}

enum Progress {
    Complete,
    Read,
    None,
}

impl<W: Worker> Restore<W> {
    /// Reads back what lies at `at`, on top of what was kept.
    pub(super) fn new(at: TopicPartition, kept: Option<Partition<W>>) -> Self {
        Self { is_cold: kept.is_none(), partition: kept.unwrap_or_default(), at, reading: None }
    }

    /// How many offsets of the changelog are yet to be read; none before reading began.
    pub(super) fn left(&self) -> usize {
        let left = self.reading.as_ref().map_or(0, |reading| reading.until.saturating_sub(self.partition.read_to));
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    fn has_shelf_to_open(&self, source: Source<'_>) -> bool {
        source.shelves.is_some_and(Shelves::open_slowly) && self.partition.shelf.is_none()
    }

    /// The partition as far as it was read.
    pub(super) fn into_partition(self) -> Partition<W> {
        self.partition
    }

    fn read_on(&mut self, source: Source<'_>) -> Result<Progress, SlotError> {
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => self.begin(source)?,
        };
        let before = self.partition.read_to;
        let (mut entries, mut shelved): (Vec<Delivered>, _) = (Vec::new(), Vec::new());
        let read = reading.reader.read(LIMIT, Duration::ZERO, &mut entries);
        for entry in &entries {
            replay(&mut self.partition, source.codec, entry, &mut shelved)?;
        }
        if let Some(shelf) = &mut self.partition.shelf {
            shelf.put(shelved, None);
            shelf.failure().cloned().map_or(Ok(()), Err)?;
        }
        // After an error reading begins anew, from where memory stands; what was replayed twice is the same.
        read?;
        let position = reading.reader.position(&self.at)?;
        let is_complete = reading.until <= position;
        self.partition.read_to = position;
        reading.watch(&self.at, (before, position), source.now_ms);
        if is_complete || reading.noted + NOTED_EVERY <= position {
            self.partition.note_checkpoint(position, source.now_ms);
            reading.noted = position;
        }
        self.reading = Some(reading);
        Ok(match is_complete {
            true => Progress::Complete,
            false if before < self.partition.read_to => Progress::Read,
            false => Progress::None,
        })
    }

    fn begin(&mut self, source: Source<'_>) -> Result<Reading, SlotError> {
        let marks = source.bus.watermarks(&self.at)?;
        if let (Some(shelves), None) = (source.shelves, &self.partition.shelf) {
            let moment = (self.is_cold, source.now_ms);
            self.partition.open_shelf((shelves, source.codec), (&self.at, marks), moment)?;
        }
        let noted = self.partition.read_to.max(marks.low);
        let mut reader = source.bus.reader(Isolation::ReadCommitted)?;
        reader.assign(&[(self.at.clone(), noted)])?;
        Ok(Reading { reader, until: marks.high, noted, moved_ms: source.now_ms, is_told: false })
    }
}

// === impl Reading ===

impl Reading {
    /// Says once when it comes no further: nobody else would, and the partition is not worked on meanwhile.
    fn watch(&mut self, at: &TopicPartition, (before, position): (u64, u64), now_ms: i64) {
        if before < position || self.until <= position {
            (self.moved_ms, self.is_told) = (now_ms, false);
        } else if !self.is_told && self.moved_ms + STUCK_MS <= now_ms {
            self.is_told = true;
            let why = "brokers are away, or a transaction on it has no end, as `waybill doctor` would show";
            tracing::warn!(%at, position, end = self.until, "memory can't be read to its end: {why}");
        }
    }
}
