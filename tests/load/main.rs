//! What the fleet does on this machine: `make bench`.
//!
//! What deciding alone costs, over no log at all (`deciding`). On the embedded log: one run, every commit synced, a partner in the process, projections off: how many requests are
//! drained a second and what bounds that, how long one takes at a steady 200 a second, how many bytes it leaves on which topic, how
//! much memory the process takes. Over Kafka too where `WAYBILL_TEST_KAFKA` names a broker on this machine; `brokers` says what.
//! `cargo bench --package tests --bench load -- --json` gives the same as JSON.

mod brokers;
mod deciding;
mod embedded;
mod hollow;
mod machine;
mod plant;
mod report;
mod upstream;
mod watch;

use report::Report;

/// The product's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == brokers::PART) {
        return brokers::part(&arguments[at + 1..]);
    }
    let as_json = arguments.iter().any(|argument| argument == "--json");
    let mut report = Report::default();
    let mut failed = Vec::new();
    if brokers::wanted("deciding") {
        let deciding = brokers::attempt("deciding", &mut failed, deciding::run).unwrap_or_default();
        if !as_json {
            deciding.print();
        }
        report.deciding = deciding;
    }
    if brokers::wanted("embedded") {
        let directory = tempfile::tempdir().expect("a directory");
        let measured = brokers::attempt("embedded", &mut failed, || embedded::run(directory.path()));
        if let Some(measured) = measured {
            report = Report { deciding: report.deciding, ..measured };
            if !as_json {
                report.print();
            }
        }
    }
    if let Ok(address) = std::env::var("WAYBILL_TEST_KAFKA") {
        let over_kafka = brokers::run(&address);
        if !as_json {
            over_kafka.print();
        }
        failed.extend(over_kafka.failed.iter().cloned());
        report.over_kafka = Some(over_kafka);
    }
    if as_json {
        report.print_json();
    }
    // Everything that could be measured was told.
    assert!(failed.is_empty(), "not measured: {failed:?}");
}
