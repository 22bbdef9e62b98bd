//! Records at which the process ends, again and again. A panic is caught and a failing commit is bisected; this is for what takes
//! the process down: memory exhaustion, a stack overflow, a kill by a watchdog.
//!
//! At each start the committed offset of every input is compared with the one at the last start. Three starts without progress
//! make the slot careful: one record a turn, each attempt written down first. A record attempted three times becomes a letter.

use domain::{Change, Code, FailureClass, Poison, Worker};

use super::{Slot, letterless};
use crate::blocking::{FleetEntry, FleetKey};
use crate::bus::{BusError, Consumed, Delivered, TopicPartition};
use crate::changelog::records;
use crate::turn::Turn;

const STARTS_MAX: u32 = 3;
const ATTEMPTS_MAX: u32 = 3;
/// How far past the suspicious offset the slot stays careful: as far as one turn may have reached.
const CAREFUL_SPAN: u64 = 64;

impl<W: Worker> Slot<W> {
    /// Notes the start of a partition, before anything of it is decided.
    pub(super) fn mark_start(&mut self, number: u32) -> Result<(), BusError> {
        for at in self.inputs_of(number) {
            let offset = self.consumer.position(&at)?;
            let Some(partition) = self.partitions.get_mut(&number) else { return Ok(()) };
            let key = FleetKey::Suspect(at.topic.to_string());
            let entry = match partition.fleet_view().get(&key) {
                Some(FleetEntry::Suspect { offset: before, starts, attempts }) if *before == offset => {
                    FleetEntry::Suspect { offset, starts: starts + 1, attempts: *attempts }
                }
                Some(FleetEntry::Suspect { .. } | FleetEntry::Blocked { .. } | FleetEntry::Parked { .. }) | None => {
                    FleetEntry::Suspect { offset, starts: 1, attempts: 0 }
                }
            };
            partition.fleet_overlay.record(Change::Put(key, entry));
        }
        self.write_down(number)
    }

    /// Forgets the marks of a partition that is given up in good order.
    pub(super) fn clear_start(&mut self, number: u32) -> Result<(), BusError> {
        for at in self.inputs_of(number) {
            if let Some(partition) = self.partitions.get_mut(&number) {
                partition.fleet_overlay.record(Change::Forget(FleetKey::Suspect(at.topic.to_string())));
            }
        }
        self.write_down(number)
    }

    /// Whether some input has brought the process down at every recent start.
    pub(super) fn has_suspects(&self) -> bool {
        self.partitions.iter().any(|(number, partition)| {
            partition.fleet.iter().any(|(key, entry)| match (key, entry) {
                (FleetKey::Suspect(topic), FleetEntry::Suspect { offset, starts, .. }) if STARTS_MAX <= *starts => {
                    let at = TopicPartition::new(topic.as_str(), *number);
                    self.consumer.position(&at).is_ok_and(|position| position < offset + CAREFUL_SPAN)
                }
                _ => false,
            })
        })
    }

    /// Decides a single record after writing down that it is being tried.
    pub(super) fn decide_carefully(&mut self, turn: &mut Turn<W>, taken: Vec<Delivered>) -> Result<(), BusError> {
        for record in &taken {
            turn.took(record);
            let Some(partition) = self.partitions.get_mut(&record.partition) else { continue };
            let key = FleetKey::Suspect(record.topic.to_string());
            let (starts, attempts) = match partition.fleet.get(&key) {
                Some(FleetEntry::Suspect { offset, starts, attempts }) if *offset == record.offset => {
                    (*starts, *attempts)
                }
                Some(FleetEntry::Suspect { starts, .. }) => (*starts, 0),
                Some(FleetEntry::Blocked { .. } | FleetEntry::Parked { .. }) | None => (0, 0),
            };
            if STARTS_MAX <= starts {
                if ATTEMPTS_MAX <= attempts {
                    self.desk.condemn(partition, turn, record, &crash_loop()).map_err(letterless)?;
                    continue;
                }
                let mark = FleetEntry::Suspect { offset: record.offset, starts, attempts: attempts + 1 };
                partition.fleet_overlay.record(Change::Put(key, mark));
                self.write_down(record.partition)?;
            }
            let Some(partition) = self.partitions.get_mut(&record.partition) else { continue };
            self.desk.take_in(partition, turn, record).map_err(letterless)?;
        }
        Ok(())
    }

    /// Commits the fleet's own changes of a partition at once, apart from any turn.
    fn write_down(&mut self, number: u32) -> Result<(), BusError> {
        let Some(partition) = self.partitions.get_mut(&number) else { return Ok(()) };
        let to = super::changelog::<W>(&self.ports.topics, number);
        let mut marks = Vec::new();
        records(partition, &self.desk.codec, &to, self.ports.clock.now_ms(), &mut marks).map_err(letterless)?;
        if marks.is_empty() {
            return Ok(());
        }
        for mark in marks {
            self.producer.send(mark)?;
        }
        let group = self.consumer.group();
        self.producer.commit(Some(Consumed { group: &group, next: &[] }))?;
        partition.settle();
        Ok(())
    }
}

fn crash_loop() -> Poison {
    Poison { class: FailureClass::Defect, code: Code::CrashLoop, place: "process".into() }
}
