//! What the fleet does on this machine: `make bench`.
//!
//! On the embedded log always: one run, every commit synced, a partner in the process, projections off: how many requests are
//! drained a second and what bounds that, how long one takes at a steady 200 a second, how many bytes it leaves on which topic, how
//! much memory the process takes. Over Kafka too where `WAYBILL_TEST_KAFKA` names a broker on this machine; `brokers` says what.
//! `cargo bench --package tests --bench load -- --json` gives the same as JSON.

mod brokers;
mod embedded;
mod machine;
mod plant;
mod report;
mod upstream;
mod watch;

/// The product's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == brokers::PART) {
        return brokers::part(&arguments[at + 1..]);
    }
    let as_json = arguments.iter().any(|argument| argument == "--json");
    let directory = tempfile::tempdir().expect("a directory");
    let mut report = embedded::run(directory.path());
    drop(directory);
    if !as_json {
        report.print();
    }
    if let Ok(address) = std::env::var("WAYBILL_TEST_KAFKA") {
        let over_kafka = brokers::run(&address);
        if !as_json {
            over_kafka.print();
        }
        report.over_kafka = Some(over_kafka);
    }
    if as_json {
        report.print_json();
    }
}
