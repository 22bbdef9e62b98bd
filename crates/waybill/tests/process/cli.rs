//! The command line as people and scripts meet it: the real binary, its exit codes and what it says.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const WAYBILL: &str = env!("CARGO_BIN_EXE_waybill");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

const PARTNER: &str = r#"
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
struct Deployment {
    folder: TempDir,
}

/// A process that is killed when the test ends, however it ends.
struct Process(Child);

impl Deployment {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("partners")).expect("a folder");
        fs::write(folder.path().join("partners/evergreen.toml"), PARTNER).expect("a partner");
        let config = format!(
            "sources_dir = \"{ROOT}/deploy/sources\"\npolicies_dir = \"{ROOT}/deploy/policy\"\n\
             partners_dir = \"partners\"\n[log]\ndurability = \"none\"\n[logs]\nfilter = \"warn\"\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n"
        );
        fs::write(folder.path().join("waybill.toml"), config).expect("a configuration");
        Self { folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(WAYBILL);
        command.current_dir(self.folder.path()).args(["--config", "waybill.toml"]).args(arguments);
        command.env_remove("WAYBILL_FAILPOINT");
        command
    }

    fn waybill(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// The JSON answer of a command that succeeds.
    fn answer(&self, arguments: &[&str]) -> Value {
        let output = self.waybill(&[&["--json"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Starts all workers and waits until their process answers.
    fn run(&self) -> Process {
        let process = Process(self.command(&["run", "--all"]).stderr(Stdio::null()).spawn().expect("it starts"));
        self.until("the process to answer", || self.path("admin.json").exists().then_some(()));
        process
    }

    /// Waits for something that is sure to come.
    fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("a file");
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(".waybill").join(name)
    }
}

impl Process {
    /// Asks it to end, and waits until it has.
    fn stop(mut self) -> Option<i32> {
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

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn example(path: &str) -> Value {
    let text = fs::read_to_string(Path::new(ROOT).join("schemas").join(path)).expect("an example");
    let text = text.replace("\"lakeshore\"", "\"waybill-demo-payer\"");
    serde_json::from_str(&text).expect("JSON")
}

fn request() -> Value {
    example("intake-request/v1.examples/request-data.json")
}

#[test]
fn five_mistakes_in_a_configuration_are_told_at_once() {
    let deployment = Deployment::new();
    let config = "mode = \"prod\"\npartitions = 0\ncolour = 1\n[admin]\nlisten = \"here\"\n[logs]\nformat = \"xml\"\n";
    deployment.write("waybill.toml", config);
    for arguments in [&["run", "--all"][..], &["status"]] {
        let output = deployment.waybill(arguments);
        assert_eq!(output.status.code(), Some(64), "{}", told(&output));
        for path in ["mode:", "partitions:", "colour:", "admin.listen:", "logs.format:"] {
            assert!(told(&output).contains(path), "{path} is missing in {}", told(&output));
        }
    }
    let output = deployment.waybill(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains("5 of 5 checks found something wrong"), "{}", told(&output));
    assert!(!deployment.folder.path().join(".waybill").exists(), "nothing was started");
}

#[test]
fn bad_submissions_are_refused_whole_and_nothing_of_them_is_repeated() {
    let deployment = Deployment::new();
    let mut bad = request();
    bad["member"]["birth_date"] = 19_840_229.into();
    deployment.write("bad.jsonl", &format!("{}\n{bad}\n{{\"Okonkwo\n", request()));
    let output = deployment.waybill(&["submit", "bad.jsonl"]);
    assert_eq!(output.status.code(), Some(65));
    let told = told(&output);
    assert!(told.contains("line 2: member.birth_date: expected") && told.contains("line 3: no JSON"), "{told}");
    assert!(!told.contains("1984") && !told.contains("Okonkwo"), "{told}");
    let status = deployment.answer(&["status"]);
    assert_eq!(status["stages"][0]["lag"], 0, "the good line went nowhere either");
}

#[test]
fn a_running_process_answers_for_its_directory() {
    let deployment = Deployment::new();
    let process = deployment.run();

    let second = deployment.waybill(&["run", "intake"]);
    assert_eq!(second.status.code(), Some(75), "{}", told(&second));

    let mut member = example("roster-member/v1.examples/member.json");
    member["member_key"] = "account-1".into();
    deployment.write("members.jsonl", &member.to_string());
    assert_eq!(deployment.answer(&["members", "load", "members.jsonl"])["members"], 1);

    deployment.write("good.jsonl", &request().to_string());
    let sent = deployment.answer(&["submit", "good.jsonl"]);
    let id = sent["requests"][0]["request_id"].as_str().expect("an id").to_owned();
    let key = request()["idempotency_key"].as_str().expect("a key").to_owned();

    let accepted = deployment.until("an outcome", || {
        let outcomes = deployment.answer(&["outcomes", "--source", "enrolment", "--id", &id]);
        outcomes.as_array().and_then(|outcomes| outcomes.first().cloned())
    });
    assert_eq!(accepted["status"], "accepted");

    let hold = ["hold", &id, "--reason", "a test", "--operator", "sam"];
    let given = deployment.answer(&hold);
    assert_eq!((&given["action"], &given["request_id"]), (&"hold".into(), &Value::from(id.as_str())));
    let story = deployment.until("the hold", || {
        let story = deployment.answer(&["trace", "--source", "enrolment", "--key", &key]);
        let is_held = |step: &Value| step["event"] == "held" && step["operator"] == "sam";
        story["timeline"].as_array()?.iter().any(is_held).then_some(story)
    });
    assert_eq!(story["request_id"], id.as_str());
    assert_eq!(story["timeline"][0]["event"], "received");

    assert_eq!(process.stop(), Some(0), "an orderly end");
    assert!(!deployment.path("admin.json").exists(), "its pass is withdrawn");
    assert_eq!(deployment.answer(&["trace", &id])["timeline"], story["timeline"], "the directory itself says the same");
    assert!(deployment.waybill(&["doctor", "--verify"]).status.success());
}

#[test]
fn what_is_not_there_is_told_by_its_own_exit_code() {
    let deployment = Deployment::new();
    let nowhere = "0f8fad5b-d9cb-869f-a165-70867728950e";
    let by = ["--reason", "a test", "--operator", "sam"];
    for arguments in [
        &["trace", nowhere][..],
        &["letters", "show", nowhere],
        &["outcomes", "--source", "nobody"],
        &[&["letters", "replay", nowhere][..], &by].concat(),
    ] {
        let output = deployment.waybill(arguments);
        assert_eq!(output.status.code(), Some(66), "{arguments:?}: {}", told(&output));
    }
    assert_eq!(deployment.answer(&["letters", "list"]), Value::Array(Vec::new()));
    assert_eq!(deployment.answer(&["review", "list"]), Value::Array(Vec::new()));
}
