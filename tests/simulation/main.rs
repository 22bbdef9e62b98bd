//! Deterministic simulation of the whole fleet.
//!
//! One seed makes one world: members, traffic, partners with faults, the order in which workers take their turns, and the points
//! at which their processes end. Time is virtual. When everything has come to rest the accounts must balance: nothing lost,
//! nothing twice, nothing hanging. A seed that fails replays exactly: `make sim SEEDS=17..18`.

mod accounts;
mod upstream;

use std::time::Duration;

use fleet::clock::Clock;
use sandbox::accounts::Rest;
use tests::world::REST_STEPS;
use tests::{Setup, World};

use crate::upstream::Upstream;

/// A run that has not come to its end after so much virtual time hangs.
const LIMIT: Duration = Duration::from_secs(60 * 86_400);

/// Runs one seed to its end.
fn run(seed: u64) -> Result<String, String> {
    let mut world = World::new(Setup { crashes: 6, ..Setup::rough(seed) });
    let mut upstream = Upstream::new(seed, &world);
    upstream.enrol(&world);
    let mut idle = 0;
    let mut pause = Duration::from_millis(1);
    while world.clock.since_boot() < LIMIT {
        upstream.send_some(&world);
        let arrived = world.partners.deliver();
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
                return finish(seed, &world, &upstream);
            }
        }
        world.clock.advance(pause);
        pause = (pause * 2).min(Duration::from_secs(6 * 3600));
    }
    let accounts = accounts::draw_up(&world);
    let open: Vec<_> = accounts.open().take(3).collect();
    Err(format!("seed {seed} hangs; open: {open:#?}"))
}

fn finish(seed: u64, world: &World, upstream: &Upstream) -> Result<String, String> {
    let accounts = accounts::draw_up(world);
    let wrong = accounts.balance(&upstream.sent, Rest::Closed);
    if !wrong.is_empty() {
        let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        return Err(format!("seed {seed}:\n{}", told.join("\n")));
    }
    let mut hash = [0; 32];
    for event in tests::reading::read(world, &contracts::Topic::Events) {
        let value = event.value.unwrap_or_default();
        hash = domain::lifecycle::fold::chain(&hash, &domain::lifecycle::fold::digest(&value));
    }
    let requests = accounts.requests().count();
    Ok(format!("{requests} requests, crashes left {}, log {}", world.crashes.left(), hex::encode(&hash[..8])))
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
    let failures: Vec<String> = std::thread::scope(|scope| {
        let share = |seeds: Vec<u64>| scope.spawn(move || seeds.into_iter().filter_map(told).collect::<Vec<_>>());
        let shares = (0..cores).map(|core| seeds.iter().copied().skip(core).step_by(cores).collect());
        let threads: Vec<_> = shares.map(share).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a world does not panic")).collect()
    });
    assert!(failures.is_empty(), "{} seeds fail; the first:\n{}", failures.len(), failures[0]);
}

/// Runs one seed and tells how it went; its failure, if it fails.
#[expect(clippy::print_stdout, reason = "a test tells how each seed went")]
fn told(seed: u64) -> Option<String> {
    match run(seed) {
        Ok(told) => {
            println!("seed {seed}: {told}");
            None
        }
        Err(told) => Some(told),
    }
}

#[test]
fn a_seed_replays_exactly() {
    assert_eq!(run(3).expect("balanced"), run(3).expect("balanced"));
}
