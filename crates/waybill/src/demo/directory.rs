//! The demo's directory: everything a run needs and leaves, with a configuration that other commands reach it by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleet::bus::BusError;
use fleet::clock::Clock as _;
use local::Local;
use projections::Location;
use toml::{Table, Value};

use crate::brokers;
use crate::cli::DemoArgs;
use crate::clock::SystemClock;
use crate::config::{Config, Mode, schema};
use crate::exit::Failure;
use crate::tables::Tables;

/// The configuration of what the demo leaves, in its directory. Its first line says whose it is.
pub(super) const CONFIG: &str = "waybill.toml";
const MARK: &str = "# Written by `waybill demo";

/// An empty directory to start in, unless an earlier run is to be resumed.
pub(super) fn prepare(arguments: &DemoArgs, config: &mut Config) -> Result<(), Failure> {
    let dir = &arguments.dir;
    let is_empty = std::fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty {
        let written = std::fs::read_to_string(dir.join(CONFIG)).unwrap_or_default();
        let written = written.lines().next().unwrap_or_default();
        if !written.starts_with(MARK) {
            let message = format!("{} is no demo's directory; name another with --dir", dir.display());
            return Err(Failure::Input(message));
        }
        if arguments.resume && written != mark(arguments) {
            let began = written.trim_start_matches("# Written by ");
            return Err(Failure::Input(format!("{} was begun by {began}: resume it with the same", dir.display())));
        }
        if !arguments.resume {
            empty(dir)?;
        }
    }
    if config.kafka.is_some() {
        if arguments.resume {
            return Err(Failure::Input("over Kafka a demo starts anew each time; leave out --resume".into()));
        }
        // Each run has topics of its own: what an earlier one left on the brokers is none of its business.
        config.prefix = format!("waybill-demo-{:x}.", SystemClock.now_ms());
        if let Location::Postgres(server) = &config.projections {
            let moved = server.in_schema(&schema(&config.prefix)).map_err(|error| Failure::Other(error.into()))?;
            config.projections = Location::Postgres(moved);
        }
    }
    config.mode = Mode::Development;
    config.data_dir.clone_from(dir);
    config.keys_file = dir.join("keys.toml");
    if let Some(shelves) = &mut config.shelves {
        shelves.dir = None;
    }
    match (&config.kafka, &config.projections) {
        (Some(_), Location::Postgres(_)) => {}
        (Some(_) | None, Location::Postgres(_) | Location::File(_)) => {
            config.projections = Location::File(dir.join("projections.sqlite"));
        }
    }
    Ok(())
}

/// Removes what an earlier run left, unless a process still works with it.
fn empty(dir: &Path) -> Result<(), Failure> {
    let log = dir.join("log");
    // Whatever else is wrong with it, it goes.
    if log.exists()
        && let Err(error @ BusError::Locked(_)) = Local::open(&log, local::Options::new(Arc::new(SystemClock)))
    {
        return Err(error.into());
    }
    std::fs::remove_dir_all(dir).map_err(|error| Failure::Disk(format!("{} can't be emptied: {error}", dir.display())))
}

/// The first line of the configuration: that a demo's directory is one, and what it was begun with.
fn mark(arguments: &DemoArgs) -> String {
    let DemoArgs { seed, requests, .. } = arguments;
    format!("{MARK} --seed {seed} --requests {requests}`, for looking at what it left.")
}

/// The tables of the run: policies and sources as configured or bundled, the sandbox's payers as partners.
pub(super) fn furnish(
    arguments: &DemoArgs,
    config: &mut Config,
    partners: &[(String, String)],
) -> Result<Tables, Failure> {
    let folder = config.data_dir.join("partners");
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        partners.iter().try_for_each(|(id, text)| std::fs::write(folder.join(format!("{id}.toml")), text))
    };
    write().map_err(|error| Failure::Disk(format!("{} can't be written: {error}", folder.display())))?;
    config.partners_dir = folder;
    Tables::bundle_missing(config).map_err(Failure::Config)?;
    let tables = Tables::load(config).map_err(Failure::Config)?;
    let file = config.data_dir.join(CONFIG);
    std::fs::write(&file, format!("{}\n{}", mark(arguments), text(config)?))
        .map_err(|error| Failure::Disk(format!("{} can't be written: {error}", file.display())))?;
    Ok(tables)
}

/// The configuration of the directory as it stands, for commands that come after.
fn text(config: &Config) -> Result<String, Failure> {
    let folder = |path: &Path| within(&config.data_dir, path).map(Value::from);
    let mut table = config.kafka.as_ref().map(brokers::sections).unwrap_or_default();
    if let (Some(_), Location::Postgres(server)) = (&config.kafka, &config.projections) {
        let url = ("url".to_owned(), Value::from(server.to_string()));
        table.insert("projections".into(), Table::from_iter([url]).into());
    }
    if let (Some(_), Some(url)) = (&config.kafka, &config.callback_url) {
        table.insert("callback_url".into(), url.as_str().into());
    }
    if config.shelves.is_none() {
        table.insert("memory".into(), Table::from_iter([("large".to_owned(), Value::from("ram"))]).into());
    }
    table.insert("prefix".into(), config.prefix.as_str().into());
    table.insert("data_dir".into(), ".".into());
    table.insert("partitions".into(), i64::from(config.partitions).into());
    table.insert("sources_dir".into(), folder(&config.sources_dir)?);
    table.insert("partners_dir".into(), folder(&config.partners_dir)?);
    table.insert("policies_dir".into(), folder(&config.policies_dir)?);
    table.insert("logs".into(), Table::from_iter([("filter".to_owned(), Value::from("warn"))]).into());
    toml::to_string(&table).map_err(|error| Failure::Other(error.into()))
}

/// A path as seen from a folder: below it by name, and elsewhere in full.
fn within(folder: &Path, path: &Path) -> Result<String, Failure> {
    let seen: PathBuf = match path.strip_prefix(folder) {
        Ok(below) => below.to_path_buf(),
        Err(_) => std::path::absolute(path).map_err(|error| Failure::Other(error.into()))?,
    };
    Ok(seen.display().to_string())
}
