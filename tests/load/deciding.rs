//! What the fleet's own work costs, without any log: all workers in one thread, over records in memory. Of several rounds the
//! cheapest counts, by the thread's processor time, so that the figure hardly depends on what else the machine does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Stage, Worker};
use fleet::bus::Bus;
use fleet::clock::Clock;
use fleet::{Report, Slot};
use serde::Serialize;

use crate::hollow::Hollow;
use crate::machine;
use crate::plant::{Employer, PARTNER, Partners, Plant, SystemClock, knob};
use crate::upstream::{Upstream, submissions};

/// What a request costs.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Deciding {
    pub(crate) requests: u64,
    /// Microseconds of processor time a request, by worker, in the cheapest round of each.
    pub(crate) us_per_request: BTreeMap<String, f64>,
    pub(crate) us_per_request_in_all: f64,
    /// Records it leaves on the log, its own included.
    pub(crate) records_per_request: f64,
}

const ROUNDS: usize = 5;
const REQUESTS: u64 = 4_000;

/// Slots that take turns.
#[derive(Default)]
struct Circle(Vec<(Stage, Turn)>);

/// A turn of a slot: what it did, and whether the slot is ready after it.
type Turn = Box<dyn FnMut() -> (Report, bool)>;

/// Runs the rounds.
pub(crate) fn run() -> Deciding {
    let (requests, rounds) = (knob("REQUESTS", REQUESTS), knob("ROUNDS", ROUNDS));
    let mut deciding = Deciding { requests, ..Deciding::default() };
    for _ in 0..rounds {
        let (used, records) = round(requests);
        deciding.records_per_request = records;
        for (stage, used) in used {
            let us = used.as_secs_f64() * 1e6 / requests as f64;
            let least = deciding.us_per_request.entry(stage.as_str().to_owned()).or_insert(us);
            *least = least.min(us);
        }
    }
    deciding.us_per_request_in_all = deciding.us_per_request.values().sum();
    deciding
}

/// A backlog, worked off by a fleet that has just begun.
fn round(requests: u64) -> (BTreeMap<Stage, Duration>, f64) {
    let log = Hollow::default();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let bus: Arc<dyn Bus> = Arc::new(log.clone());
    let plant = Plant::new(bus, clock, "waybill.");
    plant.create_topics();
    let mut upstream = Upstream::new(&plant);
    upstream.enrol(&plant);
    let roster = log.records();
    let mut circle = Circle::default();
    plant.hire(&Stage::ALL, &Partners::instant(), &mut circle);
    // The first turns take up partitions and read the roster, which is no request's work.
    while !circle.0.iter_mut().fold(true, |are_ready, (_, turn)| turn().1 && are_ready) {}
    upstream.send(&plant, &submissions(&plant, &[PARTNER], requests));
    (circle.work(), (log.records() - roster) as f64 / requests as f64)
}

// === impl Circle ===

impl Circle {
    /// Turn after turn, until nobody has anything to do.
    fn work(mut self) -> BTreeMap<Stage, Duration> {
        let mut used = BTreeMap::<Stage, Duration>::new();
        let mut idle = 0;
        while idle < IDLE {
            idle += 1;
            for (stage, turn) in &mut self.0 {
                let before = machine::processor_of_thread();
                let (report, _) = turn();
                *used.entry(*stage).or_default() += machine::processor_of_thread() - before;
                if report != Report::default() {
                    idle = 0;
                }
            }
        }
        used
    }
}

/// Rounds without anything to do, until it is certain that there is nothing more.
const IDLE: usize = 3;

impl Employer for Circle {
    fn employ<W: Worker>(&mut self, mut slot: Slot<W>) {
        let turn = move || (slot.turn(Duration::ZERO).expect("a turn"), slot.is_ready());
        self.0.push((W::STAGE, Box::new(turn)));
    }
}
