//! Deployments of their own on the servers under test: a folder, and a name that nobody else's topics begin with.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::groups::GroupMemberInfo;
use serde_json::Value;
use tempfile::TempDir;

const WAYBILL: &str = env!("CARGO_BIN_EXE_waybill");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a group waits for a silent member.
pub(crate) const SESSION_MS: u64 = 6_000;

/// Where the servers are.
pub(crate) fn server(name: &str) -> String {
    let variable = format!("WAYBILL_TEST_{name}");
    std::env::var(&variable).unwrap_or_else(|_| panic!("{variable} names no server; `make processes` starts them"))
}

/// A deployment on the servers.
pub(crate) struct Deployment {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// A process that is killed when the test ends, however it ends.
pub(crate) struct Process(pub(crate) Child);

/// The consumer groups of the demo that runs in a deployment's folder.
pub(crate) struct Groups {
    client: BaseConsumer,
    prefix: String,
}

// === impl Deployment ===

impl Deployment {
    /// One that nothing is there of yet.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set").as_millis();
        let prefix = format!("waybill-test-{since:x}-{}.", NEXT.fetch_add(1, Ordering::Relaxed));
        let deploy = Path::new(ROOT).join("deploy");
        let tables = |name: &str| deploy.join(name).display().to_string();
        let settings = [
            ("BUS", "kafka".to_owned()),
            ("PREFIX", prefix),
            ("KAFKA_BOOTSTRAP", server("KAFKA")),
            ("REGISTRY_URL", server("REGISTRY")),
            ("REGISTRY_TIMEOUT_MS", "60000".into()),
            ("PROJECTIONS_URL", server("POSTGRES")),
            ("SOURCES_DIR", tables("sources")),
            ("POLICIES_DIR", tables("policy")),
            ("PARTNERS_DIR", tables("partners")),
            ("ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
            ("FLEET_SESSION_TIMEOUT_MS", SESSION_MS.to_string()),
            ("LOGS_FILTER", "info".to_owned()),
        ];
        let environment = settings.map(|(name, value)| (format!("WAYBILL_{name}"), value)).into();
        Self { folder: tempfile::tempdir().expect("a folder"), environment }
    }

    /// One whose schemas and topics are there.
    pub(crate) fn prepared() -> Self {
        let deployment = Self::new();
        deployment.done(&["schemas", "register"]);
        deployment.done(&["topics", "apply"]);
        deployment
    }

    /// What the names of its topics begin with.
    pub(crate) fn prefix(&self) -> &str {
        let set = self.environment.iter().find(|(name, _)| name == "WAYBILL_PREFIX");
        set.map_or("", |(_, prefix)| prefix)
    }

    /// Overrides a setting, for all that is started from here on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((format!("WAYBILL_{name}"), value.to_owned()));
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(WAYBILL);
        command.current_dir(self.folder.path()).args(arguments);
        command.env_remove("WAYBILL_FAILPOINT").env_remove("WAYBILL_CONFIG").envs(self.environment.iter().cloned());
        command
    }

    pub(crate) fn waybill(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// Runs a command that has to succeed.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.waybill(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        told(&output)
    }

    /// The JSON answer of a command that succeeds.
    pub(crate) fn answer(&self, arguments: &[&str]) -> Value {
        let output = self.waybill(&[&["--json"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// What a command tells that fails with this exit code.
    pub(crate) fn refusal(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.waybill(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", told(&output));
        told(&output)
    }

    /// Starts a process; what it logs goes to a file of this name.
    pub(crate) fn start(&self, name: &str, arguments: &[&str]) -> Process {
        self.start_as(name, &mut self.command(arguments))
    }

    /// Starts another worker of the demo that runs in this folder, with what the demo has written for its own.
    pub(crate) fn start_beside_demo(&self, name: &str, arguments: &[&str]) -> Process {
        let config = self.folder().join("demo/waybill.toml").display().to_string();
        let mut command = self.command(&[&["--config", &config], arguments].concat());
        for key in ["PREFIX", "SOURCES_DIR", "PARTNERS_DIR", "POLICIES_DIR", "FAILPOINT"] {
            command.env_remove(format!("WAYBILL_{key}"));
        }
        self.start_as(name, &mut command)
    }

    fn start_as(&self, name: &str, command: &mut Command) -> Process {
        let log = File::options().create(true).append(true).open(self.log(name)).expect("a file");
        let output = log.try_clone().expect("a file");
        Process(command.stdout(output).stderr(log).spawn().expect("it starts"))
    }

    /// Keeps what its processes have logged.
    #[expect(clippy::print_stderr, reason = "a test that failed says where to look")]
    pub(crate) fn keep(&mut self) {
        self.folder.disable_cleanup(true);
        eprintln!("its logs are kept in {}", self.folder.path().display());
    }

    /// What a process of this name has logged so far.
    pub(crate) fn logged(&self, name: &str) -> String {
        fs::read_to_string(self.log(name)).unwrap_or_default()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Deployment {
    /// What the processes of a test that failed have logged is kept.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.keep();
        }
    }
}

// === impl Process ===

impl Process {
    /// Sends a signal, by the name `kill` knows.
    pub(crate) fn signal(&self, signal: &str) {
        send(self.0.id(), signal);
    }

    /// Waits for its end; whether it ended well.
    pub(crate) fn ends(&mut self) -> bool {
        until("the process to end", || self.0.try_wait().expect("a child of ours")).success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// === impl Groups ===

impl Groups {
    pub(crate) fn of(deployment: &Deployment) -> Self {
        let client = ClientConfig::new().set("bootstrap.servers", server("KAFKA")).create().expect("a client");
        Self { client, prefix: prefix(deployment) }
    }

    /// Whether all members of a worker's group are slots of this process.
    pub(crate) fn has_only(&self, role: &str, process: &str) -> bool {
        let name = format!("{}{role}", self.prefix);
        let Ok(list) = self.client.fetch_group_list(Some(&name), Duration::from_secs(5)) else { return false };
        let Some(group) = list.groups().iter().find(|group| group.name() == name) else { return false };
        let is_of = |member: &GroupMemberInfo| member.client_id().ends_with(&format!("-{process}"));
        group.state() == "Stable" && group.members().iter().any(is_of) && group.members().iter().all(is_of)
    }
}

/// What the topics of the demo begin with that runs in a deployment's folder.
pub(crate) fn prefix(deployment: &Deployment) -> String {
    let config = fs::read_to_string(deployment.folder().join("demo/waybill.toml")).expect("the demo's own");
    let config: toml::Table = config.parse().expect("TOML");
    config["prefix"].as_str().expect("a prefix").to_owned()
}

/// Sends a signal to a process.
pub(crate) fn send(process: u32, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).stderr(Stdio::null()).status();
    assert!(sent.expect("kill runs").success(), "{signal} did not reach {process}");
}

/// Waits for something that is sure to come.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// All that a process has said.
pub(crate) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A file of the repository.
pub(crate) fn example(name: &str) -> String {
    Path::new(ROOT).join("deploy/examples").join(name).display().to_string()
}
