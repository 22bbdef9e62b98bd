//! The HTTP door of all payers: reads requests, lets the model decide, gives back what it says when it says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use tokio::sync::Notify;
use uuid::Uuid;

use super::answer::{Answer, Delivery};
use super::callback::Callback;
use super::exchange::Reference;
use super::model::{PartnerModel, Request};
use super::oracle::{Effects, Oracle};
use super::payer::Payer;
use super::render::render;
use super::wire::{Problem, ProblemKind};

/// One payer behind the door.
pub(super) struct Desk {
    payer: Payer,
    model: Mutex<PartnerModel>,
    promised: Notify,
}

/// All payers, by id.
pub(super) struct Hall(BTreeMap<String, Arc<Desk>>);

#[derive(Deserialize)]
struct ByKey {
    idempotency_key: Option<Uuid>,
}

/// The paths that the sandbox answers.
pub(super) fn router(hall: Arc<Hall>) -> Router {
    Router::new()
        .route("/{payer}/exchanges", post(send).get(find))
        .route("/{payer}/exchanges/{reference}", get(status).delete(cancel))
        .route("/{payer}/exchanges/{reference}/data", get(data))
        .route("/{payer}/exchanges/{reference}/compensate", post(compensate))
        .route("/oracle", get(oracle))
        .route("/oracle/operations", get(operations))
        .with_state(hall)
}

/// Milliseconds since the epoch.
pub(super) fn epoch_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

// === impl Desk ===

impl Desk {
    pub(super) fn new(model: PartnerModel) -> Self {
        Self { payer: model.payer().clone(), model: Mutex::new(model), promised: Notify::new() }
    }

    pub(super) fn payer(&self) -> &Payer {
        &self.payer
    }

    pub(super) fn next_callback_ms(&self) -> Option<i64> {
        self.model().next_callback_ms()
    }

    pub(super) fn poll_callback(&self) -> Option<Callback> {
        self.model().poll_callback(epoch_ms())
    }

    /// Waits until a callback may have been promised.
    pub(super) async fn promised(&self) {
        self.promised.notified().await;
    }

    fn model(&self) -> MutexGuard<'_, PartnerModel> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request) -> Response {
        let (reply, promised) = {
            let mut model = self.model();
            let before_ms = model.next_callback_ms();
            let reply = model.handle(epoch_ms(), request);
            (reply, model.next_callback_ms() != before_ms)
        };
        if promised {
            self.promised.notify_one();
        }
        if reply.after_ms > 0 {
            tokio::time::sleep(Duration::from_millis(reply.after_ms)).await;
        }
        render(reply.delivery)
    }
}

// === impl Hall ===

impl Hall {
    pub(super) fn new(models: impl Iterator<Item = PartnerModel>) -> Self {
        Self(models.map(|model| (model.payer().id.clone(), Arc::new(Desk::new(model)))).collect())
    }

    pub(super) fn desks(&self) -> impl Iterator<Item = &Arc<Desk>> {
        self.0.values()
    }

    pub(super) fn desk(&self, payer: &str) -> Option<&Arc<Desk>> {
        self.0.get(payer)
    }

    /// The side effects of each operation, summed over the payers.
    pub(super) fn effects(&self) -> BTreeMap<Uuid, Effects> {
        let mut sums = BTreeMap::<Uuid, Effects>::new();
        for desk in self.0.values() {
            for (id, effects) in desk.model().effects() {
                *sums.entry(id).or_default() += effects;
            }
        }
        sums
    }

    /// What all payers did so far.
    pub(super) fn oracle(&self) -> Oracle {
        let payers = self.0.iter().map(|(id, desk)| (id.clone(), desk.model().counts().clone())).collect();
        Oracle::new(payers, &self.effects())
    }

    async fn answer(&self, payer: &str, request: Result<Request, Problem>) -> Response {
        match (self.desk(payer), request) {
            (Some(desk), Ok(request)) => desk.answer(request).await,
            (None, _) => refusal(ProblemKind::Unknown),
            (Some(_), Err(problem)) => refusal(problem),
        }
    }
}

fn refusal(problem: impl Into<Problem>) -> Response {
    render(Delivery::Whole(Answer::from(problem.into())))
}

type Halls = State<Arc<Hall>>;

async fn send(State(hall): Halls, Path(payer): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let request = idempotency_key(&headers).and_then(|key| Request::send(key, &body));
    hall.answer(&payer, request).await
}

async fn find(State(hall): Halls, Path(payer): Path<String>, Query(by): Query<ByKey>) -> Response {
    let missing = || Problem::new(ProblemKind::InvalidRequest, "the query idempotency_key is missing");
    let request = by.idempotency_key.map(|key| Request::StatusByKey { key }).ok_or_else(missing);
    hall.answer(&payer, request).await
}

async fn status(State(hall): Halls, Path((payer, reference)): Path<(String, String)>) -> Response {
    let request = known(&reference).map(|reference| Request::Status { reference });
    hall.answer(&payer, request).await
}

async fn data(State(hall): Halls, Path((payer, reference)): Path<(String, String)>) -> Response {
    let request = known(&reference).map(|reference| Request::Data { reference });
    hall.answer(&payer, request).await
}

async fn cancel(State(hall): Halls, Path((payer, reference)): Path<(String, String)>) -> Response {
    let request = known(&reference).map(|reference| Request::Cancel { reference });
    hall.answer(&payer, request).await
}

async fn compensate(
    State(hall): Halls,
    Path((payer, reference)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let request = known(&reference).and_then(|reference| {
        let key = idempotency_key(&headers)?.ok_or(ProblemKind::IdempotencyKeyMissing)?;
        Ok(Request::Compensate { reference, key })
    });
    hall.answer(&payer, request).await
}

async fn oracle(State(hall): Halls) -> Response {
    Json(hall.oracle()).into_response()
}

async fn operations(State(hall): Halls) -> Response {
    Json(hall.effects()).into_response()
}

fn known(reference: &str) -> Result<Reference, Problem> {
    reference.parse().map_err(|_| ProblemKind::Unknown.into())
}

/// The `Idempotency-Key`, a structured-field string: a UUID in quotes.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<Uuid>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().ok().and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"'));
    match text.and_then(|text| Uuid::try_parse(text).ok()) {
        Some(key) => Ok(Some(key)),
        None => Err(Problem::new(ProblemKind::InvalidRequest, "the idempotency key is not a UUID in quotes")),
    }
}
