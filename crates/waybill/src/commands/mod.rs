//! The commands of the command line, one file each.

pub(crate) mod doctor;
mod identity;
mod matching;
mod operations;
mod policy;
mod reasons;
mod reviews;
mod run;
mod sandbox;

use crate::brokers;
use crate::cli::{Arguments, Command, PolicyVerb};
use crate::config::Config;
use crate::demo;
use crate::exit::Failure;

/// Carries out what was asked. Logs are started as soon as the configuration says how.
pub(crate) fn carry_out(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { config: file, json, command } = arguments;
    let config = || {
        let config = Config::load(file.as_deref(), |name| std::env::var(name).ok()).map_err(Failure::Config)?;
        telemetry::init(config.log_format, &config.log_filter);
        Ok::<_, Failure>(config)
    };
    match command {
        Command::Run(args) => run::run(&args, config()?),
        Command::Demo(args) => demo::run(&args, config()?, json),
        Command::Operation(operation) => operations::carry_out(operation, &config()?, json),
        Command::Doctor(args) => doctor::run(file.as_deref(), args, json),
        Command::Topics(verb) => brokers::about_topics(verb, &config()?, json),
        Command::Schemas(verb) => brokers::about_schemas(verb, &config()?, json),
        Command::Sandbox(args) => sandbox::run(args),
        Command::Match(args) => matching::run(&args, json),
        Command::Policy(PolicyVerb::Match(verb)) => policy::carry_out(verb, config, json),
        Command::Identity(verb) => identity::carry_out(verb, &config()?, json),
        Command::Reasons => reasons::print(json),
    }
}
