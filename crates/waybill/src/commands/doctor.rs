//! `waybill doctor`: is everything fit to start, and if not, what is to be done.

mod memory;

use std::path::Path;
use std::sync::Arc;

use contracts::{Codec, Topic, Topics};
use fleet::bus::{Bus, TopicSpec};
use fleet::clock::Clock as _;
use local::Local;
use projections::{Database, Location, StoreError};
use serde::Serialize;
use serde_json::json;
use vault::{Keys, Vault};

use crate::brokers;
use crate::cli::DoctorArgs;
use crate::client;
use crate::clock::SystemClock;
use crate::config::{Config, Mode};
use crate::exit::Failure;
use crate::projecting;
use crate::secrets::{self, described};
use crate::show;
use crate::tables::Tables;

/// One thing looked at.
#[derive(Serialize)]
pub(crate) struct Finding {
    check: &'static str,
    ok: bool,
    finding: String,
    remedy: Option<String>,
}

/// No clock that works shows less: 2025-01-01.
const EARLIEST_MS: i64 = 1_735_689_600_000;
/// How far clocks may be apart; a connection that is slow to open counts with it.
const APART_MAX_MS: u64 = 5_000;
/// Nor more: 2100-01-01.
const LATEST_MS: i64 = 4_102_444_800_000;

/// Looks at everything and fails if anything is wrong.
pub(crate) fn run(file: Option<&Path>, doctor: DoctorArgs, json: bool) -> Result<(), Failure> {
    let findings = match Config::load(file, |name| std::env::var(name).ok()) {
        Ok(config) => look_at(&config, doctor.verify),
        Err(mistakes) => {
            let wrong = |mistake| Finding::wrong("configuration", &mistake, "correct the configuration");
            mistakes.into_iter().map(wrong).collect()
        }
    };
    print(&findings, json)?;
    match findings.iter().filter(|finding| !finding.ok).count() {
        0 => Ok(()),
        wrong => Err(Failure::Other(anyhow::anyhow!("{wrong} of {} checks found something wrong", findings.len()))),
    }
}

/// For people, what is to be done stands below the table: a finding may be long, and both must be read whole.
fn print(findings: &[Finding], json: bool) -> Result<(), Failure> {
    let answer = serde_json::to_value(findings).map_err(|error| Failure::Other(error.into()))?;
    if json {
        return show::print(&answer, true);
    }
    let row = |it: &Finding| json!({"check": it.check, "ok": it.ok, "finding": it.finding});
    show::print(&findings.iter().map(row).collect(), false)?;
    let remedy = |it: &Finding| Some(json!({"check": it.check, "remedy": it.remedy.as_ref()?}));
    let remedies: Vec<_> = findings.iter().filter_map(remedy).collect();
    if remedies.is_empty() { Ok(()) } else { show::print(&json!({"what_to_do": remedies}), false) }
}

fn look_at(config: &Config, verify: bool) -> Vec<Finding> {
    let mut findings = vec![Finding::fine("configuration", "complete and valid".into())];
    match Tables::load(config) {
        Ok(tables) => {
            let (sources, partners) = (tables.sources.ids().count(), tables.partners.iter().count());
            findings.push(Finding::fine("tables", format!("{sources} sources, {partners} partners, all policies")));
        }
        Err(mistakes) => {
            findings.extend(mistakes.iter().map(|it| Finding::wrong("tables", it, "correct what is named")));
        }
    }
    findings.push(data_dir(&config.data_dir));
    findings.extend(memory::findings(config));
    findings.push(keys(config));
    findings.extend(keystore(config));
    findings.push(clock());
    if let Some(kafka) = &config.kafka {
        findings.extend(brokers::findings(config, kafka));
    } else if client::is_running(config) {
        findings.push(Finding::fine("log", "held by a running process, which answers".into()));
    } else {
        findings.extend(log(config, verify));
        findings.push(admin(config));
    }
    findings.extend(database(&config.projections, verify));
    findings
}

fn data_dir(path: &Path) -> Finding {
    match is_writable(path) {
        Ok(()) => Finding::fine("data folder", format!("{} is writable", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Finding::fine("data folder", format!("{} will be made at the first start", path.display()))
        }
        Err(error) => {
            let what = format!("{} can't be written to: {error}", path.display());
            Finding::wrong("data folder", &what, "give this user the right to write there, or set data_dir")
        }
    }
}

/// Writes there, and takes it away again.
fn is_writable(path: &Path) -> std::io::Result<()> {
    let probe = path.join(".doctor");
    std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe))
}

fn keys(config: &Config) -> Finding {
    if !config.keys_file.exists() && config.log_dir().exists() {
        return Finding::wrong("keys", &secrets::missing(config), "restore the key file; never make a new one here");
    }
    if !config.keys_file.exists() {
        let what = format!("{} does not exist", config.keys_file.display());
        return match config.mode {
            Mode::Development => Finding::fine("keys", format!("{what}; it will be made at the first start")),
            Mode::Production => Finding::wrong("keys", &what, "put the deployment's keys there, with mode 600"),
        };
    }
    match Keys::load(&config.keys_file) {
        Ok(keys) => Finding::fine("keys", format!("readable by their owner alone; {} seals", keys.active_id())),
        Err(error) => Finding::wrong("keys", &described(&error), "correct the key file, or restore it from its copy"),
    }
}

/// Opens the vault's files under the keys; none where there are none yet, or no keys that could open them.
fn keystore(config: &Config) -> Option<Finding> {
    let path = config.keystore_dir();
    if !path.exists() || Keys::load(&config.keys_file).is_err() {
        return None;
    }
    Some(match Vault::open(&secrets::options(config), Codec::bundled()) {
        Ok(_) => Finding::fine("keystore", format!("{} opens, and its keys are those of the key file", path.display())),
        Err(error) => Finding::wrong("keystore", &described(&error), "restore what is named from its copy"),
    })
}

fn clock() -> Finding {
    let now = SystemClock.now_ms();
    if (EARLIEST_MS..LATEST_MS).contains(&now) {
        return Finding::fine("clock", format!("shows {}", domain::Timestamp(now)));
    }
    Finding::wrong("clock", &format!("shows {}", domain::Timestamp(now)), "set the clock; have it kept by NTP")
}

/// Opens the log, and compares its topics with what is configured.
fn log(config: &Config, verify: bool) -> Vec<Finding> {
    let path = config.log_dir();
    if !path.exists() {
        return vec![Finding::fine("log", format!("{} will be made at the first start", path.display()))];
    }
    let options = local::Options { maintenance_interval: None, ..local::Options::new(Arc::new(SystemClock)) };
    let log = match Local::open(&path, options) {
        Ok(log) => log,
        Err(error) => {
            let remedy = "stop the process that holds it, or restore a damaged log from a backup";
            return vec![Finding::wrong("log", &error, remedy)];
        }
    };
    let mut findings = vec![Finding::fine("log", format!("{} opens", path.display()))];
    match log.topics() {
        Ok(topics) => findings.push(partitions(config, &topics)),
        Err(error) => findings.push(Finding::wrong("topics", &error, "restore the log from a backup")),
    }
    if verify {
        findings.push(match log.verify() {
            Ok(records) => Finding::fine("checksums", format!("all {records} records are as they were written")),
            Err(error) => Finding::wrong("checksums", &error, "restore the log from a backup"),
        });
    }
    findings
}

fn partitions(config: &Config, found: &[TopicSpec]) -> Finding {
    let topics = Topics::new(&config.prefix, config.partitions);
    let count = |topic: &Topic| found.iter().find(|spec| spec.name == topics.name(topic)).map(|spec| spec.partitions);
    let differs = |topic: &Topic| count(topic).is_some_and(|found| found != topics.partitions(topic));
    match Topic::fixed().find(differs) {
        None => Finding::fine("topics", format!("{} topics, partitions as configured", found.len())),
        Some(topic) => {
            let (name, found) = (topics.name(&topic), count(&topic).unwrap_or_default());
            let what = format!("{name} has {found} partitions, {} are configured", topics.partitions(&topic));
            Finding::wrong("topics", &what, "set partitions to what the log was made with; it is chosen once")
        }
    }
}

fn admin(config: &Config) -> Finding {
    match std::net::TcpListener::bind(config.admin_listen) {
        Ok(_) => Finding::fine("admin address", format!("{} is free", config.admin_listen)),
        Err(error) => {
            let what = format!("{} can't be listened on: {error}", config.admin_listen);
            Finding::wrong("admin address", &what, "set admin.listen to a free address")
        }
    }
}

fn database(location: &Location, verify: bool) -> Vec<Finding> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Finding::wrong("projections", &error, "free some resources of this machine")],
    };
    let opened = runtime.block_on(async {
        if !Database::is_there(location).await? {
            return Ok(None);
        }
        let database = if verify { projecting::sound(location).await } else { Database::open(location).await }?;
        Ok(Some((database.clock_ms().await?, SystemClock.now_ms())))
    });
    match opened {
        Ok(Some((theirs, ours))) => {
            let opens = Finding::fine("projections", format!("{location} opens"));
            std::iter::once(opens).chain(theirs.map(|theirs| difference(theirs, ours))).collect()
        }
        Ok(None) => vec![Finding::fine("projections", format!("{location} will be made by `run --all`"))],
        Err(error @ (StoreError::Damaged(_) | StoreError::OtherVersion)) => vec![Finding::wrong(
            "projections",
            &format!("{location}: {}", described(&error)),
            "start `run --all`, which puts it aside and makes it anew",
        )],
        Err(error) => {
            let remedy = match location {
                Location::File(_) => "see that the file and its folder are writable",
                Location::Postgres(_) => "see that the server runs and lets the user of projections.url in",
            };
            vec![Finding::wrong("projections", &described(&error), remedy)]
        }
    }
}

/// Deadlines are reckoned from what several machines' clocks have shown, so these have to agree.
fn difference(theirs_ms: i64, ours_ms: i64) -> Finding {
    let apart = (ours_ms - theirs_ms).unsigned_abs();
    if apart <= APART_MAX_MS {
        return Finding::fine("clocks", format!("this one and the database's are {apart} ms apart"));
    }
    let which = if theirs_ms < ours_ms { "ahead of" } else { "behind" };
    let what = format!("this one is {} s {which} the database's", apart / 1000);
    Finding::wrong("clocks", &what, "have the clocks of all machines kept by NTP: deadlines are reckoned from them")
}

impl Finding {
    pub(crate) fn fine(check: &'static str, finding: String) -> Self {
        Self { check, ok: true, finding, remedy: None }
    }

    pub(crate) fn wrong(check: &'static str, finding: &impl ToString, remedy: &str) -> Self {
        Self { check, ok: false, finding: finding.to_string(), remedy: Some(remedy.to_owned()) }
    }
}
