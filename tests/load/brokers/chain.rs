//! The raw limit: the same hops, records and sizes by librdkafka alone. Each hop is a thread with a consumer and a transactional
//! producer, that takes what is there, writes what the fleet wrote for as many inputs, and commits. Nothing is decided, decoded,
//! sealed or remembered.
//!
//! What has to be written was read off the fleet's topics in the same run: the rates of each kind of record, and a thousand samples
//! of it. A key says which submission a record follows from, and with its last byte which event it is, so that the last hop knows
//! when to close.

mod hop;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use domain::ids::derive;
use fleet::sync::locked;
use serde::{Deserialize, Serialize};

use super::broker::Broker;
use super::usage::{Moment, Usage};
use super::weigh::Weights;
use hop::Hop;

/// What the chain is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) broker: String,
    pub(super) prefix: String,
    pub(super) requests: u64,
    /// How many inputs a hop takes at most before it commits.
    pub(super) batch: usize,
    /// The file with the weights of the fleet's records.
    pub(super) weights: String,
}

/// Says that a hop has ended before its time.
struct Alarm(mpsc::Sender<Option<Moment>>);

/// How far the chain is.
struct Progress {
    broker: Broker,
    begun: Mutex<Option<Moment>>,
    closed: AtomicU64,
    stop: AtomicBool,
}

/// The hops, in the order in which they start: intake comes last, so that its first turn finds everybody at work.
const STAGES: [&str; 4] = ["reconciliation", "dispatch", "identity", "intake"];

/// Runs the chain until so many requests are closed.
pub(super) fn run(order: &Order, ready: impl FnOnce()) -> Usage {
    let broker = Broker::at(&order.broker);
    let weights = std::fs::read_to_string(&order.weights).expect("weights");
    let weights: Weights = serde_json::from_str(&weights).expect("weights");
    let progress = Arc::new(Progress {
        broker: broker.clone(),
        begun: Mutex::default(),
        closed: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    });
    let (done, is_done) = mpsc::channel();
    let mut threads = Vec::new();
    for stage in STAGES {
        let mut hop = Hop::join(order, stage, &weights);
        let (progress, done, goal) = (Arc::clone(&progress), done.clone(), order.requests);
        let run = move || {
            let _alarm = Alarm(done.clone());
            while !progress.stop.load(Ordering::Acquire) {
                let closed = hop.turn(|| {
                    if stage == "intake" {
                        locked(&progress.begun).get_or_insert_with(|| Moment::now(&progress.broker));
                    }
                });
                let before = progress.closed.fetch_add(closed, Ordering::AcqRel);
                if before < goal && goal <= before + closed {
                    done.send(Some(Moment::now(&progress.broker))).expect("somebody waits");
                }
            }
        };
        threads.push(std::thread::Builder::new().name(stage.to_owned()).spawn(run).expect("a thread"));
    }
    ready();
    let ended = is_done.recv_timeout(LONG).expect("the chain comes to its end").expect("no hop fails");
    let begun = locked(&progress.begun).take().expect("it has begun");
    let usage = begun.until(&ended, order.requests, &broker);
    progress.stop.store(true, Ordering::Release);
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    usage
}

// === impl Alarm ===

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // If nobody waits any more, nobody has to be told.
            let _ = self.0.send(None);
        }
    }
}

/// Longer than any run takes.
const LONG: Duration = Duration::from_secs(600);

/// What keys of records that follow from a submission begin with: as many bytes as a request's id has as text, less one.
pub(super) fn thread_of(key: &[u8]) -> Vec<u8> {
    format!("{}---", hex::encode(derive(&[key]))).into_bytes()
}
