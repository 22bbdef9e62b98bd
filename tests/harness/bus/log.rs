//! One partition as brokers keep it: records of open transactions lie among the others, each transaction's end takes an offset.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fleet::bus::{Allowance, Delivered, Headers, Isolation, Outgoing, Watermarks};

/// The number of a transaction, over all producers.
pub(super) type Serial = u64;

/// The records of one partition.
#[derive(Default)]
pub(super) struct Log {
    pub(super) low: u64,
    pub(super) next: u64,
    pub(super) entries: Vec<Entry>,
    /// Transactions without a marker here, with their first offset.
    open: BTreeMap<Serial, u64>,
    aborted: BTreeSet<Serial>,
}

/// One record.
pub(super) struct Entry {
    pub(super) record: Delivered,
    pub(super) serial: Serial,
}

// === impl Log ===

impl Log {
    /// Puts a record of a transaction at the end.
    pub(super) fn append(&mut self, topic: &Arc<str>, record: Outgoing, serial: Serial) {
        let Outgoing { partition, timestamp_ms, key, value, headers, .. } = record;
        let offset = self.next;
        self.next += 1;
        self.open.entry(serial).or_insert(offset);
        let Headers(headers) = headers;
        let topic = Arc::clone(topic);
        let record = Delivered { topic, partition, offset, timestamp_ms, key, value, headers: Headers(headers) };
        self.entries.push(Entry { record, serial });
    }

    /// The marker of a transaction's end.
    pub(super) fn end(&mut self, serial: Serial, is_committed: bool) {
        if self.open.remove(&serial).is_some() {
            self.next += 1;
            if !is_committed {
                self.aborted.insert(serial);
            }
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    pub(super) fn is_aborted(&self, serial: Serial) -> bool {
        self.aborted.contains(&serial)
    }

    /// The last stable offset.
    pub(super) fn stable(&self) -> u64 {
        self.open.values().min().copied().unwrap_or(self.next)
    }

    pub(super) fn watermarks(&self) -> Watermarks {
        Watermarks { low: self.low, stable: self.stable(), high: self.next }
    }

    /// Where a look under this isolation ends.
    pub(super) fn end_for(&self, isolation: Isolation) -> u64 {
        match isolation {
            Isolation::ReadCommitted => self.stable(),
            Isolation::ReadUncommitted => self.next,
        }
    }

    /// How many committed records there are from an offset to the last stable one.
    pub(super) fn count(&self, from: u64) -> usize {
        let (first, stable) = (self.entries.partition_point(|entry| entry.record.offset < from), self.stable());
        let at_rest = self.entries[first..].iter().take_while(|entry| entry.record.offset < stable);
        at_rest.filter(|entry| !self.is_aborted(entry.serial)).count()
    }

    /// Moves records from a position on, as far as allowed; the answer is the next position.
    pub(super) fn read(
        &self,
        position: u64,
        isolation: Isolation,
        allowance: &mut Allowance,
        out: &mut Vec<Delivered>,
    ) -> u64 {
        let end = self.end_for(isolation);
        let mut next = position.max(self.low.min(end));
        let from = self.entries.partition_point(|entry| entry.record.offset < next);
        for Entry { record, serial } in &self.entries[from..] {
            if end <= record.offset || allowance.is_used_up() {
                break;
            }
            let is_hidden = isolation == Isolation::ReadCommitted && self.is_aborted(*serial);
            if !is_hidden {
                if !allowance.admits(record.size_bytes()) {
                    return next;
                }
                out.push(record.clone());
            }
            next = record.offset + 1;
        }
        let rest = self.entries.partition_point(|entry| entry.record.offset < next);
        let is_at_end = self.entries.get(rest).is_none_or(|entry| end <= entry.record.offset);
        if is_at_end { next.max(end) } else { next }
    }
}
