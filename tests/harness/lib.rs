//! The whole fleet in one thread, for tests that look at it from outside: [`world`] is what there is (workers, log, payers, time),
//! [`feed`] is how outsiders write to it, [`reading`] how its topics are read, [`leak`] what must not be
//! found in any of it, [`small_disk`] a disk that can be full. For runs in which much goes wrong there are a [`bus`] like a cluster of
//! brokers, a [`plan`] of what goes wrong, [`faults`] that carry it out, and the [`crew`] of processes that suffer it.

pub mod bus;
pub mod chance;
pub mod clock;
pub mod crew;
pub mod faults;
pub mod feed;
mod flaw;
pub mod hiring;
pub mod leak;
mod machines;
pub mod partners;
pub mod plan;
pub mod reading;
pub mod small_disk;
mod station;
mod versions;
pub mod world;

pub use feed::Feed;
pub use world::{PAYER, SOURCE, Setup, World};
