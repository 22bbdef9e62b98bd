//! Kafka held to the contract of the bus port: the cases of `tests/contracts`, as they are, against a real broker.
//!
//! The broker is named by `WAYBILL_TEST_KAFKA` (host:port), the secured one of `security` by `WAYBILL_TEST_SECURE_KAFKA`. Without
//! them these tests fail rather than pass for nothing, and `cargo test` leaves them out: `make broker` starts both, runs the tests
//! and stops them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../contracts/bench.rs"]
mod bench;
#[macro_use]
#[path = "../contracts/contract.rs"]
mod contract;
#[path = "../contracts/compaction.rs"]
mod compaction;
#[path = "../contracts/consuming.rs"]
mod consuming;
#[path = "../contracts/differential.rs"]
mod differential;
#[path = "../contracts/groups.rs"]
mod groups;
#[path = "../contracts/cluster.rs"]
mod cluster;
mod kafka;
#[path = "../contracts/model.rs"]
mod model;
mod processes;
#[path = "../contracts/reading.rs"]
mod reading;
mod security;
#[path = "../contracts/stage.rs"]
mod stage;
#[path = "../contracts/topics.rs"]
mod topics;
#[path = "../contracts/transactions.rs"]
mod transactions;

contract!(over_kafka, crate::kafka::Broker::new());

#[test]
fn over_kafka_agrees_with_the_model() {
    model::agrees(|| Box::new(kafka::Broker::new()));
}

#[test]
fn over_kafka_and_the_cluster_show_the_same() {
    differential::agree(|| Box::new(kafka::Broker::new()), || Box::new(cluster::Cluster::new()));
}
