//! Waybill: one binary, every role. This file only routes; `compose` is where workers meet edges.

mod admin;
mod ask;
#[cfg(feature = "kafka")]
mod brokers;
#[cfg(not(feature = "kafka"))]
#[path = "no_brokers.rs"]
mod brokers;
mod bus;
mod cli;
mod client;
mod clock;
mod commands;
mod compose;
mod config;
mod demo;
mod edge;
mod exit;
mod failpoint;
mod feed;
mod log;
mod progress;
mod projecting;
mod read_model;
mod secrets;
mod service;
mod show;
mod signals;
mod standing;
mod tables;
mod topics;
mod unique;

use std::process::ExitCode;

use clap::Parser;

/// Every record passes through some dozens of allocations, here and in librdkafka, whose C it serves too: what one thread allocates
/// another frees, which glibc's allocator pays for with a fifth of the time a request takes.
#[cfg(feature = "kafka")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::misused(&error),
    };
    let json = arguments.json;
    match commands::carry_out(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}
