//! One run from its scenario to its accounts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use contracts::Topic;
use domain::{EventBody, FailureClass, Lifecycle, LifecycleEvent, Message, RequestId};
use fleet::clock::Clock;
use tests::faults::Struck;
use tests::plan::Plan;
use tests::{SOURCE, Setup, World};

use crate::enrolment::Change;
use crate::errors::Errors;
use crate::guessing::GUESSER;
use crate::leaks::leaks;
use crate::oracle::{Fact, Oracle};
use crate::remains::remains;
use crate::scenario::Scenario;
use crate::upstream::Upstream;

/// What a run came to.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct Run {
    /// How many requests there were.
    pub(crate) requests: usize,
    /// How many steps it took.
    pub(crate) steps: u32,
    /// How often its processes tried to commit.
    pub(crate) commits: u32,
    /// A hash over everything on the event log.
    pub(crate) hash: String,
    /// The kinds of facts its log holds, and how many of each.
    pub(crate) kinds: BTreeMap<&'static str, u64>,
    /// The states its requests came through, by the fold.
    pub(crate) states: BTreeMap<&'static str, u64>,
    /// What was struck where, and what came of it.
    pub(crate) struck: Struck,
    /// How the payers misbehaved.
    pub(crate) payers: BTreeMap<String, u64>,
    /// What identity first found of each request's member.
    pub(crate) found: BTreeMap<RequestId, &'static str>,
    /// What became of reviews, commands and matches.
    pub(crate) met: BTreeMap<&'static str, u64>,
    /// How the roster changed, and at which moments.
    pub(crate) changes: BTreeMap<(Change, &'static str), u64>,
}

/// A run that broke a promise.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What must not be.
    pub(crate) wrong: Vec<String>,
    /// All facts as they were seen.
    pub(crate) facts: Vec<Fact>,
}

impl Failure {
    /// Whether it breaks the promise that another one breaks first, of whichever request.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let promise = |wrong: &String| wrong.replace(|c: char| c.is_ascii_hexdigit() || c == '-', "");
        other.wrong.first().is_none_or(|first| self.wrong.iter().any(|wrong| promise(wrong) == promise(first)))
    }
}

/// A run that has not come to its end after so much virtual time hangs.
const LIMIT: Duration = Duration::from_secs(90 * 86_400);
/// When the first submission comes.
const HEAD_START: Duration = Duration::from_secs(600);
/// How long all rest before the accounts are drawn up.
const LAST_REST: Duration = Duration::from_secs(60);
/// Nor one that takes so many steps.
const STEPS_MAX: u32 = 80_000;
/// After so many steps in which nobody moved everybody is asked.
const IDLE_STEPS: u32 = 5;
/// The longest leap of time.
const LEAP_MAX: Duration = Duration::from_secs(6 * 3600);

/// A run under way.
struct Stage {
    world: World,
    upstream: Upstream,
    oracle: Oracle,
    leap: Duration,
    steps: u32,
}

/// Runs a scenario to its end.
pub(crate) fn run(scenario: &Scenario) -> Result<Run, Failure> {
    let errors = Errors::default();
    let mut facts = Vec::new();
    let ran = errors.heard_while(|| {
        catch_unwind(AssertUnwindSafe(|| {
            let mut stage = Stage::new(scenario);
            let ran = stage.run();
            facts = std::mem::take(&mut stage.oracle.facts);
            ran
        }))
    });
    let mut wrong = errors.take();
    match ran {
        Ok(Ok(run)) if wrong.is_empty() => return Ok(run),
        Ok(Ok(_)) => {}
        Ok(Err(more)) => wrong.extend(more),
        Err(panic) => wrong.push(said(&*panic)),
    }
    Err(Failure { wrong, facts })
}

/// Runs a scenario, and once more without anything that goes wrong: that must not change who is found.
pub(crate) fn run_beside_calm(scenario: &Scenario) -> Result<Run, Failure> {
    let rough = run(scenario)?;
    let calm = run(&Scenario { plan: Plan::default(), orders: Vec::new(), ..scenario.clone() })?;
    let differs = |(id, found): (&RequestId, &&'static str)| {
        let otherwise = calm.found.get(id).filter(|otherwise| *otherwise != found)?;
        Some(format!("{id} is {found}, and is {otherwise} when nothing goes wrong"))
    };
    let wrong: Vec<String> = rough.found.iter().filter_map(differs).collect();
    if wrong.is_empty() { Ok(rough) } else { Err(Failure { wrong, facts: Vec::new() }) }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a word"))
}

// === impl Stage ===

impl Stage {
    fn new(scenario: &Scenario) -> Self {
        let plan = Some(scenario.plan.clone());
        let mut setup = Setup { plan, callbacks: true, appeal_s: scenario.appeal_s(), ..Setup::rough(scenario.seed) };
        let text = setup
            .sources
            .first()
            .map(|(_, text)| text.replace(&format!("id = {SOURCE:?}"), &format!("id = {GUESSER:?}")));
        setup.sources.extend(text.map(|text| (format!("{GUESSER}.toml"), text)));
        // What goes beyond the source's share of a minute is moved to bulk.
        setup.sources.iter_mut().for_each(|(_, text)| text.push_str("\nshare_per_min = 24\n"));
        let world = World::new(setup);
        let upstream = Upstream::new(scenario, &world);
        let oracle = Oracle::new(&world, scenario);
        // No clock is so wrong that a submission would come before it was written.
        world.clock.advance(HEAD_START);
        Self { world, upstream, oracle, leap: Duration::from_millis(1), steps: 0 }
    }

    fn run(&mut self) -> Result<Run, Vec<String>> {
        let mut idle = 0;
        while self.world.clock.since_boot() < LIMIT && self.steps < STEPS_MAX {
            self.steps += 1;
            let outside = self.upstream.act(&self.world, &self.oracle) + self.world.partners.deliver();
            let has_moved = self.world.crew.step();
            if has_moved || 0 < outside {
                idle = 0;
                self.look()?;
                continue;
            }
            idle += 1;
            if idle < IDLE_STEPS {
                continue;
            }
            idle = 0;
            if 0 < self.world.crew.sweep() {
                self.look()?;
                continue;
            }
            if self.rest()? {
                return self.finish();
            }
        }
        let now = self.world.clock.since_boot();
        let open = self.oracle.accounts.open().take(3).map(|(id, story)| format!("{id} hangs: {story:?}"));
        let (waits, disorder) = (self.world.has_waiting(), self.world.crew.is_in_disorder());
        let left = format!("records wait: {waits}, disorder: {disorder}, {} letters wait", self.upstream.letters());
        let left = format!("{left}, {:?} wakes first", self.world.crew.restless());
        let busy = format!("not at an end after {} steps and {now:?}: {left}", self.steps);
        Err(open.chain([busy]).collect())
    }

    /// Sees what is new; wrong things end the run at once.
    fn look(&mut self) -> Result<(), Vec<String>> {
        self.leap = Duration::from_millis(1);
        let facts = self.oracle.follow(&self.world);
        self.upstream.hear((&self.world, &self.oracle), &facts);
        if self.oracle.wrong.is_empty() { Ok(()) } else { Err(std::mem::take(&mut self.oracle.wrong)) }
    }

    /// Nobody has anything to do: people decide, time passes. Answers whether all is over.
    fn rest(&mut self) -> Result<bool, Vec<String>> {
        self.compare()?;
        let Self { world, upstream, oracle, .. } = self;
        let wrong = oracle.look_at_rest(world);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let is_quiet = world.is_well() && !world.crew.is_in_disorder() && world.partners.next_ms().is_none();
        let is_quiet = is_quiet && !world.has_waiting();
        if upstream.is_done() && is_quiet {
            world.faults.stop();
            if upstream.act_as_operator(world, oracle) == 0 {
                return Ok(true);
            }
        }
        if world.is_well() && world.chance.hits(80) {
            let forgetful = world.forgetful();
            if !forgetful.is_empty() {
                return Err(forgetful);
            }
            world.maintain();
        }
        // Half of the time the clock stops where somebody wants to do something.
        let leap_max = if upstream.has_sent() { LEAP_MAX } else { Duration::from_secs(1) };
        let leap = if world.chance.hits(500) { world.crew.idle(leap_max) } else { self.leap };
        let now = world.clock.now_ms();
        let told = upstream
            .next_ms()
            .filter(|_| world.is_well())
            .map_or(leap, |at| Duration::from_millis(u64::try_from(at - now).unwrap_or(0)));
        let leap = leap.min(told).min(world.crew.looks_again().unwrap_or(leap)).max(Duration::from_millis(1));
        if world.is_well() && !world.crew.is_in_disorder() {
            oracle.patience.passed(leap);
        }
        world.crew.advance(leap);
        self.leap = (self.leap * 2).min(leap_max);
        Ok(false)
    }

    /// Now and then, holds memory against the log: what has come to light since somebody last did something is read before.
    fn compare(&mut self) -> Result<(), Vec<String>> {
        if !self.world.chance.hits(60) {
            return Ok(());
        }
        let leap = self.leap;
        self.look()?;
        self.leap = leap;
        let wrong = self.oracle.compare(&self.world);
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn finish(&mut self) -> Result<Run, Vec<String>> {
        let Self { world, upstream, oracle, .. } = self;
        world.pass(LAST_REST);
        oracle.follow(world);
        let mut wrong = world.forgetful();
        wrong.extend(oracle.look_at_last(world));
        wrong.extend(oracle.rebuild(world));
        // Every byte is searched: not of every run.
        if world.chance.hits(200) {
            wrong.extend(leaks(world));
        }
        wrong.extend(oracle.balance(world, &upstream.sent, upstream.poisoned));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        // Late callbacks still come, and must change nothing that was balanced.
        wrong.extend(remains(world, upstream));
        oracle.follow(world);
        wrong.extend(oracle.balance(world, &upstream.sent, upstream.poisoned));
        wrong.extend(oracle.unowned_effects(world));
        wrong.extend(released_in_vain(world));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let (hash, states) = log(world);
        let mut kinds = BTreeMap::new();
        oracle.facts.iter().for_each(|fact| *kinds.entry(fact.kind).or_default() += 1);
        Ok(Run {
            requests: oracle.accounts.requests().count(),
            steps: self.steps,
            commits: world.faults.commits(),
            hash: hash[..8].iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }),
            kinds,
            states,
            struck: world.faults.struck(),
            payers: world.partners.misbehaviour(),
            found: found(&oracle.facts),
            met: oracle.met(),
            changes: upstream.enrolment.done.clone(),
        })
    }
}

/// What identity first found of each request's member.
fn found(facts: &[Fact]) -> BTreeMap<RequestId, &'static str> {
    let mut found = BTreeMap::new();
    for fact in
        facts.iter().filter(|fact| matches!(fact.kind, "identity-matched" | "identity-unmatched" | "review-opened"))
    {
        found.entry(fact.request_id).or_insert(fact.kind);
    }
    found
}

/// A hash over all facts, and the states they lead through.
fn log(world: &World) -> ([u8; 32], BTreeMap<&'static str, u64>) {
    let (mut hash, mut states) = ([0; 32], BTreeMap::new());
    let mut requests: BTreeMap<_, Lifecycle> = BTreeMap::new();
    for record in tests::reading::read(world, &Topic::Events) {
        let value = record.value.unwrap_or_default();
        let digest = domain::lifecycle::fold::digest(&value);
        hash = domain::lifecycle::fold::chain(&hash, &digest);
        let Ok((_, Message::Event(event))) = world.codec.decode(&Topic::Events, &value) else { continue };
        let request = requests.entry(event.request_id).or_default();
        let before = request.state;
        request.fold(&event.body, event.at, &digest);
        if request.state != before || request.events == 1 {
            *states.entry(request.state.as_str()).or_default() += 1;
        }
    }
    (hash, states)
}

/// Requests that were given up for lack of time at the very moment they were let go on: the time of a hold does not count.
fn released_in_vain(world: &World) -> Vec<String> {
    let (mut released, mut found) = (BTreeMap::new(), Vec::new());
    for LifecycleEvent { request_id, at, body, .. } in tests::reading::events(world) {
        match body {
            EventBody::Released { .. } => {
                released.insert(request_id, at);
            }
            EventBody::AttemptsExhausted { class: FailureClass::Timeout, attempts, .. }
                if released.get(&request_id).is_some_and(|then| at.since(*then) < Duration::from_secs(1)) =>
            {
                found.push(format!("{request_id} was given up after {attempts} calls as soon as it was released"));
            }
            _ => {}
        }
    }
    found
}
