//! The configuration: one TOML file with environment overrides, validated whole before anything starts.
//!
//! Every value may be overridden by `WAYBILL_<SECTION>_<KEY>`. Mistakes are collected and told all at once, each with its path and
//! the remedy; the process then ends with exit code 64.

mod read;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::messages::Stage;
use local::Durability;
use projections::Location;
use telemetry::LogFormat;

use crate::brokers::{self, KafkaConfig};

pub(crate) use read::{Mistake, Reader};

/// Everything a process needs to know before it starts.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Whether shortcuts of development are allowed: unsigned sources, generated keys.
    pub(crate) mode: Mode,
    /// Where everything this process owns lies.
    pub(crate) data_dir: PathBuf,
    /// The brokers, where the log is theirs; none where it is embedded.
    pub(crate) kafka: Option<KafkaConfig>,
    /// What the names of topics, groups and transactional ids begin with.
    pub(crate) prefix: String,
    /// The name of this process among those of the deployment; none where the workers it runs name it.
    pub(crate) process: Option<String>,
    /// How many partitions the co-partitioned topics have; chosen once.
    pub(crate) partitions: u32,
    /// When a commit of the embedded log counts as durable.
    pub(crate) durability: Durability,
    /// The deployment keys.
    pub(crate) keys_file: PathBuf,
    /// Registered sources.
    pub(crate) sources_dir: PathBuf,
    /// The partner registry.
    pub(crate) partners_dir: PathBuf,
    /// Policies.
    pub(crate) policies_dir: PathBuf,
    /// The database of projections.
    pub(crate) projections: Location,
    /// Where partners reach the callback door.
    pub(crate) callback_url: Option<String>,
    /// Where the callback door listens, if this process opens it.
    pub(crate) callback_listen: Option<SocketAddr>,
    /// Where health, metrics and asks are answered.
    pub(crate) admin_listen: SocketAddr,
    /// How a worker's slots behave.
    pub(crate) fleet: FleetConfig,
    /// Where large memories lie; none where they lie in memory.
    pub(crate) shelves: Option<ShelvesConfig>,
    /// The form of log lines.
    pub(crate) log_format: LogFormat,
    /// Which log lines, as in `RUST_LOG`.
    pub(crate) log_filter: String,
}

/// How careful a process has to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Shortcuts are allowed.
    Development,
    /// They are not.
    Production,
}

/// How a worker's slots behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FleetConfig {
    /// How many slots of each worker this process runs.
    pub(crate) slots: usize,
    /// How long a group waits for a silent member.
    pub(crate) session_timeout: Duration,
    /// The most records of a turn.
    pub(crate) turn_records_max: usize,
    /// The most bytes of a turn.
    pub(crate) turn_bytes_max: usize,
    /// How long a turn should take at most.
    pub(crate) turn_target: Duration,
    /// How many events the supervisor may be behind before bulk waits.
    pub(crate) bulk_lag_max: u64,
    /// How long a stop waits for answers.
    pub(crate) drain: Duration,
}

/// Where large memories lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShelvesConfig {
    /// The directory, unless it is the one in `data_dir`.
    pub(crate) dir: Option<PathBuf>,
    /// How much of it this process keeps in memory.
    pub(crate) cache_bytes: u64,
}

impl Config {
    /// Reads a file, or the defaults where none is named; `environment` gives the overrides.
    pub(crate) fn load(
        file: Option<&Path>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<Mistake>> {
        let (text, base) = match file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| vec![Mistake::file(file, &format!("can't be read: {error}"))])?;
                (text, file.parent().unwrap_or(Path::new("")).to_path_buf())
            }
            None => (String::new(), PathBuf::new()),
        };
        Self::parse(&text, &base, environment)
    }

    /// Reads the text of a configuration; relative paths start at `base`.
    pub(crate) fn parse(
        text: &str,
        base: &Path,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<Mistake>> {
        let table = text.parse::<toml::Table>().map_err(|error| vec![Mistake::syntax(&error)])?;
        let mut read = Reader::new(table, environment);
        // Through its components, so that "." is shown as the folder it is.
        let data_dir: PathBuf = base.join(read.text("data_dir", ".waybill")).components().collect();
        let under = |read: &mut Reader<_>, key: &str, name: &str| match read.optional_text(key) {
            Some(path) => base.join(path),
            None => data_dir.join(name),
        };
        let prefix = read.text("prefix", "waybill.");
        let is_kafka = read.choice("bus", &[("embedded", false), ("kafka", true)]);
        let config = Self {
            kafka: brokers::read(&mut read, base, is_kafka),
            process: read.optional_text("process"),
            mode: read.choice("mode", &[("development", Mode::Development), ("production", Mode::Production)]),
            partitions: read.number("partitions", 4, 1..=1000).try_into().unwrap_or(4),
            durability: read.choice("log.durability", &DURABILITIES),
            keys_file: under(&mut read, "keys_file", "keys.toml"),
            sources_dir: base.join(read.text("sources_dir", "deploy/sources")),
            partners_dir: base.join(read.text("partners_dir", "deploy/partners")),
            policies_dir: base.join(read.text("policies_dir", "deploy/policy")),
            projections: {
                let file = under(&mut read, "projections.file", "projections.sqlite");
                read.server("projections.url", &schema(&prefix)).map_or(Location::File(file), Location::Postgres)
            },
            prefix,
            callback_url: read.optional_text("callback_url"),
            callback_listen: read.address("callback.listen"),
            admin_listen: read.address("admin.listen").unwrap_or(ADMIN),
            fleet: fleet(&mut read),
            shelves: {
                let dir = read.optional_text("memory.dir").map(|dir| base.join(dir));
                let cache_bytes = read.number("memory.cache_bytes", 32 << 20, 1 << 20..=1 << 36);
                read.choice("memory.large", &[("disk", true), ("ram", false)])
                    .then_some(ShelvesConfig { dir, cache_bytes })
            },
            log_format: read.choice("logs.format", &[("human", LogFormat::Human), ("json", LogFormat::Json)]),
            log_filter: read.text("logs.filter", "info"),
            data_dir,
        };
        read.finish().map(|()| config)
    }

    /// Where the embedded log lies.
    pub(crate) fn log_dir(&self) -> PathBuf {
        self.data_dir.join("log")
    }

    /// Where sealed evidence and large letters lie.
    pub(crate) fn evidence_dir(&self) -> PathBuf {
        self.data_dir.join("evidence")
    }

    /// Where erasable keys lie.
    pub(crate) fn keystore_dir(&self) -> PathBuf {
        self.data_dir.join("keystore")
    }

    /// Where large memories lie on disk, if they do.
    pub(crate) fn shelves_dir(&self) -> Option<PathBuf> {
        let ShelvesConfig { dir, .. } = self.shelves.as_ref()?;
        Some(dir.clone().unwrap_or_else(|| self.data_dir.join("memory")))
    }

    /// The stable name of a worker's slot: its membership, and what it writes under.
    pub(crate) fn instance(&self, stage: Stage, slot: usize) -> String {
        self.writer(&format!("{}-{}-{slot}", stage.as_str(), self.process_name()))
    }

    /// The transactional id of somebody who writes.
    pub(crate) fn writer(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix.trim_end_matches('.'))
    }

    /// The consumer group of a worker.
    pub(crate) fn group(&self, stage: Stage) -> String {
        format!("{}{}", self.prefix, stage.as_str())
    }

    /// How this process is told from others.
    pub(crate) fn process_name(&self) -> &str {
        self.process.as_deref().unwrap_or("main")
    }
}

/// The schema of projections, unless the URL names one: the deployment's name, as Postgres takes it.
pub(crate) fn schema(prefix: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
    prefix.trim_end_matches('.').chars().map(plain).collect()
}

/// Where health, metrics and asks are answered unless told otherwise.
const ADMIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);

const DURABILITIES: [(&str, Durability); 2] = [("every-commit", Durability::EveryCommit), ("none", Durability::None)];

fn fleet<E: Fn(&str) -> Option<String>>(read: &mut Reader<E>) -> FleetConfig {
    let mut span = |key: &str, default: u64, range| Duration::from_millis(read.number(key, default, range));
    let session_timeout = span("fleet.session_timeout_ms", 10_000, 500..=300_000);
    let turn_target = span("fleet.turn_target_ms", 250, 1..=10_000);
    let drain = span("fleet.drain_ms", 5_000, 0..=600_000);
    FleetConfig {
        slots: usize::try_from(read.number("fleet.slots", 1, 1..=64)).unwrap_or(1),
        session_timeout,
        turn_target,
        bulk_lag_max: read.number("fleet.bulk_lag_max", 2_000, 1..=1 << 40),
        drain,
        turn_records_max: usize::try_from(read.number("fleet.turn_records_max", 8_192, 1..=100_000)).unwrap_or(8_192),
        turn_bytes_max: usize::try_from(read.number("fleet.turn_bytes_max", 16 << 20, 1 << 20..=1 << 30))
            .unwrap_or(16 << 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Vec<Mistake>> {
        Config::parse(text, Path::new("/base"), |_| None)
    }

    #[test]
    fn an_empty_file_is_a_whole_configuration() {
        let config = parse("").expect("defaults");
        assert_eq!((config.mode, config.partitions), (Mode::Development, 4));
        assert_eq!(config.projections.to_string(), "/base/.waybill/projections.sqlite");
    }

    /// A URL takes the file's place, and its password is shown nowhere.
    #[test]
    fn projections_are_in_postgres_where_a_url_names_one() {
        let text = "[projections]\nfile = \"p.sqlite\"\nurl = \"postgres://writer:s3cret@db.example/claims\"\n";
        let config = parse(text).expect("valid");
        assert_eq!(config.projections.to_string(), "postgres://writer@db.example:5432/claims?schema=waybill");
        assert!(!format!("{config:?}").contains("s3cret"));
        let mistakes = parse("[projections]\nurl = \"db.example/s3cret\"\n").expect_err("no URL");
        assert_eq!((mistakes.len(), mistakes[0].path.as_str()), (1, "projections.url"));
        assert!(!mistakes[0].message.contains("s3cret"), "{}", mistakes[0]);
    }

    #[test]
    fn a_data_folder_may_be_that_of_the_file() {
        let config = parse("data_dir = \".\"\n").expect("valid");
        assert_eq!(config.log_dir().display().to_string(), "/base/log");
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let mistakes = parse(
            "mode = \"prod\"\npartitions = 0\ncolour = 1\n[logs]\nformat = \"xml\"\n[fleet]\ndrain_ms = \"soon\"\n",
        )
        .expect_err("five mistakes");
        let paths: Vec<&str> = mistakes.iter().map(|mistake| mistake.path.as_str()).collect();
        assert_eq!(paths, ["mode", "partitions", "fleet.drain_ms", "logs.format", "colour"]);
    }

    /// The file that documents all keys: those that have no fixed default stand there as comments.
    #[test]
    fn the_documented_configuration_names_every_key_and_its_default() {
        let documented = include_str!("../../../deploy/waybill.toml");
        let uncommented = documented.replace("\n# listen =", "\nlisten =").replace("\n# file =", "\nfile =");
        let uncommented =
            ["keys_file", "process", "dir", "bootstrap", "username", "password_file", "token_file", "ca_file"]
                .into_iter()
                .chain(["certificate_file", "key_file", "replication", "url"])
                .fold(uncommented, |text, key| text.replace(&format!("\n# {key} ="), &format!("\n{key} =")));
        let uncommented = uncommented.replace("\n# callback_url =", "\ncallback_url =");
        let asked = std::cell::RefCell::new(Vec::new());
        let note = |name: &str| {
            asked.borrow_mut().push(name.to_owned());
            None
        };
        let all = Config::parse(&uncommented, Path::new("deploy"), note).expect("every key is known");
        let mut named = Vec::new();
        read::collect(&uncommented.parse().expect("TOML"), "", &mut named);
        let mut named: Vec<String> =
            named.iter().map(|path| format!("WAYBILL_{}", path.replace('.', "_").to_uppercase())).collect();
        let mut asked = asked.into_inner();
        named.sort();
        asked.sort();
        assert_eq!(named, asked, "keys that are asked for and not documented, or the other way round");

        let file = Config::parse(documented, Path::new("deploy"), |_| None).expect("valid");
        let default = parse("").expect("valid");
        let plain = |config: &Config| {
            let Config { mode, partitions, durability, callback_url, callback_listen, admin_listen, fleet, .. } =
                config;
            let cache_bytes = config.shelves.as_ref().map(|shelves| shelves.cache_bytes);
            format!(
                "{mode:?} {partitions} {durability:?} {callback_url:?} {callback_listen:?} {admin_listen} {fleet:?} \
                 {cache_bytes:?}"
            )
        };
        assert_eq!(plain(&file), plain(&default));
        assert_eq!((file.log_format, &file.log_filter), (default.log_format, &default.log_filter));
        assert!(all.callback_url.is_some() && all.callback_listen.is_some());
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let environment = |name: &str| (name == "WAYBILL_FLEET_DRAIN_MS").then(|| "7".to_owned());
        let config = Config::parse("[fleet]\ndrain_ms = 5\n", Path::new(""), environment).expect("valid");
        assert_eq!(config.fleet.drain, Duration::from_millis(7));
    }
}
