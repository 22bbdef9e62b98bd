//! What the log promises beyond the contract of the bus: crashes, damage, full disks, sessions, upkeep.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bed;
mod commits;
mod crash;
mod damage;
mod durable;
mod full;
mod holding;
mod sessions;
mod upkeep;
