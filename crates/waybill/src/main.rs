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
mod projecting;
mod read_model;
mod secrets;
mod service;
mod show;
mod standing;
mod tables;
mod topics;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let json = arguments.json;
    match commands::carry_out(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}
