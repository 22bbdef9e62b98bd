//! The contract of the bus port, and who keeps it.
//!
//! Each case is a function of a [`Bench`], which stands for one kind of bus; a macro makes a test of each case for each
//! kind. Cases assume nothing that the port does not promise: offsets may have gaps, a wait may return for nothing, a
//! rebalance takes the time it takes. So they wait for conditions, and are patient. Another bus joins by a bench of its own and one
//! line at the foot. `tests/broker` holds Kafka to the same.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod cluster;
#[macro_use]
mod contract;
mod compaction;
mod consuming;
mod differential;
mod groups;
mod local;
mod model;
mod reading;
mod stage;
mod topics;
mod transactions;

contract!(local_in_memory, crate::local::InMemory::new());
contract!(local_on_disk, crate::local::OnDisk::new());
contract!(over_the_cluster, crate::cluster::Cluster::new());

#[test]
fn local_in_memory_agrees_with_the_model() {
    model::agrees(|| Box::new(local::InMemory::new()));
}

#[test]
fn local_on_disk_agrees_with_the_model() {
    model::agrees(|| Box::new(local::OnDisk::new()));
}

#[test]
fn the_cluster_agrees_with_the_model() {
    model::agrees(|| Box::new(cluster::Cluster::new()));
}

#[test]
fn the_cluster_and_the_log_show_the_same() {
    differential::agree(|| Box::new(cluster::Cluster::new()), || Box::new(local::InMemory::new()));
}
