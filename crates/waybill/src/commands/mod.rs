//! The commands of the command line, one file each.

mod reasons;
mod run;

use crate::cli::{Arguments, Command};
use crate::config::Config;
use crate::demo;
use crate::exit::Failure;

/// Carries out what was asked.
pub(crate) fn carry_out(arguments: Arguments) -> Result<(), Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let config = Config::load(arguments.config.as_deref(), environment).map_err(Failure::Config)?;
    telemetry::init(config.log_format, &config.log_filter);
    match arguments.command {
        Command::Run(args) => run::run(&args, config),
        Command::Demo(args) => demo::run(&args, config, arguments.json),
        Command::Reasons => reasons::print(arguments.json),
    }
}
