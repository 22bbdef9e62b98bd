//! What the log promises beyond the contract of the bus: crashes, damage, full disks, sessions, upkeep.

mod bed;
mod crash;
mod damage;
mod full;
mod holding;
mod sessions;
mod upkeep;
