//! Waybill: one binary, every role. This file only routes; `compose` is where workers meet edges.

mod cli;
mod commands;
mod compose;
mod config;
mod exit;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match commands::carry_out(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
