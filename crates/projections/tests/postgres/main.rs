//! Projections over a real log and a real Postgres: the cases of `tests/projections`, as they are, and what only a server can do.
//!
//! The server is named by `WAYBILL_TEST_POSTGRES`. Without it these tests fail rather than pass for nothing, and `cargo test` leaves
//! them out: `make broker` starts one, runs them and stops it.

#[path = "../projections/anything.rs"]
mod anything;
#[path = "../projections/as_of.rs"]
mod as_of;
#[path = "../projections/asking.rs"]
mod asking;
#[path = "../projections/documented.rs"]
mod documented;
mod engine;
#[path = "../projections/event_log.rs"]
mod event_log;
#[path = "../projections/following.rs"]
mod following;
#[path = "../projections/history.rs"]
mod history;
#[path = "../projections/rebuilding.rs"]
mod rebuilding;
#[path = "../projections/stage.rs"]
mod stage;
mod equality;
mod outages;
mod schemas;
