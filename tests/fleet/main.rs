//! What the fleet promises, on the in-memory log in virtual time, with a toy worker, a scripted caller and faults on demand. Each
//! test opens with its promise.

mod brittle;
mod bus;
mod caller;
mod clock;
mod keeper;
mod toy;
mod world;

mod bisection;
mod calls;
mod crash;
mod crash_loop;
mod handover;
mod idle;
mod lanes;
mod letters;
mod parking;
mod rebalance;
mod shelves;
mod skew;
mod storm;
mod tables;
mod timers;
