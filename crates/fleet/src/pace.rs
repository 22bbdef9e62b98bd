//! The pace of a slot: how many inputs a turn takes, how long the slot rests after a failure, and which input is to blame when
//! turns can't be committed.

use std::time::Duration;

use domain::RecordId;

/// What the last turns have taught.
#[derive(Debug)]
pub(crate) struct Pace {
    inputs_max: usize,
    target: Duration,
    appetite: usize,
    urgency: Urgency,
    failures: u32,
    rest_until: Duration,
    /// The input that failed alone, and how often in a row.
    blamed: Option<(RecordId, u32)>,
}

/// Whether urgent records are coming, by the boot-time clock.
#[derive(Debug, Default)]
struct Urgency {
    /// Since when they have been coming.
    since: Duration,
    /// When the last came.
    last: Duration,
    /// Until when more are expected.
    until: Duration,
}

/// A turn that was committed.
pub(crate) struct Settled {
    /// How many inputs it had.
    pub(crate) inputs: usize,
    /// How long deciding them took.
    pub(crate) took: Duration,
    /// How long its commit took.
    pub(crate) commit: Duration,
    /// Whether the next may have more.
    pub(crate) may_grow: bool,
    /// Whether somebody urgent passed, who is no backlog of their own.
    pub(crate) is_urgent: bool,
    /// When it was committed, by the boot-time clock.
    pub(crate) at: Duration,
}

/// The smallest turn when there is a backlog.
pub(crate) const APPETITE_MIN: usize = 32;
/// Urgent records that lie further apart than this do not come one after the other.
const URGENT_APART: Duration = Duration::from_secs(5);
/// For how long after an urgent record others are expected: for as long as they have been coming, within these bounds.
const URGENT_FOR_MIN: Duration = Duration::from_secs(1);
const URGENT_FOR_MAX: Duration = Duration::from_secs(60);
/// How long deciding a turn may take meanwhile, since whoever is urgent meets turns that were begun before; as long as its commit takes
/// where that is more, so that a fleet with much to do spends half its time on it and not a third.
const URGENT_TARGET: Duration = Duration::from_millis(15);
/// How often one input may bring a turn down, alone, before it becomes a letter.
const SOLO_FAILURES_MAX: u32 = 3;
/// The first rest after a failure; it doubles with each.
const REST: Duration = Duration::from_millis(20);
const RESTS_DOUBLED_MAX: u32 = 7;

// === impl Urgency ===

impl Urgency {
    /// Somebody urgent passed.
    fn pass(&mut self, now: Duration) {
        if self.last + URGENT_APART < now {
            self.since = now;
        }
        self.last = now;
        let coming = now.saturating_sub(self.since);
        self.until = self.until.max(now + coming.clamp(URGENT_FOR_MIN, URGENT_FOR_MAX));
    }
}

// === impl Pace ===

impl Pace {
    /// The pace of a slot that has done nothing yet: turns of at most `inputs_max`, decided within `target`.
    pub(crate) fn new(inputs_max: usize, target: Duration) -> Self {
        let inputs_max = inputs_max.max(1);
        Self {
            inputs_max,
            target,
            appetite: inputs_max.min(APPETITE_MIN),
            urgency: Urgency::default(),
            failures: 0,
            rest_until: Duration::ZERO,
            blamed: None,
        }
    }

    /// How many inputs the next turn may take.
    pub(crate) fn appetite(&self) -> usize {
        self.appetite
    }

    /// How long the slot still has to rest, by the boot-time clock.
    pub(crate) fn rest(&self, now: Duration) -> Duration {
        self.rest_until.saturating_sub(now)
    }

    /// A turn was committed. Turns grow with the backlog, since a commit costs what a thousand records cost, and shrink when deciding
    /// takes too long: a little of it where nobody but the backlog waits, less where urgent records pass.
    pub(crate) fn settled(&mut self, turn: &Settled) {
        (self.failures, self.blamed) = (0, None);
        if turn.is_urgent {
            self.urgency.pass(turn.at);
        }
        let target = match turn.at < self.urgency.until {
            true => turn.commit.max(URGENT_TARGET).min(self.target),
            false => self.target,
        };
        if target < turn.took {
            let fitting = turn.inputs as f64 * target.div_duration_f64(turn.took);
            self.appetite = (fitting as usize).max(self.inputs_max.min(APPETITE_MIN)).min(self.appetite);
        } else if turn.may_grow && self.appetite <= turn.inputs {
            self.appetite = (self.appetite * 2).min(self.inputs_max);
        }
    }

    /// The bus failed: the slot rests, longer each time. Answers whether this is news.
    pub(crate) fn failed(&mut self, now: Duration) -> bool {
        self.rest_until = now + REST * 2_u32.pow(self.failures.min(RESTS_DOUBLED_MAX));
        self.failures += 1;
        self.failures == 1
    }

    /// How often in a row the bus has failed.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// The slot rests for this long.
    pub(crate) fn pause(&mut self, now: Duration, rest: Duration) {
        self.rest_until = now + rest;
    }

    /// A turn of so many inputs can't be committed: the next one is half as large. Answers the input that has failed alone once
    /// too often.
    pub(crate) fn split(&mut self, inputs: usize, first: Option<RecordId>) -> Option<RecordId> {
        self.appetite = (inputs / 2).clamp(1, self.inputs_max);
        let sole = first.filter(|_| inputs == 1)?;
        let times = self.blamed.filter(|(blamed, _)| *blamed == sole).map_or(1, |(_, times)| times + 1);
        self.blamed = Some((sole, times));
        (SOLO_FAILURES_MAX <= times).then_some(sole)
    }

    /// The next turn takes one input.
    pub(crate) fn tiptoe(&mut self) {
        self.appetite = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Duration = Duration::from_millis(20);

    fn settled(inputs: usize, took_ms: u64) -> Settled {
        let (took, at) = (Duration::from_millis(took_ms), Duration::from_secs(9));
        Settled { inputs, took, commit: Duration::ZERO, may_grow: true, is_urgent: false, at }
    }

    #[test]
    fn turns_grow_with_the_backlog_and_shrink_to_what_fits() {
        let mut pace = Pace::new(100, TARGET);
        let mut appetites = Vec::new();
        for (inputs, took_ms) in [(31, 1), (32, 1), (64, 20), (100, 1), (100, 40), (50, 25), (40, 99)] {
            pace.settled(&settled(inputs, took_ms));
            appetites.push(pace.appetite());
        }
        assert_eq!(appetites, [32, 64, 100, 100, 50, 40, 32]);
        assert_eq!(Pace::new(4, TARGET).appetite(), 4);
    }

    #[test]
    fn turns_are_shorter_while_urgent_records_pass() {
        let mut pace = Pace::new(1_000, 4 * URGENT_TARGET);
        (0..9).for_each(|_| pace.settled(&settled(1_000, 60)));
        assert_eq!(pace.appetite(), 1_000);
        pace.settled(&Settled { is_urgent: true, ..settled(1_000, 60) });
        assert_eq!(pace.appetite(), 250);
        pace.settled(&settled(250, 20));
        assert_eq!(pace.appetite(), 187, "for a while after the last one too");
        pace.settled(&Settled { at: Duration::from_secs(9) + URGENT_FOR_MIN, ..settled(187, 20) });
        assert_eq!(pace.appetite(), 374);
    }

    #[test]
    fn beside_urgent_records_turns_are_as_long_as_their_commits() {
        let ms = Duration::from_millis;
        let appetite = |commit_ms, target_ms| {
            let mut pace = Pace::new(1_000, ms(target_ms));
            (0..9).for_each(|_| pace.settled(&settled(1_000, 0)));
            pace.settled(&Settled { is_urgent: true, commit: ms(commit_ms), ..settled(1_000, 100) });
            pace.appetite()
        };
        assert_eq!(
            [appetite(5, 250), appetite(40, 250), appetite(300, 250), appetite(300, 50)],
            [150, 400, 1_000, 500]
        );
    }

    #[test]
    fn urgent_records_are_expected_for_as_long_as_they_have_been_coming() {
        let at = Duration::from_secs;
        let mut pace = Pace::new(1_000, TARGET);
        let mut until = |times: &[u64]| {
            times.iter().for_each(|time| pace.settled(&Settled { is_urgent: true, at: at(*time), ..settled(1, 0) }));
            pace.urgency.until
        };
        let once = until(&[100]);
        let awhile = until(&[200, 203, 208]);
        let always = until(&(300..500).collect::<Vec<_>>());
        let seldom = until(&[600, 606, 612]);
        assert_eq!([once, awhile, always, seldom], [at(101), at(208 + 8), at(499 + 60), at(612 + 1)]);
    }

    #[test]
    fn a_turn_is_halved_until_one_input_stands_alone_and_has_failed_thrice() {
        let (guilty, other) = (RecordId([1; 16]), RecordId([2; 16]));
        let mut pace = Pace::new(100, TARGET);
        assert_eq!([9, 4, 2].map(|inputs| (pace.split(inputs, Some(guilty)), pace.appetite()).1), [4, 2, 1]);
        assert_eq!(pace.split(1, Some(guilty)), None);
        assert_eq!(pace.split(1, Some(guilty)), None);
        assert_eq!(pace.split(1, Some(other)), None, "another one starts anew");
        assert_eq!([(); 3].map(|()| pace.split(1, Some(guilty))), [None, None, Some(guilty)]);
        pace.settled(&Settled { may_grow: false, ..settled(1, 0) });
        assert_eq!(pace.appetite(), 1);
        assert_eq!(pace.split(1, Some(guilty)), None, "forgiven after a commit");
    }

    #[test]
    fn rests_double_and_end_with_the_trouble() {
        let mut pace = Pace::new(100, TARGET);
        let rests: Vec<u128> = (0..9)
            .map(|_| {
                let is_news = pace.failed(Duration::from_secs(1));
                assert_eq!(is_news, pace.failures() == 1);
                pace.rest(Duration::from_secs(1)).as_millis()
            })
            .collect();
        assert_eq!(rests, [20, 40, 80, 160, 320, 640, 1280, 2560, 2560]);
        assert_eq!(pace.rest(Duration::from_secs(9)), Duration::ZERO);
        pace.settled(&settled(1, 0));
        assert_eq!(pace.failures(), 0);
        assert!(pace.failed(Duration::ZERO), "it is news again");
        assert_eq!(pace.rest(Duration::ZERO), REST);
    }
}
