//! The whole fleet in one thread, for tests that look at it from outside: [`world`] is what there is (workers, log, payers, time),
//! [`feed`] is how outsiders write to it, [`reading`] how its topics are read, [`leak`] what must not be
//! found in any of it, [`small_disk`] a disk that can be full.

pub mod bus;
pub mod chance;
pub mod clock;
pub mod feed;
pub mod leak;
pub mod partners;
pub mod reading;
pub mod small_disk;
pub mod world;

pub use feed::Feed;
pub use world::{PAYER, SOURCE, Setup, World};
