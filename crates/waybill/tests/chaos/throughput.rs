//! How much the fleet gets done while things befall it, as anybody can count who looks at the ends of the log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::cluster::server;

/// Counts what is written to the log, from its start to its stop.
pub(crate) struct Throughput {
    samples: Arc<Mutex<Vec<Sample>>>,
    is_over: Arc<AtomicBool>,
    counting: Option<JoinHandle<()>>,
}

/// How long the log was at a moment, over all its partitions.
type Sample = (Instant, i64);

/// How far throughput fell while something befell the fleet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dip {
    /// What was written in the worst window, of what is written in one as a rule.
    pub(crate) lowest: f64,
    /// How long less than half of it was written.
    pub(crate) below_half: Duration,
}

/// How often the log is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// Over how long a rate is taken: single turns are not seen in it.
const WINDOW: Duration = Duration::from_secs(1);
/// How long one question may take; what could not be asked is taken from before and after.
const STEP: Duration = Duration::from_millis(500);

// === impl Throughput ===

impl Throughput {
    /// Begins to count, for the deployment with this prefix.
    pub(crate) fn of(prefix: &str) -> Self {
        let client: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", server("KAFKA")).create().expect("a client");
        let topic = format!("{prefix}events");
        let metadata = client.fetch_metadata(Some(&topic), Duration::from_secs(20)).expect("brokers");
        let partitions: Vec<i32> = metadata.topics()[0].partitions().iter().map(|partition| partition.id()).collect();
        let (samples, is_over) = (Arc::<Mutex<Vec<Sample>>>::default(), Arc::<AtomicBool>::default());
        let (counted, ends) = (samples.clone(), is_over.clone());
        let counting = std::thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                let at = Instant::now();
                let length = |partition: &i32| client.fetch_watermarks(&topic, *partition, STEP).map(|(_, high)| high);
                match partitions.iter().map(length).sum::<Result<i64, _>>() {
                    Ok(length) => counted.lock().expect("no panic").push((at, length)),
                    // A client that is not made to look again goes on asking the leader that is gone.
                    Err(_) => drop(client.fetch_metadata(Some(&topic), STEP)),
                }
                std::thread::sleep(EVERY.saturating_sub(at.elapsed()));
            }
        });
        Self { samples, is_over, counting: Some(counting) }
    }

    /// How far it fell from `since` to `until`, against the median of the whole run.
    pub(crate) fn dip(&self, since: Instant, until: Instant) -> Dip {
        let samples = self.samples.lock().expect("no panic");
        dip(&rates(&samples), (since, until))
    }
}

impl Drop for Throughput {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(counting) = self.counting.take() {
            let _ = counting.join();
        }
    }
}

/// What was written a second, up to each moment.
struct Rate {
    at: Instant,
    took: Duration,
    per_second: f64,
}

fn rates(samples: &[Sample]) -> Vec<Rate> {
    let mut rates = Vec::new();
    for (index, (at, length)) in samples.iter().enumerate() {
        let Some((began, before)) = samples[..index].iter().rev().find(|(began, _)| WINDOW <= *at - *began) else {
            continue;
        };
        let written = u32::try_from(length - before).map_or(0.0, f64::from);
        let took = *at - samples[index - 1].0;
        rates.push(Rate { at: *at, took, per_second: written / (*at - *began).as_secs_f64() });
    }
    rates
}

fn dip(rates: &[Rate], (since, until): (Instant, Instant)) -> Dip {
    let mut all: Vec<f64> = rates.iter().map(|rate| rate.per_second).collect();
    all.sort_unstable_by(f64::total_cmp);
    let Some(usual) = all.get(all.len() / 2).copied().filter(|usual| 0.0 < *usual) else { return Dip::default() };
    let of_usual = |rate: &Rate| rate.per_second / usual;
    let meanwhile = || rates.iter().filter(|rate| since <= rate.at && rate.at <= until);
    Dip {
        lowest: meanwhile().map(of_usual).min_by(f64::total_cmp).unwrap_or(1.0),
        below_half: meanwhile().filter(|rate| of_usual(rate) < 0.5).map(|rate| rate.took).sum(),
    }
}

#[test]
fn a_pause_is_a_dip() {
    let began = Instant::now();
    // A hundred a second, but for the tenth to the fourteenth second, in which nothing is written.
    let length = |quarters: i64| 25 * (quarters.min(40) + (quarters - 56).max(0));
    let samples: Vec<Sample> =
        (0..120).map(|quarters| (began + EVERY * u32::try_from(quarters).expect("few"), length(quarters))).collect();
    let rates = rates(&samples);
    let second = |second: u64| began + Duration::from_secs(second);
    let dipped = dip(&rates, (second(9), second(16)));
    assert_eq!(dipped.lowest, 0.0);
    assert!((3.5..=4.5).contains(&dipped.below_half.as_secs_f64()), "{dipped:?}");
    let steady = dip(&rates, (second(20), second(25)));
    assert!(0.9 < steady.lowest && steady.below_half.is_zero(), "{steady:?}");
}
