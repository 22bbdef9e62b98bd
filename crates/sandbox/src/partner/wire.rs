//! The bodies of the exchange protocol, as they stand in JSON.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use super::records::ResourceSet;

/// Whether an operation asks for data or takes an earlier one back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Asks for a member's data.
    Request,
    /// Takes an earlier operation back.
    Compensate,
}

/// The body of `POST /exchanges`. It holds personal data, so it has no `Debug`, and nothing keeps it.
#[derive(Hash, Deserialize)]
pub(super) struct ExchangeRequest {
    operation_id: Uuid,
    kind: Kind,
    requester: String,
    member: Option<Member>,
    coverage_to_match: Option<Coverage>,
    coverage_to_link: Option<Coverage>,
    consent: Option<Consent>,
    attestation: Option<Value>,
    ask: Option<Ask>,
    callback_url: Option<String>,
}

#[derive(Hash, Deserialize)]
struct Member {
    family: String,
    given: Vec<String>,
    birth_date: String,
    sex: Option<String>,
}

#[derive(Hash, Deserialize)]
struct Coverage {
    payer: String,
    member_id: String,
    subscriber_id: Option<String>,
}

#[derive(Hash, Deserialize)]
struct Consent {
    policy: String,
    start: String,
    end: String,
    reference: String,
}

#[derive(Hash, Deserialize)]
struct Ask {
    resource_types: Vec<String>,
    since: Option<String>,
    service_from: Option<String>,
    service_to: Option<String>,
}

/// What of a request decides the payer's work; free of personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The operation, which is also the idempotency key.
    pub operation_id: Uuid,
    /// What is asked.
    pub kind: Kind,
    /// Stands for the whole payload less the callback address, which may differ between attempts.
    pub fingerprint: u64,
    /// The record types asked for.
    pub resources: ResourceSet,
    /// Where a payer that calls back should call.
    pub callback_url: Option<String>,
}

/// Where an exchange stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeStatus {
    /// Taken on, not yet done.
    Accepted,
    /// Done; the data can be fetched.
    Completed,
    /// Will not be done; the problem says why.
    Failed,
    /// Cancelled before it was done.
    Cancelled,
}

/// What the data consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Number of records, one a line.
    pub records: u32,
    /// SHA-256 of the whole body, in lower-case hex.
    pub sha256: String,
    /// Where the data is.
    pub url: String,
}

/// The body of an answer about an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExchangeState {
    /// Where it stands.
    pub status: ExchangeStatus,
    /// The payer's name for the exchange.
    pub reference: String,
    /// Present when data was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Manifest>,
    /// Present when failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// The body of a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallbackMessage {
    /// The operation the exchange belongs to.
    pub operation_id: Uuid,
    /// The payer's name for the exchange.
    pub reference: String,
    /// Where it stands.
    pub status: ExchangeStatus,
    /// Present when data was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Manifest>,
    /// Present when failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// An RFC 9457 problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The type, a URI whose last segment is the stable code.
    #[serde(rename = "type")]
    pub kind: ProblemKind,
    /// The type in words.
    pub title: &'static str,
    /// The HTTP status it goes with.
    pub status: u16,
    /// What went wrong this time; never personal data.
    pub detail: Cow<'static, str>,
}

/// Everything a payer may object to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// No member fits.
    NoMatch,
    /// Several members fit.
    MultipleMatches,
    /// The consent does not suffice.
    Consent,
    /// The request cannot be understood.
    InvalidRequest,
    /// A deduplicating payer needs a key.
    IdempotencyKeyMissing,
    /// The key is not the operation's.
    IdempotencyKeyMismatch,
    /// The key came before with another payload.
    IdempotencyKeyReused,
    /// The first request under this key is still being answered.
    InFlight,
    /// What is done cannot be cancelled.
    AlreadyCompleted,
    /// What is not done has no data and cannot be compensated.
    NotCompleted,
    /// No such payer or exchange.
    Unknown,
    /// This payer cannot do that.
    Unsupported,
    /// Too many requests.
    Throttled,
    /// Something broke.
    Internal,
    /// Something behind the payer's door broke.
    BadGateway,
    /// Out of service for a moment.
    Unavailable,
}

// === impl ExchangeRequest ===

impl ExchangeRequest {
    /// Reads a body. The error names the place but never a value.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(body).map_err(|error| {
            let place = format!("not an exchange request: line {}, column {}", error.line(), error.column());
            Problem::new(ProblemKind::InvalidRequest, place)
        })
    }

    /// The part that decides the payer's work, once everything needed is there.
    pub(super) fn into_order(self) -> Result<Order, Problem> {
        let needed = [
            ("member", self.member.is_some()),
            ("coverage_to_match", self.coverage_to_match.is_some()),
            ("consent", self.consent.is_some()),
            ("attestation", self.attestation.is_some()),
            ("ask", self.ask.is_some()),
        ];
        let missing = needed.into_iter().find(|(_, present)| self.kind == Kind::Request && !present);
        if let Some((field, _)) = missing {
            return Err(Problem::new(ProblemKind::InvalidRequest, format!("{field} is missing")));
        }
        let callback_url = self.callback_url;
        let request = Self { callback_url: None, ..self };
        let asked = request.ask.as_ref().map_or(&[][..], |ask| &ask.resource_types);
        Ok(Order {
            operation_id: request.operation_id,
            kind: request.kind,
            fingerprint: fingerprint(&request),
            resources: ResourceSet::named(asked.iter().map(String::as_str)),
            callback_url,
        })
    }
}

/// A number that stands for a payload for as long as this process lives.
pub(super) fn fingerprint(payload: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    payload.hash(&mut hasher);
    hasher.finish()
}

// === impl Problem ===

impl Problem {
    pub(super) fn new(kind: ProblemKind, detail: impl Into<Cow<'static, str>>) -> Self {
        let (_, status, title) = kind.card();
        Self { kind, title, status, detail: detail.into() }
    }
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Self {
        let (_, _, title) = kind.card();
        Self::new(kind, title)
    }
}

// === impl ProblemKind ===

impl ProblemKind {
    /// The stable code: the last segment of the problem's type.
    pub fn code(self) -> &'static str {
        self.card().0
    }

    const fn card(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::NoMatch => ("no-match", 422, "No member matches"),
            Self::MultipleMatches => ("multiple-matches", 422, "Several members match"),
            Self::Consent => ("consent", 422, "The consent does not cover this disclosure"),
            Self::InvalidRequest => ("invalid-request", 400, "The request is not valid"),
            Self::IdempotencyKeyMissing => ("idempotency-key-missing", 400, "An idempotency key is needed"),
            Self::IdempotencyKeyMismatch => ("idempotency-key-mismatch", 400, "The key is not the operation's id"),
            Self::IdempotencyKeyReused => ("idempotency-key-reused", 422, "The key came with another payload before"),
            Self::InFlight => ("in-flight", 409, "The first request under this key is still being answered"),
            Self::AlreadyCompleted => ("already-completed", 409, "The exchange is done"),
            Self::NotCompleted => ("not-completed", 409, "The exchange is not done"),
            Self::Unknown => ("unknown", 404, "Nothing is known under this name"),
            Self::Unsupported => ("unsupported", 404, "This payer does not offer that"),
            Self::Throttled => ("throttled", 429, "Too many requests"),
            Self::Internal => ("internal", 500, "Something broke"),
            Self::BadGateway => ("bad-gateway", 502, "A system behind this one broke"),
            Self::Unavailable => ("unavailable", 503, "Out of service for a moment"),
        }
    }
}

impl Serialize for ProblemKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("https://sandbox.example/problems/{}", self.code()))
    }
}
