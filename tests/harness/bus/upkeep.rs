//! Compaction and retention. Neither touches what lies at or beyond the last stable offset, nor the newest records, which are in
//! the segment that is still written.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fleet::bus::Cleanup;

use super::log::{Entry, Log};
use super::state::State;

/// The newest records of a partition are in its active segment.
const ACTIVE_RECORDS: usize = 8;
/// How long a tombstone stays, so that readers under way still see it.
const TOMBSTONE_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

impl State {
    pub(super) fn maintain(&mut self, now_ms: i64) {
        for topic in self.topics.values_mut() {
            for log in &mut topic.logs {
                match topic.spec.cleanup {
                    Cleanup::Keep => {}
                    Cleanup::Compact => log.compact(now_ms),
                    Cleanup::Delete { retention } => log.delete(now_ms - millis(retention)),
                    Cleanup::CompactDelete { retention } => {
                        log.compact(now_ms);
                        log.delete(now_ms - millis(retention));
                    }
                }
            }
        }
    }
}

impl Log {
    fn compact(&mut self, now_ms: i64) {
        let stable = self.stable();
        let (count, at_rest) =
            (self.entries.len().saturating_sub(ACTIVE_RECORDS), |entry: &Entry| entry.record.offset < stable);
        let clean = self.entries.iter().take(count).take_while(|entry| at_rest(entry)).count();
        let mut newest: BTreeMap<Bytes, u64> = BTreeMap::new();
        for Entry { record, serial } in &self.entries[..clean] {
            if let (Some(key), false) = (&record.key, self.is_aborted(*serial)) {
                newest.insert(key.clone(), record.offset);
            }
        }
        let tombstones_before = now_ms - millis(TOMBSTONE_RETENTION);
        let rest = self.entries.split_off(clean);
        let is_kept = |Entry { record, .. }: &Entry| {
            let is_newest = record.key.as_ref().is_some_and(|key| newest.get(key) == Some(&record.offset));
            is_newest && (record.value.is_some() || tombstones_before < record.timestamp_ms)
        };
        self.entries.retain(is_kept);
        self.entries.extend(rest);
    }

    fn delete(&mut self, before_ms: i64) {
        let stable = self.stable();
        let count = self.entries.len().saturating_sub(ACTIVE_RECORDS);
        let is_old = |entry: &&Entry| entry.record.timestamp_ms < before_ms && entry.record.offset < stable;
        let gone = self.entries.iter().take(count).take_while(is_old).count();
        self.entries.drain(..gone);
        if let (true, Some(first)) = (0 < gone, self.entries.first()) {
            self.low = first.record.offset;
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
