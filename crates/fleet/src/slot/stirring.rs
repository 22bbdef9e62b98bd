//! What is learnt from a shared table may concern what is remembered: those entries come due at once.

use domain::Worker;

use super::Slot;

impl<W: Worker> Slot<W> {
    /// Holds what is remembered against what was learnt: a restored partition against all of it, the others against what is new.
    pub(super) fn stir(&mut self) {
        let (now, news) = (self.now(), self.tables.news());
        for partition in self.partitions.values_mut() {
            let worker = &self.desk.worker;
            let stirred = if partition.is_stirred {
                news.iter().flat_map(|(table, key)| worker.stirred(Some((*table, key)), &partition.memory)).collect()
            } else {
                worker.stirred(None, &partition.memory)
            };
            partition.is_stirred = true;
            stirred.iter().for_each(|key| partition.bring_forward(key, now));
        }
    }
}
