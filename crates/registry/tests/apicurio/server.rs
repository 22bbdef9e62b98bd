//! The registry under test, and others who use it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::Subject;
use registry::{Registry, Settings};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The registry as one test has it to itself, without any subject of ours.
pub(crate) struct Server {
    pub(crate) registry: Registry,
    pub(crate) settings: Settings,
    url: String,
    http: Client,
    runtime: Runtime,
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Server {
    pub(crate) fn fresh() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let url =
            std::env::var("WAYBILL_TEST_REGISTRY").expect("WAYBILL_TEST_REGISTRY names a registry; try `make broker`");
        let settings = Settings { timeout: Duration::from_secs(60), ..Settings::new(&*url) };
        let registry = Registry::new(&settings).expect("usable settings");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let server = Self { registry, settings, url, http: Client::new(), runtime, _alone: alone };
        let subjects: Vec<String> = server.get("/subjects").as_array().expect("a list").iter().map(text).collect();
        subjects.iter().filter(|name| name.starts_with("waybill.")).for_each(|name| server.forget(name));
        server
    }

    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let call = async { self.http.get(format!("{}{path}", self.url)).send().await?.json().await };
        self.run(call).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Another client registers a schema; the status and the id, if it was taken.
    pub(crate) fn registers(&self, name: &str, schema: &Value) -> Result<u32, u16> {
        let (status, answer) = self.post(&format!("/subjects/{name}/versions"), schema);
        answer["id"].as_u64().map(|id| u32::try_from(id).expect("an id")).ok_or(status)
    }

    pub(crate) fn would_take(&self, name: &str, schema: &Value) -> bool {
        let (_, answer) = self.post(&format!("/compatibility/subjects/{name}/versions/latest"), schema);
        answer["is_compatible"].as_bool().unwrap_or_else(|| panic!("{name}: {answer}"))
    }

    /// Another client sets a subject's compatibility.
    pub(crate) fn holds(&self, name: &str, level: &str) {
        let request = self.http.put(format!("{}/config/{name}", self.url)).json(&json!({"compatibility": level}));
        let answer = self.run(request.send()).expect("an answer");
        assert!(answer.status().is_success(), "{name}: {}", answer.status());
    }

    pub(crate) fn versions(&self, subject: Subject) -> usize {
        self.get(&format!("/subjects/{}/versions", subject.schema_name())).as_array().map_or(0, Vec::len)
    }

    fn post(&self, path: &str, schema: &Value) -> (u16, Value) {
        let body = json!({"schema": schema.to_string(), "schemaType": "AVRO"});
        let request = self.http.post(format!("{}{path}", self.url)).json(&body);
        let answer = self.run(request.send()).expect("an answer");
        (answer.status().as_u16(), self.run(answer.json()).expect("JSON"))
    }

    fn forget(&self, name: &str) {
        for path in [format!("/subjects/{name}"), format!("/subjects/{name}?permanent=true")] {
            self.run(self.http.delete(format!("{}{path}", self.url)).send()).expect("an answer");
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a name").to_owned()
}
