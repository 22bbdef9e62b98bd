//! What is known of ids, and how much may still be waited for. Pure: time is an argument.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contracts::Foreign;

use super::Limits;

/// All that is known of ids that no catalogue has.
pub(super) struct Standing {
    limits: Limits,
    ids: BTreeMap<u32, State>,
    /// How many of them are found.
    learnt: usize,
    /// Until when no room can be made for more.
    full_until: Option<Instant>,
    /// Until when nothing is looked up, as the registry was found away.
    away_until: Option<Instant>,
    /// How much may still be waited for now.
    patience: Duration,
    /// When that last grew.
    grown: Instant,
}

/// What is known of an id.
enum State {
    /// It is being looked up; whoever needs it waits no longer than this.
    Asked {
        until: Instant,
    },
    Found(Foreign),
    /// It is unknown until then.
    Unknown {
        until: Instant,
    },
}

/// What a reader does about an id.
pub(super) enum Step {
    /// Goes on with this.
    Answer(Option<Foreign>),
    /// Has it looked up, and waits until then.
    Ask { until: Instant },
    /// Waits until then for a lookup that is under way.
    Join { until: Instant },
}

/// What became of a lookup.
pub(super) enum Outcome {
    Found(Foreign),
    Unknown,
    /// The registry can't tell.
    Away,
}

/// How many unknown ids are remembered. Beyond it they are answered at once and not looked up.
const UNKNOWN_MAX: usize = 10_000;

/// The share of time that waiting may take in the long run, as one in so many.
const SHARE: u32 = 20;

// === impl Standing ===

impl Standing {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        let (ids, patience) = (BTreeMap::new(), limits.patience);
        Self { limits, ids, learnt: 0, full_until: None, away_until: None, patience, grown: now }
    }

    /// What to do about an id that was met. Waiting is taken off the patience; what is not used up is given back.
    pub(super) fn look(&mut self, id: u32, now: Instant) -> Step {
        match self.ids.get(&id) {
            Some(State::Found(foreign)) => return Step::Answer(Some(foreign.clone())),
            Some(State::Unknown { until }) if now < *until => return Step::Answer(None),
            Some(State::Asked { until }) if now < *until => {
                let until = *until;
                return Step::Join { until: self.spend(now, until) };
            }
            // A lookup that never ends is begun again some day.
            Some(State::Asked { until }) if now < *until + self.limits.unknown => return Step::Answer(None),
            Some(State::Asked { .. } | State::Unknown { .. }) | None => {}
        }
        if self.away_until.is_some_and(|until| now < until) || self.is_full(now) {
            return Step::Answer(None);
        }
        let until = self.spend(now, now + self.limits.wait);
        self.ids.insert(id, State::Asked { until: now + self.limits.wait });
        Step::Ask { until }
    }

    /// A lookup has ended.
    pub(super) fn settle(&mut self, id: u32, outcome: Outcome, now: Instant) {
        let unknown = State::Unknown { until: now + self.limits.unknown };
        match outcome {
            Outcome::Found(foreign) if self.learnt < self.limits.learnt => {
                self.learnt += 1;
                self.ids.insert(id, State::Found(foreign));
            }
            Outcome::Found(_) => {
                tracing::warn!(id, kept = self.learnt, "too many schemas of other writers are known to keep one more");
                self.ids.insert(id, unknown);
            }
            Outcome::Unknown => drop(self.ids.insert(id, unknown)),
            Outcome::Away => {
                self.ids.remove(&id);
                self.away_until = Some(now + self.limits.outage);
            }
        }
    }

    /// Takes back that an id is being looked up.
    pub(super) fn forget(&mut self, id: u32) {
        self.ids.remove(&id);
    }

    /// Waiting that was not used up.
    pub(super) fn give_back(&mut self, rest: Duration) {
        self.patience = (self.patience + rest).min(self.limits.patience);
    }

    pub(super) fn is_asked(&self, id: u32) -> bool {
        matches!(self.ids.get(&id), Some(State::Asked { .. }))
    }

    pub(super) fn answer(&self, id: u32) -> Option<Foreign> {
        match self.ids.get(&id)? {
            State::Found(foreign) => Some(foreign.clone()),
            State::Asked { .. } | State::Unknown { .. } => None,
        }
    }

    /// Until when may be waited for what ends then, as far as patience goes.
    fn spend(&mut self, now: Instant, until: Instant) -> Instant {
        let grown = now.saturating_duration_since(self.grown) / SHARE;
        self.grown = now;
        self.patience = (self.patience + grown).min(self.limits.patience);
        let wait = until.saturating_duration_since(now).min(self.patience);
        self.patience -= wait;
        now + wait
    }

    /// Whether no more unknown ids can be remembered, once those have gone that may be asked for again.
    fn is_full(&mut self, now: Instant) -> bool {
        let is_full = |standing: &Self| UNKNOWN_MAX + standing.learnt <= standing.ids.len();
        if is_full(self) && self.full_until.is_none_or(|until| until <= now) {
            self.ids.retain(|_, state| !matches!(state, State::Unknown { until } if *until <= now));
            // Until the first of the rest may be asked for again there is no use in going through them all.
            self.full_until = self.ids.values().filter_map(State::unknown_until).min();
        }
        is_full(self)
    }
}

// === impl State ===

impl State {
    fn unknown_until(&self) -> Option<Instant> {
        match self {
            Self::Unknown { until } => Some(*until),
            Self::Asked { .. } | Self::Found(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use contracts::catalogue::BUNDLED;

    use super::*;

    fn standing() -> (Standing, Instant) {
        let now = Instant::now();
        (Standing::new(Limits::default(), now), now)
    }

    fn foreign() -> Foreign {
        Foreign::parse(BUNDLED[0].text).expect("one of ours")
    }

    /// How long a reader would wait, and whether a lookup begins.
    fn met(standing: &mut Standing, id: u32, now: Instant) -> (Duration, bool) {
        match standing.look(id, now) {
            Step::Answer(_) => (Duration::ZERO, false),
            Step::Ask { until } => (until - now, true),
            Step::Join { until } => (until - now, false),
        }
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_id_is_asked_for_once_and_waited_for_by_all_until_one_moment() {
        let (mut standing, now) = standing();
        assert_eq!(met(&mut standing, 7, now), (500 * MS, true));
        standing.give_back(500 * MS);
        assert_eq!(met(&mut standing, 7, now + 200 * MS), (300 * MS, false));
        assert_eq!(met(&mut standing, 7, now + 600 * MS), (Duration::ZERO, false));
        standing.settle(7, Outcome::Found(foreign()), now + 700 * MS);
        assert!(matches!(standing.look(7, now + 701 * MS), Step::Answer(Some(_))), "a late answer is an answer");
    }

    #[test]
    fn an_unknown_id_is_asked_for_again_only_after_a_while() {
        let (mut standing, now) = standing();
        met(&mut standing, 7, now);
        standing.settle(7, Outcome::Unknown, now);
        assert_eq!(met(&mut standing, 7, now + 59_999 * MS), (Duration::ZERO, false));
        assert!(met(&mut standing, 7, now + 60_000 * MS).1);
    }

    #[test]
    fn an_outage_answers_for_all_ids_and_ends_with_one_lookup() {
        let (mut standing, now) = standing();
        met(&mut standing, 7, now);
        standing.settle(7, Outcome::Away, now);
        for id in 0..1_000 {
            assert_eq!(met(&mut standing, id, now + 4_999 * MS), (Duration::ZERO, false));
        }
        assert!(met(&mut standing, 7, now + 5_000 * MS).1);
    }

    #[test]
    fn a_flood_of_ids_at_a_slow_registry_costs_a_bounded_share_of_time() {
        let (mut standing, start) = standing();
        let mut now = start;
        for id in 0..1_000 {
            // Each lookup takes longer than anybody waits; a record takes a millisecond beside that.
            let (wait, _) = met(&mut standing, id, now);
            now += wait + MS;
        }
        let waited = now - start - 1_000 * MS;
        assert!(waited <= 1_000 * MS + (now - start) / SHARE, "{waited:?} of {:?}", now - start);
        assert!(1_000 * MS <= waited, "patience is used: {waited:?}");
    }

    #[test]
    fn neither_unknown_nor_learnt_ids_grow_without_bound() {
        let now = Instant::now();
        let mut standing = Standing::new(Limits { learnt: 1, ..Limits::default() }, now);
        for id in 0..20_000 {
            if met(&mut standing, id, now).1 {
                standing.settle(id, Outcome::Unknown, now);
            }
        }
        assert_eq!(standing.ids.len(), UNKNOWN_MAX);
        assert!(met(&mut standing, 50_000, now + Duration::from_secs(61)).1, "what may be asked again makes room");
        let (mut standing, now) = (Standing::new(Limits { learnt: 1, ..Limits::default() }, now), now);
        for id in [1, 2] {
            standing.settle(id, Outcome::Found(foreign()), now);
        }
        assert!(standing.answer(1).is_some() && standing.answer(2).is_none());
    }
}
