//! A registry that answers as it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use contracts::catalogue::BUNDLED;
use registry::{Registry, Settings};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The fake, on a runtime of its own: whoever waits for it in a test may block. Gone once dropped.
pub(crate) struct Fake {
    told: Arc<Mutex<Told>>,
    address: SocketAddr,
    _runtime: Runtime,
}

#[derive(Default)]
struct Told {
    /// The schemas under their ids.
    schemas: BTreeMap<u32, String>,
    /// What every call is answered with, whatever it asks for.
    always: Option<(StatusCode, String)>,
    /// How long every answer takes.
    delay: Duration,
    /// The method and path of each call, with its `authorization`.
    calls: Vec<(String, Option<String>)>,
}

impl Fake {
    /// Without any schema.
    pub(crate) fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let told = Arc::new(Mutex::new(Told::default()));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(answer).with_state(Arc::clone(&told));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { told, address, _runtime: runtime }
    }

    /// With the bundled schemas, under these ids and more.
    pub(crate) fn registered(offset: u32) -> Self {
        let fake = Self::start();
        BUNDLED.iter().for_each(|row| fake.has(row.id + offset, row.text));
        fake
    }

    pub(crate) fn has(&self, id: u32, text: &str) {
        self.told.lock().expect("whole").schemas.insert(id, text.to_owned());
    }

    pub(crate) fn always(&self, status: u16, body: &Value) {
        let body = if body.is_null() { "<html>".to_owned() } else { body.to_string() };
        self.told.lock().expect("whole").always = Some((StatusCode::from_u16(status).expect("a status"), body));
    }

    pub(crate) fn takes(&self, delay: Duration) {
        self.told.lock().expect("whole").delay = delay;
    }

    pub(crate) fn calls(&self) -> Vec<(String, Option<String>)> {
        self.told.lock().expect("whole").calls.clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { timeout: Duration::from_secs(10), ..Settings::new(self.url()) }
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::new(&self.settings()).expect("usable settings")
    }
}

/// An address on which nobody listens.
pub(crate) fn nobody() -> Settings {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    Settings::new(format!("http://127.0.0.1:{port}"))
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

async fn answer(State(told): State<Arc<Mutex<Told>>>, request: Request) -> Response {
    let call = format!("{} {}", request.method(), request.uri().path());
    let authorization = request.headers().get("authorization").map(|value| value.to_str().expect("text").to_owned());
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.expect("a body");
    let (delay, (status, text)) = {
        let mut told = told.lock().expect("whole");
        told.calls.push((call.clone(), authorization));
        let answer = told.always.clone().unwrap_or_else(|| told.answer(&call, &body));
        (told.delay, answer)
    };
    tokio::time::sleep(delay).await;
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(text)).expect("a response")
}

impl Told {
    fn answer(&self, call: &str, body: &[u8]) -> (StatusCode, String) {
        let absent = |code: u32| (StatusCode::NOT_FOUND, json!({"error_code": code, "message": "absent"}).to_string());
        if let Some(id) = call.strip_prefix("GET /schemas/ids/") {
            let found = id.parse().ok().and_then(|id: u32| self.schemas.get(&id));
            return found.map_or_else(|| absent(40403), |text| (StatusCode::OK, json!({"schema": text}).to_string()));
        }
        if call.starts_with("POST /subjects/") {
            let asked: Value = serde_json::from_slice(body).expect("JSON");
            let found = self.schemas.iter().find(|(_, text)| asked["schema"] == **text);
            return found.map_or_else(|| absent(40403), |(id, _)| (StatusCode::OK, json!({"id": id}).to_string()));
        }
        absent(40401)
    }
}
