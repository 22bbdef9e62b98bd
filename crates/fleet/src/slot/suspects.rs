//! Records at which the process ends, again and again. A panic is caught and a failing commit is bisected; this is for what takes
//! the process down: memory exhaustion, a stack overflow, a kill by a watchdog.
//!
//! At each start with records to take, the next offset of every input is written down. Three starts without progress put the
//! first records there on trial: one a turn, each attempt written down first. A record attempted three times becomes a letter.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::{Change, Code, FailureClass, Poison, Worker};

use super::filling::letterless;
use super::trial::Trial;
use super::{Slot, changelog};
use crate::blocking::{FleetEntry, FleetKey};
use crate::bus::{BusError, Consumed, Delivered, Outgoing, TopicPartition};
use crate::changelog::records;
use crate::paper::Paper;
use crate::shelved::shelved;
use crate::turn::Turn;

const STARTS_MAX: u32 = 3;
const ATTEMPTS_MAX: u32 = 3;

impl<W: Worker> Slot<W> {
    /// Notes the start of partitions, before anything of them is decided. Those that were kept did not start with this process;
    /// their suspects are tried all the same.
    pub(super) fn mark_starts(&mut self, restored: &[(u32, bool)]) -> Result<(), BusError> {
        let mut runs = VecDeque::new();
        let mut marked = Vec::new();
        for (number, is_cold) in restored {
            for topic in self.inputs.iter().map(|inlet| Arc::clone(&inlet.topic)) {
                let Some(partition) = self.partitions.get_mut(number) else { continue };
                if !is_cold && !is_suspect(partition.fleet.get(&FleetKey::Progress(topic.to_string()))) {
                    continue;
                }
                let at = TopicPartition { topic, partition: *number };
                let (position, high) = (self.consumer.position(&at)?, self.ports.bus.watermarks(&at)?.high);
                if high <= position {
                    continue;
                }
                let key = FleetKey::Progress(at.topic.to_string());
                let (starts, attempts) = standing(partition.fleet.get(&key), position);
                let starts = starts.saturating_add(u32::from(*is_cold));
                let mark = FleetEntry::Progress { offset: position, starts, attempts };
                partition.fleet_overlay.record(Change::Put(key, mark));
                marked.push(*number);
                // What ends transactions takes up offsets too, so that there may be no record at all.
                if STARTS_MAX <= starts {
                    runs.push_back((at, high));
                }
            }
        }
        marked.dedup();
        self.try_on_record(runs);
        self.write_down(&marked)
    }

    fn try_on_record(&mut self, runs: VecDeque<(TopicPartition, u64)>) {
        if runs.is_empty() {
            return;
        }
        let trial = Trial::on_record(runs);
        match &mut self.trial {
            Some(ongoing) => ongoing.join(trial),
            None => self.trial = Some(trial),
        }
        self.pace.tiptoe();
        self.standing.is_unruly = true;
    }

    /// Decides records that may end the process: each attempt is written down, and the one that was attempted too often becomes
    /// a letter unread. The turn has nothing in it but these records.
    pub(super) fn decide_on_record(&mut self, turn: &mut Turn<W>, taken: &[Delivered]) -> Result<(), BusError> {
        for record in taken {
            let Some(partition) = self.partitions.get_mut(&record.partition) else { continue };
            let key = FleetKey::Progress(record.topic.to_string());
            let (starts, attempts) = standing(partition.fleet.get(&key), record.offset);
            if ATTEMPTS_MAX <= attempts {
                self.desk.condemn(partition, turn, record, &crash_loop()).map_err(letterless)?;
                continue;
            }
            // Suspicion goes on with the next record, so that the next start is careful at once.
            let starts = starts.max(STARTS_MAX);
            if is_where_it_ended(partition.fleet.get(&key), record.offset) {
                let (stage, at, position) = (W::STAGE.as_str(), record.topic_partition(), record.offset);
                tracing::error!(stage, %at, position, starts, attempts, "the process ends here again and again");
            }
            let mark = FleetEntry::Progress { offset: record.offset, starts, attempts: attempts + 1 };
            partition.fleet_overlay.record(Change::Put(key, mark));
            self.put_on_record(record)?;
            let Some(partition) = self.partitions.get_mut(&record.partition) else { continue };
            self.desk.take_in(partition, turn, record).map_err(letterless)?;
        }
        Ok(())
    }

    /// Commits the fleet's own changes of partitions at once, apart from any turn.
    pub(super) fn write_down(&mut self, numbers: &[u32]) -> Result<(), BusError> {
        let next = numbers.iter().map(|number| self.foothold(*number)).collect::<Result<Vec<_>, _>>()?;
        self.write_apart(numbers, &next)
    }

    /// The same in the middle of taking a record, which is not consumed by it.
    fn put_on_record(&mut self, record: &Delivered) -> Result<(), BusError> {
        self.write_apart(&[record.partition], &[(record.topic_partition(), record.offset)])
    }

    fn write_apart(&mut self, numbers: &[u32], next: &[(TopicPartition, u64)]) -> Result<(), BusError> {
        let (mut paper, mut marks, mut written_of) = (Paper::default(), Vec::new(), Vec::new());
        for number in numbers {
            let Some(partition) = self.partitions.get(number) else { continue };
            let to = changelog::<W>(&self.ports.topics, *number);
            let now_ms = self.ports.clock.now_ms();
            let first = marks.len();
            records(partition, &self.desk.codec, &to, now_ms, (&mut paper, &mut marks)).map_err(letterless)?;
            written_of.push((*number, shelved::<W>(marks.get(first..).unwrap_or_default())));
        }
        let written = if marks.is_empty() { Ok(()) } else { self.transact(marks, next) };
        if written.is_err() {
            self.abort();
        }
        for (number, written_of) in written_of {
            match self.partitions.get_mut(&number) {
                Some(partition) if written.is_ok() => partition.settle((written_of, None)),
                Some(partition) => partition.forget_turn(),
                None => {}
            }
        }
        written
    }

    /// One transaction: these records, and from where the group goes on. What goes to one partition is sent in one go: it makes few
    /// large batches, where records in turns would make many small ones, and brokers pay for batches.
    pub(super) fn transact(&mut self, records: Vec<Outgoing>, next: &[(TopicPartition, u64)]) -> Result<(), BusError> {
        for record in by_partition(records) {
            self.producer.send(record)?;
        }
        let group = self.consumer.group();
        self.producer.commit(Some(Consumed { group: &group, next }))
    }
}

/// The same records, those of one partition together and in their order.
fn by_partition(records: Vec<Outgoing>) -> impl Iterator<Item = Outgoing> {
    let mut runs: Vec<Vec<Outgoing>> = Vec::new();
    let mut last = 0;
    for record in records {
        let is_kin = |run: &Vec<Outgoing>| {
            run.first().is_some_and(|first| {
                first.partition == record.partition
                    && (Arc::ptr_eq(&first.topic, &record.topic) || first.topic == record.topic)
            })
        };
        if !runs.get(last).is_some_and(is_kin) {
            last = runs.iter().position(is_kin).unwrap_or(runs.len());
        }
        match runs.get_mut(last) {
            Some(run) => run.push(record),
            None => runs.push(vec![record]),
        }
    }
    runs.into_iter().flatten()
}

/// Whether the process has started without getting further since.
fn is_suspect(mark: Option<&FleetEntry>) -> bool {
    matches!(mark, Some(FleetEntry::Progress { starts: 1.., .. }))
}

/// Whether a record is the first one that the process started at too often, and not one that is tried because it comes after that.
fn is_where_it_ended(mark: Option<&FleetEntry>, offset: u64) -> bool {
    matches!(mark, Some(FleetEntry::Progress { offset: marked, starts: STARTS_MAX.., attempts })
        if *attempts == 0 || *marked == offset)
}

/// How often the process started without getting past a mark, and how often the record at this offset was tried alone.
fn standing(mark: Option<&FleetEntry>, offset: u64) -> (u32, u32) {
    match mark {
        Some(FleetEntry::Progress { offset: marked, starts, attempts }) if offset <= *marked => (*starts, *attempts),
        Some(
            FleetEntry::Progress { .. }
            | FleetEntry::Blocked { .. }
            | FleetEntry::Parked { .. }
            | FleetEntry::Unmade {},
        )
        | None => (0, 0),
    }
}

fn crash_loop() -> Poison {
    Poison { class: FailureClass::Defect, code: Code::CrashLoop, place: "process".into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Headers;

    #[test]
    fn a_process_ends_where_it_started_too_often_and_not_at_what_comes_after() {
        let mark = |offset, starts, attempts| FleetEntry::Progress { offset, starts, attempts };
        let ended = |mark: FleetEntry, at| is_where_it_ended(Some(&mark), at);
        assert!(ended(mark(7, 3, 0), 7));
        assert!(ended(mark(7, 3, 0), 9), "what ends transactions lay before it");
        assert!(ended(mark(9, 4, 1), 9), "it was tried before");
        assert!(!ended(mark(9, 4, 1), 10), "it is tried since it comes after that");
        assert!(!ended(mark(7, 2, 0), 7) && !is_where_it_ended(None, 7));
    }

    #[test]
    fn records_of_one_partition_go_together_and_keep_their_order() {
        let record = |topic: &str, partition, nth| Outgoing {
            topic: topic.into(),
            partition,
            timestamp_ms: nth,
            key: None,
            value: None,
            headers: Headers::default(),
        };
        let records = (0..12).map(|nth| record(["events", "outcomes"][(nth % 2) as usize], (nth % 3) as u32, nth));
        let sent: Vec<_> = by_partition(records.collect()).map(|record| record.timestamp_ms).collect();
        assert_eq!(sent, [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]);
        assert_eq!(by_partition(Vec::new()).count(), 0);
    }
}
