//! Deterministic simulation of the whole fleet.
//!
//! One seed makes one world: members, traffic with records that come twice, partners with faults that call back, late and again,
//! people who hold, release and cancel, the order in which workers take their turns, and the points at which their processes end.
//! Changelogs are compacted. Time is virtual. When everything has come to rest the accounts must balance: nothing lost,
//! nothing twice, nothing hanging. A seed that fails replays exactly: `make sim SEEDS=17..18`.

mod accounts;
mod remains;
mod upstream;

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{EventBody, FailureClass, LifecycleEvent};
use fleet::clock::Clock;
use sandbox::accounts::Rest;
use tests::world::REST_STEPS;
use tests::{Setup, World};

use crate::upstream::Upstream;

/// A run that has not come to its end after so much virtual time hangs.
const LIMIT: Duration = Duration::from_secs(60 * 86_400);

/// What a run came to.
#[derive(PartialEq, Eq, Debug)]
struct Run {
    told: String,
    /// The kinds of events its log holds, and how many of each.
    kinds: BTreeMap<&'static str, usize>,
}

/// What has to happen in some of many worlds: a simulation without it proves nothing about it.
const MUST_HAPPEN: [&str; 12] = [
    "acknowledged",
    "attempts-exhausted",
    "cancelled",
    "command-refused",
    "conflict-refused",
    "duplicate-suppressed",
    "escalated",
    "held",
    "outcome-unknown",
    "partner-refused",
    "released",
    "review-decided",
];
/// How many worlds are many.
const MANY: usize = 100;

/// Runs one seed to its end.
fn run(seed: u64) -> Result<Run, String> {
    let mut world = World::new(Setup { crashes: 6, callbacks: true, ..Setup::rough(seed) });
    let mut upstream = Upstream::new(seed, &world);
    upstream.enrol(&world);
    let mut idle = 0;
    let mut pause = Duration::from_millis(1);
    while world.clock.since_boot() < LIMIT {
        upstream.send_some(&world);
        let arrived = world.partners.deliver() + upstream.carry_callbacks(&world);
        let moved = world.step();
        if moved || arrived > 0 {
            (idle, pause) = (0, Duration::from_millis(1));
            continue;
        }
        idle += 1;
        if idle < REST_STEPS {
            continue;
        }
        idle = 0;
        if upstream.is_done() && !world.is_anyone_down() && world.partners.next_ms().is_none() {
            let open = upstream.act_as_operator(&world);
            if open == 0 {
                return finish(seed, &mut world, &mut upstream);
            }
        }
        upstream.meddle(&world, pause);
        world.maintain();
        world.clock.advance(pause);
        pause = (pause * 2).min(Duration::from_secs(6 * 3600));
    }
    let accounts = accounts::draw_up(&world);
    let open: Vec<_> = accounts.open().take(3).collect();
    Err(format!("seed {seed} hangs; open: {open:#?}"))
}

fn finish(seed: u64, world: &mut World, upstream: &mut Upstream) -> Result<Run, String> {
    let remains = remains::remains(world, upstream);
    let accounts = accounts::draw_up(world);
    let wrong = accounts.balance(&upstream.sent, Rest::Closed);
    let told: Vec<String> =
        wrong.iter().map(ToString::to_string).chain(remains).chain(released_in_vain(world)).collect();
    if !told.is_empty() {
        return Err(format!("seed {seed}:\n{}", told.join("\n")));
    }
    let mut hash = [0; 32];
    for event in tests::reading::read(world, &contracts::Topic::Events) {
        let value = event.value.unwrap_or_default();
        hash = domain::lifecycle::fold::chain(&hash, &domain::lifecycle::fold::digest(&value));
    }
    let mut kinds = BTreeMap::new();
    accounts
        .requests()
        .flat_map(|(_, story)| &story.kinds)
        .for_each(|kind| *kinds.entry(kind.trim_start_matches("waybill.")).or_default() += 1);
    let (requests, left) = (accounts.requests().count(), world.crashes.left());
    let told = format!("{requests} requests, crashes left {left}, log {}", hex::encode(&hash[..8]));
    Ok(Run { told, kinds })
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

/// The seeds to run: `SEEDS=from..to`, or the first 200.
fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("SEEDS").unwrap_or_default();
    let parse = |text: &str| text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    parse(&asked).unwrap_or(0..200)
}

#[test]
fn the_accounts_balance_for_every_seed() {
    let seeds: Vec<u64> = seeds().collect();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let runs: Vec<Result<Run, String>> = std::thread::scope(|scope| {
        let share = |seeds: Vec<u64>| scope.spawn(move || seeds.into_iter().map(told).collect::<Vec<_>>());
        let shares = (0..cores).map(|core| seeds.iter().copied().skip(core).step_by(cores).collect());
        let threads: Vec<_> = shares.map(share).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a world does not panic")).collect()
    });
    let failures: Vec<&String> = runs.iter().filter_map(|run| run.as_ref().err()).collect();
    assert!(failures.is_empty(), "{} seeds fail; the first:\n{}", failures.len(), failures[0]);
    let mut kinds = BTreeMap::new();
    let seen = runs.iter().flatten().flat_map(|run| &run.kinds);
    seen.for_each(|(kind, count)| *kinds.entry(*kind).or_insert(0_usize) += count);
    let missing = || MUST_HAPPEN.iter().filter(|kind| !kinds.contains_key(*kind)).collect::<Vec<_>>();
    assert!(runs.len() < MANY || missing().is_empty(), "{:?} happened nowhere; what did: {kinds:?}", missing());
}

/// Runs one seed and tells how it went.
#[expect(clippy::print_stdout, reason = "a test tells how each seed went")]
fn told(seed: u64) -> Result<Run, String> {
    let run = run(seed);
    if let Ok(Run { told, .. }) = &run {
        println!("seed {seed}: {told}");
    }
    run
}

#[test]
fn a_seed_replays_exactly() {
    assert_eq!(run(3).expect("balanced"), run(3).expect("balanced"));
}
