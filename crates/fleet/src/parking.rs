//! Parking: a request's successors wait behind its dead letter, in order, while other requests flow.

use domain::{Change, LetterId, RequestId, Worker};

use crate::blocking::{FleetEntry, FleetKey};
use crate::bus::Delivered;
use crate::desk::{Desk, turn_failed};
use crate::letters::Failed;
use crate::partition::Partition;
use crate::turn::{Turn, Unwritable};

impl<W: Worker> Desk<W> {
    /// Parks a record whose request waits behind a letter; answers whether it did. The letter's own replay passes.
    pub(crate) fn park(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        (record, request_id): (&Delivered, Option<RequestId>),
        replays: Option<LetterId>,
    ) -> bool {
        let Some(request_id) = request_id else { return false };
        let key = FleetKey::Blocked(request_id);
        let Some(FleetEntry::Blocked { letter_id, next }) = partition.fleet_view().get(&key).cloned() else {
            return false;
        };
        if replays == Some(letter_id) {
            return false;
        }
        let parked = Change::Put(FleetKey::Parked(request_id, next), FleetEntry::park(record));
        partition.fleet_overlay.record(parked);
        partition.fleet_overlay.record(Change::Put(key, FleetEntry::Blocked { letter_id, next: next + 1 }));
        turn.tally.parked += 1;
        true
    }

    /// Lifts a letter's block and decides, in order, what waited behind it; a successor that fails blocks the rest again. A lift
    /// that keeps bringing its turn down makes a letter of the first successor instead of deciding it, so that each time one
    /// fewer waits.
    pub(crate) fn lift(
        &self,
        partition: &mut Partition<W>,
        turn: &mut Turn<W>,
        (number, request_id): (u32, Option<RequestId>),
        (letter, is_condemned): (LetterId, bool),
    ) -> Result<(), Unwritable> {
        let Some(request_id) = request_id else { return Ok(()) };
        let key = FleetKey::Blocked(request_id);
        match partition.fleet_view().get(&key) {
            Some(FleetEntry::Blocked { letter_id, .. }) if *letter_id == letter => {}
            Some(
                FleetEntry::Blocked { .. }
                | FleetEntry::Parked { .. }
                | FleetEntry::Progress { .. }
                | FleetEntry::Unmade {},
            )
            | None => return Ok(()),
        }
        partition.fleet_overlay.record(Change::Forget(key));
        let (first, last) = (FleetKey::Parked(request_id, 0), FleetKey::Parked(request_id, u64::MAX));
        let waiting: Vec<(FleetKey, FleetEntry)> =
            partition.fleet_view().range(&first, &last).map(|(key, entry)| (key.clone(), entry.clone())).collect();
        let mut is_condemned = is_condemned;
        for (key, entry) in waiting {
            partition.fleet_overlay.record(Change::Forget(key));
            let Some(record) = entry.unpark(number) else { continue };
            let Some((topic, postmark)) = self.open(&record) else { continue };
            if std::mem::take(&mut is_condemned) {
                let (request_id, lane) = (Some(request_id), topic.lane());
                let failed = Failed { record: Some(&record), postmark: &postmark, request_id, lane };
                self.letter(partition, turn, &failed, &turn_failed())?;
            } else {
                self.admit(partition, turn, &record, (topic, postmark))?;
            }
        }
        Ok(())
    }
}
