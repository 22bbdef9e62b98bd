//! How fast a stage turns over Kafka: through the port, and by a bare loop over librdkafka on the same broker.
//!
//! `WAYBILL_TEST_KAFKA=host:port cargo bench -p kafka` prints two tables: the wait for a transaction of one record, and the records
//! a second that a stage carries over, one in and two out, with the processor time of this process for each. A third argument
//! sets how many records: `-- 200000`.
#![expect(clippy::print_stdout, reason = "it prints a report")]

mod bare;
mod port;

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Of the topics.
const PARTITIONS: u32 = 12;
/// Of a record's value.
const VALUE_BYTES: usize = 1024;
/// How many records a turn takes at most.
const TURNS: [usize; 3] = [500, 2_000, 10_000];

/// A stage under measurement.
trait Chain {
    /// Appends this many records to the input.
    fn fill(&mut self, records: usize);
    /// Takes up to `most` records, appends each twice, and commits; how many there were.
    fn turn(&mut self, most: usize) -> usize;
    /// Appends one record in a transaction, consuming an offset or not.
    fn one(&mut self, consumes: bool);
}

fn main() {
    let Ok(broker) = std::env::var("WAYBILL_TEST_KAFKA") else {
        println!("WAYBILL_TEST_KAFKA names no broker: nothing is measured");
        return;
    };
    let records = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(200_000);
    let run = std::process::id();
    let mut chains: [(&str, Box<dyn Chain>); 2] = [
        ("port", Box::new(port::Port::new(&broker, &format!("bench-{run}-port")))),
        ("bare", Box::new(bare::Bare::new(&broker, &format!("bench-{run}-bare")))),
    ];
    println!("one record a transaction   offsets    p50 ms   p99 ms   max ms");
    for round in 0..2 {
        for (name, chain) in &mut chains {
            for consumes in [false, true] {
                let waits = commits(chain.as_mut(), consumes);
                if round == 1 {
                    println!("{name:24} {consumes:9} {:9.2} {:8.2} {:8.2}", waits[0], waits[1], waits[2]);
                }
            }
        }
    }
    println!("\none in, two out   a turn   in/s      out MB/s   cpu us/in");
    for most in TURNS {
        for (name, chain) in &mut chains {
            chain.fill(records);
            let (begun, cpu) = (Instant::now(), processor());
            let mut left = records;
            while 0 < left {
                left = left.saturating_sub(chain.turn(most));
            }
            let (took, cpu) = (begun.elapsed().as_secs_f64(), (processor() - cpu).as_secs_f64());
            let each = records as f64;
            let written = 2.0 * each * VALUE_BYTES as f64 / 1e6 / took;
            println!("{name:16} {most:7} {:9.0} {written:10.1} {:10.1}", each / took, cpu * 1e6 / each);
        }
    }
}

/// The median, the 99th percentile and the longest wait for a transaction, in milliseconds.
fn commits(chain: &mut dyn Chain, consumes: bool) -> [f64; 3] {
    let mut waits: Vec<f64> = (0..500)
        .map(|_| {
            let begun = Instant::now();
            chain.one(consumes);
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    waits.sort_by(f64::total_cmp);
    [waits[waits.len() / 2], waits[waits.len() * 99 / 100], waits[waits.len() - 1]]
}

/// The processor time of this process.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// A value that compresses about as well as a sealed payload with some structure around it: by half.
fn value(nth: usize) -> Vec<u8> {
    let mut state = nth as u64 + 1;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..VALUE_BYTES).map(|at| if at % 64 < 32 { byte() } else { b' ' }).collect()
}
