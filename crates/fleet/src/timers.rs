//! Durable timers. They are not stored: every timer derives from an entry of memory, so restoring memory restores them, and an
//! entry that changes or goes takes its timer with it.

use std::collections::BTreeSet;

use domain::Timestamp;

use crate::bus::TopicPartition;

/// The due times of one partition's entries, in order.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    due: BTreeSet<(Timestamp, K)>,
    /// Timers that failed to decide; they stay silent until their entry changes.
    muted: BTreeSet<K>,
    /// For [`domain::worker::TimerRule::CaughtUp`].
    barrier: Option<Barrier>,
}

/// High watermarks taken at a moment: timers due by then may fire once they are reached.
#[derive(Clone, Debug)]
pub(crate) struct Barrier {
    /// When the watermarks were taken.
    pub(crate) taken_at: Timestamp,
    /// What has to be read.
    pub(crate) until: Vec<(TopicPartition, u64)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { due: BTreeSet::new(), muted: BTreeSet::new(), barrier: None }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// An entry's due time has changed.
    pub(crate) fn moved(&mut self, key: &K, from: Option<Timestamp>, to: Option<Timestamp>) {
        if let Some(from) = from {
            self.due.remove(&(from, key.clone()));
        }
        if let Some(to) = to {
            self.due.insert((to, key.clone()));
        }
        if !self.muted.is_empty() {
            self.muted.remove(key);
        }
    }

    /// The keys due at `now`, at most `limit`, earliest first.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<K> {
        let ready = self.due.iter().take_while(|(due, _)| *due <= now);
        ready.map(|(_, key)| key).filter(|key| !self.muted.contains(key)).take(limit).cloned().collect()
    }

    /// When the next timer is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.due.iter().find(|(_, key)| !self.muted.contains(key)).map(|(due, _)| *due)
    }

    /// Silences a timer whose decision fails, until its entry changes.
    pub(crate) fn mute(&mut self, key: &K) {
        self.muted.insert(key.clone());
    }

    /// The moment up to which timers may fire, given what has been read: none while the barrier stands unreached. Takes a new
    /// barrier by `take` when timers are due that no barrier covers.
    pub(crate) fn caught_up<Error>(
        &mut self,
        now: Timestamp,
        position: impl Fn(&TopicPartition) -> u64,
        take: impl FnOnce() -> Result<Vec<(TopicPartition, u64)>, Error>,
    ) -> Result<Option<Timestamp>, Error> {
        if self.next().is_none_or(|due| now < due) {
            return Ok(None);
        }
        if self.barrier.is_none() {
            self.barrier = Some(Barrier { taken_at: now, until: take()? });
        }
        let Some(barrier) = &self.barrier else { return Ok(None) };
        if barrier.until.iter().any(|(partition, high)| position(partition) < *high) {
            return Ok(None);
        }
        let reached = barrier.taken_at;
        if self.next().is_none_or(|due| reached < due) {
            self.barrier = None;
            return Ok(None);
        }
        Ok(Some(reached))
    }

    /// The barrier has served: the timers it let through have fired.
    pub(crate) fn lift_barrier(&mut self) {
        self.barrier = None;
    }

    /// How many timers are armed.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_moves_with_its_entry() {
        let mut timers = Timers::default();
        timers.moved(&1, None, Some(Timestamp(10)));
        timers.moved(&2, None, Some(Timestamp(5)));
        assert_eq!(timers.due(Timestamp(10), 9), vec![2, 1]);
        timers.moved(&1, Some(Timestamp(10)), Some(Timestamp(20)));
        timers.moved(&2, Some(Timestamp(5)), None);
        assert!(timers.due(Timestamp(10), 9).is_empty());
        assert_eq!(timers.next(), Some(Timestamp(20)));
    }

    #[test]
    fn a_muted_timer_is_silent_until_its_entry_changes() {
        let mut timers = Timers::default();
        timers.moved(&1, None, Some(Timestamp(1)));
        timers.mute(&1);
        assert_eq!((timers.due(Timestamp(9), 9), timers.next()), (vec![], None));
        timers.moved(&1, Some(Timestamp(1)), Some(Timestamp(2)));
        assert_eq!(timers.due(Timestamp(9), 9), vec![1]);
    }

    #[test]
    fn lag_is_never_taken_for_a_breach() {
        let events = TopicPartition::new("events", 0);
        let mut timers = Timers::default();
        timers.moved(&1, None, Some(Timestamp(10)));
        let high = || Ok::<_, ()>(vec![(events.clone(), 7)]);
        assert_eq!(timers.caught_up(Timestamp(9), |_| 0, high), Ok(None));
        assert_eq!(timers.caught_up(Timestamp(12), |_| 6, high), Ok(None), "one record is unread");
        assert_eq!(timers.caught_up(Timestamp(99), |_| 6, || Err(())), Ok(None), "the barrier stays as taken");
        assert_eq!(timers.caught_up(Timestamp(99), |_| 7, || Err(())), Ok(Some(Timestamp(12))));
    }
}
