//! The admin endpoint of a running process: health, metrics, and asks from the command line.
//!
//! Asks can submit, cancel and disclose, so they need a pass: a secret made at each start and left, with the address, in a file of
//! the data directory that only its owner can read. Whoever may read that directory may ask; nobody else may, on any network.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::Token;
use domain::ids::derive;
use domain::messages::Stage;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::Metric;
use tokio::net::TcpListener;

use crate::ask::Ask;
use crate::compose::{Plant, Running};
use crate::config::Config;
use crate::exit::Failure;
use crate::read_model::ReadModel;
use crate::service::Service;
use crate::standing::Standing;

/// Where the endpoint of a running process is, and the secret that opens it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pass {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    secret: Token,
    /// Whether it keeps the projections: whoever asks it finds them up to date.
    projects: bool,
}

/// An error, as it travels: what the command would have ended with.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    /// The exit code.
    pub(crate) exit_code: u8,
    /// What is told.
    pub(crate) message: String,
}

/// An open endpoint; its pass is withdrawn when this is dropped.
pub(crate) struct Admin {
    file: PathBuf,
}

/// The most bytes of one ask: a few hundred thousand submissions.
const ASK_BYTES_MAX: usize = 512 << 20;

/// The endpoint of a process that is starting.
pub(crate) struct Door {
    address: SocketAddr,
    desk: SharedDesk,
}

/// Nobody sits there until everything is open.
type SharedDesk = Arc<OnceLock<Desk>>;

struct Desk {
    plant: Plant,
    service: Arc<Service>,
    standing: Standing,
    slots: usize,
    secret: Token,
}

/// Takes the configured address, before anything runs that would have to be stopped again, and from then on says there that the
/// process lives: it may have to wait for brokers.
pub(crate) async fn listen(address: SocketAddr) -> Result<Door, Failure> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::Unavailable(format!("{address} can't be listened on: {error}; name another with admin.listen"))
    })?;
    let address = listener.local_addr().map_err(|error| Failure::Other(error.into()))?;
    let desk = SharedDesk::default();
    let router = router(Arc::clone(&desk));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the admin endpoint has closed");
        }
    });
    tracing::info!(%address, "the admin endpoint is open");
    Ok(Door { address, desk })
}

/// Opens the endpoint of these workers, and of the projections where the process keeps them.
pub(crate) fn open(
    Door { address, desk: shared }: Door,
    plant: &Plant,
    running: &Running,
    (projections, projects): (ReadModel, bool),
) -> Result<Admin, Failure> {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(|error| Failure::Other(anyhow::anyhow!("no randomness: {error}")))?;
    let pass = Pass { address, secret: Token(secret), projects };
    let admin = Admin { file: pass_file(&plant.config) };
    let standing = running.standing();
    let service = Arc::new(Service::open(plant, standing.clone(), projections)?);
    let desk = Desk { plant: plant.clone(), service, standing, slots: running.slots(), secret: pass.secret };
    // It is opened once.
    let _ = shared.set(desk);
    pass.leave(&admin.file)
        .map_err(|error| Failure::Disk(format!("{} can't be written: {error}", admin.file.display())))?;
    Ok(admin)
}

impl Pass {
    /// The passes that processes on this directory have left, those that keep the projections first. Some may be of processes
    /// that were killed.
    pub(crate) fn find(data_dir: &Path) -> Vec<Self> {
        let files = fs::read_dir(data_dir).into_iter().flatten().flatten();
        let is_pass = |name: &str| name.starts_with(PASS) && name.ends_with(JSON);
        let files = files.filter(|file| file.file_name().to_str().is_some_and(is_pass));
        let mut passes: Vec<Self> = files.filter_map(|file| Self::read(&file.path())).collect();
        passes.sort_by_key(|pass| !pass.projects);
        passes
    }

    /// The pass that a process of this name has left on this directory. On brokers each has its name.
    pub(crate) fn of(data_dir: &Path, process: &str) -> Option<Self> {
        Self::read(&data_dir.join(pass_of(process)))
    }

    fn read(file: &Path) -> Option<Self> {
        contracts::json::from_json(serde_json::from_slice(&fs::read(file).ok()?).ok()?).ok()
    }

    /// What an ask says to be let in.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.secret)
    }

    fn leave(&self, file: &Path) -> std::io::Result<()> {
        let text = contracts::json::to_json(self)?;
        // A file of a killed process may have been given other permissions; a new one has ours.
        let _ = fs::remove_file(file);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        writeln!(file, "{text}")
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.file) {
            tracing::debug!(%error, "the admin endpoint's pass could not be withdrawn");
        }
    }
}

const PASS: &str = "admin";
const JSON: &str = ".json";

/// Only one process at a time has an embedded log; on brokers each has its name.
fn pass_file(config: &Config) -> PathBuf {
    let name = match config.kafka {
        Some(_) => pass_of(config.process_name()),
        None => format!("{PASS}{JSON}"),
    };
    config.data_dir.join(name)
}

fn pass_of(process: &str) -> String {
    format!("{PASS}-{process}{JSON}")
}

fn router(desk: SharedDesk) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/ask", post(ask).layer(DefaultBodyLimit::max(ASK_BYTES_MAX)))
        .with_state(desk)
}

async fn live() -> Response {
    json_answer(StatusCode::OK, json!({"status": "live", "version": env!("CARGO_PKG_VERSION")}).to_string())
}

async fn ready(State(desk): State<SharedDesk>) -> Response {
    if desk.get().is_some_and(|desk| desk.standing.is_ready(desk.slots)) {
        return json_answer(StatusCode::OK, json!({"status": "ready"}).to_string());
    }
    json_answer(StatusCode::SERVICE_UNAVAILABLE, json!({"status": "starting"}).to_string())
}

async fn metrics(State(desk): State<SharedDesk>) -> Response {
    // Brokers are asked, and may take their time.
    let told = tokio::task::spawn_blocking(move || desk.get().map(Desk::measured)).await;
    match told.ok().flatten() {
        Some(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn ask(State(shared): State<SharedDesk>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(desk) = shared.get() else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, 75, "the process is starting; ask again in a moment".into());
    };
    if !desk.lets_in(&headers) {
        return refuse(StatusCode::UNAUTHORIZED, 77, "the pass lies in admin.json of the data directory".into());
    }
    let ask = match Ask::parse(&body) {
        Ok(ask) => ask,
        Err(fault) => return refuse(StatusCode::BAD_REQUEST, 65, fault),
    };
    let service = Arc::clone(&desk.service);
    match tokio::task::spawn_blocking(move || service.carry_out(ask)).await {
        Ok(Ok(answer)) => json_answer(StatusCode::OK, answer.to_string()),
        Ok(Err(failure)) => refuse(status(&failure), failure.code(), failure.message()),
        Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, 1, "the ask could not be carried out".into()),
    }
}

impl Desk {
    /// The metrics, with how far the workers have come just now.
    fn measured(&self) -> String {
        let Self { plant, .. } = self;
        for stage in Stage::ALL {
            match plant.lag(stage) {
                Ok(lag) => plant.metrics.set(Metric::Lag, stage.as_str(), usize::try_from(lag).unwrap_or(usize::MAX)),
                Err(failure) => tracing::warn!(stage = stage.as_str(), error = failure.message(), "lag is not known"),
            }
        }
        plant.metrics.render()
    }

    /// Compares digests, so that the time taken says nothing about the secret.
    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        derive(&[given]) == derive(&[format!("Bearer {}", self.secret).as_bytes()])
    }
}

fn status(failure: &Failure) -> StatusCode {
    match failure {
        Failure::Input(_) => StatusCode::BAD_REQUEST,
        Failure::NotFound(_) => StatusCode::NOT_FOUND,
        Failure::Refused(_) => StatusCode::CONFLICT,
        Failure::Unavailable(_) | Failure::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
        Failure::Disk(_) => StatusCode::INSUFFICIENT_STORAGE,
        Failure::Config(_) | Failure::Accounts(_) | Failure::Other(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn refuse(status: StatusCode, exit_code: u8, message: String) -> Response {
    let refusal = Refusal { exit_code, message };
    json_answer(status, serde_json::to_string(&refusal).unwrap_or_default())
}

fn json_answer(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
