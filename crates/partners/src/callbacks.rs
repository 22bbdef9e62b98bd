//! The door partners call: verifies who speaks, reads what is said, and hands it on before it says yes. A partner that gets no 2xx
//! calls again; one that gets it twice may do so too, dispatch looks twice at most.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::messages::{PartnerMessage, PartnerStatus, Route};
use domain::partner::Registry;
use domain::{OperationId, PartnerId, RequestId, Timestamp, Trace};
use fleet::clock::Clock;
use fleet::evidence::BoxFuture;

use crate::caller::SetupError;
use crate::classify::problem_code;
use crate::signature::{Headers, key, verify};
use crate::wire::{CallbackBody, ExchangeStatus, is_reference};

/// Where messages go: the process writes them to `partner-messages`. Answers once they are durable.
pub trait Sink: Send + Sync {
    /// Takes one message, with the trace it came with, if any.
    fn take(&self, message: PartnerMessage, trace: Option<Trace>) -> BoxFuture<'_, Result<(), SinkError>>;
}

/// A message could not be written; the partner is asked to call again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message could not be written: {0}")]
pub struct SinkError(pub String);

/// The settings that hold where the configuration says nothing else: how old, or how far ahead, a signature may be.
pub const TOLERANCE: Duration = Duration::from_secs(300);

const BODY_BYTES_MAX: usize = 64 * 1024;

struct Door {
    partners: BTreeMap<PartnerId, Speaker>,
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    tolerance: Duration,
}

/// A partner that may call.
struct Speaker {
    key: Vec<u8>,
    buckets: u32,
}

/// Why a call is turned away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
    /// No partner of this name calls us.
    Unknown,
    /// The signature is missing, wrong or too old.
    Unsigned,
    /// Signed, but not a message.
    Malformed,
    /// Not now.
    Unavailable,
}

/// The door's routes: `POST /callbacks/{partner}/{request_id}`, the address that goes out with each request.
///
/// # Errors
/// A partner whose secret can't be used.
pub fn router(
    registry: &Registry,
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    tolerance: Duration,
) -> Result<Router, SetupError> {
    let mut partners = BTreeMap::new();
    for partner in registry.iter() {
        let Some(door) = &partner.callback else { continue };
        let key = key(&door.secret).ok_or_else(|| SetupError::Secret { partner: partner.id.clone() })?;
        partners.insert(partner.id.clone(), Speaker { key, buckets: partner.buckets });
    }
    let door = Arc::new(Door { partners, sink, clock, tolerance });
    Ok(Router::new()
        .route("/callbacks/{partner}/{request_id}", post(callback))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(door))
}

async fn callback(
    State(door): State<Arc<Door>>,
    Path((partner, request_id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let partner = PartnerId::from(partner);
    let now = Timestamp(door.clock.now_ms());
    let message_id = door.verify(&partner, &headers, &body, now)?;
    let message = door.read(&partner, &request_id, message_id, &body, now)?;
    let operation_id = message.operation_id;
    let trace = header(&headers, "traceparent").and_then(Trace::parse);
    door.sink.take(message, trace).await.map_err(|error| {
        tracing::warn!(%partner, %operation_id, error = %error, "callback not taken");
        Refusal::Unavailable
    })?;
    Ok(StatusCode::NO_CONTENT)
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

// === impl Door ===

impl Door {
    /// The message's id, if the partner has signed it.
    fn verify(&self, partner: &PartnerId, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<String, Refusal> {
        let speaker = self.partners.get(partner).ok_or(Refusal::Unknown)?;
        let needed = |name| header(headers, name).filter(|value| value.len() <= 1_000).ok_or(Refusal::Unsigned);
        let id = needed("webhook-id")?;
        let signed = Headers { id, timestamp: needed("webhook-timestamp")?, signature: needed("webhook-signature")? };
        if verify(&speaker.key, signed, body, now, self.tolerance) { Ok(id.to_owned()) } else { Err(Refusal::Unsigned) }
    }

    fn read(
        &self,
        partner: &PartnerId,
        request_id: &str,
        message_id: String,
        body: &[u8],
        now: Timestamp,
    ) -> Result<PartnerMessage, Refusal> {
        let request_id: RequestId = request_id.parse().map_err(|_| Refusal::Malformed)?;
        let body: CallbackBody = serde_json::from_slice(body).map_err(|_| Refusal::Malformed)?;
        let operation_id: OperationId = body.operation_id.parse().map_err(|_| Refusal::Malformed)?;
        if !is_reference(&body.reference) {
            return Err(Refusal::Malformed);
        }
        let manifest = match &body.manifest {
            Some(manifest) => Some(manifest.read().ok_or(Refusal::Malformed)?),
            None => None,
        };
        let buckets = self.partners.get(partner).map_or(1, |speaker| speaker.buckets);
        Ok(PartnerMessage {
            request_id,
            route: Route::of(partner, buckets, request_id),
            operation_id,
            message_id,
            reference: body.reference,
            status: status(body.status),
            manifest,
            code: body.problem.and_then(|problem| problem_code(problem.kind.as_deref()?)),
            received_at: now,
        })
    }
}

fn status(status: ExchangeStatus) -> PartnerStatus {
    match status {
        ExchangeStatus::Accepted => PartnerStatus::Accepted,
        ExchangeStatus::Completed => PartnerStatus::Completed,
        ExchangeStatus::Failed => PartnerStatus::Failed,
        ExchangeStatus::Cancelled => PartnerStatus::Cancelled,
    }
}

// === impl Refusal ===

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, title) = match self {
            Self::Unknown => (StatusCode::NOT_FOUND, "No partner of this name calls us"),
            Self::Unsigned => (StatusCode::UNAUTHORIZED, "The signature is missing, wrong or too old"),
            Self::Malformed => (StatusCode::BAD_REQUEST, "The body is no callback"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Call again later"),
        };
        let body = format!(r#"{{"type":"about:blank","title":"{title}","status":{}}}"#, status.as_u16());
        (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}

#[cfg(test)]
mod tests;
