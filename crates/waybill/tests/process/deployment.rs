//! A deployment of its own in a temporary folder, with the binary as its only way in, and with the log as outsiders reach it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use contracts::{Codec, Topic, Topics};
use domain::{Lane, Timestamp};
use fleet::bus::{Bus, Delivered, Headers, Isolation, Limit, Outgoing, TopicPartition};
use fleet::clock::Clock;
use local::Local;
use serde_json::Value;
use tempfile::TempDir;

const WAYBILL: &str = env!("CARGO_BIN_EXE_waybill");
/// The repository.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// As many as the default configuration has.
const PARTITIONS: u32 = 4;

/// A partner that nobody reaches.
pub(crate) const PARTNER: &str = r#"
id = "evergreen"
name = "Evergreen"
base_url = "http://127.0.0.1:9/evergreen"
adapter = "rest"
deduplicates = true
status_query = true
completion = "poll"
buckets = 1
limits = { outstanding_max = 10, timeout_ms = 500 }
retry = { attempts_max = 2, backoff_ms = 10, backoff_ms_max = 20 }
callback = { secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }
"#;

/// A deployment of its own in a temporary folder.
pub(crate) struct Deployment {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// A process that is killed when the test ends, however it ends.
pub(crate) struct Process(pub(crate) Child);

/// The log of a deployment of which no process runs.
pub(crate) struct OpenLog {
    bus: Local,
    pub(crate) codec: Codec,
    pub(crate) topics: Topics,
}

// === impl Deployment ===

impl Deployment {
    /// With the deployed policies and sources, and one partner that nobody reaches.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = "sources_dir = \"sources\"\npolicies_dir = \"policy\"\npartners_dir = \"partners\"\n\
                      [log]\ndurability = \"none\"\n[logs]\nfilter = \"warn\"\n[admin]\nlisten = \"127.0.0.1:0\"\n";
        let deployment = Self { folder, environment: Vec::new() };
        deployment.write("waybill.toml", config);
        for tables in ["sources", "policy"] {
            for file in fs::read_dir(Path::new(ROOT).join("deploy").join(tables)).expect("tables").flatten() {
                let text = fs::read_to_string(file.path()).expect("a table");
                deployment.write(&format!("{tables}/{}", file.file_name().display()), &text);
            }
        }
        deployment.write("partners/evergreen.toml", PARTNER);
        deployment
    }

    /// Overrides a setting, for all that is started from here on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(WAYBILL);
        command.current_dir(self.folder.path()).args(["--config", "waybill.toml"]).args(arguments);
        command.env_remove("WAYBILL_FAILPOINT").envs(self.environment.iter().cloned());
        command
    }

    pub(crate) fn waybill(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
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

    /// Starts all workers. What their process logs goes to the file `log.txt`.
    pub(crate) fn start(&self) -> Process {
        let log = File::options().create(true).append(true).open(self.folder().join("log.txt")).expect("a file");
        let started = self.command(&["run", "--all"]).stdout(Stdio::null()).stderr(log).spawn();
        Process(started.expect("it starts"))
    }

    /// Starts all workers and waits until their process answers.
    pub(crate) fn run(&self) -> Process {
        let _ = fs::remove_file(self.path("admin.json"));
        let mut process = self.start();
        self.until("the process to answer", || {
            let ended = process.0.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "it ended: {ended:?}\n{}", self.logged());
            self.path("admin.json").exists().then_some(())
        });
        // It answers before its workers have taken over what there is.
        self.until("its workers to be ready", || {
            let status = self.answer(&["status"]);
            status["stages"].as_array()?.iter().all(|stage| stage["ready"] == true).then_some(())
        });
        process
    }

    /// What all processes that ran here have logged so far.
    pub(crate) fn logged(&self) -> String {
        fs::read_to_string(self.folder().join("log.txt")).expect("a log")
    }

    /// Waits for something that is sure to come.
    pub(crate) fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends one request under this key and waits until it is accepted; its id.
    pub(crate) fn accepted(&self, key: &str) -> String {
        let mut request = request();
        request["idempotency_key"] = key.into();
        self.write("one.jsonl", &request.to_string());
        let sent = self.answer(&["submit", "one.jsonl"]);
        let id = sent["requests"][0]["request_id"].as_str().expect("an id").to_owned();
        self.until("an outcome", || {
            let outcomes = self.answer(&["outcomes", "--source", "enrolment", "--id", &id]);
            outcomes.as_array().is_some_and(|outcomes| !outcomes.is_empty()).then_some(())
        });
        id
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the data directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let set = self.environment.iter().rfind(|(name, _)| name == "WAYBILL_DATA_DIR");
        let data = set.map_or(".waybill", |(_, directory)| directory);
        self.folder().join(data).join(name)
    }

    /// Opens the log of the data directory, which some command must have made.
    pub(crate) fn log(&self) -> OpenLog {
        let bus = Local::open(self.path("log"), local::Options::new(Arc::new(Standstill))).expect("a log");
        OpenLog { bus, codec: Codec::bundled(), topics: Topics::new("waybill.", PARTITIONS) }
    }
}

// === impl Process ===

impl Process {
    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status().expect("kill runs");
        assert!(asked.success());
        self.0.wait().expect("it ends").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// === impl OpenLog ===

impl OpenLog {
    /// Appends values to intake in one transaction, each with these headers.
    pub(crate) fn append(&self, values: &[&[u8]], headers: &Headers) {
        let mut producer = self.bus.producer("outsider").expect("a producer");
        for value in values {
            let record = Outgoing {
                topic: self.topics.name(&Topic::Intake(Lane::Bulk)),
                partition: 0,
                timestamp_ms: Standstill.now_ms(),
                key: Some(Bytes::from_static(b"row")),
                value: Some(Bytes::copy_from_slice(value)),
                headers: headers.clone(),
            };
            producer.send(record).expect("sent");
        }
        producer.commit(None).expect("committed");
    }

    /// All names of topics.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.bus.topics().expect("topics").into_iter().map(|spec| spec.name).collect()
    }

    /// Everything on a topic, also what was never committed.
    pub(crate) fn read(&self, topic: &Arc<str>) -> Vec<Delivered> {
        let specs = self.bus.topics().expect("topics");
        let partitions = specs.iter().find(|spec| spec.name == *topic).expect("the topic").partitions;
        let from = (0..partitions).map(|partition| TopicPartition::new(topic.clone(), partition));
        let from: Vec<_> = from.map(|at| (at.clone(), self.bus.watermarks(&at).expect("marks").low)).collect();
        let mut reader = self.bus.reader(Isolation::ReadUncommitted).expect("a reader");
        reader.assign(&from).expect("assigned");
        let (mut all, mut some) = (Vec::new(), Vec::new());
        loop {
            reader.read(Limit { records: 10_000, bytes: 16 << 20 }, Duration::ZERO, &mut some).expect("readable");
            if some.is_empty() {
                return all;
            }
            all.append(&mut some);
        }
    }
}

/// A clock for a log that is only looked into: it shows the time of day and is good for no session.
struct Standstill;

impl Clock for Standstill {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set");
        i64::try_from(since.as_millis()).expect("not that far ahead")
    }

    fn since_boot(&self) -> Duration {
        Duration::ZERO
    }
}

/// Now, as records are stamped.
pub(crate) fn now() -> Timestamp {
    Timestamp(Standstill.now_ms())
}

/// All that a process has said.
pub(crate) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// An example of a schema, of our own payer.
pub(crate) fn example(path: &str) -> Value {
    let text = fs::read_to_string(Path::new(ROOT).join("schemas").join(path)).expect("an example");
    let text = text.replace("\"lakeshore\"", "\"waybill-demo-payer\"");
    serde_json::from_str(&text).expect("JSON")
}

/// A sound submission.
pub(crate) fn request() -> Value {
    example("intake-request/v1.examples/request-data.json")
}
