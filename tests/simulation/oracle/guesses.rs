//! The guard against guessing: who asks for one person with more cards than anybody has, or with one card for too many people, is told
//! to all within a second and not answered for a while; nobody else is, and what was counted survives whatever becomes of processes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contracts::Topic;
use domain::messages::{GuardVerdict, Probe};
use domain::{Code, EventBody, LifecycleEvent, Message, RequestId};
use fleet::bus::{Isolation, Reader, TopicPartition};
use fleet::clock::Clock;
use tests::World;
use tests::clock::START_MS;
use tests::plan::{Kind, Plan};

use crate::guessing::{DISTINCT_MAX, GUESSER, THREAD, varied};

/// What the guesser has tried, and what was found out.
pub(super) struct Guesses {
    reader: Box<dyn Reader>,
    varied: Option<Probe>,
    /// By how much the clocks of those who decide may differ.
    skew_ms: i64,
    /// When each guess was decided without a member, by the clock of whoever did.
    tried: BTreeMap<RequestId, i64>,
    /// Those that became letters: a person may have put aside that they are counted.
    lettered: BTreeSet<RequestId>,
    /// The verdicts, and when each could be known, since the run began.
    verdicts: Vec<(Duration, GuardVerdict)>,
    /// Since when a verdict is owed, in sound time.
    owed_since: Option<Duration>,
    pub(super) met: BTreeMap<&'static str, u64>,
}

/// `window_s` and `throttle_s` in `deploy/policy/identity.toml`.
const WINDOW_MS: i64 = 3_600_000;
const THROTTLE_MS: i64 = 3_600_000;
/// A verdict reaches everybody within this time.
const REACHES_MS: i64 = 1_000;
/// By how much two clocks differ that nobody sets, and by how much those that somebody does.
const SKEW_MS: i64 = 2_000;
const SET_WRONG_MS: i64 = 215_000;
/// How long nobody need count in sound time.
const COUNTED_WITHIN: Duration = Duration::from_secs(600);

// === impl Guesses ===

impl Guesses {
    pub(super) fn new(world: &World, seed: u64, plan: &Plan) -> Self {
        let name = world.topics.name(&Topic::Guard);
        let partitions = 0..world.topics.partitions(&Topic::Guard);
        let from: Vec<_> = partitions.map(|number| (TopicPartition::new(name.clone(), number), 0)).collect();
        let mut reader = world.bus.reader(Isolation::ReadCommitted).expect("a reader");
        reader.assign(&from).expect("assigned");
        let is_set = plan.0.iter().any(|fault| matches!(fault.kind, Kind::Jump { .. }));
        Self {
            reader,
            varied: varied(seed),
            skew_ms: if is_set { SET_WRONG_MS } else { SKEW_MS },
            tried: BTreeMap::new(),
            lettered: BTreeSet::new(),
            verdicts: Vec::new(),
            owed_since: None,
            met: BTreeMap::new(),
        }
    }

    /// Reads the verdicts on; what is wrong with them.
    pub(super) fn follow(&mut self, world: &World) -> Vec<String> {
        let (mut rows, mut wrong) = (Vec::new(), Vec::new());
        if self.reader.read(super::LIMIT, Duration::ZERO, &mut rows).is_err() {
            return wrong;
        }
        for row in rows {
            let Some(value) = row.value else { continue };
            let Ok((_, Message::Guard(verdict))) = world.codec.decode(&Topic::Guard, &value) else {
                panic!("no verdict");
            };
            *self.met.entry("guesser told").or_default() += 1;
            let is_guesser = &*verdict.caller == GUESSER && Some(verdict.probe) == self.varied;
            let is_one = self.verdicts.iter().all(|(_, other)| other.fixed == verdict.fixed);
            if !is_guesser || !is_one || (verdict.distinct as usize) <= DISTINCT_MAX {
                wrong.push(format!("{} is taken to be guessing: {verdict:?}", verdict.caller));
            }
            self.verdicts.push((world.clock.since_boot(), *verdict));
        }
        wrong
    }

    /// Takes a fact in about a request of this thread; what is wrong with it.
    pub(super) fn judge(&mut self, event: &LifecycleEvent, thread: Option<&str>) -> Option<String> {
        let is_guess = thread.is_some_and(|thread| thread.starts_with(THREAD));
        let at_ms = event.at.0;
        match &event.body {
            EventBody::IdentityUnmatched { code: Code::TooManyAttempts, .. } => {
                *self.met.entry("too-many-attempts").or_default() += 1;
                let stands = |(_, verdict): &(Duration, GuardVerdict)| {
                    verdict.since.0 - self.skew_ms <= at_ms && at_ms < verdict.until.0 + self.skew_ms
                };
                if !is_guess {
                    return Some("is not answered, and is no guess of who guesses".to_owned());
                }
                (!self.verdicts.iter().any(stands)).then(|| "is not answered, and no verdict stands".to_owned())
            }
            EventBody::IdentityUnmatched { .. } | EventBody::ReviewOpened { .. } if is_guess => {
                self.tried.insert(event.request_id, at_ms);
                let is_known = |(seen, verdict): &(Duration, GuardVerdict)| {
                    let known_ms = START_MS + i64::try_from(seen.as_millis()).expect("a run's time") + REACHES_MS;
                    known_ms + self.skew_ms < at_ms && at_ms + self.skew_ms < verdict.until.0
                };
                self.verdicts.iter().any(is_known).then(|| "is answered though all know that it is a guess".to_owned())
            }
            EventBody::DeadLettered { .. } => {
                self.lettered.insert(event.request_id);
                None
            }
            _ => None,
        }
    }

    /// Whether somebody has guessed for long without being told of, or was told of without, all at rest, in sound time.
    pub(super) fn overlooked(
        &mut self,
        (sound, now): (Duration, Duration),
        within: Option<Duration>,
    ) -> Option<String> {
        if let Some((_, verdict)) = self.verdicts.iter().find(|(_, verdict)| !self.bears_out(verdict)) {
            return Some(format!("{GUESSER} has not tried as much as that within the time: {verdict:?}"));
        }
        if !self.owes(now) {
            self.owed_since = None;
            return None;
        }
        let since = *self.owed_since.get_or_insert(sound);
        let is_over = within.unwrap_or(COUNTED_WITHIN) <= sound - since;
        is_over.then(|| format!("{GUESSER} guesses, and nobody counts it: {:?}", self.tried.values()))
    }

    /// Whether as much was tried as a verdict says.
    fn bears_out(&self, verdict: &GuardVerdict) -> bool {
        let (from, to) = (verdict.since.0 - WINDOW_MS - 2 * self.skew_ms, verdict.since.0 + 2 * self.skew_ms);
        verdict.distinct as usize <= self.tried.values().filter(|at| (from..=to).contains(*at)).count()
    }

    /// Whether one too many was tried within the window, no verdict is as late as that, and one would still stand.
    fn owes(&self, now: Duration) -> bool {
        let now_ms = START_MS + i64::try_from(now.as_millis()).expect("a run's time");
        let mut times: Vec<i64> =
            self.tried.iter().filter(|(id, _)| !self.lettered.contains(id)).map(|(_, at)| *at).collect();
        times.sort_unstable();
        let skew_ms = 2 * self.skew_ms;
        let is_told = |at: i64| self.verdicts.iter().any(|(_, verdict)| at - skew_ms <= verdict.since.0);
        let stands = |at: i64| now_ms + skew_ms < at + THROTTLE_MS;
        let mut runs = times.windows(DISTINCT_MAX + 1).map(|run| (run[0], run[DISTINCT_MAX]));
        runs.any(|(from, to)| to + skew_ms < from + WINDOW_MS && stands(to) && !is_told(to))
    }
}
