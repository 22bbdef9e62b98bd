//! The product over real servers: Kafka, a schema registry and Postgres, each worker a process of its own.
//!
//! The servers are named by `WAYBILL_TEST_KAFKA`, `WAYBILL_TEST_REGISTRY` and `WAYBILL_TEST_POSTGRES`. Without them these tests fail
//! rather than pass for nothing, and `cargo test` leaves them out: `make processes` starts servers, runs them and stops what it started.

mod administration;
mod cluster;
mod foreign;
mod killed;
mod outages;
mod proxy;
