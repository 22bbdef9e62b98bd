//! Durable timers. They are not stored: every timer derives from an entry of memory, so restoring memory restores them, and an
//! entry that changes or goes takes its timer with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::Timestamp;
use domain::worker::TimerRule;

use crate::bus::TopicPartition;

/// The due times of one partition's entries, in order.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    due: BTreeSet<(Timestamp, K)>,
    /// Timers that don't stand where their entry says.
    displaced: BTreeMap<K, Displaced>,
    /// For [`TimerRule::CaughtUp`].
    barrier: Option<Barrier>,
    /// Watermarks may cost a round trip, so they are not taken more often than this.
    next_barrier: Timestamp,
}

/// A timer that does not stand where its entry says.
#[derive(Clone, Copy, Debug)]
struct Displaced {
    /// Where it stands: put off until then, or silent until the entry changes.
    at: Option<Timestamp>,
    /// What its entry says, if it only waits for the next barrier.
    due: Option<Timestamp>,
}

/// High watermarks taken at a moment: timers due by then may fire once they are reached.
#[derive(Clone, Debug)]
struct Barrier {
    taken_at: Timestamp,
    until: Vec<(TopicPartition, u64)>,
    is_reached: bool,
}

/// The least time between two barriers.
const BARRIER_EVERY: Duration = Duration::from_millis(100);
/// How often an idle slot looks whether a barrier was reached without a record: by gaps alone.
const BARRIER_LOOK: Duration = Duration::from_millis(10);

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { due: BTreeSet::new(), displaced: BTreeMap::new(), barrier: None, next_barrier: Timestamp(i64::MIN) }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// An entry's due time has changed.
    pub(crate) fn moved(&mut self, key: &K, from: Option<Timestamp>, to: Option<Timestamp>) {
        if from == to && self.displaced.is_empty() {
            return;
        }
        let displaced = if self.displaced.is_empty() { None } else { self.displaced.remove(key) };
        let stands_at = displaced.map_or(from, |displaced| displaced.at);
        if let Some(at) = stands_at {
            self.due.remove(&(at, key.clone()));
        }
        let Some(to) = to else { return };
        // What was overdue when it came, as by a clock that is behind, is not judged by what was read before it came.
        let barrier = self.barrier.as_ref().map(|barrier| barrier.taken_at).filter(|taken_at| to <= *taken_at);
        let at = barrier.map_or(to, |taken_at| taken_at + Duration::from_millis(1));
        if at != to {
            self.displaced.insert(key.clone(), Displaced { at: Some(at), due: Some(to) });
        }
        self.due.insert((at, key.clone()));
    }

    /// Puts a timer off, or silences it, until its entry changes.
    pub(crate) fn displace(&mut self, key: &K, due: Timestamp, to: Option<Timestamp>) {
        self.moved(key, Some(due), None);
        if let Some(to) = to {
            self.due.insert((to, key.clone()));
        }
        self.displaced.insert(key.clone(), Displaced { at: to, due: None });
    }

    /// The keys due at `now`, at most `limit`, earliest first.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<K> {
        self.due.iter().take_while(|(due, _)| *due <= now).take(limit).map(|(_, key)| key.clone()).collect()
    }

    /// When the slot should look at these timers again, if ever.
    pub(crate) fn wakes_at(&self, rule: TimerRule, now: Timestamp) -> Option<Timestamp> {
        let (due, _) = self.due.first()?;
        match (rule, &self.barrier) {
            (TimerRule::WhenDue, _) => Some(*due),
            (TimerRule::CaughtUp, None) => Some((*due).max(self.next_barrier.min(now + BARRIER_EVERY))),
            (TimerRule::CaughtUp, Some(barrier)) if barrier.is_reached => Some(*due),
            (TimerRule::CaughtUp, Some(_)) => Some((*due).max(now + BARRIER_LOOK)),
        }
    }

    /// The moment up to which timers may fire, given what has been read: none while the barrier stands unreached. Takes a new
    /// barrier by `take` when timers are due that no barrier covers.
    pub(crate) fn caught_up<Error>(
        &mut self,
        now: Timestamp,
        position: impl Fn(&TopicPartition) -> u64,
        take: impl FnOnce() -> Result<Vec<(TopicPartition, u64)>, Error>,
    ) -> Result<Option<Timestamp>, Error> {
        self.heed_clock(now);
        let Some((due, _)) = self.due.first().filter(|(due, _)| *due <= now) else { return Ok(None) };
        if self.barrier.as_ref().is_some_and(|barrier| barrier.is_reached && barrier.taken_at < *due) {
            self.barrier = None;
        }
        if self.barrier.is_none() {
            // A clock that was set back must not hold deadlines up here either.
            if now < self.next_barrier && self.next_barrier <= now + BARRIER_EVERY {
                return Ok(None);
            }
            self.barrier = Some(Barrier { taken_at: now, until: take()?, is_reached: false });
            self.next_barrier = now + BARRIER_EVERY;
        }
        let Some(barrier) = &mut self.barrier else { return Ok(None) };
        barrier.is_reached =
            barrier.is_reached || barrier.until.iter().all(|(partition, high)| *high <= position(partition));
        Ok(barrier.is_reached.then_some(barrier.taken_at))
    }

    /// A clock that was set back must not hold deadlines up until it is where it was: what was due by the barrier of a time yet to
    /// come is due when its entry says.
    fn heed_clock(&mut self, now: Timestamp) {
        if self.barrier.as_ref().is_none_or(|barrier| barrier.taken_at <= now) {
            return;
        }
        self.barrier = None;
        for (key, held) in self.displaced.extract_if(.., |_, displaced| displaced.due.is_some()) {
            let (Some(at), Some(due)) = (held.at, held.due) else { continue };
            self.due.remove(&(at, key.clone()));
            self.due.insert((due, key));
        }
    }

    /// How many timers are armed.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armed(timers: &[(u8, i64)]) -> Timers<u8> {
        let mut armed = Timers::default();
        timers.iter().for_each(|(key, due)| armed.moved(key, None, Some(Timestamp(*due))));
        armed
    }

    #[test]
    fn a_timer_moves_with_its_entry() {
        let mut timers = armed(&[(1, 10), (2, 5)]);
        assert_eq!(timers.due(Timestamp(10), 9), vec![2, 1]);
        assert_eq!(timers.due(Timestamp(10), 1), vec![2]);
        timers.moved(&1, Some(Timestamp(10)), Some(Timestamp(20)));
        timers.moved(&2, Some(Timestamp(5)), None);
        assert!(timers.due(Timestamp(10), 9).is_empty());
        assert_eq!(timers.wakes_at(TimerRule::WhenDue, Timestamp(0)), Some(Timestamp(20)));
    }

    #[test]
    fn a_displaced_timer_stays_displaced_until_its_entry_changes() {
        let mut timers = armed(&[(1, 1), (2, 1)]);
        timers.displace(&1, Timestamp(1), None);
        timers.displace(&2, Timestamp(1), Some(Timestamp(50)));
        assert!(timers.due(Timestamp(49), 9).is_empty());
        assert_eq!(timers.wakes_at(TimerRule::WhenDue, Timestamp(9)), Some(Timestamp(50)));
        assert_eq!(timers.due(Timestamp(50), 9), vec![2]);
        timers.displace(&2, Timestamp(1), Some(Timestamp(60)));
        assert_eq!((timers.due(Timestamp(59), 9).len(), timers.len()), (0, 1));
        timers.moved(&1, Some(Timestamp(1)), Some(Timestamp(2)));
        timers.moved(&2, Some(Timestamp(1)), None);
        assert_eq!((timers.due(Timestamp(99), 9), timers.len()), (vec![1], 1));
        timers.displace(&1, Timestamp(2), None);
        timers.moved(&1, Some(Timestamp(2)), Some(Timestamp(2)));
        assert_eq!(timers.due(Timestamp(99), 9), vec![1], "though it is due when it was");
    }

    #[test]
    fn lag_is_never_taken_for_a_breach() {
        let events = TopicPartition::new("events", 0);
        let mut timers = armed(&[(1, 10)]);
        let high = || Ok::<_, ()>(vec![(events.clone(), 7)]);
        assert_eq!(timers.caught_up(Timestamp(9), |_| 0, high), Ok(None));
        assert_eq!(timers.caught_up(Timestamp(12), |_| 6, high), Ok(None), "one record is unread");
        assert_eq!(timers.caught_up(Timestamp(99), |_| 6, || Err(())), Ok(None), "the barrier stays as taken");
        assert_eq!(timers.caught_up(Timestamp(99), |_| 7, || Err(())), Ok(Some(Timestamp(12))));
    }

    #[test]
    fn a_timer_the_barrier_does_not_cover_needs_a_new_one_and_not_at_once() {
        let mut timers = armed(&[(1, 10), (2, 20)]);
        let high = || Ok::<_, ()>(vec![]);
        assert_eq!(timers.caught_up(Timestamp(12), |_| 0, high), Ok(Some(Timestamp(12))));
        timers.moved(&1, Some(Timestamp(10)), None);
        assert_eq!(timers.caught_up(Timestamp(20), |_| 0, || Err(())), Ok(None), "too soon for the next");
        assert_eq!(timers.wakes_at(TimerRule::CaughtUp, Timestamp(20)), Some(Timestamp(112)));
        assert_eq!(timers.caught_up(Timestamp(112), |_| 0, high), Ok(Some(Timestamp(112))));
    }

    #[test]
    fn what_was_overdue_when_it_came_waits_for_a_barrier_taken_since() {
        // A clock that is behind wrote it: what else its writer wrote lies behind what was read for the barrier that stands.
        let mut timers = armed(&[(1, 10)]);
        let high = || Ok::<_, ()>(vec![]);
        assert_eq!(timers.caught_up(Timestamp(12), |_| 0, high), Ok(Some(Timestamp(12))));
        timers.moved(&2, None, Some(Timestamp(3)));
        assert_eq!(timers.due(Timestamp(12), 9), vec![1]);
        timers.moved(&1, Some(Timestamp(10)), None);
        assert_eq!(timers.caught_up(Timestamp(13), |_| 0, || Err(())), Ok(None), "too soon for the next");
        assert_eq!(timers.caught_up(Timestamp(112), |_| 0, high), Ok(Some(Timestamp(112))));
        assert_eq!(timers.due(Timestamp(112), 9), vec![2]);
        timers.moved(&2, Some(Timestamp(3)), None);
        assert_eq!(timers.len(), 0);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_hold_deadlines_up() {
        let high = || Ok::<_, ()>(vec![]);
        // While a barrier stands, which would cover what is due by the new clock.
        let mut timers = armed(&[(1, 10_000)]);
        assert_eq!(timers.caught_up(Timestamp(10_000), |_| 0, high), Ok(Some(Timestamp(10_000))));
        timers.moved(&1, Some(Timestamp(10_000)), None);
        timers.moved(&2, None, Some(Timestamp(600)));
        timers.moved(&3, None, Some(Timestamp(700)));
        assert_eq!(timers.caught_up(Timestamp(599), |_| 0, high), Ok(None));
        assert_eq!(timers.caught_up(Timestamp(600), |_| 0, high), Ok(Some(Timestamp(600))));
        assert_eq!(timers.due(Timestamp(600), 9), vec![2]);
        timers.moved(&3, Some(Timestamp(700)), None);
        assert_eq!(timers.len(), 1, "each stands in one place");
        // And before the next is taken.
        let mut timers = armed(&[(1, 10_000), (2, 10_050)]);
        assert_eq!(timers.caught_up(Timestamp(10_000), |_| 0, high), Ok(Some(Timestamp(10_000))));
        timers.moved(&1, Some(Timestamp(10_000)), None);
        assert_eq!(timers.caught_up(Timestamp(10_050), |_| 0, || Err(())), Ok(None), "too soon for the next");
        timers.moved(&2, Some(Timestamp(10_050)), Some(Timestamp(600)));
        assert_eq!(timers.caught_up(Timestamp(600), |_| 0, high), Ok(Some(Timestamp(600))));
    }

    #[test]
    fn an_unreached_barrier_does_not_make_an_idle_slot_spin() {
        let mut timers = armed(&[(1, 10)]);
        let events = TopicPartition::new("events", 0);
        let high = || Ok::<_, ()>(vec![(events, 7)]);
        assert_eq!(timers.caught_up(Timestamp(12), |_| 0, high), Ok(None));
        assert_eq!(timers.wakes_at(TimerRule::CaughtUp, Timestamp(12)), Some(Timestamp(22)));
    }
}
