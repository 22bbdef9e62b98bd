//! The demo's directory: everything a run needs and leaves, with a configuration that other commands reach it by.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::cli::DemoArgs;
use crate::config::{Config, Mode};
use crate::exit::Failure;
use crate::tables::Tables;

/// The configuration of what the demo leaves, in its directory.
pub(super) const CONFIG: &str = "waybill.toml";

/// An empty directory to start in, unless an earlier run is to be resumed.
pub(super) fn prepare(arguments: &DemoArgs, config: &mut Config) -> Result<(), Failure> {
    let dir = &arguments.dir;
    if dir.exists() && !arguments.resume {
        if !dir.join("keys.toml").exists() && std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
            let message = format!("{} is no demo's directory; name another with --dir", dir.display());
            return Err(Failure::Input(message));
        }
        std::fs::remove_dir_all(dir)
            .map_err(|error| Failure::Disk(format!("{} can't be emptied: {error}", dir.display())))?;
    }
    config.mode = Mode::Development;
    config.data_dir.clone_from(dir);
    config.keys_file = dir.join("keys.toml");
    config.projections = dir.join("projections.sqlite");
    Ok(())
}

/// The tables of the run: policies and sources as configured or bundled, the sandbox's payers as partners.
pub(super) fn furnish(config: &mut Config, partners: &[(String, String)]) -> Result<Tables, Failure> {
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
    std::fs::write(&file, text(config)?)
        .map_err(|error| Failure::Disk(format!("{} can't be written: {error}", file.display())))?;
    Ok(tables)
}

/// The configuration of the directory as it stands, for commands that come after.
fn text(config: &Config) -> Result<String, Failure> {
    let folder = |path: &Path| within(&config.data_dir, path).map(Value::from);
    let mut table = Table::new();
    table.insert("data_dir".into(), ".".into());
    table.insert("partitions".into(), i64::from(config.partitions).into());
    table.insert("sources_dir".into(), folder(&config.sources_dir)?);
    table.insert("partners_dir".into(), folder(&config.partners_dir)?);
    table.insert("policies_dir".into(), folder(&config.policies_dir)?);
    table.insert("logs".into(), Table::from_iter([("filter".to_owned(), Value::from("warn"))]).into());
    let text = toml::to_string(&table).map_err(|error| Failure::Other(error.into()))?;
    Ok(format!("# Written by `waybill demo`, for looking at what it left.\n{text}"))
}

/// A path as seen from a folder: below it by name, and elsewhere in full.
fn within(folder: &Path, path: &Path) -> Result<String, Failure> {
    let seen: PathBuf = match path.strip_prefix(folder) {
        Ok(below) => below.to_path_buf(),
        Err(_) => std::path::absolute(path).map_err(|error| Failure::Other(error.into()))?,
    };
    Ok(seen.display().to_string())
}
